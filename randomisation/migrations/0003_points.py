import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("randomisation", "0002_initial"), ("trial", "0004_phone_changed_at")]

    operations = [
        migrations.RemoveConstraint("stratum", "one_row_per_stratum"),
        migrations.RenameModel("Stratum", "Scope"),
        migrations.AlterModelOptions("scope", {}),
        migrations.AddField("scope", "point", models.CharField(default="start", max_length=40)),
        migrations.AddConstraint(
            "scope", models.UniqueConstraint(fields=["study", "point", "name"], name="one_row_per_scope")
        ),
        migrations.AddField("sealedseed", "merkle_root", models.CharField(blank=True, max_length=64, default=""), preserve_default=False),
        migrations.RemoveConstraint("allocation", "one_draw_per_index"),
        migrations.AlterField(
            "allocation",
            "participant",
            models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="trial.participant"),
        ),
        migrations.AddField("allocation", "point", models.CharField(default="start", max_length=40)),
        migrations.AddField("allocation", "kind", models.CharField(default="drawn", max_length=10)),
        migrations.AlterField("allocation", "draw_index", models.PositiveIntegerField(null=True)),
        migrations.AddField("allocation", "cluster", models.CharField(blank=True, max_length=80, default=""), preserve_default=False),
        migrations.AddField("allocation", "draws_for", models.CharField(max_length=80, null=True)),
        migrations.AddField("allocation", "fake_arm", models.CharField(blank=True, max_length=44, default=""), preserve_default=False),
        migrations.AddField("allocation", "request_key", models.CharField(blank=True, max_length=80, default=""), preserve_default=False),
        migrations.AddConstraint(
            "allocation",
            models.UniqueConstraint(fields=["participant", "point"], name="one_allocation_per_point"),
        ),
        migrations.AddConstraint(
            "allocation",
            models.UniqueConstraint(fields=["study", "point", "stratum", "draw_index"], name="one_draw_per_index"),
        ),
        migrations.AddConstraint(
            "allocation", models.UniqueConstraint(fields=["study", "point", "draws_for"], name="one_draw_per_cluster")
        ),
        migrations.AddConstraint(
            "allocation",
            models.CheckConstraint(
                condition=Q(kind="drawn", draw_index__isnull=False)
                | Q(kind__in=("cluster", "forced"), draw_index__isnull=True),
                name="what_was_drawn_has_an_index",
            ),
        ),
    ]
