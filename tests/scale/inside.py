"""One step of `python -m tests.scale`, in the database that the environment names: `rehearse
PEOPLE DAYS`, `grow PEOPLE`, `names` of the measures, or `measure NAME…`, which prints its figures,
a line of JSON each; `try NAME…` is the same with everything done once.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta

import django

django.setup()

from reports import demonstration, rehearsing  # noqa: E402  (models need settings)
from tests.scale import (  # noqa: E402, F401  (to be registered)
    draw,
    files,
    multiplying,
    pages,
    size,
    verifying,
    workers,
)
from tests.scale.measures import MEASURES, at_the_end, be_short  # noqa: E402
from trial import rehearse  # noqa: E402

STUDY = "living-positive"
SEED = 1


def main(step: str, *arguments: str) -> None:
    match step:
        case "rehearse":
            _rehearse(*map(int, arguments))
        case "grow":
            with at_the_end() as (study, _):
                multiplying.grow(study, int(arguments[0]))
        case "names":
            print(*MEASURES)
        case "measure" | "try":
            if step == "try":
                be_short()
            for name in arguments:
                with at_the_end() as (study, at):
                    for what, unit, value in MEASURES[name](study, at):
                        print(json.dumps([name, what, unit, value]), flush=True)


def _rehearse(people: int, days: int) -> None:
    """Until an afternoon in the middle of everything, when coaches call."""
    ends_at = rehearse.BEGINS_AT + timedelta(days=days, hours=6)
    study, _ = rehearsing.run(
        rehearsing.find(STUDY),
        number=people,
        seed=SEED,
        effects={},
        arrival_days=days * 4 // 7,
        ends_at=ends_at,
        stays_open=True,
    )
    demonstration.logins(study, ends_at)


if __name__ == "__main__":
    main(*sys.argv[1:])
