import django.db.models.deletion
import randomisation.models.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('trial', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Allocation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('point', models.CharField(default='start', max_length=40)),
                ('kind', models.CharField(default='drawn', max_length=10)),
                ('stratum', models.CharField(max_length=200)),
                ('draw_index', models.PositiveIntegerField(null=True)),
                ('cluster', models.CharField(blank=True, max_length=80)),
                ('draws_for', models.CharField(max_length=80, null=True)),
                ('arm', models.CharField(max_length=40)),
                ('fake_arm', models.CharField(blank=True, max_length=44)),
                ('probabilities', randomisation.models.fields.SealedJSONField()),
                ('covariates', models.JSONField()),
                ('history_digest', models.CharField(max_length=64)),
                ('design_digest', models.CharField(max_length=64)),
                ('version', models.PositiveIntegerField()),
                ('request_key', models.CharField(blank=True, max_length=80)),
                ('allocated_at', models.DateTimeField()),
                ('participant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.participant')),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.study')),
            ],
        ),
        migrations.CreateModel(
            name='CodeBreak',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('point', models.CharField(default='start', max_length=40)),
                ('reason', models.CharField(max_length=40)),
                ('note_sealed', models.TextField(blank=True)),
                ('by', models.CharField(max_length=80)),
                ('role', models.CharField(blank=True, max_length=20)),
                ('at', models.DateTimeField()),
                ('is_emergency', models.BooleanField(default=False)),
                ('is_drill', models.BooleanField(default=False)),
                ('agreed_by', models.CharField(blank=True, max_length=80)),
                ('agreed_role', models.CharField(blank=True, max_length=20)),
                ('allocation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='randomisation.allocation')),
                ('participant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.participant')),
                ('proposal', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.proposal')),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.study')),
            ],
        ),
        migrations.CreateModel(
            name='Correction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('point', models.CharField(default='start', max_length=40)),
                ('reason', models.CharField(max_length=40)),
                ('note_sealed', models.TextField(blank=True)),
                ('by', models.CharField(max_length=80)),
                ('role', models.CharField(blank=True, max_length=20)),
                ('at', models.DateTimeField()),
                ('values', models.JSONField()),
                ('counts_from', models.PositiveIntegerField()),
                ('allocation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='randomisation.allocation')),
                ('participant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.participant')),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.study')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='ErrorMark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('point', models.CharField(default='start', max_length=40)),
                ('reason', models.CharField(max_length=40)),
                ('note_sealed', models.TextField(blank=True)),
                ('by', models.CharField(max_length=80)),
                ('role', models.CharField(blank=True, max_length=20)),
                ('at', models.DateTimeField()),
                ('kind', models.CharField(max_length=10)),
                ('agreed_by', models.CharField(blank=True, max_length=80)),
                ('counts_from', models.PositiveIntegerField(null=True)),
                ('allocation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='randomisation.allocation')),
                ('participant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.participant')),
                ('proposal', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.proposal')),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.study')),
            ],
        ),
        migrations.CreateModel(
            name='ForcedAllocation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('point', models.CharField(default='start', max_length=40)),
                ('reason', models.CharField(max_length=40)),
                ('note_sealed', models.TextField(blank=True)),
                ('by', models.CharField(max_length=80)),
                ('role', models.CharField(blank=True, max_length=20)),
                ('at', models.DateTimeField()),
                ('agreed_by', models.CharField(max_length=80)),
                ('allocation', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='randomisation.allocation')),
                ('participant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.participant')),
                ('proposal', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.proposal')),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.study')),
            ],
        ),
        migrations.CreateModel(
            name='Impact',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text_sealed', models.TextField()),
                ('by', models.CharField(max_length=80)),
                ('role', models.CharField(blank=True, max_length=20)),
                ('at', models.DateTimeField()),
                ('code_break', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='impacts', to='randomisation.codebreak')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Match',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('verdict', models.CharField(max_length=20)),
                ('by', models.CharField(max_length=80)),
                ('role', models.CharField(blank=True, max_length=20)),
                ('at', models.DateTimeField()),
                ('participant', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.participant')),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.study')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Scope',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('point', models.CharField(default='start', max_length=40)),
                ('name', models.CharField(max_length=200)),
                ('next_index', models.PositiveIntegerField(default=0)),
                ('carried', randomisation.models.fields.SealedHistoryField(null=True)),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.study')),
            ],
        ),
        migrations.CreateModel(
            name='SealedSeed',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ciphertext', models.TextField()),
                ('commitment', models.CharField(max_length=64)),
                ('design_digest', models.CharField(max_length=64)),
                ('method', models.CharField(max_length=30)),
                ('merkle_root', models.CharField(blank=True, max_length=64)),
                ('made_at', models.DateTimeField()),
                ('study', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.study')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='StageDecision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('point', models.CharField(max_length=40)),
                ('origin', models.CharField(max_length=40)),
                ('facts', models.JSONField()),
                ('is_eligible', models.BooleanField()),
                ('decided_at', models.DateTimeField()),
                ('participant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.participant')),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.study')),
            ],
        ),
        migrations.CreateModel(
            name='Switch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('level', models.CharField(max_length=10)),
                ('point', models.CharField(blank=True, max_length=40)),
                ('target', models.CharField(blank=True, max_length=200)),
                ('is_halted', models.BooleanField()),
                ('reason', models.CharField(max_length=40)),
                ('by', models.CharField(max_length=80)),
                ('role', models.CharField(blank=True, max_length=20)),
                ('at', models.DateTimeField()),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.study')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='TreatmentReceived',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('point', models.CharField(default='start', max_length=40)),
                ('reason', models.CharField(max_length=40)),
                ('note_sealed', models.TextField(blank=True)),
                ('by', models.CharField(max_length=80)),
                ('role', models.CharField(blank=True, max_length=20)),
                ('at', models.DateTimeField()),
                ('received_sealed', models.TextField()),
                ('allocation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='randomisation.allocation')),
                ('participant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.participant')),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.study')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.AddConstraint(
            model_name='allocation',
            constraint=models.UniqueConstraint(fields=('participant', 'point'), name='one_allocation_per_point'),
        ),
        migrations.AddConstraint(
            model_name='allocation',
            constraint=models.UniqueConstraint(fields=('study', 'point', 'stratum', 'draw_index'), name='one_draw_per_index'),
        ),
        migrations.AddConstraint(
            model_name='allocation',
            constraint=models.UniqueConstraint(fields=('study', 'point', 'draws_for'), name='one_draw_per_cluster'),
        ),
        migrations.AddConstraint(
            model_name='allocation',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('draw_index__isnull', False), ('kind', 'drawn')), models.Q(('draw_index__isnull', True), ('kind__in', ('cluster', 'forced'))), _connector='OR'), name='what_was_drawn_has_an_index'),
        ),
        migrations.AddConstraint(
            model_name='codebreak',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('agreed_by', ''), ('is_emergency', True), ('proposal__isnull', True)), models.Q(('is_emergency', False), ('proposal__isnull', False), models.Q(('agreed_by', ''), _negated=True)), _connector='OR'), name='alone_only_in_an_emergency'),
        ),
        migrations.AddConstraint(
            model_name='codebreak',
            constraint=models.CheckConstraint(condition=models.Q(('agreed_by', models.F('by')), _negated=True), name='a_code_is_broken_by_two'),
        ),
        migrations.AddConstraint(
            model_name='errormark',
            constraint=models.UniqueConstraint(fields=('allocation', 'kind'), name='marked_once'),
        ),
        migrations.AddConstraint(
            model_name='errormark',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('counts_from__isnull', False), ('kind', 'error'), models.Q(('agreed_by', ''), _negated=True)), models.Q(('agreed_by', ''), ('counts_from__isnull', True), ('kind', 'ineligible')), _connector='OR'), name='an_error_takes_two_people'),
        ),
        migrations.AddConstraint(
            model_name='errormark',
            constraint=models.CheckConstraint(condition=models.Q(('agreed_by', models.F('by')), _negated=True), name='a_mark_is_agreed_by_another'),
        ),
        migrations.AddConstraint(
            model_name='forcedallocation',
            constraint=models.CheckConstraint(condition=models.Q(('agreed_by', models.F('by')), _negated=True), name='a_hand_is_forced_by_two'),
        ),
        migrations.AddConstraint(
            model_name='scope',
            constraint=models.UniqueConstraint(fields=('study', 'point', 'name'), name='one_row_per_scope'),
        ),
        migrations.AddConstraint(
            model_name='stagedecision',
            constraint=models.UniqueConstraint(fields=('participant', 'point'), name='one_decision_per_stage'),
        ),
    ]
