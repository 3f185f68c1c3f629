"""Each part of `make bench` runs once, small: a part that fails is told here and not first by
whoever measures.
"""

import ast
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import bench, bench_parts
from tests.bench_parts import PARTS, Part

HERE = Path(__file__).parent
MODULES = [f"tests.{path.stem}" for path in sorted(HERE.glob("bench*.py"))]
for module in MODULES:
    importlib.import_module(module)


def started(*command: str) -> str:
    """What it prints; where it fails, why."""
    environment = {
        **os.environ,
        "DATABASE_URL": "",
        "XDG_RUNTIME_DIR": "/tmp",
        "HANDVAT_KIND": "rehearsal",
    }
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=HERE.parent,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize(
    "part", [part for part in PARTS if not part.needs], ids=lambda part: part.name
)
def test_a_part_runs_and_prints_what_it_took(part, capfd):
    """`rehearsal` runs those that need one, in its database."""
    assert bench_parts.run([part], small=True) == 0
    told = capfd.readouterr().out
    assert " ms  " in told
    if part.name == "rehearsal":
        assert "GET /participant/ " in told
        assert "mail host shut" in told
        assert "report of " in told


@pytest.mark.slow
@pytest.mark.once
def test_allocations_on_postgresql_run():
    assert "ratio" in started("tests.bench_randomisation", "small")


def test_what_a_part_needs_is_given_to_it_above():
    assert {part.needs for part in PARTS} == {"", "rehearsal", "postgresql"}


def test_whatever_prints_a_line_is_a_part_or_belongs_to_one():
    """So that a new measurement is tested too."""
    parts = {(part.module, part.name) for part in PARTS}
    for module in set(MODULES) - {"tests.bench_parts"}:
        tree = ast.parse((HERE / f"{module.rpartition('.')[2]}.py").read_text())
        functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        uses = {
            name: {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
            for name, node in functions.items()
        }
        measuring = {name for name, used in uses.items() if used & {"line", "median", "once"}}
        reached, waiting = set(), [name for name in functions if (module, name) in parts]
        while waiting:
            name = waiting.pop()
            reached.add(name)
            waiting += [each for each in uses[name] & functions.keys() if each not in reached]
        assert measuring - reached == set(), module


def test_a_part_that_fails_is_told_at_the_end_and_the_rest_is_measured(capsys):
    done = []

    def fails() -> None:
        raise TypeError("unexpected keyword")

    def goes_on(n: int = 3) -> None:
        done.append(n)

    parts = [Part(fails, {}, "", False), Part(goes_on, {"n": 1}, "", False)]
    assert bench_parts.run(parts) == bench_parts.run(parts, small=True) == 1
    assert done == [3, 1]
    told = capsys.readouterr()
    assert told.out.endswith("FAILED: fails\n")
    assert "TypeError: unexpected keyword" in told.err


def test_the_whole_bench_is_every_part():
    asked = bench.asked([])
    inside = {part.name for part in PARTS if part.needs == "rehearsal"}
    assert sorted(name for names in asked.values() for name in names) == sorted(
        {p.name for p in PARTS} - inside
    )
    for module, names in asked.items():
        assert [
            part.name for part in bench_parts.chosen(module, names, needs=bench.PROGRAMS[module])[0]
        ] == names
    assert bench.asked(["hazards", "small"]) == {
        "tests.bench_statistics": ["hazards"],
        "tests.bench_randomisation": [],
        "tests.bench": [],
    }


@pytest.mark.parametrize(
    "choose", [bench.asked, lambda names: bench_parts.chosen("tests.bench", names)]
)
def test_a_part_that_does_not_exist_is_refused(choose):
    with pytest.raises(SystemExit, match=r"no part pagse; there are .*allocation"):
        choose(["pagse"])
