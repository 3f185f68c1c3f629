from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import models

from coaching_protocol import plan as pure
from trial import lifecycles
from trial.facts import Fact
from trial.models import Participant, Study, User


class CoachingPlan(Fact):
    """That a participant is coached, and by which protocol. Reveals the arm where only one arm is
    called.
    """

    fact_columns = {1: "participant study protocol planned_at ended_at"}

    participant = models.OneToOneField(Participant, on_delete=models.PROTECT, related_name="+")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    protocol = models.CharField(max_length=40)
    planned_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)


class CoachAssignment(Fact):
    """Who coaches whom, with history: a reassignment ends one row and begins another."""

    fact_columns = {1: "plan coach since_at ended_at reason"}
    facts_of = "plan__participant"

    plan = models.ForeignKey(CoachingPlan, on_delete=models.PROTECT, related_name="assignments")
    coach = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    since_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["plan"],
                condition=models.Q(ended_at__isnull=True),
                name="one_coach_at_a_time",
            )
        ]


class Contact(Fact):
    """A planned call."""

    fact_columns = {1: "plan number opens_on due_on closes_on appointment_at state held_at"}
    no_facts = {"study": "that of the plan, so that an index can begin with it"}
    facts_of = "plan__participant"

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+", db_index=False)
    plan = models.ForeignKey(CoachingPlan, on_delete=models.PROTECT, related_name="contacts")
    number = models.PositiveSmallIntegerField()
    opens_on = models.DateField()
    due_on = models.DateField()
    closes_on = models.DateField()
    appointment_at = models.DateTimeField(null=True, blank=True)  # agreed with the participant
    state = models.CharField(max_length=10, choices=lifecycles.states("contact"), default="planned")
    held_at = models.DateTimeField(null=True, blank=True)  # when the call that reached them began

    class Meta:
        ordering = ["plan", "number"]
        indexes = [
            models.Index(  # the next call of each in a caseload
                fields=["plan", "number"],
                condition=models.Q(state="planned"),
                name="contacts_planned",
            ),
            models.Index(  # how many were due until a day
                fields=["study", "due_on"],
                condition=~models.Q(state="cancelled"),
                name="contacts_by_day",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["plan", "number"], name="one_contact_per_number")
        ]

    def place(self, at: datetime, timezone: str) -> str:
        """Whether a moment lies `before`, `within` or `after` the days of this call, in the
        participant's time zone.
        """
        day = at.astimezone(ZoneInfo(timezone)).date()
        return pure.place(day, opens_on=self.opens_on, closes_on=self.closes_on)


class CallSummary(models.Model):
    """What the calls and tries of one person come to: which call is next, and how many there were.

    Worked out of them, and written anew in the transaction of whatever changes them, so that the
    caseload and the dashboard of a large study read one row a person.
    """

    no_facts = "worked out of calls, tries and assignments (queries.summaries)"

    plan = models.OneToOneField(CoachingPlan, on_delete=models.PROTECT, related_name="summary")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    coach = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    is_ended = models.BooleanField(default=False)  # the plan: in no list any more, but counted
    # The next call, a call that was begun before all others; empty when every call is over.
    number = models.PositiveSmallIntegerField(null=True)
    opens_on = models.DateField(null=True)
    closes_on = models.DateField(null=True)
    appointment_at = models.DateTimeField(null=True)  # until a try was made at it
    is_begun = models.BooleanField(default=False)  # on the phone, or not logged yet
    last_tried_at = models.DateTimeField(null=True)  # when the try that was logged last was made
    held = models.PositiveSmallIntegerField(default=0)
    tried = models.PositiveSmallIntegerField(default=0)  # calls that were held or logged a try of
    tried_until = models.DateField(null=True)  # the last day on which one that stands was due
    # Calls that were cancelled when the person left, and had been due or tried before.
    cancelled_late = models.PositiveSmallIntegerField(default=0)
    conversations = models.PositiveSmallIntegerField(default=0)  # tries that reached the person
    minutes = models.PositiveIntegerField(default=0)  # of these


class Attempt(Fact):
    """One try at a planned call, begun and then logged against the checklist of the protocol
    version in force.

    What stands here is what holds: a correction changes it, and keeps what stood before in a
    `Correction`.
    """

    fact_columns = {
        1: (
            "contact coach started_at logged_at outcome minutes protocol protocol_version "
            "steps_done deviations "
            "note_sealed"
        )
    }
    sealed_under = {"note_sealed": "person"}
    facts_of = "contact__plan__participant"

    OUTCOMES = ("reached", "no_answer", "voicemail", "call_back", "refused", "wrong_number")

    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="attempts")
    coach = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    started_at = (
        models.DateTimeField()
    )  # when the call began, as its coach says; else when it was started here
    logged_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=12, blank=True)
    minutes = models.PositiveSmallIntegerField(null=True, blank=True)
    protocol = models.CharField(max_length=40)
    protocol_version = models.CharField(max_length=20)
    steps_done = models.JSONField(default=list)
    deviations = models.JSONField(default=list)  # codes of the must-nots that were not kept
    note_sealed = models.TextField(blank=True)  # under the participant's key; not exported

    class Meta:
        ordering = ["contact", "started_at"]
        indexes = [models.Index(fields=["started_at"], name="attempts_by_day")]
        constraints = [
            models.UniqueConstraint(
                fields=["contact"],
                condition=models.Q(logged_at__isnull=True),
                name="one_open_attempt_per_contact",
            )
        ]


class Correction(Fact):
    """What a log said before it was corrected, who corrected it and why."""

    fact_columns = {
        1: "attempt corrected_by corrected_at reason started_at outcome minutes steps_done "
        "deviations note_sealed"
    }
    sealed_under = {"note_sealed": "person"}
    facts_of = "attempt__contact__plan__participant"

    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="corrections")
    corrected_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    corrected_at = models.DateTimeField()
    reason = models.CharField(max_length=20)  # a code; its words stand in forms/calls.py
    started_at = models.DateTimeField()
    outcome = models.CharField(max_length=12)
    minutes = models.PositiveSmallIntegerField(null=True, blank=True)
    steps_done = models.JSONField(default=list)
    deviations = models.JSONField(default=list)
    note_sealed = models.TextField(blank=True)

    class Meta:
        ordering = ["attempt", "corrected_at", "pk"]
