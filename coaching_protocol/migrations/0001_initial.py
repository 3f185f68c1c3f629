import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('trial', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CoachingPlan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('protocol', models.CharField(max_length=40)),
                ('planned_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('participant', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.participant')),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.study')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Contact',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField()),
                ('opens_on', models.DateField()),
                ('due_on', models.DateField()),
                ('closes_on', models.DateField()),
                ('appointment_at', models.DateTimeField(blank=True, null=True)),
                ('state', models.CharField(choices=[('planned', 'planned'), ('held', 'held'), ('not_held', 'not_held'), ('cancelled', 'cancelled')], default='planned', max_length=10)),
                ('held_at', models.DateTimeField(blank=True, null=True)),
                ('plan', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='contacts', to='coaching_protocol.coachingplan')),
                ('study', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.study')),
            ],
            options={
                'ordering': ['plan', 'number'],
                'indexes': [models.Index(condition=models.Q(('state', 'planned')), fields=['plan', 'number'], name='contacts_planned'), models.Index(condition=models.Q(('state', 'cancelled'), _negated=True), fields=['study', 'due_on'], name='contacts_by_day')],
            },
        ),
        migrations.CreateModel(
            name='Attempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('started_at', models.DateTimeField()),
                ('logged_at', models.DateTimeField(blank=True, null=True)),
                ('outcome', models.CharField(blank=True, max_length=12)),
                ('minutes', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('protocol', models.CharField(max_length=40)),
                ('protocol_version', models.CharField(max_length=20)),
                ('steps_done', models.JSONField(default=list)),
                ('deviations', models.JSONField(default=list)),
                ('note_sealed', models.TextField(blank=True)),
                ('coach', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('contact', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='attempts', to='coaching_protocol.contact')),
            ],
            options={
                'ordering': ['contact', 'started_at'],
                'indexes': [models.Index(fields=['started_at'], name='attempts_by_day')],
            },
        ),
        migrations.CreateModel(
            name='Correction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('corrected_at', models.DateTimeField()),
                ('reason', models.CharField(max_length=20)),
                ('started_at', models.DateTimeField()),
                ('outcome', models.CharField(max_length=12)),
                ('minutes', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('steps_done', models.JSONField(default=list)),
                ('deviations', models.JSONField(default=list)),
                ('note_sealed', models.TextField(blank=True)),
                ('attempt', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='corrections', to='coaching_protocol.attempt')),
                ('corrected_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['attempt', 'corrected_at', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='CoachAssignment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('since_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('reason', models.CharField(blank=True, max_length=200)),
                ('coach', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('plan', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='assignments', to='coaching_protocol.coachingplan')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('plan',), name='one_coach_at_a_time')],
            },
        ),
        migrations.CreateModel(
            name='CallSummary',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('is_ended', models.BooleanField(default=False)),
                ('number', models.PositiveSmallIntegerField(null=True)),
                ('opens_on', models.DateField(null=True)),
                ('closes_on', models.DateField(null=True)),
                ('appointment_at', models.DateTimeField(null=True)),
                ('is_begun', models.BooleanField(default=False)),
                ('last_tried_at', models.DateTimeField(null=True)),
                ('held', models.PositiveSmallIntegerField(default=0)),
                ('tried', models.PositiveSmallIntegerField(default=0)),
                ('tried_until', models.DateField(null=True)),
                ('cancelled_late', models.PositiveSmallIntegerField(default=0)),
                ('conversations', models.PositiveSmallIntegerField(default=0)),
                ('minutes', models.PositiveIntegerField(default=0)),
                ('coach', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('plan', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='summary', to='coaching_protocol.coachingplan')),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.study')),
            ],
        ),
        migrations.AddConstraint(
            model_name='contact',
            constraint=models.UniqueConstraint(fields=('plan', 'number'), name='one_contact_per_number'),
        ),
        migrations.AddConstraint(
            model_name='attempt',
            constraint=models.UniqueConstraint(condition=models.Q(('logged_at__isnull', True)), fields=('contact',), name='one_open_attempt_per_contact'),
        ),
    ]
