from __future__ import annotations

from django.db import models

from trial.facts import Fact
from trial.models import Participant, Study


class StageDecision(Fact):
    """Whether somebody is randomised again at a stage, and what was known of them then: frozen
    before the draw.
    """

    append_only = True
    fact_columns = {1: "participant study point origin facts is_eligible decided_at"}

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="+")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    point = models.CharField(max_length=40)
    origin = models.CharField(max_length=40)  # the arm they come from
    facts = models.JSONField()  # what the stage's rule read
    is_eligible = models.BooleanField()
    decided_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["participant", "point"], name="one_decision_per_stage")
        ]
