"""The report of a rehearsed study, recomputed from its export by a script that imports nothing of
the project.
"""

import ast
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from reports.results import analyse, results_json
from tests import factories, made
from tests.reports import recompute
from tests.reports.people import PLAN, a_trial
from trial import rehearse, virtual
from trial.models import Job

SCRIPT = Path(recompute.__file__)
SMALL = SCRIPT.parents[1] / "trial" / "small_study"
THREE_ARMS = SCRIPT.parents[2] / "trial" / "studies" / "guided-or-not"
PROJECT = {"trial", "outcomes", "randomisation", "coaching_protocol", "reports", "tests", "django"}
OPENED_AT = rehearse.BEGINS_AT


def files(study, kind, directory, at):
    """The export and results.json of one moment."""
    directory.mkdir(exist_ok=True)
    for job, name in ((made.export, "export.zip"), (made.report, "results.json")):
        (directory / name).write_bytes(made.content(job(study, at, kind), name))
    return directory / "export.zip", directory / "results.json"


def run(export, results):
    command = [sys.executable, "-P", str(SCRIPT), str(export), str(results)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=export.parent)
    return done.returncode, done.stdout.splitlines()


def test_the_script_imports_nothing_of_the_project():
    tree = ast.parse(SCRIPT.read_text())
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} & PROJECT == set()


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("folder", [SMALL, THREE_ARMS], ids=["two arms", "three arms"])
def test_every_number_of_a_report_is_recomputed_from_its_export(db, tmp_path, folder):
    study = factories.an_open_study(folder, OPENED_AT)
    middle = OPENED_AT + timedelta(days=55)
    rehearse.run(study, virtual.Settings(seed=3, number=16), ends_at=middle)
    while_running = files(study, Job.BY_ARM, tmp_path / "middle", middle)
    assert run(*while_running) == (0, [f"{count(while_running)} numbers, 0 that differ"])
    pooled = files(study, Job.BLINDED, tmp_path / "pooled", middle)
    assert run(*pooled) == (0, [f"{count(pooled)} numbers, 0 that differ"])
    assert count(while_running) > count(pooled) > 50


@pytest.mark.slow
@pytest.mark.once
def test_a_number_that_is_off_by_a_millionth_is_found(study, dan, now, tmp_path):
    for age, sex in ((20, "m"), (50, "f"), (61, "m"), (33, "f"), (47, "m")):
        factories.a_randomised_participant(study, now, age=age, sex=sex)
    export, results = files(study, Job.BY_ARM, tmp_path, now)
    told = json.loads(results.read_text())
    assert run(export, results)[0] == 0
    for each in told["numbers"]:
        if each["id"] == "flow.all.randomised":
            each["value"] += 1
        if each["id"] == "baseline.age.guided.mean":
            each["value"] *= 1 + 1e-6
    results.write_text(json.dumps(told))
    status, lines = run(export, results)
    assert (status, [line.split(":")[0] for line in lines[1:]]) == (
        1,
        ["flow.all.randomised value", "baseline.age.guided.mean value", "flow", "flow"],
    )


def test_a_report_of_clusters_is_refused_by_name(tmp_path):
    """Every interval and difference of it is absent, which here would be so many mistakes."""
    data, plan = a_trial(30), PLAN.model_copy(update={"cluster": "sex"})
    results = tmp_path / "results.json"
    results.write_text(results_json(analyse(data, plan), data, plan, OPENED_AT))
    assert run(tmp_path / "export.zip", results) == (
        2,
        [
            "sex was randomised as a whole, not people, and no model here has clusters; "
            "this script recomputes trials of people alone"
        ],
    )


def count(made):
    return len(json.loads(made[1].read_text())["numbers"])
