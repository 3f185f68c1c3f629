"""What a measure starts beside itself: `python -m tests.scale.beside write`, or `work PORT`."""

from __future__ import annotations

import sys

import django

if __name__ == "__main__":
    django.setup()

    from tests.scale import waits, workers  # models need settings
    from tests.scale.measures import at_the_end

    with at_the_end() as (study, at):
        match sys.argv[1:]:
            case ["write"]:
                waits.write(study, at)
            case ["work", port]:
                workers.work(int(port), at)
