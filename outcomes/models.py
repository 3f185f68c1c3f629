from __future__ import annotations

from django.db import models

from trial.facts import Fact
from trial.models import Participant, Study

# Every assessment is of one of these three kinds: which, changes with a fact and never with time.
NOT_ENDED = models.Q(submitted_at__isnull=True, declined_at__isnull=True, withdrawn_at__isnull=True)
ANSWERED_IN_TIME = models.Q(
    submitted_at__lte=models.F("closes_at"), declined_at__isnull=True, withdrawn_at__isnull=True
)
ENDED_OTHERWISE = (
    models.Q(declined_at__isnull=False)
    | models.Q(withdrawn_at__isnull=False)
    | models.Q(submitted_at__gt=models.F("closes_at"))
    | models.Q(submitted_at__isnull=False, closes_at__isnull=True)
)


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
    no_facts = {"study": "that of the person, so that an index can begin with it"}
    draft_until = {"answers": "submitted_at"}

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+", db_index=False)
    participant = models.ForeignKey(  # the unique constraint begins with it
        Participant, on_delete=models.PROTECT, related_name="assessments", db_index=False
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
            # What an assessor may enter, whatever was answered before.
            models.Index(
                fields=["study", "closes_at"], condition=NOT_ENDED, name="assessments_not_ended"
            ),
            # For counting: each kind is read from its index alone, in the order of what is counted.
            models.Index(
                fields=["study", "timepoint", "instrument", "submitted_at"],
                condition=ANSWERED_IN_TIME,
                name="assessments_answered",
            ),
            models.Index(
                fields=["study", "timepoint", "instrument", "opens_at", "closes_at", "opened_at"],
                condition=NOT_ENDED,
                name="assessments_by_date",
            ),
            models.Index(
                fields=["study"], condition=ENDED_OTHERWISE, name="assessments_ended_otherwise"
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
