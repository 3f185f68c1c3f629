"""Breaking the code of one person: who asked, who agreed, why, and the arm to one person once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from randomisation.actions.exceptions import about, sealed
from randomisation.models import Allocation, CodeBreak, Impact
from randomisation.queries import proofs
from randomisation.queries.proposals import allocation_of, person_of
from randomisation.words import check_reason
from trial import audit
from trial.actions import alerts, participants
from trial.actions.once import once
from trial.actors import Actor
from trial.models import Decision, Participant, Proposal

WITHIN_HOURS, AT_ONCE_HOURS = 24, 4


class NotAgreed(Exception):
    """No second person has agreed to this."""


class NotWhoAsked(Exception):
    """The arm is shown to whoever asked, and to nobody else."""


class AlreadyShown(Exception):
    """The arm was shown; it is not shown twice."""


class NothingWritten(Exception):
    """An assessment of the impact says something."""


@dataclass(frozen=True)
class Revealed:
    """The answer to a code-break. A drill tells no arm. `proof` leads from the allocation to the
    published root.
    """

    code_break: CodeBreak
    arm: str = ""
    name: Mapping[str, str] = field(default_factory=dict)
    proof: Mapping[str, Any] | None = None


def show(*, proposal: Proposal, key: str | None = None, by: Actor, at: datetime) -> Revealed:
    """The arm, to whoever asked, once a second person agreed: recorded, and told to the others. The
    same request again gets the same answer; another one AlreadyShown.
    """
    return _revealed(_shown(proposal=proposal, key=key, by=by, at=at))


@once
def _shown(*, proposal: Proposal, by: Actor, at: datetime) -> CodeBreak:
    """Apart from `show`, because the result of an action is kept with its key, and the arm may not
    be.
    """
    participant = participants.locked(person_of(proposal))
    decision = Decision.objects.filter(proposal=proposal, is_agreed=True).first()
    if decision is None or proposal.kind != "code_break":
        raise NotAgreed
    if str(by) != proposal.by:
        raise NotWhoAsked
    if CodeBreak.objects.filter(proposal=proposal).exists():
        raise AlreadyShown
    row = CodeBreak(
        **{
            **about(allocation_of(proposal), participant, proposal.reason, by=by, at=at),
            "role": proposal.role,
        },
        proposal=proposal,
        is_drill=proposal.is_drill,
        agreed_by=decision.by,
        agreed_role=decision.role,
    )
    row.note_sealed = proposal.note_sealed
    return _broken(row, participant, by, at)


def break_at_once(
    *,
    allocation: Allocation,
    reason: str,
    note: str = "",
    is_drill: bool = False,
    key: str | None = None,
    by: Actor,
    at: datetime,
) -> Revealed:
    """In an emergency one person is enough, at any hour: the arm at once, an alert to everybody
    else.
    """
    return _revealed(
        _at_once(
            allocation=allocation,
            reason=reason,
            note=note,
            is_drill=is_drill,
            key=key,
            by=by,
            at=at,
        )
    )


@once
def _at_once(
    *, allocation: Allocation, reason: str, note: str, is_drill: bool, by: Actor, at: datetime
) -> CodeBreak:
    check_reason("code_break", reason, note)
    participant = participants.locked(allocation.participant)
    row = CodeBreak(
        **about(allocation, participant, reason, note, by=by, at=at),
        is_emergency=True,
        is_drill=is_drill,
    )
    return _broken(row, participant, by, at)


def _broken(row: CodeBreak, participant: Participant, by: Actor, at: datetime) -> CodeBreak:
    row.save(force_insert=True)
    audit.record(
        participant,
        "code-break practised" if row.is_drill else "code broken",
        subject=f"code-break {row.pk}",
        new={"emergency": row.is_emergency, "agreed_by": row.agreed_by},
        reason=row.reason,
        by=by,
        at=at,
    )
    alerts.raise_alert(
        study=participant.study,
        participant=participant,
        kind="code_break_drill" if row.is_drill else "code_break",
        subject_ref=f"code-break {row.pk}",
        within_hours=AT_ONCE_HOURS if row.is_emergency else WITHIN_HOURS,
        by=by,
        at=at,
    )
    return row


def _revealed(row: CodeBreak) -> Revealed:
    if row.is_drill:
        return Revealed(row)
    arm = row.participant.version.protocol.arm(row.allocation.arm)
    assert arm is not None  # the sections agree on the arms
    return Revealed(
        row, arm.code, arm.name, proofs.proof(row.allocation, proofs.committed(row.study))
    )


@once
def assess(*, code_break: CodeBreak, text: str, by: Actor, at: datetime) -> Impact:
    """What the code-break means for the blinding: who knows now, and what follows."""
    if not text.strip():
        raise NothingWritten
    participant = participants.locked(code_break.participant)
    impact = Impact.objects.create(
        code_break=code_break,
        text_sealed=sealed(participant, text),
        by=str(by),
        role=by.role,
        at=at,
    )
    audit.record(
        participant,
        "impact of a code-break assessed",
        subject=f"code-break {code_break.pk}",
        by=by,
        at=at,
    )
    return impact
