"""The page of a study's randomisation, and of one person's exceptions. Totals and facts, never by
arm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q

from randomisation.models import (
    Allocation,
    CodeBreak,
    Correction,
    ErrorMark,
    ForcedAllocation,
    Switch,
    TreatmentReceived,
)
from randomisation.permissions import AGREES
from randomisation.queries import design, exceptions, matches, proposals, switches
from randomisation.queries.comparison import commitment
from randomisation.queries.stage_lists import StageList, low
from trial.models import Participant, Proposal, Study
from trial.queries import staff


@dataclass(frozen=True)
class Overview:
    allocated: int
    waiting: int
    forced: int
    commitment: str
    halted: Sequence[Switch]
    switched: Sequence[Switch]
    proposals: Sequence[Proposal]
    to_show: Sequence[Proposal]
    held: Sequence[Participant]
    low: Sequence[StageList]
    corrections: Sequence[Correction]
    marks: Sequence[ErrorMark]
    code_breaks: Sequence[CodeBreak]
    names: Mapping[str, str]


def overview(study: Study, sees: Callable[[str], bool]) -> Overview:
    """`sees` says of which points the rows may be shown: of a stage they can tell an arm."""
    counts = Participant.objects.filter(study=study).aggregate(
        allocated=Count("pk", filter=Q(randomised_at__isnull=False)),
        waiting=Count("pk", filter=Q(state="consented")),
    )
    events = switches.events(study.pk)
    rows: dict[str, Any] = {
        "switched": events[::-1],
        "proposals": [each for each in proposals.waiting(study) if sees(each.point)],
        "to_show": [each for each in proposals.to_show(study) if sees(each.point)],
        "corrections": _newest(Correction, study, sees),
        "marks": _newest(ErrorMark, study, sees),
        "code_breaks": exceptions.code_breaks(study)[::-1],
    }
    return Overview(
        **counts,
        forced=ForcedAllocation.objects.filter(study=study).count(),
        commitment=commitment(study),
        halted=switches.in_force(study.pk, events),
        held=matches.held(study),
        low=low(study, sees),
        names=_names(row for some in rows.values() for row in some),
        **rows,
    )


def _newest(model: Any, study: Study, sees: Callable[[str], bool]) -> list[Any]:
    rows = model.objects.filter(study=study).select_related("participant").order_by("-pk")
    return [row for row in rows if sees(row.point)]


def _names(rows: Iterable[Any]) -> dict[str, str]:
    return staff.names(who for row in rows for who in (row.by, getattr(row, "agreed_by", "")))


@dataclass(frozen=True)
class AtAPoint:
    """One allocation of a person and what stands beside it. The allocation's arm is never read
    here.
    """

    number: int
    point: str
    allocated_at: Any
    is_forced: bool
    used: Mapping[str, str]
    standing: Mapping[str, str]
    corrections: Sequence[Correction]
    marks: Sequence[ErrorMark]
    received: Sequence[TreatmentReceived]
    code_breaks: Sequence[CodeBreak]

    @property
    def is_marked(self) -> bool:
        return any(mark.kind == "error" for mark in self.marks)

    @property
    def is_ineligible(self) -> bool:
        return any(mark.kind == "ineligible" for mark in self.marks)


@dataclass(frozen=True)
class OnePerson:
    points: Sequence[AtAPoint]
    proposals: Sequence[Proposal]
    names: Mapping[str, str]


def one_person(participant: Participant, sees: Callable[[str], bool]) -> OnePerson:
    """By a fixed number of queries, whatever happened."""
    found: dict[str, list[Any]] = {
        name: list(model.objects.filter(participant=participant).order_by("pk"))
        for name, model in (
            ("corrections", Correction),
            ("marks", ErrorMark),
            ("received", TreatmentReceived),
            ("code_breaks", CodeBreak),
        )
    }
    proposed = (
        Proposal.objects.filter(participant=participant, kind__in=AGREES)
        .select_related("decision")
        .order_by("pk")
    )
    asked = [each for each in proposed if sees(each.point)]
    allocations = Allocation.objects.filter(participant=participant).defer(
        "arm", "fake_arm", "probabilities"
    )
    return OnePerson(
        points=[
            _at_a_point(each, found) for each in allocations.order_by("pk") if sees(each.point)
        ],
        proposals=asked,
        names=_names([*asked, *(row for rows in found.values() for row in rows)]),
    )


def _at_a_point(allocation: Allocation, found: Mapping[str, list[Any]]) -> AtAPoint:
    own = {
        name: [row for row in rows if row.allocation_id == allocation.pk]
        for name, rows in found.items()
    }
    used = {
        factor: value for factor, value in allocation.covariates.items() if factor != design.FROM
    }
    standing = dict(used)
    for correction in own["corrections"]:
        standing.update(correction.values)
    return AtAPoint(
        number=allocation.pk,
        point=allocation.point,
        allocated_at=allocation.allocated_at,
        is_forced=allocation.kind == "forced",
        used=used,
        standing=standing,
        **own,
    )
