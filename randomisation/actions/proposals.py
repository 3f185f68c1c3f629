"""What takes two people about somebody who is randomised: the first asks, the second agrees or does
not.
"""

from __future__ import annotations

from datetime import datetime

from randomisation.actions import allocations, forced
from randomisation.actions.exceptions import about, check_unmarked, counts_from, sealed
from randomisation.models import FIRST, Allocation, ErrorMark
from randomisation.queries.proposals import allocation_of, person_of
from randomisation.words import check_reason
from trial import audit, vault
from trial.actions import alerts, participants, proposals
from trial.actions.once import once
from trial.actors import Actor
from trial.models import Decision, Participant, Proposal

WITHIN_HOURS = 24


@once
def propose_mark(
    *, allocation: Allocation, reason: str, note: str = "", by: Actor, at: datetime
) -> Proposal:
    """Ask that an allocation be marked as made in error. The mark cannot be taken back, and frees
    no slot.
    """
    check_reason("error_mark", reason, note)
    participant = participants.locked(allocation.participant)
    check_unmarked(allocation, "error")
    return _propose("error_mark", participant, allocation.point, reason, note, by, at)


@once
def propose_code_break(
    *,
    allocation: Allocation,
    reason: str,
    note: str = "",
    is_drill: bool = False,
    by: Actor,
    at: datetime,
) -> Proposal:
    """Ask to be shown the arm of one person."""
    check_reason("code_break", reason, note)
    participant = participants.locked(allocation.participant)
    return _propose(
        "code_break", participant, allocation.point, reason, note, by, at, is_drill=is_drill
    )


@once
def propose_forced(
    *, participant: Participant, arm: str, reason: str, note: str = "", by: Actor, at: datetime
) -> Proposal:
    """Ask that somebody is given an arm without a draw, within the caps that the study declared."""
    check_reason("forced", reason, note)
    participant = participants.locked(participant)
    forced.check_possible(participant, arm)
    return _propose("forced", participant, FIRST, reason, note, by, at, content=arm)


def _propose(
    kind: str,
    participant: Participant,
    point: str,
    reason: str,
    note: str,
    by: Actor,
    at: datetime,
    *,
    content: str = "",
    is_drill: bool = False,
) -> Proposal:
    proposal = proposals.ask(
        study=participant.study,
        participant=participant,
        point=point,
        kind=kind,
        reason=reason,
        note_sealed=sealed(participant, note),
        content_sealed=vault.seal(content) if content else "",
        is_drill=is_drill,
        by=by,
        at=at,
    )
    alerts.raise_alert(
        study=participant.study,
        participant=participant,
        kind="second_person",
        subject_ref=f"proposal {proposal.pk}",
        within_hours=WITHIN_HOURS,
        by=by,
        at=at,
    )
    return proposal


@once
def decide(*, proposal: Proposal, is_agreed: bool, by: Actor, at: datetime) -> Decision:
    """The second person agrees, and it is done at once; or does not, or the first takes it back,
    and it is over. A code-break is then shown to whoever asked
    (randomisation.actions.code_breaks).
    """
    participant = participants.locked(person_of(proposal))
    if proposal.kind == "forced":
        allocations.held(proposal.study_id)
    decision = proposals.settle(proposal=proposal, is_agreed=is_agreed, by=by, at=at)
    if is_agreed and proposal.kind == "error_mark":
        _mark(proposal, participant, by, at)
    elif is_agreed and proposal.kind == "forced":
        forced.allocate(proposal=proposal, participant=participant, by=by, at=at)
    return decision


def _mark(proposal: Proposal, participant: Participant, by: Actor, at: datetime) -> None:
    """The slot stays consumed; where draws read across strata, those from now on leave the
    allocation out.
    """
    allocation = allocation_of(proposal)
    check_unmarked(allocation, "error")
    kind, _, identifier = proposal.by.partition(" ")
    who = Actor(kind, identifier, proposal.role)
    mark = ErrorMark.objects.create(
        **{
            **about(allocation, participant, proposal.reason, by=who, at=at),
            "note_sealed": proposal.note_sealed,
        },
        kind="error",
        proposal=proposal,
        agreed_by=str(by),
        counts_from=counts_from(allocation),
    )
    audit.record(
        participant,
        "marked as made in error",
        subject=f"mark {mark.pk}",
        reason=proposal.reason,
        by=by,
        at=at,
    )
