import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('trial', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Assessment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('timepoint', models.CharField(max_length=40)),
                ('instrument', models.CharField(max_length=20)),
                ('position', models.PositiveSmallIntegerField()),
                ('version', models.PositiveIntegerField()),
                ('opens_at', models.DateTimeField(blank=True, null=True)),
                ('closes_at', models.DateTimeField(blank=True, null=True)),
                ('opened_at', models.DateTimeField(blank=True, null=True)),
                ('submitted_at', models.DateTimeField(blank=True, null=True)),
                ('declined_at', models.DateTimeField(blank=True, null=True)),
                ('withdrawn_at', models.DateTimeField(blank=True, null=True)),
                ('answers', models.JSONField(default=dict)),
                ('item_states', models.JSONField(default=dict)),
                ('scores', models.JSONField(default=dict)),
                ('prorated', models.BooleanField(default=False)),
                ('language', models.CharField(blank=True, max_length=5)),
                ('mode', models.CharField(blank=True, max_length=12)),
                ('entered_by', models.CharField(blank=True, max_length=80)),
                ('participant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='assessments', to='trial.participant')),
                ('study', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.study')),
            ],
            options={
                'ordering': ['participant', 'opens_at', 'position'],
                'indexes': [
                    models.Index(condition=models.Q(('declined_at__isnull', True), ('submitted_at__isnull', True), ('withdrawn_at__isnull', True)), fields=['study', 'closes_at'], name='assessments_not_ended'),
                    models.Index(condition=models.Q(('declined_at__isnull', True), ('submitted_at__lte', models.F('closes_at')), ('withdrawn_at__isnull', True)), fields=['study', 'timepoint', 'instrument', 'submitted_at'], name='assessments_answered'),
                    models.Index(condition=models.Q(('declined_at__isnull', True), ('submitted_at__isnull', True), ('withdrawn_at__isnull', True)), fields=['study', 'timepoint', 'instrument', 'opens_at', 'closes_at', 'opened_at'], name='assessments_by_date'),
                    models.Index(condition=models.Q(('declined_at__isnull', False), ('withdrawn_at__isnull', False), ('submitted_at__gt', models.F('closes_at')), models.Q(('closes_at__isnull', True), ('submitted_at__isnull', False)), _connector='OR'), fields=['study'], name='assessments_ended_otherwise'),
                ],
                'constraints': [models.UniqueConstraint(fields=('participant', 'timepoint', 'instrument'), name='one_assessment_per_instrument_and_timepoint')],
            },
        ),
        migrations.CreateModel(
            name='Schedule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('timepoint', models.CharField(max_length=40)),
                ('granted_at', models.DateTimeField()),
                ('opening', models.JSONField()),
                ('window', models.PositiveIntegerField()),
                ('opens_at', models.DateTimeField(blank=True, null=True)),
                ('closes_at', models.DateTimeField(blank=True, null=True)),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('participant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.participant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('participant', 'timepoint'), name='one_schedule_per_timepoint')],
            },
        ),
        migrations.CreateModel(
            name='ScreeningAnswer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('instrument', models.CharField(max_length=20)),
                ('answers', models.JSONField()),
                ('score', models.FloatField(null=True)),
                ('answered_at', models.DateTimeField()),
                ('participant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.participant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('participant', 'instrument'), name='one_screening_per_instrument')],
            },
        ),
    ]
