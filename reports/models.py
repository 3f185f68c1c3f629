from __future__ import annotations

from django.db import models

from trial.models import Study


class Report(models.Model):
    """A report or an export that was asked for and made. The files are kept as they were made,
    never made again.
    """

    no_facts = "made from facts: its event names the hash of its snapshot"

    REPORT, EXPORT = "report", "export"
    BLINDED, BY_ARM = "blinded", "by_arm"
    REQUESTED, MADE, FAILED = "requested", "made", "failed"

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    product = models.CharField(
        max_length=10, choices=[(REPORT, REPORT), (EXPORT, EXPORT)], default=REPORT
    )
    kind = models.CharField(max_length=10, choices=[(BLINDED, BLINDED), (BY_ARM, BY_ARM)])
    language = models.CharField(max_length=5, default="en")
    state = models.CharField(
        max_length=10, choices=[(s, s) for s in (REQUESTED, MADE, FAILED)], default=REQUESTED
    )
    requested_by = models.CharField(max_length=80)
    requested_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True, blank=True)  # a worker is at it since then
    made_at = models.DateTimeField(null=True, blank=True)
    failure = models.CharField(max_length=300, blank=True)
    snapshot_hash = models.CharField(max_length=64, blank=True)
    seal = models.CharField(max_length=90, blank=True)
    pdf = models.BinaryField(null=True, blank=True)
    html = models.BinaryField(null=True, blank=True)
    results = models.BinaryField(null=True, blank=True)
    archive = models.BinaryField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["state", "requested_at"])]

    def __str__(self) -> str:
        return f"{self.product} {self.pk} of {self.study_id}"

    @property
    def is_by_arm(self) -> bool:
        return self.kind == self.BY_ARM
