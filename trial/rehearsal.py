"""How a virtual person comes in, uses the programme and leaves. Sees only what the person could
see; calls only actions.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np

from trial import actors, virtual
from trial.actions import journey, own_details, participants, programme
from trial.queries import people
from trial.queries import programme as reads

DECLINES = 0.03  # reads the letter and would rather not
WALKS_AWAY = 0.04  # leaves the screening half-way


def behave(person: Any, at: datetime, generator: np.random.Generator) -> datetime | None:
    """Entry of settings.REHEARSAL. Gives back when the person will look again, if there is a reason
    to.
    """
    if person.role != "participant":
        return None
    if not person.code:
        return _arrive(person, at, generator)
    if person.busy_until and at < person.busy_until:
        return person.busy_until
    participant = person.now()
    if participant.state == "screening":
        return _join(person, participant, at, generator)
    if participant.state in {"excluded", "withdrawn"}:
        person.is_gone = True
        return None
    if participant.state == "consented":
        return _call_times(person, participant, at, generator)
    return _live(person, participant, at, generator)


def _arrive(person: Any, at: datetime, generator: np.random.Generator) -> datetime:
    participant = participants.begin(
        study=person.study,
        language=person.language,
        code=virtual.participant_code(person.study.code_prefix, generator),
        timezone=person.timezone,
        by=actors.visitor("new"),
        at=at,
    )
    person.code = participant.code
    participants.answer_questions(
        participant=participant,
        answers=answers(
            person, participant, participant.version.protocol.screened_questions, generator
        ),
        by=actors.visitor(person.code),
        at=at,
    )
    journey.advance(participant, at)
    if generator.random() < WALKS_AWAY:
        person.is_gone = True
    return at


def _join(
    person: Any, participant: Any, at: datetime, generator: np.random.Generator
) -> datetime | None:
    """Past the screening: leave an address, read, sign. The screening itself is outcomes' part."""
    ask = journey.advance(participant, at)
    leads_to = ask.task.leads_to if ask else None
    if leads_to is None or leads_to.audience != "join":
        return None
    by = actors.participant(person.code)
    if leads_to.name == "contact":
        participants.verify(
            participant=participant,
            name=person.name,
            email=person.email,
            phone=person.phone,
            by=by,
            at=at,
        )
        return at
    if leads_to.name != "consent":
        return None
    if generator.random() < DECLINES:
        participants.turn_away(
            participant=participant, stage="consent", reason="declined", stopped=True, by=by, at=at
        )
        person.is_gone = True
        return None
    letter = participant.version.consent.letters[person.language]
    participants.sign_consent(
        participant=participant,
        language=person.language,
        statements=[each.code for each in letter.statements],
        comprehension={
            each.code: int(1 + (generator.random() < 0.15)) for each in letter.comprehension
        },
        signature=person.name,
        by=by,
        at=at,
    )
    journey.advance(participant, at)
    return at


def _call_times(
    person: Any, participant: Any, at: datetime, generator: np.random.Generator
) -> datetime | None:
    identity = getattr(participant, "identity", None)
    if identity is None or identity.call_times_sealed:
        return None
    times = ["mon-evening"] if generator.random() < 0.5 else []
    own_details.set_call_times(
        participant=participant, times=times, by=actors.participant(person.code), at=at
    )
    journey.advance(participant, at)
    return at


def _live(
    person: Any, participant: Any, at: datetime, generator: np.random.Generator
) -> datetime | None:
    """After allocation: leave when fate says so, otherwise go on with the programme if there is
    one.
    """
    if person.fate is None:
        person.fate = _fate(person, participant)
    leaves_on = person.fate.leaves_on
    leaving = (
        participant.randomised_at + timedelta(days=leaves_on) if leaves_on is not None else None
    )
    if leaving and at >= leaving:
        person.is_gone = True
        if person.fate.says_goodbye and participant.state == "randomised":
            by = actors.participant(person.code)
            reason = ("feels_better", "no_time", "does_not_fit", "feels_worse")[
                int(generator.integers(0, 4))
            ]
            participants.withdraw(participant=participant, reason=reason, by=by, at=at)
        return None
    wakes = [
        moment
        for moment in (leaving, _learn(person, participant, at, generator))
        if moment and moment > at
    ]
    person.busy_until = min(wakes, default=None)
    return person.busy_until


