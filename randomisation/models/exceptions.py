"""What departs from the plan after or around an allocation. Every row is a fact that stays; no
allocation ever changes.

No row names an arm in clear but a switch, which is about nobody. No reverse accessors: nothing
stumbles on them.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from randomisation.models.allocations import FIRST, Allocation
from trial.facts import Fact
from trial.models import Participant, Proposal, Study


class OnePerson(Fact):
    """What all of them have: whom it is about, at which point, why, who did it and when."""

    ABOUT = "study participant point reason note_sealed by role at"
    sealed_under = {"note_sealed": "person"}

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="+")
    point = models.CharField(max_length=40, default=FIRST)
    reason = models.CharField(max_length=40)  # a code of randomisation.words
    note_sealed = models.TextField(blank=True)  # under the person's key
    by = models.CharField(max_length=80)
    role = models.CharField(max_length=20, blank=True)
    at = models.DateTimeField()

    class Meta:
        abstract = True


class Correction(OnePerson):
    """A covariate that was wrong when it was used: the right value, beside the allocation that
    stays as it is.
    """

    append_only = True
    fact_columns = {1: f"{OnePerson.ABOUT} allocation values counts_from"}

    allocation = models.ForeignKey(Allocation, on_delete=models.PROTECT, related_name="+")
    values = models.JSONField()  # factor -> right value
    counts_from = models.PositiveIntegerField()  # the first draw of the scope that may read it


class ErrorMark(OnePerson):
    """An allocation that should not have been made, or, as a fact without effect, of somebody who
    was not eligible.
    """

    append_only = True
    fact_columns = {1: f"{OnePerson.ABOUT} allocation kind proposal agreed_by counts_from"}

    allocation = models.ForeignKey(Allocation, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10)  # error | ineligible
    proposal = models.OneToOneField(Proposal, null=True, on_delete=models.PROTECT, related_name="+")
    agreed_by = models.CharField(max_length=80, blank=True)
    counts_from = models.PositiveIntegerField(
        null=True
    )  # the first draw of the scope that leaves it out

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["allocation", "kind"], name="marked_once"),
            models.CheckConstraint(
                condition=(Q(kind="error", counts_from__isnull=False) & ~Q(agreed_by=""))
                | Q(kind="ineligible", counts_from__isnull=True, agreed_by=""),
                name="an_error_takes_two_people",
            ),
            models.CheckConstraint(
                condition=~Q(agreed_by=models.F("by")), name="a_mark_is_agreed_by_another"
            ),
        ]


class TreatmentReceived(OnePerson):
    """Somebody was given another treatment than theirs. Sealed, since beside the word "wrong" it
    tells the arm.
    """

    append_only = True
    fact_columns = {1: f"{OnePerson.ABOUT} allocation received_sealed"}
    sealed_under = {"note_sealed": "person", "received_sealed": "master"}

    allocation = models.ForeignKey(Allocation, on_delete=models.PROTECT, related_name="+")
    received_sealed = models.TextField()  # an arm's code or "other", under the master keys


class ForcedAllocation(OnePerson):
    """An arm that was given and not drawn: it takes no draw and stands in no history."""

    append_only = True
    fact_columns = {1: f"{OnePerson.ABOUT} allocation proposal agreed_by"}

    allocation = models.OneToOneField(Allocation, on_delete=models.PROTECT, related_name="+")
    proposal = models.OneToOneField(Proposal, on_delete=models.PROTECT, related_name="+")
    agreed_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(agreed_by=models.F("by")), name="a_hand_is_forced_by_two"
            ),
        ]


class CodeBreak(OnePerson):
    """The arm of one person was shown to one person, once. A drill shows nothing and is otherwise
    the same.
    """

    append_only = True
    fact_columns = {
        1: f"{OnePerson.ABOUT} allocation proposal is_emergency is_drill agreed_by agreed_role"
    }

    allocation = models.ForeignKey(Allocation, on_delete=models.PROTECT, related_name="+")
    proposal = models.OneToOneField(Proposal, null=True, on_delete=models.PROTECT, related_name="+")
    is_emergency = models.BooleanField(default=False)
    is_drill = models.BooleanField(default=False)
    agreed_by = models.CharField(max_length=80, blank=True)
    agreed_role = models.CharField(max_length=20, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(is_emergency=True, proposal__isnull=True, agreed_by="")
                | (Q(is_emergency=False, proposal__isnull=False) & ~Q(agreed_by="")),
                name="alone_only_in_an_emergency",
            ),
            models.CheckConstraint(
                condition=~Q(agreed_by=models.F("by")), name="a_code_is_broken_by_two"
            ),
        ]


class Impact(Fact):
    """What a code-break means for the blinding, written down when there is time for it."""

    append_only = True
    fact_columns = {1: "code_break text_sealed by role at"}
    sealed_under = {"text_sealed": "person"}
    facts_of = "code_break__participant"

    code_break = models.ForeignKey(CodeBreak, on_delete=models.PROTECT, related_name="impacts")
    text_sealed = models.TextField()
    by = models.CharField(max_length=80)
    role = models.CharField(max_length=20, blank=True)
    at = models.DateTimeField()


class Match(Fact):
    """What staff found out of somebody who came with an address or number that an earlier person
    has.
    """

    append_only = True
    fact_columns = {1: "study participant verdict by role at"}

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    participant = models.OneToOneField(Participant, on_delete=models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=20)  # household | same_person
    by = models.CharField(max_length=80)
    role = models.CharField(max_length=20, blank=True)
    at = models.DateTimeField()


class Switch(Fact):
    """Randomisation halted, or going on again, for the whole study or a part of it. The newest
    event decides.
    """

    append_only = True
    fact_columns = {1: "study level point target is_halted reason by role at"}
    facts_of = ""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    level = models.CharField(max_length=10)  # study | point | site | arm | stratum
    point = models.CharField(max_length=40, blank=True)  # empty: every point
    target = models.CharField(max_length=200, blank=True)
    is_halted = models.BooleanField()
    reason = models.CharField(max_length=40)
    by = models.CharField(max_length=80)
    role = models.CharField(max_length=20, blank=True)
    at = models.DateTimeField()
