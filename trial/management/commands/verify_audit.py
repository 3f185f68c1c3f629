"""`manage.py verify_audit [STUDY]`: names every place where the audit trail does not hold
together.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from trial import audit, snapshots
from trial.models import Study
from trial.queries.installation import the_installation


class Command(BaseCommand):
    help = (
        "Go through the audit trail of one study, or of all, and compare every fact with it. "
        "Exit status 1 when a place does not hold together; the first that is named is the first "
        "in its trail."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "study", nargs="?", metavar="STUDY", help="the slug of a study; all of them without it"
        )

    def handle(self, *args: Any, study: str | None, **options: Any) -> None:
        found = Study.objects.order_by("slug")
        if study is not None:
            found = found.filter(slug=study)
            if not found:
                raise CommandError(f"there is no study {study!r}")
        everything = [*found, the_installation()] if study is None else found
        places = [place for each in everything for place in self._verified(each)]
        if places:
            raise CommandError(f"{len(places)} places do not hold together")

    def _verified(self, study: Study) -> list[str]:
        with snapshots.consistent():  # whoever acts meanwhile would be named as changed
            examined, newest = audit.examine(study), audit.newest_seal(study)
        places, checked = examined.places, examined.facts
        for place in places:
            self.stdout.write(place)
        if not places:
            self.stdout.write(f"{study.slug}: holds together; newest seal {newest or 'none yet'}")
        self.stdout.write(f"{study.slug}: {checked.rows} facts compared with the trail")
        if checked.erased_people:
            self.stdout.write(
                f"{study.slug}: {checked.erased_rows} facts of {checked.erased_people} people "
                f"cannot be compared: erased"
            )
        return places
