"""`make validate`: do the statistics and a rehearsal do what they claim?

First the type I error and coverage of the analyses, by simulation: see `validate_statistics`, whose
table is kept in docs/validation.md. Then whole rehearsals of the HIV depression trial with 188
people each:

1. Without dropout, with the programme's effect set to 0 and to -0.56 baseline SDs: the mean over
   the seeds of the report's own baseline-adjusted PHQ-9 difference at post-test 1, divided by the
   SD of the study folder, is within 3 Monte-Carlo standard errors of what was put in.
2. With dropout: the share without a PHQ-9 at post-test 1 is within 3 standard errors of the
   folder's rates in each arm.

To save time everybody comes in within a month and the clock stops when post-test 1 is over; both
are options of `manage.py rehearse` and change nothing before post-test 1. HANDVAT_VALIDATE_SEEDS
sets the number of seeds (40).
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests import validate_statistics

ROOT = Path(__file__).resolve().parent.parent
SEEDS = int(os.environ.get("HANDVAT_VALIDATE_SEEDS", "40"))
PEOPLE = 188
SD = 2.43  # PHQ-9 at baseline in trial/studies/living-positive/study.yaml
DROPOUT = {"intervention": 0.227, "control": 0.154}
CLOCK = (
    "--arrival-days",
    "30",
    "--days",
    "135",
)  # the last arrivals plus 70 days and a window of 21


def one(seed: int, *arguments: str) -> dict[str, Any]:
    """results.json of one rehearsal, as numbers by id."""
    with tempfile.TemporaryDirectory(prefix="handvat-validate-") as directory:
        command = [
            sys.executable,
            "manage.py",
            "rehearse",
            "living-positive",
            "--participants",
            str(PEOPLE),
        ]
        command += ["--seed", str(seed), "--directory", directory, *CLOCK, *arguments]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        numbers = json.loads((Path(directory) / "results.json").read_text())["numbers"]
    return {number["id"]: number["value"] for number in numbers}


def run(*arguments: str) -> list[dict[str, Any]]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda seed: one(seed, *arguments), range(1, SEEDS + 1)))


def recovered(effect: float) -> bool:
    found = [
        each["difference.PHQ9.post1.intervention-control"] / SD
        for each in run("--no-dropout", "--effect", f"main={effect}")
    ]
    mean, error = statistics.mean(found), statistics.stdev(found) / math.sqrt(len(found))
    good = abs(mean - effect) <= 3 * error
    print(
        f"effect {effect:+.2f}: recovered {mean:+.4f}, Monte-Carlo SE {error:.4f}, {len(found)} "
        f"seeds: {verdict(good)}",
        flush=True,
    )
    return good


def dropped_out() -> bool:
    found = run()
    good = True
    for arm, wanted in DROPOUT.items():
        allocated = sum(each[f"flow.{arm}.allocated"] for each in found)
        answered = sum(each[f"n.PHQ9.post1.{arm}"] for each in found)
        share = 1 - answered / allocated
        error = math.sqrt(wanted * (1 - wanted) / allocated)
        fits = abs(share - wanted) <= 3 * error
        good &= fits
        print(
            f"dropout {arm}: {share:.1%} of {allocated}, wanted {wanted:.1%}, SE {error:.1%}: "
            f"{verdict(fits)}",
            flush=True,
        )
    return good


def verdict(good: bool) -> str:
    return "within error" if good else "OUTSIDE"


def main() -> int:
    statistics_are_right = validate_statistics.main() == 0
    return 0 if all([statistics_are_right, recovered(0.0), recovered(-0.56), dropped_out()]) else 1


if __name__ == "__main__":
    sys.exit(main())
