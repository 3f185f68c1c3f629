from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse
from rich.console import Console

from reports import demonstration, rehearsing
from reports.management.commands.rehearse import positive, rehearse_with_progress, target
from trial.models import Study

TRIAL, PRESET = "living-positive", "guided-or-not"
EFFECT = {"main": -0.5}  # for the programme, in baseline SDs; simulated, not the published result
UNDER_WAY = 20  # people of the preset who are in the middle of it when the demo opens
ROOT = Path(settings.BASE_DIR)


class Command(BaseCommand):
    help = (
        "Rehearse the HIV depression trial, analyse a real trial's data, make a login for each "
        "role, and serve the site."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--participants",
            type=positive,
            default=None,
            help="number randomised (default: the target)",
        )
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--directory", type=Path, default=ROOT / "demo")
        parser.add_argument("--no-serve", action="store_true")
        parser.add_argument("--bind", default=rehearsing.BIND)

    def handle(self, *args: Any, **options: Any) -> None:
        directory: Path = options["directory"]
        try:
            rehearsing.settle_in(directory, options["bind"])
        except rehearsing.NotARehearsal as error:
            raise CommandError(str(error)) from None
        path = rehearsing.find(TRIAL)
        number = options["participants"] or target(path)
        rehearse_with_progress(
            path,
            directory / TRIAL,
            number=number,
            seed=options["seed"],
            effects=EFFECT,
            stays_open=True,
        )
        self._beat_the_blues(directory / "beat-the-blues")
        now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        study = demonstration.under_way(
            rehearsing.find(PRESET), number=min(UNDER_WAY, number), seed=options["seed"], until=now
        )
        logins = demonstration.logins(study, at=now)
        self._say(directory, logins)
        if not options["no_serve"]:
            call_command("serve", bind=options["bind"], directory=directory)

    def _beat_the_blues(self, directory: Path) -> None:
        shutil.rmtree(directory, ignore_errors=True)
        data = ROOT / "tests" / "data"
        call_command(
            "analyse", data / "btheb.csv", plan=data / "btheb.plan.yaml", out=directory, verbosity=0
        )

    def _say(self, directory: Path, logins: list[demonstration.Login]) -> None:
        console = Console()
        for name in (TRIAL, "beat-the-blues"):
            console.print(f"[bold]{name}[/bold]")
            for file in ("report.pdf", "report.html", "results.json"):
                console.print(f"  {directory / name / file}", soft_wrap=True)
        console.print(
            f"Mail goes to {directory / 'mail.mbox'}; the database is "
            f"{directory / rehearsing.DATABASE}",
            soft_wrap=True,
        )
        site = settings.PUBLIC_URL
        console.print("[bold]Open for whoever wants to join[/bold]")
        for study in Study.objects.filter(state="open").order_by("pk"):
            where = site + reverse("join:information", args=[study.public_slug])
            console.print(f"  {study.slug:<16} {where}", soft_wrap=True, highlight=False)
        console.print(
            "[bold]Logins (simulated people)[/bold]: role, address, password, where to begin"
        )
        for login in logins:  # plain lines, never cut: they are there to be copied
            line = f"  {login.role:<13} {login.email:<26} {login.password:<22} {site}{login.path}"
            console.print(line, soft_wrap=True, highlight=False)
        site += reverse("front")
        console.print(
            f"A participant signs in with a code: ask for it at {site}, then read it in mail.mbox.",
            soft_wrap=True,
        )
        console.print(f"Serve this again: manage.py serve --directory {directory}", soft_wrap=True)
