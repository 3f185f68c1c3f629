from __future__ import annotations

from django.db import models

from trial.facts import Fact
from trial.models import Participant


class ScreeningAnswer(Fact):
    """Answers to one instrument of the screening; never an outcome. Deleted once somebody is
    randomised, leaves, or does not get in.
    """

    fact_columns = {1: "participant instrument answers score answered_at"}

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="+")
    instrument = models.CharField(max_length=20)
    answers = models.JSONField()
    score = models.FloatField(null=True)
    answered_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["participant", "instrument"], name="one_screening_per_instrument"
            )
        ]


class Assessment(Fact):
    """One person, one timepoint, one instrument. Made when its schedule is granted, even if its
    date is not known yet.

    Stored are facts; the state on any date is worked out from them (outcomes.schedules.state).
    """

    fact_columns = {
        1: (
            "participant timepoint instrument position version opens_at closes_at opened_at "
            "submitted_at "
            "declined_at withdrawn_at answers item_states scores prorated language mode entered_by"
        )
    }
    draft_until = {"answers": "submitted_at"}

    participant = models.ForeignKey(
        Participant, on_delete=models.PROTECT, related_name="assessments"
    )
    timepoint = models.CharField(max_length=40)
    instrument = models.CharField(max_length=20)
    position = models.PositiveSmallIntegerField()
    version = models.PositiveIntegerField()  # protocol version number that the wording came from
    opens_at = models.DateTimeField(null=True, blank=True)
    closes_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    declined_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    answers = models.JSONField(default=dict)  # item code -> value
    item_states = models.JSONField(default=dict)  # item code -> why there is no value: not_answered
    scores = models.JSONField(default=dict)  # score code -> value
    prorated = models.BooleanField(default=False)
    language = models.CharField(max_length=5, blank=True)
    mode = models.CharField(max_length=12, blank=True)  # web | phone | paper
    entered_by = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ["participant", "opens_at", "position"]
        indexes = [
            models.Index(fields=["participant", "timepoint"]),
            models.Index(  # what an assessor may enter, whatever was answered before
                fields=["closes_at"],
                condition=models.Q(
                    submitted_at__isnull=True, declined_at__isnull=True, withdrawn_at__isnull=True
                ),
                name="assessments_not_ended",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["participant", "timepoint", "instrument"],
                name="one_assessment_per_instrument_and_timepoint",
            )
        ]

    def __str__(self) -> str:
        return f"{self.participant_id} {self.timepoint} {self.instrument}"


class Schedule(Fact):
    """How one timepoint of one person is dated: copied from the granted schedule, so that no grant
    is read again.
    """

    fact_columns = {
        1: "participant timepoint granted_at opening window opens_at closes_at closed_at ended_at"
    }

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="+")
    timepoint = models.CharField(max_length=40)
    granted_at = models.DateTimeField()
    opening = models.JSONField()  # anchor, days, not_before, at_the_latest, on
    window = models.PositiveIntegerField()
    opens_at = models.DateTimeField(null=True, blank=True)
    closes_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["participant", "timepoint"], name="one_schedule_per_timepoint"
            )
        ]
