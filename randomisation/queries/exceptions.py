"""Reads of what departed from the plan: what later draws make of it, what a page and an export tell
of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from randomisation.models import (
    Allocation,
    CodeBreak,
    Correction,
    ErrorMark,
    ForcedAllocation,
)
from trial.entries import IntercurrentEvent
from trial.models import Participant, ProtocolVersion, Study


@dataclass(frozen=True)
class Change:
    """What the next draw of a scope makes of an earlier allocation: factor -> right value, and
    whether it is left out.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    is_left_out: bool = False


def history_changes(study: int, point: str, before: int) -> dict[int, Change]:
    """By allocation, what draw `before` reads otherwise than it was used. For scopes of a whole
    point; in a stratum nothing changes, since the slot stays consumed where it was used. To be read
    with the scope locked.
    """
    corrections = Correction.objects.filter(study=study, point=point, counts_from__lte=before)
    values: dict[int, dict[str, str]] = {}
    for allocation, right in corrections.order_by("pk").values_list("allocation", "values"):
        values.setdefault(allocation, {}).update(right)
    marks = ErrorMark.objects.filter(
        study=study, point=point, kind="error", counts_from__lte=before
    )
    left_out = set(marks.values_list("allocation", flat=True))
    return {
        number: Change(values.get(number, {}), number in left_out)
        for number in values.keys() | left_out
    }


def standing(allocation: Allocation) -> dict[str, str]:
    """The covariates of an allocation with every correction made so far."""
    found = dict(allocation.covariates)
    for right in (
        Correction.objects.filter(allocation=allocation)
        .order_by("pk")
        .values_list("values", flat=True)
    ):
        found.update(right)
    return found


def allowed_values(
    version: ProtocolVersion, factors: Mapping[str, str]
) -> dict[str, list[tuple[str, Any]]]:
    """For each factor that was used, the values that its question allows, as (code, words by
    language).
    """
    found: dict[str, list[tuple[str, Any]]] = {}
    for factor in factors:
        question = version.protocol.question(factor)
        if question is None:
            continue
        if question.kind == "site":
            found[factor] = [(site.code, site.name) for site in version.protocol.sites]
        elif question.kind == "choice":
            found[factor] = [(option.code, option.text) for option in question.options]
    return found


def corrections(study: Study) -> list[dict[str, Any]]:
    """For whoever replays the draws: the values that were put right, in order, and from which draw
    on.
    """
    rows = Correction.objects.filter(study=study).order_by("pk")
    return [
        {"point": point, "participant": code, "values": values, "counts_from": counts_from}
        for point, code, values, counts_from in rows.values_list(
            "point", "participant__code", "values", "counts_from"
        )
    ]


def error_marks(study: Study) -> list[dict[str, Any]]:
    """For the same: what was marked as made in error, and from which draw on it is left out."""
    rows = ErrorMark.objects.filter(study=study, kind="error").order_by("pk")
    return [
        {"point": point, "participant": code, "counts_from": counts_from}
        for point, code, counts_from in rows.values_list(
            "point", "participant__code", "counts_from"
        )
    ]


def told(each: CodeBreak) -> dict[str, Any]:
    """Who broke a code, when and why; not what they saw."""
    return {
        "point": each.point,
        "participant": each.participant.code,
        "reason": each.reason,
        "by": each.by,
        "role": each.role,
        "agreed_by": each.agreed_by,
        "emergency": each.is_emergency,
        "drill": each.is_drill,
        "at": each.at.isoformat(),
    }


def code_breaks(study: Study) -> list[CodeBreak]:
    """Every code-break of a study, drills too, the oldest first."""
    return list(
        CodeBreak.objects.filter(study=study)
        .select_related("participant__key", "allocation")
        .order_by("pk")
    )


def forced(
    study: Study, people: Sequence[Participant], at: datetime
) -> Iterator[IntercurrentEvent]:
    """Entry of settings.INTERCURRENT_EVENTS."""
    zone = ZoneInfo(study.current.protocol.timezone)
    rows = ForcedAllocation.objects.filter(participant__in=people, at__lte=at)
    for participant, moment in rows.values_list("participant", "at"):
        yield IntercurrentEvent(participant, "allocation_forced", moment.astimezone(zone).date())
