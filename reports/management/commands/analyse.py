"""`manage.py analyse DATA.csv --plan PLAN.yaml --out DIR`: the report of anybody's trial, without a database."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from reports.csv_input import BadInput, read_data, read_plan
from reports.dataset import FlowDoesNotAddUp
from reports.document import LANGUAGES, write
from reports.results import analyse, code_version


class Command(BaseCommand):
    help = "Make report.pdf, report.html and results.json from a CSV and a plan."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("data", type=Path, help="a CSV with one row a person")
        parser.add_argument("--plan", type=Path, required=True, help="YAML: what the columns are and what is compared")
        parser.add_argument("--out", type=Path, required=True, help="the directory the three files go to")
        parser.add_argument("--language", choices=LANGUAGES, default="en")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            plan = read_plan(options["plan"])
            data = read_data(options["data"], plan, code_version())
            results = analyse(data, plan.analysis())
        except (BadInput, FlowDoesNotAddUp, OSError) as error:
            self.stderr.write(str(error))
            sys.exit(2)
        at = datetime.now(UTC)
        for path in vars(
            write(results, data, plan.analysis(), options["out"], language=options["language"], at=at)
        ).values():
            self.stdout.write(str(path))
