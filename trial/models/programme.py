from __future__ import annotations

from django.db import models

from trial.facts import Fact
from trial.models.participants import Participant
from trial.prepared import Saved


class ModuleUse(Fact):
    """One person and one module: when it was begun, last used and done."""

    fact_columns = {1: "participant module begun_at done_at"}
    no_facts = {"last_used_at": "moves with every look, without an event"}

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="+")
    module = models.CharField(max_length=40)
    begun_at = models.DateTimeField()
    last_used_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["participant", "module"], name="one_use_per_module")
        ]


class ExerciseAnswer(Saved):
    """What a person wrote in an exercise, encrypted with the person's key. Nobody else reads it."""

    no_facts = "kept as it is typed, without an event, and read by nobody else"
    sealed_under = {"value_sealed": "person"}

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="+")
    module = models.CharField(max_length=40)
    exercise = models.CharField(max_length=40)
    value_sealed = models.TextField()
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["participant", "module", "exercise"], name="one_answer_per_exercise"
            )
        ]
