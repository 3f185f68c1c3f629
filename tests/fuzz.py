"""`make fuzz`: the long run of what the suite samples, part by part, each of which says its name.

`python -m tests.fuzz [PART ...] [--minutes N]`. A part is begun while there is time left; the limit ends a part that is
still running, which is said and is no failure.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.run import HOW_TO_GET_CHROMIUM, ROOT, chromium

FAILED = 1


@dataclass(frozen=True)
class Part:
    """Arguments for pytest, and what it is to find in its environment."""

    says: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    in_a_browser: bool = False


PARTS = {
    "forms": Part(
        "every form of the site, left in every way: what was typed is there again",
        ("-m", "browser", "tests/browser/test_every_form.py"),
        {"HANDVAT_EVERY_WAY": "1", "DATABASE_URL": ""},
        in_a_browser=True,
    ),
}


def run(part: Part, seconds: float) -> int:
    found = chromium() if part.in_a_browser else ""
    if found is None:
        print(HOW_TO_GET_CHROMIUM, flush=True)
        return 0
    environment = {**os.environ, **part.environment, "HANDVAT_CHROMIUM": found}
    command = [sys.executable, "-m", "pytest", "-n", "0", "-x", *part.arguments]
    try:
        return subprocess.run(command, cwd=ROOT, env=environment, timeout=seconds, check=False).returncode
    except subprocess.TimeoutExpired:
        print("The time is up; what was tried until now held.", flush=True)
        return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--minutes", type=float, default=60)
    asked = parser.parse_args()
    unknown = set(asked.parts) - set(PARTS)
    if unknown:
        parser.error(f"no part is called {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    ends = time.monotonic() + 60 * asked.minutes
    code = 0
    for name in asked.parts or PARTS:
        left = ends - time.monotonic()
        print(f"— {name}: {PARTS[name].says} —" if left > 0 else f"— {name}: no time left —", flush=True)
        if left > 0:
            code = max(code, min(run(PARTS[name], left), FAILED))
    return code


if __name__ == "__main__":
    sys.exit(main())
