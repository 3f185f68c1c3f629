"""What waits for a second person, and what was agreed."""

from __future__ import annotations

from django.db.models import QuerySet

from randomisation.models import Allocation, CodeBreak
from randomisation.permissions import AGREES
from trial.models import Participant, Proposal, Study

WHOLE = ("participant__key", "participant__study", "participant__version", "decision")


def waiting(study: Study) -> QuerySet[Proposal]:
    """Asked for, and not decided yet; the oldest first."""
    return (
        Proposal.objects.filter(study=study, kind__in=AGREES, decision__isnull=True)
        .select_related("participant__key", "participant__study", "participant__version")
        .order_by("pk")
    )


def to_show(study: Study) -> QuerySet[Proposal]:
    """Code-breaks that were agreed to and not shown yet."""
    shown = CodeBreak.objects.filter(study=study, proposal__isnull=False).values("proposal")
    agreed = Proposal.objects.filter(
        study=study, kind="code_break", decision__is_agreed=True
    ).exclude(pk__in=shown)
    return agreed.select_related(*WHOLE).order_by("pk")


def found(study: Study, number: int) -> Proposal | None:
    return (
        Proposal.objects.filter(study=study, kind__in=AGREES, pk=number)
        .select_related(*WHOLE)
        .first()
    )


def person_of(proposal: Proposal) -> Participant:
    """Whom a proposal of this app is about: there is always somebody."""
    assert proposal.participant is not None
    return proposal.participant


def allocation_of(proposal: Proposal) -> Allocation:
    return Allocation.objects.get(participant=proposal.participant_id, point=proposal.point)
