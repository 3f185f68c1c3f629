from __future__ import annotations

import math
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from reports import rehearsing
from trial import rehearse
from trial.folder import FolderErrors


class Command(BaseCommand):
    help = (
        "Run a whole study with virtual people through the real actions, and write its report. "
        "Everything is simulated."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "study", help="a study folder: a path, or the name of a shipped one (living-positive)"
        )
        parser.add_argument(
            "--participants",
            type=positive,
            default=None,
            help="number randomised (default: the target)",
        )
        parser.add_argument(
            "--seed", type=int, default=1, help="the same seed gives the same report (default: 1)"
        )
        parser.add_argument(
            "--directory", type=Path, required=True, help="where database, mail and report go"
        )
        parser.add_argument(
            "--effect",
            action="append",
            default=[],
            type=effect,
            metavar="CODE=D",
            help="difference in latent severity at the first post-test, in baseline SDs, for "
            "holding the grant CODE",
        )
        parser.add_argument(
            "--no-dropout", action="store_true", help="nobody stops, leaves or skips"
        )
        parser.add_argument(
            "--arrival-days",
            type=positive,
            help="days over which people come in (default: the folder's)",
        )
        parser.add_argument(
            "--days", type=positive, help="stop the virtual clock after so many days"
        )
        parser.add_argument(
            "--language", default="en", choices=["en", "nl"], help="of the report (default: en)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            path = rehearsing.find(options["study"])
        except FileNotFoundError as error:
            raise CommandError(str(error)) from None
        directory: Path = options["directory"]
        try:
            rehearsing.check_effects(path, dict(options["effect"]))
            rehearsing.settle_in(directory)
            rehearse_with_progress(
                path,
                directory,
                number=options["participants"],
                seed=options["seed"],
                effects=dict(options["effect"]),
                dropout=not options["no_dropout"],
                language=options["language"],
                arrival_days=options["arrival_days"],
                ends_at=rehearse.BEGINS_AT + timedelta(days=options["days"])
                if options["days"]
                else None,
            )
        except FolderErrors as error:
            raise CommandError("\n".join(map(str, error.problems))) from None
        except (rehearsing.NotARehearsal, rehearsing.UnknownGrant) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"{directory / 'report.pdf'}\n{directory / 'report.html'}\n{directory / 'results.json'}"
        )


def rehearse_with_progress(
    path: Path,
    directory: Path,
    *,
    number: int | None,
    seed: int,
    effects: dict[str, float],
    dropout: bool = True,
    language: str = "en",
    arrival_days: int | None = None,
    ends_at: datetime | None = None,
    stays_open: bool = False,
) -> Any:
    """One rehearsal under a progress bar: half of it is people coming in, half is their getting to
    the end.
    """
    number = number or target(path)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[day]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(f"Rehearsing {path.name} (simulated people)", total=2 * number, day="")

        def report(randomised: int, left: int, at: datetime) -> None:
            bar.update(
                task, completed=2 * randomised - left, day=f"{randomised} randomised, {at:%d %b %Y}"
            )

        study, at = rehearsing.run(
            path,
            number=number,
            seed=seed,
            effects=effects,
            dropout=dropout,
            arrival_days=arrival_days,
            ends_at=ends_at,
            stays_open=stays_open,
            report=report,
        )
        bar.update(task, completed=2 * number, day="writing the report")
        rehearsing.write(study, directory, language=language, at=at)
    return study


def target(path: Path) -> int:
    """The number to be randomised, as study.yaml says."""
    import yaml

    return int(yaml.safe_load((path / "study.yaml").read_text(encoding="utf-8"))["target"])


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def effect(text: str) -> tuple[str, float]:
    code, _, value = text.partition("=")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return code, number
