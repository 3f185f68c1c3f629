"""Rows that carry work forward: what is due, what was said, what was asked once."""

from __future__ import annotations

import secrets

from django.db import models

from trial import lifecycles
from trial.facts import Fact
from trial.models.participants import Participant
from trial.models.studies import Study
from trial.prepared import Saved


class RequestKey(models.Model):
    """One effect per (person, action, key): the stored result answers a repeat, for 30 days."""

    no_facts = "what was asked once: work"

    person = models.CharField(max_length=80)
    action = models.CharField(max_length=80)
    key = models.CharField(max_length=80)
    digest = models.CharField(max_length=64)
    result = models.JSONField(null=True)
    claimed_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "action", "key"], name="one_effect_per_key")
        ]


class Journey(Saved):
    """Where a participant is on the way through settings.JOURNEY, and when to look again."""

    no_facts = "where to look next: work"

    participant = models.OneToOneField(
        Participant, on_delete=models.PROTECT, related_name="journey"
    )
    passed = models.JSONField(default=list)
    due_at = models.DateTimeField(null=True, blank=True, db_index=True)
    failed_at = models.DateTimeField(null=True, blank=True)


class Milestone(Fact):
    """Something that schedules hang on: randomised, programme_finished,
    assessment_opened:<timepoint> and assessment_closed:<timepoint>.
    """

    fact_columns = {1: "participant name reached_at"}

    participant = models.ForeignKey(
        Participant, on_delete=models.PROTECT, related_name="milestones"
    )
    name = models.CharField(max_length=60)
    reached_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["participant", "name"], name="one_milestone_per_name")
        ]


def new_handle() -> str:
    return secrets.token_hex(10)


class Message(Saved):
    """A mail to be sent: the words are composed at hand-over, from what is true then."""

    no_facts = "a queue: what became of a mail is told by its events"

    # By which pages and the API name it. Numbers in a row would tell how many mails somebody got in
    # between.
    handle = models.CharField(max_length=20, unique=True, editable=False, default=new_handle)
    study = models.ForeignKey(  # an index below begins with it
        Study, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    participant = models.ForeignKey(
        Participant, null=True, on_delete=models.PROTECT, related_name="messages"
    )
    kind = models.CharField(max_length=30)
    subject_ref = models.CharField(max_length=60)  # timepoint, alert number, invitation number
    state = models.CharField(max_length=10, choices=lifecycles.states("message"), default="queued")
    due_at = models.DateTimeField()
    # A worker has it in its batch until then. It says nothing of hand-over, which is a state.
    claimed_until = models.DateTimeField(null=True, blank=True)
    handed_over_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    # Since when it is tried without success, and what stood in the way last: host, sender, address,
    # words, or making it.
    trying_since = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=10, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["state", "due_at"]),
            # For those that go first, however many others wait.
            models.Index(
                fields=["kind", "due_at"],
                condition=models.Q(state="queued"),
                name="messages_waiting_by_kind",
            ),
            models.Index(fields=["study", "kind", "state"], name="messages_by_kind"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["participant", "kind", "subject_ref"], name="one_message_per_occasion"
            ),
            # About nobody in particular: an alert or an invitation, whose number is its own over
            # all studies. For itself, because a database takes two rows without a participant for
            # different ones.
            models.UniqueConstraint(
                fields=["kind", "subject_ref"],
                condition=models.Q(participant__isnull=True),
                name="one_message_about_nobody_per_occasion",
            ),
        ]


class MailHost(models.Model):
    """What is known of the mail host: one row, made when it is first found away. `told_at`: staff
    know of this absence.
    """

    no_facts = "of the machine, not of a study"

    away_since = models.DateTimeField(null=True, blank=True)
    next_look_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)


class MonthlyShare(models.Model):
    """What was done in a month of what was planned for it, in whole tens of a percent: kept as it
    was counted when the month was over, and never counted again. None where nothing was planned, or
    where few were randomised in that month.
    """

    append_only = True
    no_facts = "a figure that is made from facts, of a month and nobody in particular"

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    month = models.DateField()  # its first day, in the study's time zone
    what = models.CharField(max_length=20)  # a name of settings.MONTHLY
    percent = models.PositiveSmallIntegerField(null=True)
    counted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "month", "what"], name="one_share_a_month")
        ]


class Alert(Fact):
    """Something a person must look at before a deadline. The same in every arm, never dependent on
    a coach.
    """

    fact_columns = {
        1: (
            "study participant kind subject_ref state raised_at deadline_at taken_by taken_at "
            "closed_by closed_at "
            "phone_sealed done_sealed"
        )
    }
    sealed_under = {"phone_sealed": "person", "done_sealed": "participant or master"}

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="alerts")
    participant = models.ForeignKey(
        Participant, null=True, on_delete=models.PROTECT, related_name="alerts"
    )
    kind = models.CharField(max_length=30)
    subject_ref = models.CharField(max_length=60, blank=True)
    state = models.CharField(max_length=10, choices=lifecycles.states("alert"), default="raised")
    raised_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    taken_by = models.CharField(max_length=80, blank=True)
    taken_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.CharField(max_length=80, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    phone_sealed = models.TextField(blank=True)  # left during screening; under the person's key
    done_sealed = models.TextField(
        blank=True
    )  # what was done, under the person's key where there is a person

    class Meta:
        indexes = [models.Index(fields=["study", "state", "deadline_at"])]
        constraints = [
            # Of those that wait: what comes back after its alert was closed is told again.
            models.UniqueConstraint(
                fields=["participant", "kind", "subject_ref"],
                condition=~models.Q(state="closed"),
                name="one_open_alert_per_occasion",
            ),
            models.UniqueConstraint(
                fields=["study", "kind", "subject_ref"],
                condition=models.Q(participant__isnull=True) & ~models.Q(state="closed"),
                name="one_open_alert_about_nobody_per_occasion",
            ),
        ]
