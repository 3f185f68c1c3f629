"""`manage.py verify_randomisation STUDY`: replays every draw, as a third party does from the
export.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from randomisation.actions import proofs
from randomisation.models import SealedSeed
from trial.actions import jobs
from trial.actors import Actor
from trial.models import Job, Study
from trial.queries import jobs as queries

BY = Actor("system", "verify_randomisation")


class Command(BaseCommand):
    help = (
        "Replay the randomisation of a study from its seed and log. Exit status 1 at the first "
        "difference."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", metavar="STUDY", help="the slug of a study")
        parser.add_argument(
            "--export",
            metavar="FILE",
            type=Path,
            help="also write what a third party verifies; for a locked study",
        )

    def handle(self, *args: Any, study: str, export: Path | None, **options: Any) -> None:
        sealed = SealedSeed.objects.select_related("study").filter(study__slug=study).first()
        if sealed is None:
            raise CommandError(f"there is no study {study!r} with a seed")
        if export is not None:
            self._write(sealed.study, export)
        replay = proofs.request_replay(study=sealed.study, by=BY, at=timezone.now())
        for chunk in self._made(replay):
            self.stdout.write(chunk.decode(), ending="")
        if replay.found["equal"] != "yes":
            raise CommandError(
                f"the randomisation of {study} cannot be replayed as it stands in the database"
            )

    def _write(self, study: Study, path: Path) -> None:
        try:
            asked = proofs.request_export(study=study, by=BY, at=timezone.now())
        except proofs.ListsConcealed as error:
            raise CommandError(
                "the export holds every arm: it is made once the study is locked"
            ) from error
        with path.open("wb") as out:
            for chunk in self._made(asked):
                out.write(chunk)

    def _made(self, job: Job) -> Iterator[bytes]:
        """What is in the one file of it, which is kept nowhere else afterwards."""
        jobs.make_now(job=job, by=BY, at=timezone.now())
        if job.state != Job.MADE:
            raise CommandError(f"{job} was not made: {job.failure or job.state}")
        yield from queries.content(job.files.select_related("job").get())
        jobs.remove(job=job, by=BY, at=timezone.now())
