"""How assessments stand, as the database counts them, against `schedules.state` and
`concealment.outcome` of the same rows one by one.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from outcomes import schedules
from outcomes.models import Assessment
from outcomes.queries import concealment, states
from outcomes.queries.concealment import Plan
from outcomes.sections.assessments import Planned
from trial.models import Participant

pytestmark = pytest.mark.django_db

ZONE = "Europe/Amsterdam"
AT = datetime(
    2026, 3, 30, 21, 59, tzinfo=UTC
)  # a minute before midnight; clocks changed the day before
PEOPLE = 120


def entry(**opens) -> Planned:
    return Planned(timepoint="t", instruments=("A",), window=3, **{"days": 2, **opens})


PLANS = [
    Plan("alike", "A", True, True, (entry(anchor="randomised"),)),
    Plan(
        "apart",
        "A",
        True,
        False,
        (entry(anchor="randomised"), entry(anchor="programme_finished", at_the_latest=4)),
    ),
    Plan(
        "dated",
        "A",
        True,
        False,
        (entry(anchor="randomised"), entry(anchor="date", on=date(2026, 3, 24))),
    ),
    Plan("to come", "A", True, False, (entry(anchor="date", on=date(2026, 3, 27)),)),
]


@pytest.mark.parametrize("seed", range(3))
def test_the_database_says_of_every_row_what_python_says(study, seed):
    some_rows(study, random.Random(seed))
    rows = list(Assessment.objects.select_related("participant"))
    for minutes in (0, 1, 24 * 60):
        at = AT + timedelta(minutes=minutes)
        assert said(states.state(at)) == {row.pk: schedules.state(row, at) for row in rows}
        assert +states.counted(study, at) == Counter(
            (
                row.timepoint,
                row.instrument,
                states.ALIKE.get(said_of := schedules.state(row, at), said_of),
            )
            for row in rows
        )
        assert said(states.told(PLANS, ZONE, at)) == {row.pk: told(row, at) for row in rows}


def said(expression) -> dict[int, str]:
    return dict(Assessment.objects.annotate(said=expression).values_list("pk", "said"))


def told(row: Assessment, at: datetime) -> str:
    person = row.participant
    plan = next(plan for plan in PLANS if plan.timepoint == row.timepoint)
    return (
        concealment.outcome(
            row,
            plan,
            randomised_at=person.randomised_at,
            withdrew_at=person.left_at if person.state == "withdrawn" else None,
            timezone=ZONE,
            at=at,
        )
        or ""
    )


def some_rows(study, draw: random.Random) -> None:
    """People and assessments whose moments lie around AT, often at the same or at midnight."""

    def moment(days: int, *, likely: float = 0.5) -> datetime | None:
        back = timedelta(days=draw.randint(-2, days), minutes=draw.choice((-1, 0, 0, 1, 300)))
        return AT - back if draw.random() < likely else None

    people = [
        Participant(
            study=study,
            version=study.current,
            code=f"QM-{number:05d}",
            state=draw.choice(("randomised", "withdrawn", "withdrawn", "excluded")),
            language="en",
            timezone=ZONE,
            began_at=AT,
            randomised_at=moment(12, likely=0.9),
            left_at=moment(10, likely=0.8),
        )
        for number in range(PEOPLE)
    ]
    Participant._base_manager.bulk_create(people)
    Assessment._base_manager.bulk_create(
        Assessment(
            study=study,
            participant=person,
            timepoint=plan.timepoint,
            instrument="A",
            position=0,
            version=1,
            **{
                name: moment(3, likely=0.3)
                for name in (
                    "opens_at",
                    "closes_at",
                    "opened_at",
                    "submitted_at",
                    "declined_at",
                    "withdrawn_at",
                )
            },
        )
        for person in people
        for plan in PLANS
    )
