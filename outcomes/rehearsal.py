"""How a virtual person answers questionnaires. Sees only what the person could see; calls only
actions.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np

from outcomes.actions import assessments, screening
from outcomes.queries import assessments as reads
from outcomes.queries import definitions
from trial import actors, virtual
from trial.actions import journey, participants
from trial.queries import people
from trial.rehearsal import answers as question_answers

ROOM = 1.0  # nobody answers on the last day of a window


def behave(person: Any, at: datetime, generator: np.random.Generator) -> datetime | None:
    """Entry of settings.REHEARSAL."""
    if person.role != "participant" or not person.code or person.is_gone:
        return None
    participant = person.now()
    if participant.state == "screening":
        return _screen(person, participant, at, generator)
    if not participant.is_in_study:
        return None
    return _answer(person, participant, at, generator)


def _screen(
    person: Any, participant: Any, at: datetime, generator: np.random.Generator
) -> datetime | None:
    """One screening instrument at a time; the criteria decide in between."""
    for page in participant.version.protocol.screening:
        if page.instrument and not definitions.is_answered(participant, page):
            definition = definitions.instrument(participant.version, page.instrument)
            score = _screening_score(person, participant, definition, generator)
            given = _spread(definition, score, generator)
            by = actors.visitor(person.code)
            screening.answer_instrument(
                participant=participant, instrument=page.instrument, answers=given, by=by, at=at
            )
            journey.advance(participant, at)
            return at
    return None


def _screening_score(
    person: Any, participant: Any, definition: Any, generator: np.random.Generator
) -> int:
    """Whoever fits scores within what the criteria ask; a misfit scores low or high."""
    mean, sd = _spread_of(participant, definition)
    low, high = definition.range
    if person.fits:
        middle = (high - low) / 4
        inside = {"PHQ9": (5, 19)}.get(definition.code, (max(low + 1, 1), high))
        return virtual.total(
            person, mean=mean or middle, sd=sd, lowest=inside[0], highest=inside[1]
        )
    return int(generator.choice([low, low + 1, high - 4, high]))


def _answer(
    person: Any, participant: Any, at: datetime, generator: np.random.Generator
) -> datetime | None:
    by = actors.participant(person.code)
    missing = (
        reads.missing_baseline_questions(participant) if participant.randomised_at is None else []
    )
    if missing:
        given = question_answers(person, participant, missing, generator)
        participants.answer_questions(participant=participant, answers=given, by=by, at=at)
        journey.advance(participant, at)
        return at
    wakes = []
    for sitting in reads.sittings(participant):
        rows = sitting.remaining(at)
        if not rows and (sitting.opens_at is None or sitting.opens_at <= at):
            continue
        planned = _plan(person, sitting, at, generator)
        if planned is None:
            continue
        if rows and planned <= at:
            _fill_in(person, participant, rows, by, at, generator)
            return at
        wakes.append(max(planned, at + timedelta(minutes=1)))
    return min(wakes, default=None)


def _plan(
    person: Any, sitting: Any, at: datetime, generator: np.random.Generator
) -> datetime | None:
    """When the person will sit down for it: within the window, or never for some short forms."""
    key = f"sit {sitting.timepoint}"
    if key not in person.plans:
        is_short = sitting.minutes <= 3
        if (
            person.settings.dropout
            and is_short
            and generator.random() > virtual.SHORT_FORM_ANSWERED
        ):
            person.plans[key] = datetime.max.replace(tzinfo=at.tzinfo)
        else:
            start = max(at, sitting.opens_at + timedelta(hours=2))  # the mail comes in the morning
            room = max((sitting.closes_at - start).total_seconds() / 86400 - ROOM, 0.0)
            person.plans[key] = virtual.later(start, generator, min(room, 8.0))
    planned = person.plans[key]
    return None if planned.year == datetime.max.year else planned


def _fill_in(
    person: Any,
    participant: Any,
    rows: list[Any],
    by: Any,
    at: datetime,
    generator: np.random.Generator,
) -> None:
    for row in rows:
        definition = definitions.instrument(participant.version, row.instrument)
        given: dict[str, int | None] = dict(
            _spread(definition, _measure(person, participant, definition, at), generator)
        )
        for code in given:
            if person.settings.dropout and generator.random() < virtual.ITEM_LEFT_BLANK:
                given[code] = None
        assessments.submit(
            assessment=row, answers=given, language=participant.language, mode="web", by=by, at=at
        )
    journey.advance(participant, at)


def _measure(person: Any, participant: Any, definition: Any, at: datetime) -> int:
    mean, sd = _spread_of(participant, definition)
    low, high = definition.range
    shift = 0.0
    if participant.randomised_at:
        days = (at - participant.randomised_at).total_seconds() / 86400
        shift = _change(participant, definition, mean) * virtual.progress(days)
        for code, opened_on in people.held(participant).items():
            shift += (
                sd * person.settings.effects.get(code, 0.0) * virtual.progress(days - opened_on)
            )
        shift += sd * person.coach_effect * virtual.progress(days)
    return virtual.total(person, mean=mean, sd=sd, lowest=low, highest=high, shift=shift)


def _spread_of(participant: Any, definition: Any) -> tuple[float, float]:
    """Mean and SD at baseline from the study folder; a middling guess for an instrument that it
    does not name.
    """
    given = participant.version.protocol.rehearsal.baseline.get(definition.code)
    low, high = definition.range
    return (given.mean, given.sd) if given else (low + 0.4 * (high - low), 0.15 * (high - low))


def _change(participant: Any, definition: Any, mean: float) -> float:
    return participant.version.protocol.rehearsal.change.get(definition.code, -0.1 * mean)


def _spread(definition: Any, score: int, generator: np.random.Generator) -> dict[str, int]:
    """Item answers whose score is `score`: spread over the scored items, reversed where the item
    is.
    """
    lowest, highest = definition.options[0], definition.options[-1]
    given = virtual.spread(
        score, definition.scoring.items, lowest, highest, definition.risk_items, generator
    )
    for code in definition.reverse:
        given[code] = lowest + highest - given[code]
    return given
