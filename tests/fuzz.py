"""`make fuzz`: the long run of what the suite samples, part by part, each of which says its name.

`python -m tests.fuzz [PART ...] [--minutes N]`. Each part has its share of the minutes, and what
one leaves over goes to the next. A part that goes through `tests.fuzzing.rounds()` ends by itself:
in the suite it does one round with a fixed seed, here it begins with another seed each day
(HANDVAT_FUZZ_SEED makes a round again) and goes on until its share is used up. Any other is ended
by the limit, which is said and is no failure. Only this machine is asked: tests refuse every
address that is not.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.fuzzing import FIRST, SHARE
from tests.run import HOW_TO_GET_CHROMIUM, ROOT, chromium, postgresql

FAILED = 1
# seconds that a part may take beyond its share to finish what it began; longer is a failure
A_ROUND = 300
A_DAY = 24 * 60 * 60


@dataclass(frozen=True)
class Part:
    """Arguments for pytest, and what it is to find in its environment."""

    says: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    in_a_browser: bool = False
    on_postgresql: bool = False
    goes_in_rounds: bool = False
    weight: int = 1  # of the minutes


def _rounds(says: str, test: str, *, on_postgresql: bool = False, weight: int = 1) -> Part:
    return Part(says, (f"tests/fuzzing/{test}",), {}, False, on_postgresql, True, weight)


OPERATIONS = "every operation of the API as every role that may: no fault"
SITE = "every form of the site with anything typed into it: no fault"
PARTS = {
    "two-worlds": Part(
        "worlds that differ only in who got which arm, every day in full: the same bytes to every "
        "concealed role",
        ("tests/test_two_worlds.py", "-k", "bytes"),
        {"HANDVAT_EVERY_DAY": "1", "DATABASE_URL": ""},
    ),
    "forms": Part(
        "every form of the site, left in every way: what was typed is there again",
        ("-m", "browser", "tests/browser/test_every_form.py"),
        {"HANDVAT_EVERY_WAY": "1"},
        in_a_browser=True,
    ),
    "operations": _rounds(OPERATIONS, "test_api.py", weight=2),
    "operations-postgresql": _rounds(
        f"{OPERATIONS} (PostgreSQL)", "test_api.py", on_postgresql=True, weight=2
    ),
    "typed": _rounds(SITE, "test_forms.py"),
    "typed-postgresql": _rounds(f"{SITE} (PostgreSQL)", "test_forms.py", on_postgresql=True),
    "folders": _rounds(
        "a study folder with anything in any place: refused in words, or of use", "test_folders.py"
    ),
    "files": _rounds("zips, plans and data: refused in words, or read", "test_files.py"),
}


def run(part: Part, seconds: float, seed: str) -> int:
    found = chromium() if part.in_a_browser else ""
    if found is None:
        print(HOW_TO_GET_CHROMIUM, flush=True)
        return 0
    with postgresql() if part.on_postgresql else contextlib.nullcontext("") as uri:
        told = {
            SHARE: str(int(seconds)),
            FIRST: seed,
            "DATABASE_URL": uri,
            "HANDVAT_CHROMIUM": found,
        }
        command = [sys.executable, "-m", "pytest", "-n", "0", "-x", *part.arguments]
        environment = {**os.environ, **told, **part.environment}
        allowed = seconds + A_ROUND if part.goes_in_rounds else seconds
        try:
            return subprocess.run(
                command, cwd=ROOT, env=environment, timeout=allowed, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            return _out_of_time(part)


def _out_of_time(part: Part) -> int:
    if part.goes_in_rounds:
        print("Something takes far too long.", flush=True)
        return FAILED
    print("The time is up; what was tried until now held.", flush=True)
    return 0


def shares(names: list[str]) -> list[float]:
    """For each part, how much of what is left when it begins."""
    weights = [PARTS[name].weight for name in names]
    return [weight / sum(weights[place:]) for place, weight in enumerate(weights)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--minutes", type=float, default=60)
    asked = parser.parse_args()
    unknown = set(asked.parts) - set(PARTS)
    if unknown:
        parser.error(
            f"no part is called {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}"
        )
    names, ends = asked.parts or list(PARTS), time.monotonic() + 60 * asked.minutes
    seed = os.environ.get(FIRST) or str(int(time.time()) // A_DAY * 1_000)
    print(f"from seed {seed}: {FIRST}={seed} makes the same again", flush=True)
    code = 0
    for name, share in zip(names, shares(names), strict=True):
        seconds = max(1.0, (ends - time.monotonic()) * share)
        print(f"— {name}: {PARTS[name].says} ({seconds:.0f} s) —", flush=True)
        code = max(code, min(run(PARTS[name], seconds, seed), FAILED))
    return code


if __name__ == "__main__":
    sys.exit(main())
