"""Everybody randomised, in order of randomisation; and why the others were not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from reports.dataset import Participant
from reports.queries.dataset.calls import Calls
from reports.queries.dataset.programme import Use
from reports.queries.plan import MANY
from reports.queries.tables import Records, day, days_after, records
from trial.entries import Table
from trial.models import ProtocolVersion
from trial.queries.tables import answer_column, asked

OTHER_SITES = "other_sites"
NAMED_SITES = 3  # more would fill the table with rows of a few people
AT_THE_START = ("granted", "randomised")


def participants(
    version: ProtocolVersion,
    found: list[Table],
    arms: Mapping[str, str] | None,
    use: Use | None,
    calls: Calls | None,
) -> tuple[Participant, ...]:
    rows = [row for row in records(found, "participants") if row["randomised_on"]]
    rows.sort(key=lambda row: row["randomised_on"])  # stable: by arrival within a day
    offering = {arm.code: unused for arm in version.protocol.arms if (unused := _unused(arm))}
    return grouped(
        version, tuple(_participant(version, row, arms, offering, use, calls) for row in rows)
    )


def grouped(version: ProtocolVersion, people: tuple[Participant, ...]) -> tuple[Participant, ...]:
    """With the small centres under one code where there are many, as the baseline table tells
    them.
    """
    code = next(
        (question.code for question in version.protocol.questions if question.kind == "site"), None
    )
    if code is None or len(version.protocol.sites) <= MANY:
        return people
    kept = largest(people)
    return tuple(
        replace(
            person,
            values={**person.values, code: person.site if person.site in kept else OTHER_SITES},
        )
        for person in people
    )


def largest(people: Sequence[Participant]) -> list[str]:
    """The centres with most people randomised, by code where they have as many."""
    counts = Counter(person.site for person in people if person.site)
    return sorted(counts, key=lambda site: (-counts[site], site))[:NAMED_SITES]


def _unused(arm: Any) -> str:
    """What somebody of this arm has not begun who began nothing of it: modules that open at once,
    planned calls, or both. Empty for an arm that offers neither at the start.
    """
    calls = ["no_call"] if arm.granted("coaching") else []
    modules = ["no_module"] if _has_lessons_at_once(arm) else []
    return "_".join([*modules, *calls])


def offered(version: ProtocolVersion) -> list[str]:
    """By arm, what of the reasons there can be for not having begun."""
    return [_unused(arm) for arm in version.protocol.arms]


def _has_lessons_at_once(arm: Any) -> bool:
    lessons = (grant.opens for grant in arm.granted("programme"))
    return any(o.anchor in AT_THE_START and o.days == 0 for o in lessons)


def waiting(version: ProtocolVersion) -> frozenset[str]:
    """The arms that get the programme only later."""
    arms = version.protocol.arms
    return frozenset(
        arm.code for arm in arms if arm.granted("programme") and not _has_lessons_at_once(arm)
    )


def _participant(
    version: ProtocolVersion,
    row: dict[str, Any],
    arms: Mapping[str, str] | None,
    offering: Mapping[str, str],
    use: Use | None,
    calls: Calls | None,
) -> Participant:
    code, started = row["participant"], day(row["randomised_on"])
    arm = arms[code] if arms is not None else None
    withdrew = row["state"] == "withdrawn"
    received = None
    if arm is not None:
        received = arm not in offering or bool(
            (use and use.has_begun(code)) or (calls and calls.is_held(code))
        )
    return Participant(
        code=code,
        arm=arm,
        site=row["site"] or None,
        values={question.code: _value(row[answer_column(question)]) for question in asked(version)},
        consented_on=day(row["consented_on"]),
        randomised_on=started,
        received=received,
        not_received_reason=_why_not(row, offering[arm])
        if arm is not None and not received
        else None,
        programme_stopped_on=day(row.get("programme_stopped_on")),
        programme_stop_reason=row.get("programme_stop_reason") or None,
        study_left_on=day(row["left_on"]) if withdrew else None,
        study_left_at=days_after(started, row["left_on"]) if withdrew else None,
        withdrawn_reason=(row["left_reason"] or "withdrawn") if withdrew else None,
    )


def _value(answer: Any) -> float | str | None:
    return answer if answer is None or isinstance(answer, str) else float(answer)


def without_programme(version: ProtocolVersion) -> frozenset[str]:
    """The arms that never get the programme."""
    return frozenset(arm.code for arm in version.protocol.arms if not arm.granted("programme"))


def _why_not(row: dict[str, Any], unused: str) -> str:
    if row["state"] == "withdrawn":
        return "withdrawn"
    return "stopped_before_beginning" if row.get("programme_stopped_on") else unused


def excluded(rows: Records) -> dict[str, int]:
    """Everybody screened and not randomised, by the criterion that did not hold or by where they
    stopped.
    """
    return dict(Counter(_why_excluded(row) for row in rows if not row["randomised_on"]))


def _why_excluded(row: dict[str, Any]) -> str:
    if row["state"] == "excluded":
        return (
            f"stopped_at_{row['left_stage']}"
            if row["left_reason"] == "stopped"
            else row["left_reason"]
        )
    return "withdrew_before_allocation" if row["state"] == "withdrawn" else "not_yet_randomised"
