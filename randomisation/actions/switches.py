"""Halting randomisation, as a whole or in part, and letting it go on."""

from __future__ import annotations

from datetime import datetime

from randomisation.models import FIRST, Switch
from randomisation.queries import design
from randomisation.queries import switches as reads
from randomisation.words import check_reason
from trial import audit, rows
from trial.actions.once import once
from trial.actors import Actor
from trial.models import Journey, Study

STOPS_A_POINT = ("arm", "stratum")


class UnknownTarget(Exception):
    """There is no such part of this study."""


class NothingSwitched(Exception):
    """It is halted already, or it is not halted."""


@once
def halt(
    *,
    study: Study,
    level: str,
    target: str = "",
    point: str = "",
    reason: str,
    by: Actor,
    at: datetime,
) -> Switch:
    """Nobody of this part is allocated from now on. The study row is locked, as an allocation locks
    it: none is in flight when this returns, and those before stay.
    """
    check_reason("halt", reason)
    return _switch(study, level, target, point, True, reason, by, at)


@once
def go_on(
    *,
    study: Study,
    level: str,
    target: str = "",
    point: str = "",
    reason: str,
    by: Actor,
    at: datetime,
) -> Switch:
    """Allocate again; the worker looks at once at everybody who waited."""
    check_reason("go_on", reason)
    switch = _switch(study, level, target, point, False, reason, by, at)
    waiting = ["consented"] if switch.point in ("", FIRST) else []
    if switch.point != FIRST:  # somebody who is in waits at a later point
        waiting.append("randomised")
    Journey.objects.filter(participant__study=study, participant__state__in=waiting).update(
        due_at=at
    )
    return switch


def _switch(
    study: Study,
    level: str,
    target: str,
    point: str,
    is_halted: bool,
    reason: str,
    by: Actor,
    at: datetime,
) -> Switch:
    rows.pass_gate(study.pk, alone=True)
    study = Study.held().get(pk=study.pk)
    asked, (point, target) = point, _place(level, target, point)
    is_standing = (level, point, target) in [
        (each.level, each.point, each.target) for each in reads.in_force(study.pk)
    ]
    if (
        not is_standing
    ):  # what is halted can go on, also where a later version of the study has it no more
        _check_known(study, level, target, point, asked)
    if is_standing == is_halted:
        raise NothingSwitched
    switch = Switch.objects.create(
        study=study,
        level=level,
        point=point,
        target=target,
        is_halted=is_halted,
        reason=reason,
        by=str(by),
        role=by.role,
        at=at,
    )
    audit.record(
        study,
        "randomisation halted" if is_halted else "randomisation goes on",
        subject=f"switch {switch.pk}",
        new={"level": level, "point": point},  # not the target, which may be an arm
        reason=reason,
        by=by,
        at=at,
    )
    return switch


def _place(level: str, target: str, point: str) -> tuple[str, str]:
    """The point and the target as they are stored."""
    if level == "point":
        return target, ""
    return (point or FIRST) if level in STOPS_A_POINT else "", target


def _check_known(study: Study, level: str, target: str, point: str, asked: str) -> None:
    """Raises UnknownTarget. The strata that can be named are those of the first point: at a stage
    it would halt nothing.
    """
    known = {code for code, _name in reads.targets(study.current).get(level, [])}
    points = {"", FIRST} if level == "stratum" else {"", *design.points(study.current)}
    if (point if level == "point" else target) not in known or asked not in points:
        raise UnknownTarget(level)
