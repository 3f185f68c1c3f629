"""Turns a granted assessment schedule into rows, once. The only place in outcomes that ever sees a
grant.
"""

from __future__ import annotations

from datetime import datetime

from outcomes.actions import assessments, screening
from outcomes.queries import definitions
from trial.actors import SYSTEM
from trial.grants import Grant


def granted(grant: Grant, at: datetime) -> None:
    """Entry of settings.GRANTED: every timepoint of the schedule gets its rows, dated as soon as
    the date is known.

    Whoever is randomised is granted a schedule, whatever the arm, so here the screening is left
    behind.
    """
    if grant.kind != "assessments":
        return
    participant = grant.participant
    screening.forget(participant=participant, by=SYSTEM, at=at)
    for entry in definitions.assessments(participant.version).schedules[grant.code]:
        assessments.plan(
            participant=participant,
            timepoint=entry.timepoint,
            instruments=entry.instruments,
            opening=entry.model_dump(
                mode="json", include={"anchor", "days", "on", "not_before", "at_the_latest"}
            ),
            window=entry.window,
            granted_at=grant.granted_at,
            by=SYSTEM,
            at=at,
        )