def _fate(person: Any, participant: Any) -> virtual.Fate:
    rehearsal = participant.version.protocol.rehearsal
    arm = people.arm_by_grants(participant)
    has_dropout = person.settings.dropout
    return virtual.draw_fate(
        person,
        dropout=rehearsal.study_dropout.get(arm, 0.0) if has_dropout else 0.0,
        first_post_day=virtual.FULL_AFTER,
        lessons=len(participant.version.programme.modules) if participant.version.programme else 0,
        programme_stop=rehearsal.programme_stop if has_dropout else 0.0,
    )


def _learn(
    person: Any, participant: Any, at: datetime, generator: np.random.Generator
) -> datetime | None:
    """The next lesson: begin it, do the exercises, mark it done some days later."""
    if participant.programme_stopped_at:
        return None
    by = actors.participant(person.code)
    for state in reads.modules(participant):
        if state.done_at:
            continue
        if state.opens_at is None:
            return None
        if person.fate.stops_after is not None and state.number > person.fate.stops_after:
            if person.fate.says_stop:
                programme.stop_programme(participant=participant, reason="no_time", by=by, at=at)
            return None
        if state.begun_at is None:
            return _begin(person, participant, state, by, at, generator)
        return _finish(person, participant, state, by, at, generator)
    return None


def _begin(
    person: Any, participant: Any, state: Any, by: Any, at: datetime, generator: np.random.Generator
) -> datetime:
    planned = person.plans.setdefault(
        f"begin {state.code}", virtual.later(max(at, state.opens_at), generator, 5)
    )
    if planned > at:
        return planned
    programme.begin_module(participant=participant, module=state.code, by=by, at=at)
    for block in _exercises(participant, state.code):
        if generator.random() >= virtual.EXERCISE_DONE:
            continue
        programme.save_exercise(
            participant=participant,
            module=state.code,
            exercise=block.code,
            value=exercise_value(block, generator),
            by=by,
            at=at,
        )
    return person.plans.setdefault(
        f"finish {state.code}", virtual.later(at + timedelta(hours=1), generator, 3)
    )


def _finish(
    person: Any, participant: Any, state: Any, by: Any, at: datetime, generator: np.random.Generator
) -> datetime | None:
    planned = person.plans.setdefault(f"finish {state.code}", virtual.later(at, generator, 3))
    if planned > at:
        return planned
    programme.finish_module(participant=participant, module=state.code, by=by, at=at)
    if state.number < len(participant.version.programme.modules):
        return at + timedelta(minutes=1)
    journey.advance(participant, at)
    return at


def _exercises(participant: Any, module: str) -> list[Any]:
    found = next(each for each in participant.version.programme.modules if each.code == module)
    return [block for block in found.blocks[participant.language] if block.kind == "exercise"]


def exercise_value(block: Any, generator: np.random.Generator) -> Any:
    if block.exercise == "scale":
        return int(generator.integers(0, 11))
    if block.exercise == "checklist":
        return [i for i in range(len(block.options)) if generator.random() < 0.5]
    if block.exercise == "plan":
        return {"what": "simulated", "when": "simulated", "where": "simulated"}
    return "simulated"


def answers(
    person: Any, participant: Any, codes: Any, generator: np.random.Generator
) -> dict[str, Any]:
    """Answers to the study's own questions that let the person through, or for a misfit one that
    may not.
    """
    protocol = participant.version.protocol
    given: dict[str, Any] = {}
    for code in codes:
        question = protocol.question(code)
        if question.kind == "site":
            given[code] = protocol.sites[int(generator.integers(0, len(protocol.sites)))].code
        elif question.kind == "number":
            low, high = (18, 75) if code == "age" else (question.min or 0, question.max or 10)
            given[code] = int(
                min(max(round(generator.normal((low + high) / 2, (high - low) / 5)), low), high)
            )
        else:
            given[code] = _choice(person, protocol, question, given, generator)
    if not person.fits and generator.random() < 0.4 and "age" in given:
        given["age"] = 17
    return given


def _choice(
    person: Any, protocol: Any, question: Any, given: dict[str, Any], generator: np.random.Generator
) -> str:
    """One option; for a person who fits, one that no criterion turns away by itself."""
    from trial.rules import Facts, holds

    def passes(option: str) -> bool:
        facts = Facts(answers={**given, question.code: option})
        return all(holds(each.rule, facts) is not False for each in protocol.eligibility)

    allowed = [option for option in question.option_codes if not person.fits or passes(option)]
    if question.code == "sex":
        return "m" if "m" in allowed and generator.random() < 0.85 else allowed[0]
    return allowed[int(generator.integers(0, len(allowed)))]
