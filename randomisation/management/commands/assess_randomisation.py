"""`manage.py assess_randomisation FOLDER`: what a design does beside others, before its folder is
loaded.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rich.console import Console
from rich.table import Table

from randomisation.queries import comparison
from randomisation.sentences import cautions
from randomisation.sentences.table import COLUMNS, table
from trial import folder
from trial.actions import studies


class Command(BaseCommand):
    help = (
        "Print the operating characteristics of a study folder's randomisation beside others. "
        "Shows what is sealed."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, metavar="FOLDER")
        parser.add_argument(
            "--n", type=int, help="people; the study's own target where nothing is said"
        )
        parser.add_argument("--effect", type=float, help="the planned standardised difference")

    def handle(
        self, *args: Any, path: Path, n: int | None, effect: float | None, **options: Any
    ) -> None:
        if n is not None and n < 2:
            raise CommandError("--n is at least 2")
        of = comparison.of_folder(self._read(path))
        first = comparison.asked_at_first(of)
        asked = replace(first, n=first.n if n is None else n, effect=effect)
        console = Console(file=self.stdout, width=None if self.stdout.isatty() else 160)  # type: ignore[arg-type]
        console.print(_table(comparison.compared(of, asked), asked))
        for caution in comparison.cautions(of, asked):
            console.print(f"note: {cautions.in_full(caution)}", markup=False)

    def _read(self, path: Path) -> folder.Loaded:
        try:
            return studies.read(path, at=timezone.now())
        except folder.FolderErrors as errors:
            for problem in errors.problems:
                self.stderr.write(str(problem))
            raise CommandError(f"{len(errors.problems)} to put right") from None


def _table(compared: Any, asked: comparison.Asked) -> Table:
    found = Table(title=f"{asked.n} people")
    found.add_column("design")
    for column in COLUMNS:
        found.add_column(str(column.head), justify="right")
    found.add_column("ratio")
    for row in table(compared):
        cells = [f"{cell.text} {cell.error}".strip() for cell in row.cells] or ["–"] * len(COLUMNS)
        found.add_row(f"{row.label} (own)" if row.is_own else row.label, *cells, row.ratio)
    return found
