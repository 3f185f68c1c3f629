"""One step of `python -m tests.scale`, in the database that the environment names: `rehearse
PEOPLE DAYS`, `grow PEOPLE`, or a measure by its name. A measure prints its figures, a line of JSON
each.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta

import django
import time_machine

django.setup()

from reports import demonstration, rehearsing  # noqa: E402  (models need settings)
from tests.scale import multiplying, pages, verifying  # noqa: E402, F401
from tests.scale.measures import MEASURES  # noqa: E402
from trial import rehearse  # noqa: E402
from trial.models import Study  # noqa: E402

STUDY = "living-positive"
SEED = 1


def main(step: str, *arguments: str) -> None:
    match step:
        case "rehearse":
            people, days = map(int, arguments)
            ends_at = ended(days)
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
        case "grow":
            (people,) = map(int, arguments)
            multiplying.grow(Study.objects.get(), people)
        case "measures":
            print(*MEASURES)
        case _:
            (days,) = map(int, arguments)
            at = ended(days)
            with time_machine.travel(at):
                for what, unit, value in MEASURES[step](Study.objects.get(), at):
                    print(json.dumps([what, unit, value]), flush=True)


def ended(days: int) -> datetime:
    """On an afternoon, when coaches call."""
    return rehearse.BEGINS_AT + timedelta(days=days, hours=6)


if __name__ == "__main__":
    main(*sys.argv[1:])
