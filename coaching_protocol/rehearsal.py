"""How a virtual coach works: an afternoon of calls on working days. Sees only the caseload; calls
only actions.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np

from coaching_protocol.actions import calls
from coaching_protocol.actions import plans as assignments
from coaching_protocol.queries import due, plans
from trial import actors

SKIPS_A_DAY = 0.03
STEP_DONE = 0.92


def behave(person: Any, at: datetime, generator: np.random.Generator) -> datetime | None:
    """Entry of settings.REHEARSAL."""
    if person.role != "coach":
        return None
    if at.weekday() < 5 and generator.random() >= SKIPS_A_DAY:
        moment = at
        for contact in due.due_contacts(person.user_id, person.study.pk, at.date()):
            moment += timedelta(minutes=2)
            if not _hands_over(person, contact, moment, generator):
                moment = _call(person, contact, moment, generator)
    return (at + timedelta(days=1)).replace(hour=13, minute=0)


def _hands_over(coach: Any, contact: Any, at: datetime, generator: np.random.Generator) -> bool:
    """Somebody else goes on with this person."""
    if not coach.nature or not coach.colleagues or generator.random() >= coach.nature.handed_over:
        return False
    other = coach.colleagues[int(generator.integers(len(coach.colleagues)))]
    assignments.reassign(plan=contact.plan, coach=other, reason="workload", by=actors.SYSTEM, at=at)
    return True


def _call(coach: Any, contact: Any, at: datetime, generator: np.random.Generator) -> datetime:
    by = actors.staff(coach.user_id, "coach")
    participant = contact.plan.participant
    if at.date() > contact.closes_on:
        calls.give_up(contact=contact, reason="window_passed", by=by, at=at)
        return at
    user = coach.user
    calls.show_number(participant=participant, coach=user, by=by, at=at)
    attempt = calls.start(contact=contact, coach=user, by=by, at=at)
    person = coach.people[participant.code]
    if person.is_gone or generator.random() < coach.missed_call:
        outcome = "no_answer" if generator.random() < 0.6 else "voicemail"
        calls.log(attempt=attempt, outcome=outcome, by=by, at=at + timedelta(minutes=1))
        return at + timedelta(minutes=1)
    protocol = plans.protocol(participant.version, contact.plan.protocol)
    minutes = int(min(max(round(generator.normal(protocol.minutes, protocol.minutes / 4)), 2), 60))
    steps = [step.code for step in protocol.steps if generator.random() < STEP_DONE]
    at += timedelta(minutes=minutes)
    said = {"outcome": "reached", "minutes": minutes, "steps_done": steps, "note": "simulated"}
    deviations = _deviations(coach, protocol, generator)
    logged = calls.log(attempt=attempt, **said, deviations=deviations, by=by, at=at)
    person.coach_effect = coach.effect
    if coach.nature and generator.random() < coach.nature.correction:
        said["minutes"] = minutes + 1
        calls.correct(
            attempt=logged, coach=user, reason="slip", **said, deviations=deviations, by=by, at=at
        )
    return at


def _deviations(coach: Any, protocol: Any, generator: np.random.Generator) -> list[str]:
    """The code of a rule that was not kept in this call, or none."""
    if not coach.nature or not protocol.must_not:
        return []
    if generator.random() >= coach.nature.deviation:
        return []
    return [protocol.must_not[int(generator.integers(len(protocol.must_not)))].code]
