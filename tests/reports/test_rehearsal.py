"""The same seed gives the same study: the same numbers and the same snapshot; another seed gives
another.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import branches

ROOT = Path(__file__).parents[2]
KEPT = {"PATH", "HOME", "LANG", "TMPDIR", "XDG_RUNTIME_DIR", "FONTCONFIG_PATH", *branches.MEASURED}


def rehearsed(directory: Path, seed: int) -> tuple[list[dict], str]:
    """Numbers and snapshot hash of a rehearsal, made by the command in a process and a database of
    its own.
    """
    command = [
        sys.executable,
        "manage.py",
        "rehearse",
        "tests/trial/small_study",
        "--participants",
        "6",
        "--days",
        "60",
        "--seed",
    ]
    environment = {name: value for name, value in os.environ.items() if name in KEPT}
    done = subprocess.run(
        [*command, str(seed), "--directory", str(directory)],
        cwd=ROOT,
        env={
            **environment,
            "PYTHONHASHSEED": str(len(directory.name)),
        },  # the order of a set must not matter
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    results = json.loads((directory / "results.json").read_text(encoding="utf-8"))
    return results["numbers"], results["meta"]["snapshot_sha256"]


def assert_every_fact_is_as_the_trail_says(directory: Path) -> None:
    """What a whole rehearsal did, from the first screening answer to the last call, was recorded
    with the rows it left.
    """
    told = {"HANDVAT_DATABASE": str(directory / "handvat.sqlite3"), "HANDVAT_KIND": "rehearsal"}
    kept = {name: value for name, value in os.environ.items() if name in KEPT}
    command = [sys.executable, "manage.py", "verify_audit", "small-study"]
    done = subprocess.run(
        command, cwd=ROOT, env={**kept, **told}, capture_output=True, text=True, check=False
    )
    compared = re.search(r"small-study: (\d+) facts compared with the trail", done.stdout)
    assert (done.returncode, "holds together" in done.stdout, done.stderr) == (0, True, "")
    assert compared
    assert int(compared[1]) > 100


@pytest.mark.slow
def test_the_same_seed_gives_the_same_numbers_and_snapshot_and_another_seed_does_not(tmp_path):
    first = rehearsed(tmp_path / "first", 1)
    assert_every_fact_is_as_the_trail_says(tmp_path / "first")
    again = rehearsed(tmp_path / "once_more", 1)
    other = rehearsed(tmp_path / "other", 2)

    assert first[0] == again[0]
    assert first[1] == again[1]
    assert (first[0] == other[0], first[1] == other[1]) == (False, False)
