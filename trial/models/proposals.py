"""What takes two people. Both rows stay: what was asked, by whom, and what was said to it."""

from __future__ import annotations

from django.db import models

from trial.facts import Fact
from trial.models.participants import Participant
from trial.models.studies import Study


class Proposal(Fact):
    """Something asked for by the first of two people. `kind`: role, lock; address (of a participant
    who lost their mailbox); error_mark, code_break, forced (about somebody who is randomised, at a
    `point`).

    At `until_at` it is over, as if a second person had said no; or, where nobody could agree when
    it was asked (`passes_alone`), as if one had said yes.
    """

    append_only = True
    fact_columns = {
        1: (
            "study participant point kind reason note_sealed content_sealed is_drill until_at "
            "passes_alone by role at"
        )
    }
    sealed_under = {"note_sealed": "person", "content_sealed": "master"}

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    participant = models.ForeignKey(
        Participant, null=True, on_delete=models.PROTECT, related_name="+"
    )
    point = models.CharField(max_length=40, blank=True)
    kind = models.CharField(max_length=20)
    reason = models.CharField(max_length=400, blank=True)  # about somebody: a code, never words
    note_sealed = models.TextField(blank=True)  # under the person's key
    content_sealed = models.TextField(
        blank=True
    )  # the arm of a forced allocation, under the master keys
    is_drill = models.BooleanField(default=False)
    until_at = models.DateTimeField(null=True)
    passes_alone = models.BooleanField(default=False)
    by = models.CharField(max_length=80)
    role = models.CharField(max_length=20, blank=True)
    at = models.DateTimeField()


class Decision(Fact):
    """What came of it: the second person's word, a taking back by the first, or the end of its time
    by the worker.
    """

    append_only = True
    fact_columns = {1: "proposal is_agreed by role at"}
    facts_of = "proposal__participant"
    facts_in = "proposal__study"

    proposal = models.OneToOneField(Proposal, on_delete=models.PROTECT, related_name="decision")
    is_agreed = models.BooleanField()
    by = models.CharField(max_length=80)
    role = models.CharField(max_length=20, blank=True)
    at = models.DateTimeField()
