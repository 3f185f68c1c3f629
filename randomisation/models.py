from __future__ import annotations

from django.db import models

from trial.models import Participant, Study


class SealedSeed(models.Model):
    """The secret that every draw of a study comes from: encrypted under keys outside the database, with its commitment."""

    append_only = True

    study = models.OneToOneField(Study, on_delete=models.PROTECT, related_name="+")
    ciphertext = models.TextField()
    commitment = models.CharField(max_length=64)  # published when the study opens
    design_digest = models.CharField(max_length=64)
    method = models.CharField(max_length=30)
    made_at = models.DateTimeField()


class Stratum(models.Model):
    """The lock row of one randomisation scope: locked first, then the history is read."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    next_index = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "strata"
        constraints = [models.UniqueConstraint(fields=["study", "name"], name="one_row_per_stratum")]


class Allocation(models.Model):
    """Which arm, and everything that is needed to replay the draw. No reverse accessor: nothing stumbles on it."""

    append_only = True

    participant = models.OneToOneField(Participant, on_delete=models.PROTECT, related_name="+")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    stratum = models.CharField(max_length=200)
    draw_index = models.PositiveIntegerField()
    arm = models.CharField(max_length=40)
    probabilities = models.JSONField()  # arm -> "1/2", as they stood before the draw
    covariates = models.JSONField()  # as used
    history_digest = models.CharField(max_length=64)
    design_digest = models.CharField(max_length=64)
    version = models.PositiveIntegerField()
    allocated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["study", "stratum", "draw_index"], name="one_draw_per_index")]
