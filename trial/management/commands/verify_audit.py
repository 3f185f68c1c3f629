"""`manage.py verify_audit [STUDY]`: names every place where the audit trail does not hold together."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from trial import audit
from trial.models import Study


class Command(BaseCommand):
    help = "Go through the audit trail of one study, or of all. Exit status 1 when a place does not hold together."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", nargs="?", metavar="STUDY", help="the slug of a study; all of them without it")

    def handle(self, *args: Any, study: str | None, **options: Any) -> None:
        found = Study.objects.order_by("slug")
        if study is not None:
            found = found.filter(slug=study)
            if not found:
                raise CommandError(f"there is no study {study!r}")
        places = [place for each in found for place in self._verified(each)]
        if places:
            raise CommandError(f"{len(places)} places do not hold together")

    def _verified(self, study: Study) -> list[str]:
        places = audit.verify(study)
        for place in places:
            self.stdout.write(place)
        if not places:
            self.stdout.write(f"{study.slug}: holds together; newest seal {audit.newest_seal(study) or 'none yet'}")
        return places
