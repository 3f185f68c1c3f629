import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('trial', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Report',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('product', models.CharField(choices=[('report', 'report'), ('export', 'export')], default='report', max_length=10)),
                ('kind', models.CharField(choices=[('blinded', 'blinded'), ('by_arm', 'by_arm')], max_length=10)),
                ('language', models.CharField(default='en', max_length=5)),
                ('state', models.CharField(choices=[('requested', 'requested'), ('made', 'made'), ('failed', 'failed')], default='requested', max_length=10)),
                ('requested_by', models.CharField(max_length=80)),
                ('requested_at', models.DateTimeField()),
                ('claimed_at', models.DateTimeField(blank=True, null=True)),
                ('made_at', models.DateTimeField(blank=True, null=True)),
                ('failure', models.CharField(blank=True, max_length=300)),
                ('snapshot_hash', models.CharField(blank=True, max_length=64)),
                ('seal', models.CharField(blank=True, max_length=90)),
                ('pdf', models.BinaryField(blank=True, null=True)),
                ('html', models.BinaryField(blank=True, null=True)),
                ('results', models.BinaryField(blank=True, null=True)),
                ('archive', models.BinaryField(blank=True, null=True)),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.study')),
            ],
            options={
                'indexes': [models.Index(fields=['state', 'requested_at'], name='reports_rep_state_14b7cf_idx')],
            },
        ),
    ]
