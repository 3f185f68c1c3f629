"""Facts beside an allocation, each by one person. None changes an allocation, and none takes or
frees a draw.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from randomisation.models import Allocation, Correction, ErrorMark, Scope, TreatmentReceived
from randomisation.queries import design
from randomisation.queries import exceptions as reads
from randomisation.words import OTHER, check_reason
from trial import audit, rows, vault
from trial.actions import participants
from trial.actions.once import once
from trial.actors import Actor
from trial.models import Participant


class ValueNotAllowed(Exception):
    """The study's question has no such answer, or the factor was not used."""


class SameValues(Exception):
    """The values stand there already."""


class AlreadyMarked(Exception):
    """This allocation is marked already; a mark is never taken back."""


class UnknownTreatment(Exception):
    """Not an arm of the study, and not `other`."""


class Erased(Exception):
    """The person is erased: nothing can be written about them in words any more."""


@once
def correct(
    *,
    allocation: Allocation,
    values: Mapping[str, str],
    reason: str,
    note: str = "",
    by: Actor,
    at: datetime,
) -> Correction:
    """Put right what was used at an allocation, which stays as it is. Where draws read across
    strata, those from now on read the right value; in a stratum the slot stays consumed.
    """
    check_reason("correction", reason, note)
    participant = participants.locked(allocation.participant)
    right = _right_values(allocation, values)
    correction = Correction.objects.create(
        **about(allocation, participant, reason, note, by=by, at=at),
        values=right,
        counts_from=counts_from(allocation),
    )
    audit.record(
        participant,
        "covariate of an allocation corrected",
        subject=f"correction {correction.pk}",
        new={"factors": sorted(right), "point": allocation.point},
        reason=reason,
        by=by,
        at=at,
    )
    return correction


def _right_values(allocation: Allocation, values: Mapping[str, str]) -> dict[str, str]:
    """Those that differ from what stands now; raises ValueNotAllowed and SameValues."""
    allowed = reads.allowed_values(allocation.participant.version, allocation.covariates)
    for factor, value in values.items():
        if value not in {code for code, _words in allowed.get(factor, ())}:
            raise ValueNotAllowed(factor)
    standing = reads.standing(allocation)
    right = {factor: value for factor, value in values.items() if standing[factor] != value}
    if not right:
        raise SameValues
    return right


@once
def mark_ineligible(
    *, allocation: Allocation, reason: str, note: str = "", by: Actor, at: datetime
) -> ErrorMark:
    """Somebody was allocated who should not have been let in. They stay and are followed up: a fact
    without effect.
    """
    check_reason("ineligible", reason, note)
    participant = participants.locked(allocation.participant)
    check_unmarked(allocation, "ineligible")
    mark = ErrorMark.objects.create(
        **about(allocation, participant, reason, note, by=by, at=at), kind="ineligible"
    )
    audit.record(
        participant,
        "found ineligible after allocation",
        subject=f"mark {mark.pk}",
        reason=reason,
        by=by,
        at=at,
    )
    return mark


@once
def record_received(
    *, allocation: Allocation, received: str, reason: str, note: str = "", by: Actor, at: datetime
) -> TreatmentReceived:
    """Somebody was given another treatment than theirs: an arm's code, or `other`. The allocation
    stays.
    """
    check_reason("received", reason, note)
    if received not in (*allocation.participant.version.protocol.arm_codes, OTHER):
        raise UnknownTreatment
    participant = participants.locked(allocation.participant)
    row = TreatmentReceived.objects.create(
        **about(allocation, participant, reason, note, by=by, at=at),
        received_sealed=vault.seal(received),
    )
    audit.record(
        participant,
        "another treatment received",
        subject=f"record {row.pk}",
        reason=reason,
        by=by,
        at=at,
    )
    return row


def about(
    allocation: Allocation,
    participant: Participant,
    reason: str,
    note: str = "",
    *,
    by: Actor,
    at: datetime,
) -> dict[str, Any]:
    """What every row about one allocation has."""
    return {
        "study": participant.study,
        "participant": participant,
        "point": allocation.point,
        "allocation": allocation,
        "reason": reason,
        "note_sealed": sealed(participant, note),
        "by": str(by),
        "role": by.role,
        "at": at,
    }


def sealed(participant: Participant, words: str) -> str:
    """Words about a person under their key; raises Erased once there is none."""
    if words.strip() and not hasattr(participant, "key"):
        raise Erased(participant.code)
    return participant.sealed(words.strip()) if words.strip() else ""


def check_unmarked(allocation: Allocation, kind: str) -> None:
    if ErrorMark.objects.filter(allocation=allocation, kind=kind).exists():
        raise AlreadyMarked


def counts_from(allocation: Allocation) -> int:
    """The index of the next draw in the allocation's scope, which is locked. What took no draw
    stands in no history. Where draws read across strata, that one reads the history anew.
    """
    scopes = Scope.objects.select_for_update().filter(
        study=allocation.study_id, point=allocation.point
    )
    scope = scopes.filter(name=allocation.stratum).first()
    if scope is None:
        return 0
    if design.rule(allocation.participant.version, allocation.point).scope == "point":
        rows.update(Scope, {"id": scope.pk}, carried=None)
    return scope.next_index
