"""`manage.py load_study PATH`: a study folder or .zip becomes a version of its study, or every
mistake is listed.
"""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from trial import folder, stamp
from trial.actions import studies
from trial.actors import Actor
from trial.queries import staff


class Command(BaseCommand):
    help = (
        "Load a study folder or .zip. Lists every mistake as file:line: message and stores nothing "
        "then."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, metavar="PATH")
        parser.add_argument(
            "--simulated",
            action="store_true",
            help="simulated people only; refused in a live database",
        )

    def handle(self, *args: Any, path: Path, simulated: bool, **options: Any) -> None:
        loaded = self._read(path)
        stamp.start()
        try:
            if simulated:
                stamp.check_kind("rehearsal")
            version = studies.store(
                loaded=loaded,
                simulated=simulated,
                user=staff.only_loader(),
                by=Actor("system", "load_study"),
                at=timezone.now(),
            )
        except (
            stamp.WrongDatabase,
            studies.AlreadyLoaded,
            studies.DesignLocked,
            studies.NameLocked,
            studies.PauseFirst,
            studies.SlugTaken,
        ) as error:
            raise CommandError(str(error)) from None
        for warning in loaded.warnings:
            self.stdout.write(f"{warning.file}:{warning.line}: warning: {warning.message}")
        for note in loaded.notes:
            self.stdout.write(f"note: {note}")
        self.stdout.write(
            f"{version.study.slug} version {version.number} is loaded, sha256 {version.sha256}"
        )
        if version.study in staff.nobodys_studies(timezone.now()):
            self.stdout.write(self._who_is_to_come(version.study.slug))

    def _who_is_to_come(self, slug: str) -> str:
        """A study on which nobody works is nobody's to open."""
        invite = "manage.py invite E-MAIL --role researcher"
        if staff.loaders():
            return f"Nobody works on it yet: {invite} --study {slug}"
        return f"Nobody works on it yet: whoever comes by {invite} will."

    def _read(self, path: Path) -> folder.Loaded:
        try:
            return studies.read(path, at=timezone.now())
        except folder.FolderErrors as errors:
            for problem in errors.problems:
                self.stderr.write(str(problem))
            raise CommandError(f"{len(errors.problems)} to put right; nothing was stored") from None
