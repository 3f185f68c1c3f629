"""What a participant was given access to. Reveals the arm, so it is kept out of trial.models and
guarded by a contract.
"""

from __future__ import annotations

from django.db import models

from trial.facts import Fact
from trial.models import Participant


class Grant(Fact):
    """Access to one thing: a programme, a coaching protocol or an assessment schedule."""

    fact_columns = {1: "participant kind code granted_at opens opens_at finished_at ended_at"}

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12)  # programme | coaching | assessments
    code = models.CharField(max_length=40)
    granted_at = models.DateTimeField()
    opens = models.JSONField(default=dict)  # anchor, days, not_before, at_the_latest
    opens_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["participant", "kind", "code"], name="one_grant_per_thing"
            )
        ]
