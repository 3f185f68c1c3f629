"""`make scale`: forty people are rehearsed, multiplied to a given number, and everything that grows
with a study is measured.

    python -m tests.scale --people 1000 10000 --database both --only pages seal --file after.jsonl
    python -m tests.scale --show after.jsonl --compare before.jsonl

Compare ratios on one machine only. A measure that fails is told at the end, and the rest is taken
all the same.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from tests.scale import databases, figures
from tests.scale.databases import Databases
from tests.scale.figures import Figure

ROOT = Path(__file__).resolve().parent.parent.parent
REHEARSED, DAYS = 40, 70
GROWING = "growing"  # the name of a database that is not yet what it will be called


def main(arguments: list[str]) -> int:
    """The number of steps that failed."""
    options = _parser().parse_args(arguments)
    before = figures.read(options.compare) if options.compare else []
    if options.show:
        print(figures.table(figures.read(options.show), before))
        return 0
    kinds = ["sqlite", "postgresql"] if options.database == "both" else [options.database]
    failed: list[str] = []
    found: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="handvat-scale-") as made:
        directory = options.keep or made
        for kind in kinds:
            with databases.opened(kind, Path(directory)) as server:
                run = Run(kind, server, Path(directory), options)
                run.everything()
                failed += run.failed
                found += run.found
    print(figures.table(found, before))
    if failed:
        print(f"FAILED: {', '.join(failed)}", flush=True)
    return len(failed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.scale", description=__doc__)
    parser.add_argument("--people", type=int, nargs="+", default=[1000], metavar="N")
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--only", nargs="+", default=[], metavar="MEASURE")
    parser.add_argument("--rehearsed", type=int, default=REHEARSED, metavar="N")
    parser.add_argument("--days", type=int, default=DAYS, help="of the rehearsal")
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="DIR",
        help="keep the databases there (or on the server of DATABASE_URL), and measure those that "
        "are there without growing them again",
    )
    parser.add_argument("--file", type=Path, help="where the figures go as well, a line each")
    parser.add_argument("--show", type=Path, metavar="FILE", help="measure nothing, show a file")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="figures from before")
    return parser


class Run:
    """All sizes on one kind of database."""

    def __init__(
        self, kind: str, server: Databases, directory: Path, options: argparse.Namespace
    ) -> None:
        self.kind, self.server, self.directory, self.options = kind, server, directory, options
        self.failed: list[str] = []
        self.found: list[Figure] = []

    def everything(self) -> None:
        for people in self.options.people:
            name = f"of_{people}"
            if not self.server.has(name):
                self._grow(name, people)
            for measure in self.options.only or self._step(name, "names").split():
                self._measure(name, measure, people)
            if not self.options.keep:
                self.server.drop(name)

    def _grow(self, name: str, people: int) -> None:
        rehearsed = self.options.rehearsed
        if not self.server.has("rehearsed"):
            self.server.make(GROWING)
            self._step(GROWING, "rehearse", rehearsed, self.options.days)
            self.server.rename(GROWING, "rehearsed")
        self.server.make(GROWING, like="rehearsed")
        if people > rehearsed:
            began = time.perf_counter()
            self._step(GROWING, "grow", people)
            taken = time.perf_counter() - began
            self._keep([Figure("grow", "people multiplied", "s", taken, self.kind, people)])
        self.server.rename(GROWING, name)

    def _measure(self, name: str, measure: str, people: int) -> None:
        try:
            said = self._step(name, "measure", measure)
        except subprocess.CalledProcessError:
            self.failed.append(f"{measure} ({self.kind}, {people:,})")
            return
        self._keep(
            Figure(measure, what, unit, value, self.kind, people)
            for measure, what, unit, value in map(json.loads, said.splitlines())
        )

    def _keep(self, figures_: Iterable[Figure]) -> None:
        found = list(figures_)
        self.found += found
        if self.options.file:
            figures.add(self.options.file, found)

    def _step(self, name: str, *step: object) -> str:
        """What it prints."""
        print(f"— {self.kind} {name}: {' '.join(map(str, step))} —", file=sys.stderr, flush=True)
        environment = {
            **os.environ,
            **self.server.environment(name),
            "HANDVAT_KIND": "rehearsal",
            "HANDVAT_MAIL_DIRECTORY": str(self.directory),
            "DJANGO_SETTINGS_MODULE": "trial.settings",
            # Pages are asked for as the site answers them.
            **({"HANDVAT_ANSWERS": "people"} if "pages" in step else {}),
        }
        command = [sys.executable, "-m", "tests.scale.inside", *map(str, step)]
        return subprocess.run(
            command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
