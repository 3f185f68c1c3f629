"""How many branches of each app no test takes: the gate behind `make test COVERAGE=1`.

The runs on SQLite, on PostgreSQL and in the browser, with every process that they start, count
together: a line that only one database reaches is reached. What is not counted at all is listed in
pyproject.toml, `[tool.coverage.report]`, and nowhere else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ASKED = 95.0  # per cent of the branches of each app
LEFT_OUT = 1.0  # per cent of all lines, at most
# What makes a process measure itself: a test that gives a process an environment of its own hands
# these on.
MEASURED = (
    "COVERAGE_PROCESS_START",
    "COVERAGE_PROCESS_CONFIG",
    "COVERAGE_FILE",
    "HANDVAT_MEASURED",
)


def measuring(directory: Path) -> dict[str, str]:
    """What a process is told so that it, and each that it starts, measures itself into
    `directory`.
    """
    return {
        "COVERAGE_PROCESS_START": str(ROOT / "pyproject.toml"),
        "COVERAGE_FILE": str(directory / "branches"),
        "HANDVAT_MEASURED": "1",
    }


def gate(directory: Path) -> int:
    """Print the table of the apps; 1 where one of them falls short."""
    environment = {**os.environ, "COVERAGE_FILE": str(directory / "branches")}
    written = directory / "branches.json"
    for command in (
        ["combine", "--quiet", str(directory)],
        ["json", "--quiet", "-o", str(written)],
    ):
        subprocess.run(
            [sys.executable, "-m", "coverage", *command], cwd=ROOT, env=environment, check=True
        )
    return told(by_app(json.loads(written.read_text())["files"]))


def by_app(files: dict[str, dict]) -> dict[str, Counter[str]]:
    """Branches, those taken, lines, and lines left out, by app."""
    apps: dict[str, Counter[str]] = {}
    for name, file in files.items():
        summary = file["summary"]
        apps.setdefault(Path(name).parts[0], Counter()).update(
            branches=summary["num_branches"],
            taken=summary["covered_branches"],
            lines=summary["num_statements"],
            left_out=summary["excluded_lines"],
        )
    return apps


def told(apps: dict[str, Counter[str]]) -> int:
    """A line for each app, and one for what is left out of them all; 1 where an app falls short, or
    too much is left out.
    """
    is_short = False
    for app, counted in sorted(apps.items()):
        taken = percent(counted["taken"], counted["branches"])
        is_short = is_short or taken < ASKED
        asked = f" — asked: {ASKED:.0f} %" if taken < ASKED else ""
        print(f"{app:18} {taken:5.1f} % of {counted['branches']} branches{asked}", flush=True)
    together = sum(apps.values(), Counter())
    left_out = percent(together["left_out"], together["lines"] + together["left_out"])
    print(
        f"{left_out:.1f} % of the lines are left out of the measure (at most {LEFT_OUT:.0f} %)",
        flush=True,
    )
    return int(is_short or left_out > LEFT_OUT)


def percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 100.0
