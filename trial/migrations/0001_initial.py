import django.contrib.auth.models
import django.contrib.auth.validators
import django.db.models.deletion
import django.utils.timezone
import trial.models.fields
import trial.models.work
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditHead',
            fields=[
                ('stream', trial.models.fields.Bytes(max_length=80, primary_key=True, serialize=False)),
                ('study', models.CharField(max_length=50)),
                ('number', models.PositiveIntegerField()),
                ('hash', models.CharField(max_length=64)),
            ],
            options={
                'indexes': [models.Index(fields=['study', 'stream'], name='heads_of_study')],
            },
        ),
        migrations.CreateModel(
            name='AuditSealedHead',
            fields=[
                ('pk', models.CompositePrimaryKey('stream', 'number', blank=True, editable=False, primary_key=True, serialize=False)),
                ('seal', trial.models.fields.Bytes(max_length=90)),
                ('stream', trial.models.fields.Bytes(max_length=80)),
                ('number', models.PositiveIntegerField()),
                ('hash', models.CharField(max_length=64)),
            ],
            options={
                'indexes': [models.Index(fields=['seal', 'stream'], name='heads_of_seal')],
            },
        ),
        migrations.CreateModel(
            name='FailedSignIns',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hour', models.DateTimeField(unique=True)),
                ('count', models.PositiveIntegerField(default=0)),
                ('told_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='MailHost',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('away_since', models.DateTimeField(blank=True, null=True)),
                ('next_look_at', models.DateTimeField(blank=True, null=True)),
                ('told_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='ProtocolVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('sha256', models.CharField(max_length=64)),
                ('loaded_at', models.DateTimeField()),
                ('loaded_by', models.CharField(max_length=80)),
            ],
        ),
        migrations.CreateModel(
            name='Stamp',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=10)),
                ('stamped_at', models.DateTimeField()),
                ('marker_sealed', models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name='Study',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.SlugField(unique=True)),
                ('public_slug', models.SlugField(unique=True)),
                ('code_prefix', models.CharField(max_length=3)),
                ('state', models.CharField(choices=[('draft', 'draft'), ('open', 'open'), ('paused', 'paused'), ('closed', 'closed'), ('locked', 'locked')], default='draft', max_length=10)),
                ('simulated', models.BooleanField(default=False)),
                ('loaded_at', models.DateTimeField()),
                ('opened_at', models.DateTimeField(blank=True, null=True)),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
                ('locked_at', models.DateTimeField(blank=True, null=True)),
                ('open_languages', models.JSONField(default=list)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='User',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('username', models.CharField(error_messages={'unique': 'A user with that username already exists.'}, help_text='Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.', max_length=150, unique=True, validators=[django.contrib.auth.validators.UnicodeUsernameValidator()], verbose_name='username')),
                ('email', models.EmailField(blank=True, max_length=254, verbose_name='email address')),
                ('is_staff', models.BooleanField(default=False, help_text='Designates whether the user can log into this admin site.', verbose_name='staff status')),
                ('is_active', models.BooleanField(default=True, help_text='Designates whether this user should be treated as active. Unselect this instead of deleting accounts.', verbose_name='active')),
                ('date_joined', models.DateTimeField(default=django.utils.timezone.now, verbose_name='date joined')),
                ('full_name', models.CharField(blank=True, max_length=120)),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
            ],
            options={
                'verbose_name': 'user',
                'verbose_name_plural': 'users',
                'abstract': False,
            },
            managers=[
                ('objects', django.contrib.auth.models.UserManager()),
            ],
        ),
        migrations.CreateModel(
            name='ApiToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60)),
                ('salt', models.CharField(max_length=64)),
                ('token_hash', models.CharField(max_length=64, unique=True)),
                ('made_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='AuditEvent',
            fields=[
                ('pk', models.CompositePrimaryKey('stream', 'number', blank=True, editable=False, primary_key=True, serialize=False)),
                ('stream', trial.models.fields.Bytes(max_length=80)),
                ('number', models.PositiveIntegerField()),
                ('study', models.CharField(max_length=50)),
                ('action', models.CharField(max_length=60)),
                ('subject', models.CharField(max_length=120)),
                ('by', models.CharField(max_length=80)),
                ('role', models.CharField(blank=True, max_length=20)),
                ('at', models.DateTimeField()),
                ('recorded_at', models.DateTimeField()),
                ('old', models.TextField(blank=True)),
                ('new', models.TextField(blank=True)),
                ('reason', models.TextField(blank=True)),
                ('facts', models.TextField(blank=True)),
                ('facts_key', models.PositiveSmallIntegerField(null=True)),
                ('previous', models.CharField(max_length=64)),
                ('hash', models.CharField(max_length=64)),
            ],
            options={
                'indexes': [models.Index(fields=['study', 'action', 'subject'], name='events_by_action')],
            },
        ),
        migrations.CreateModel(
            name='AuditSeal',
            fields=[
                ('key', models.CharField(max_length=90, primary_key=True, serialize=False)),
                ('study', models.CharField(max_length=50)),
                ('number', models.PositiveIntegerField()),
                ('at', models.DateTimeField()),
                ('previous', models.CharField(max_length=64)),
                ('hash', models.CharField(max_length=64)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('study', 'number'), name='one_seal_per_number')],
            },
        ),
        migrations.CreateModel(
            name='DoorMail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('purpose', models.CharField(max_length=10)),
                ('handle', models.CharField(max_length=64, unique=True)),
                ('press', models.CharField(max_length=64, unique=True)),
                ('content', models.CharField(max_length=64)),
                ('code_hash', models.CharField(blank=True, max_length=64)),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('asked_at', models.DateTimeField(db_index=True)),
                ('used_at', models.DateTimeField(blank=True, null=True)),
                ('used_press', models.CharField(blank=True, max_length=64)),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Participant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=12, unique=True)),
                ('state', models.CharField(choices=[('screening', 'screening'), ('excluded', 'excluded'), ('consented', 'consented'), ('randomised', 'randomised'), ('completed', 'completed'), ('withdrawn', 'withdrawn')], default='screening', max_length=10)),
                ('simulated', models.BooleanField(default=False)),
                ('language', models.CharField(max_length=5)),
                ('timezone', models.CharField(max_length=40)),
                ('earlier_zones', models.JSONField(default=list)),
                ('site', models.CharField(blank=True, max_length=20)),
                ('answers', models.JSONField(default=dict)),
                ('began_at', models.DateTimeField()),
                ('verified_at', models.DateTimeField(blank=True, null=True)),
                ('consented_at', models.DateTimeField(blank=True, null=True)),
                ('randomised_at', models.DateTimeField(blank=True, null=True)),
                ('completed_at', models.DateTimeField(blank=True, null=True)),
                ('left_at', models.DateTimeField(blank=True, null=True)),
                ('left_stage', models.CharField(blank=True, max_length=20)),
                ('left_reason', models.CharField(blank=True, max_length=40)),
                ('corrected_stage', models.CharField(blank=True, max_length=20)),
                ('programme_stopped_at', models.DateTimeField(blank=True, null=True)),
                ('erased_at', models.DateTimeField(blank=True, null=True)),
                ('user', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='participant', to=settings.AUTH_USER_MODEL)),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.protocolversion')),
                ('study', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='participants', to='trial.study')),
            ],
        ),
        migrations.CreateModel(
            name='Journey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('passed', models.JSONField(default=list)),
                ('due_at', models.DateTimeField(blank=True, db_index=True, null=True)),
                ('failed_at', models.DateTimeField(blank=True, null=True)),
                ('participant', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='journey', to='trial.participant')),
            ],
        ),
        migrations.CreateModel(
            name='PersonKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sealed_key', models.TextField()),
                ('participant', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='key', to='trial.participant')),
            ],
        ),
        migrations.CreateModel(
            name='Proposal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('point', models.CharField(blank=True, max_length=40)),
                ('kind', models.CharField(max_length=20)),
                ('reason', models.CharField(blank=True, max_length=400)),
                ('note_sealed', models.TextField(blank=True)),
                ('content_sealed', models.TextField(blank=True)),
                ('is_drill', models.BooleanField(default=False)),
                ('until_at', models.DateTimeField(null=True)),
                ('passes_alone', models.BooleanField(default=False)),
                ('by', models.CharField(max_length=80)),
                ('role', models.CharField(blank=True, max_length=20)),
                ('at', models.DateTimeField()),
                ('participant', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.participant')),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.study')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(max_length=20)),
                ('email_sealed', models.TextField()),
                ('email_hash', models.CharField(max_length=64)),
                ('token_hash', models.CharField(max_length=64, unique=True)),
                ('invited_by', models.CharField(max_length=80)),
                ('invited_at', models.DateTimeField()),
                ('offered_at', models.DateTimeField(blank=True, null=True)),
                ('expires_at', models.DateTimeField()),
                ('accepted_at', models.DateTimeField(blank=True, null=True)),
                ('withdrawn_at', models.DateTimeField(blank=True, null=True)),
                ('proposal', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='invitation', to='trial.proposal')),
                ('study', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.study')),
            ],
        ),
        migrations.CreateModel(
            name='Decision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('is_agreed', models.BooleanField()),
                ('by', models.CharField(max_length=80)),
                ('role', models.CharField(blank=True, max_length=20)),
                ('at', models.DateTimeField()),
                ('proposal', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='decision', to='trial.proposal')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='AddressChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('old_sealed', models.TextField()),
                ('new_sealed', models.TextField(blank=True)),
                ('nonce', models.CharField(max_length=32)),
                ('token_hash', models.CharField(max_length=64, unique=True)),
                ('due_at', models.DateTimeField(blank=True, null=True)),
                ('changed_at', models.DateTimeField(blank=True, null=True)),
                ('stopped_at', models.DateTimeField(blank=True, null=True)),
                ('taken_back_at', models.DateTimeField(blank=True, null=True)),
                ('participant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.participant')),
                ('proposal', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='address_change', to='trial.proposal')),
            ],
        ),
        migrations.CreateModel(
            name='ProtocolText',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('document', models.JSONField()),
                ('sealed', models.TextField(blank=True)),
                ('version', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.protocolversion')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Consent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(default='study', max_length=10)),
                ('text_version', models.CharField(max_length=20)),
                ('language', models.CharField(max_length=5)),
                ('text_sha256', models.CharField(max_length=64)),
                ('statements', models.JSONField(default=list)),
                ('comprehension', models.JSONField(default=dict)),
                ('signature_sealed', models.TextField(blank=True)),
                ('signed_at', models.DateTimeField()),
                ('participant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='consents', to='trial.participant')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.protocolversion')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='RequestKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('person', models.CharField(max_length=80)),
                ('action', models.CharField(max_length=80)),
                ('key', models.CharField(max_length=80)),
                ('digest', models.CharField(max_length=64)),
                ('result', models.JSONField(null=True)),
                ('claimed_at', models.DateTimeField(db_index=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('person', 'action', 'key'), name='one_effect_per_key')],
            },
        ),
        migrations.AddField(
            model_name='protocolversion',
            name='study',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='trial.study'),
        ),
        migrations.CreateModel(
            name='MonthlyShare',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('month', models.DateField()),
                ('what', models.CharField(max_length=20)),
                ('percent', models.PositiveSmallIntegerField(null=True)),
                ('counted_at', models.DateTimeField()),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.study')),
            ],
        ),
        migrations.CreateModel(
            name='Message',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('handle', models.CharField(default=trial.models.work.new_handle, editable=False, max_length=20, unique=True)),
                ('kind', models.CharField(max_length=30)),
                ('subject_ref', models.CharField(max_length=60)),
                ('state', models.CharField(choices=[('queued', 'queued'), ('sending', 'sending'), ('uncertain', 'uncertain'), ('failed', 'failed'), ('sent', 'sent'), ('cancelled', 'cancelled')], default='queued', max_length=10)),
                ('due_at', models.DateTimeField()),
                ('claimed_until', models.DateTimeField(blank=True, null=True)),
                ('handed_over_at', models.DateTimeField(blank=True, null=True)),
                ('settled_at', models.DateTimeField(blank=True, null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('trying_since', models.DateTimeField(blank=True, null=True)),
                ('problem', models.CharField(blank=True, max_length=10)),
                ('participant', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='trial.participant')),
                ('study', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.study')),
            ],
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(max_length=20)),
                ('since_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('invitation', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.invitation')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to=settings.AUTH_USER_MODEL)),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='trial.study')),
            ],
        ),
        migrations.CreateModel(
            name='Identity',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name_sealed', models.TextField()),
                ('email_sealed', models.TextField()),
                ('phone_sealed', models.TextField()),
                ('call_times_sealed', models.TextField(blank=True)),
                ('email_hash', models.CharField(max_length=64)),
                ('phone_hash', models.CharField(max_length=64)),
                ('verified_at', models.DateTimeField()),
                ('phone_changed_at', models.DateTimeField(blank=True, null=True)),
                ('participant', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='identity', to='trial.participant')),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.study')),
            ],
            options={
                'verbose_name_plural': 'identities',
            },
        ),
        migrations.CreateModel(
            name='Alert',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=30)),
                ('subject_ref', models.CharField(blank=True, max_length=60)),
                ('state', models.CharField(choices=[('raised', 'raised'), ('taken', 'taken'), ('closed', 'closed')], default='raised', max_length=10)),
                ('raised_at', models.DateTimeField()),
                ('deadline_at', models.DateTimeField()),
                ('taken_by', models.CharField(blank=True, max_length=80)),
                ('taken_at', models.DateTimeField(blank=True, null=True)),
                ('closed_by', models.CharField(blank=True, max_length=80)),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
                ('phone_sealed', models.TextField(blank=True)),
                ('done_sealed', models.TextField(blank=True)),
                ('participant', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='alerts', to='trial.participant')),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='alerts', to='trial.study')),
            ],
        ),
        migrations.CreateModel(
            name='WaitingMail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sealed', models.TextField()),
                ('claimed_at', models.DateTimeField(blank=True, null=True)),
                ('about', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='waiting', to='trial.doormail')),
            ],
        ),
        migrations.CreateModel(
            name='ModuleUse',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('module', models.CharField(max_length=40)),
                ('begun_at', models.DateTimeField()),
                ('last_used_at', models.DateTimeField()),
                ('done_at', models.DateTimeField(blank=True, null=True)),
                ('participant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.participant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('participant', 'module'), name='one_use_per_module')],
            },
        ),
        migrations.CreateModel(
            name='Milestone',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60)),
                ('reached_at', models.DateTimeField()),
                ('participant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='milestones', to='trial.participant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('participant', 'name'), name='one_milestone_per_name')],
            },
        ),
        migrations.CreateModel(
            name='Grant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=12)),
                ('code', models.CharField(max_length=40)),
                ('granted_at', models.DateTimeField()),
                ('opens', models.JSONField(default=dict)),
                ('opens_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('participant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.participant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('participant', 'kind', 'code'), name='one_grant_per_thing')],
            },
        ),
        migrations.CreateModel(
            name='ExerciseAnswer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('module', models.CharField(max_length=40)),
                ('exercise', models.CharField(max_length=40)),
                ('value_sealed', models.TextField()),
                ('saved_at', models.DateTimeField()),
                ('participant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.participant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('participant', 'module', 'exercise'), name='one_answer_per_exercise')],
            },
        ),
        migrations.CreateModel(
            name='Draft',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('place', models.CharField(max_length=40)),
                ('text_sealed', models.TextField()),
                ('request_key', models.CharField(db_index=True, max_length=40)),
                ('sequence', models.BigIntegerField()),
                ('saved_at', models.DateTimeField(db_index=True)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('about', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.participant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('owner', 'place'), name='one_draft_per_form')],
            },
        ),
        migrations.CreateModel(
            name='Confirmation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=20)),
                ('subject', models.CharField(max_length=120)),
                ('simulated', models.BooleanField(default=False)),
                ('confirmed_by', models.CharField(max_length=80)),
                ('confirmed_at', models.DateTimeField()),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='confirmations', to='trial.protocolversion')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('version', 'kind', 'subject'), name='one_confirmation')],
            },
        ),
        migrations.AddConstraint(
            model_name='protocolversion',
            constraint=models.UniqueConstraint(fields=('study', 'number'), name='one_version_per_number'),
        ),
        migrations.AddIndex(
            model_name='participant',
            index=models.Index(fields=['study', 'state'], name='trial_parti_study_i_fe96ca_idx'),
        ),
        migrations.AddIndex(
            model_name='participant',
            index=models.Index(fields=['study', 'timezone'], name='zones_of_study'),
        ),
        migrations.AddIndex(
            model_name='participant',
            index=models.Index(fields=['study', '-began_at', '-id'], name='newest_of_study'),
        ),
        migrations.AddIndex(
            model_name='participant',
            index=models.Index(condition=models.Q(('erased_at__isnull', True), ('left_at__isnull', False)), fields=['state', 'left_at'], name='left_and_not_forgotten'),
        ),
        migrations.AddConstraint(
            model_name='monthlyshare',
            constraint=models.UniqueConstraint(fields=('study', 'month', 'what'), name='one_share_a_month'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(fields=['state', 'due_at'], name='trial_messa_state_6ec96c_idx'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('state', 'queued')), fields=['kind', 'due_at'], name='messages_waiting_by_kind'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(fields=['study', 'kind', 'state'], name='messages_by_kind'),
        ),
        migrations.AddConstraint(
            model_name='message',
            constraint=models.UniqueConstraint(fields=('participant', 'kind', 'subject_ref'), name='one_message_per_occasion'),
        ),
        migrations.AddConstraint(
            model_name='message',
            constraint=models.UniqueConstraint(condition=models.Q(('participant__isnull', True)), fields=('kind', 'subject_ref'), name='one_message_about_nobody_per_occasion'),
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('study', 'user', 'role'), name='one_open_membership_per_role'),
        ),
        migrations.AddIndex(
            model_name='identity',
            index=models.Index(fields=['email_hash'], name='trial_ident_email_h_d138d0_idx'),
        ),
        migrations.AddIndex(
            model_name='identity',
            index=models.Index(fields=['study', 'phone_hash'], name='trial_ident_study_i_0d8f60_idx'),
        ),
        migrations.AddConstraint(
            model_name='identity',
            constraint=models.UniqueConstraint(fields=('study', 'email_hash'), name='one_person_per_address'),
        ),
        migrations.AddIndex(
            model_name='alert',
            index=models.Index(fields=['study', 'state', 'deadline_at'], name='trial_alert_study_i_1bb56f_idx'),
        ),
        migrations.AddConstraint(
            model_name='alert',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'closed'), _negated=True), fields=('participant', 'kind', 'subject_ref'), name='one_open_alert_per_occasion'),
        ),
        migrations.AddConstraint(
            model_name='alert',
            constraint=models.UniqueConstraint(condition=models.Q(('participant__isnull', True), models.Q(('state', 'closed'), _negated=True)), fields=('study', 'kind', 'subject_ref'), name='one_open_alert_about_nobody_per_occasion'),
        ),
        migrations.CreateModel(
            name='Job',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('product', models.CharField(max_length=30)),
                ('kind', models.CharField(choices=[('blinded', 'blinded'), ('by_arm', 'by_arm')], max_length=10)),
                ('language', models.CharField(default='en', max_length=5)),
                ('state', models.CharField(choices=[('requested', 'requested'), ('made', 'made'), ('failed', 'failed'), ('removed', 'removed')], default='requested', max_length=10)),
                ('requested_by', models.CharField(max_length=80)),
                ('requested_at', models.DateTimeField()),
                ('claimed_at', models.DateTimeField(blank=True, null=True)),
                ('claim', models.CharField(blank=True, max_length=20)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('folder', models.CharField(default=trial.models.work.new_handle, editable=False, max_length=20)),
                ('made_at', models.DateTimeField(blank=True, null=True)),
                ('failure', models.CharField(blank=True, max_length=60)),
                ('found', models.JSONField(default=dict)),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trial.study')),
            ],
        ),
        migrations.CreateModel(
            name='JobFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=40)),
                ('place', models.CharField(max_length=40, unique=True)),
                ('size', models.PositiveBigIntegerField()),
                ('sha256', models.CharField(max_length=64)),
                ('key_sealed', models.TextField()),
                ('job', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='files', to='trial.job')),
            ],
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(fields=['state', 'requested_at'], name='trial_job_state_b077b2_idx'),
        ),
        migrations.AddConstraint(
            model_name='jobfile',
            constraint=models.UniqueConstraint(fields=('job', 'name'), name='one_file_of_a_name_for_a_job'),
        ),
    ]
