"""How a virtual coach works: an afternoon of calls on working days. Sees only the caseload; calls
only actions.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np

from coaching_protocol.actions import calls
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
            moment = _call(person, contact, moment, generator)
    return (at + timedelta(days=1)).replace(hour=13, minute=0)


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
    calls.log(
        attempt=attempt,
        outcome="reached",
        minutes=minutes,
        steps_done=steps,
        note="simulated",
        by=by,
        at=at + timedelta(minutes=minutes),
    )
    return at + timedelta(minutes=minutes)
