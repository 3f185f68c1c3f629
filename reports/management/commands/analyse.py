"""`manage.py analyse DATA.csv --plan PLAN.yaml --out DIR`: the report of anybody's trial, without a
database.
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandParser

from reports.csv_input import BadInput, read_data, read_plan
from reports.dataset import Dataset, FlowDoesNotAddUp
from reports.document import write
from reports.results import analyse, code_version
from trial.languages import LANGUAGES


class Command(BaseCommand):
    help = "Make report.pdf, report.html and results.json from a CSV and a plan."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("data", type=Path, help="a CSV with one row a person")
        parser.add_argument(
            "--plan",
            type=Path,
            required=True,
            help="YAML: what the columns are and what is compared",
        )
        parser.add_argument(
            "--out", type=Path, required=True, help="the directory the three files go to"
        )
        parser.add_argument("--language", choices=LANGUAGES, default="en")

    def handle(self, *args: Any, **options: Any) -> None:
        out: Path = options["out"]
        try:
            if out.exists() and not out.is_dir():
                raise BadInput([f"{out}: this is a file; --out names a directory"])
            plan = read_plan(options["plan"])
            data = read_data(options["data"], plan, code_version())
            results = analyse(data, plan.analysis())
            at = datetime.now(UTC)
            written = write(
                results, data, plan.analysis(), out, language=options["language"], at=at
            )
        except OSError as error:
            self._refuse(f"{error.filename}: cannot be written: {error.strerror}")
        except (BadInput, FlowDoesNotAddUp) as error:
            self._refuse(str(error))
        for path in vars(written).values():
            self.stdout.write(str(path))
        for line in _left_aside(data):
            self.stdout.write(line)

    def _refuse(self, message: str) -> NoReturn:
        self.stderr.write(message)
        sys.exit(2)


def _left_aside(data: Dataset) -> Iterator[str]:
    """What was not read of the file, which nobody may have meant."""
    aside = data.meta.left_aside
    if aside and aside.columns:
        names = ", ".join(f"'{name}'" for name in aside.columns)
        yield f"left aside, since the plan does not name them: columns {names}"
    if aside and aside.empty_rows:
        rows = "row" if aside.empty_rows == 1 else "rows"
        yield f"left aside, since every cell is empty: {aside.empty_rows} {rows}"
