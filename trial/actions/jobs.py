"""What takes longer than anybody waits for a page: asked for in a row, made by the worker.

The steps of a job: asked for, with an event; claimed in one short update; begun by whoever makes
such a product, who records a look at arms as an event that is committed before the first of them is
read; made from one consistent snapshot that holds no lock, into files of its own; and ended in a
short transaction. Until then nothing of it is served.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.cache import cache
from django.db import transaction

from trial import audit, hooks, lifecycles, snapshots
from trial.actions.once import once
from trial.actors import WORKER, Actor
from trial.models import Job, JobFile, Study
from trial.queries import jobs
from trial.sealed_files import Files

logger = logging.getLogger(__name__)
GIVEN_UP_AFTER = timedelta(minutes=15)  # a worker that claimed a job and never ended it has crashed
NO_ROOM = "no_room"
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
TWO_HOURS = 2 * 60 * 60


class EndedBefore(Exception):
    """Somebody else has ended this job meanwhile."""


@transaction.atomic
def ask(
    *, study: Study, product: str, kind: str, language: str = "en", by: Actor, at: datetime
) -> Job:
    """For the action that knows whether this may be asked for."""
    job = Job.objects.create(
        study=study,
        product=product,
        kind=kind,
        language=language,
        requested_by=str(by),
        requested_at=at,
    )
    audit.record(study, f"{product} requested", subject=str(job), new={"kind": kind}, by=by, at=at)
    return job


def make_due(at: datetime) -> int:
    """Entry of settings.WORKER: make everything that waits. Any number of workers may do this at
    the same time.
    """
    waiting = Job.objects.filter(state=Job.REQUESTED).select_related("study").order_by("pk")
    return sum(_claim(job, at) and _is_made(job, at) for job in waiting)


def _claim(job: Job, at: datetime) -> bool:
    """One short update, so that two workers do not make the same."""
    free = Job.objects.filter(pk=job.pk, state=Job.REQUESTED)
    free = free.filter(claimed_at__isnull=True) | free.filter(claimed_at__lt=at - GIVEN_UP_AFTER)
    return bool(free.update(claimed_at=at))


def _is_made(job: Job, at: datetime) -> bool:
    try:
        make(job=job, by=WORKER, at=at)
    except Exception as error:
        # Its words and its traceback may hold somebody's data.
        logger.error("%s could not be made: %s", job, type(error).__name__)
        return False
    return True


def make(*, job: Job, by: Actor, at: datetime) -> None:
    """All steps after the claim; a command takes them in its own process. What stands in the way is
    recorded, and raised.
    """
    files = Files(jobs.folder(job))
    try:
        making = hooks.PRODUCTS[job.product](job, by, at)
        with snapshots.consistent():
            found = making(files)
        _end(job, files, found, by, at)
    except BaseException as error:
        files.discard()
        if isinstance(error, Exception):
            _fail(job, error, by, at)
        else:  # whoever makes it was told to stop: another goes on at once
            Job.objects.filter(pk=job.pk, state=Job.REQUESTED).update(claimed_at=None)
        raise


@transaction.atomic
def _end(job: Job, files: Files, found: Mapping[str, str], by: Actor, at: datetime) -> None:
    """Whoever is first ends it: one that was given up may have gone on."""
    waiting = Job.objects.filter(pk=job.pk, state=Job.REQUESTED)
    if not waiting.update(state=Job.MADE, made_at=at, found=dict(found)):
        raise EndedBefore(str(job))
    JobFile.objects.bulk_create(JobFile(job=job, **vars(each)) for each in files.written)
    new = {"kind": job.kind, **found}
    audit.record(job.study, f"{job.product} made", subject=str(job), new=new, by=by, at=at)


@transaction.atomic
def _fail(job: Job, error: Exception, by: Actor, at: datetime) -> None:
    is_full = isinstance(error, OSError) and error.errno in FULL
    failure = NO_ROOM if is_full else type(error).__name__
    waiting = Job.objects.filter(pk=job.pk, state=Job.REQUESTED)
    if waiting.update(state=Job.FAILED, failure=failure):
        audit.record(
            job.study, f"{job.product} failed", subject=str(job), reason=failure, by=by, at=at
        )


@once
def remove(*, job: Job, by: Actor, at: datetime) -> Job:
    """Its files and their keys go; that it was made stays. Raises NotAllowedNow."""
    locked = Job.objects.select_for_update(of=("self",)).select_related("study").get(pk=job.pk)
    locked.state = lifecycles.step("job", locked.state, "remove")
    folder = jobs.folder(locked)
    places = list(locked.files.values_list("place", flat=True))
    JobFile.objects.filter(job=locked).delete()
    locked.save(update_fields=["state"])
    audit.record(locked.study, f"{locked.product} removed", subject=str(locked), by=by, at=at)
    # Without their keys they are nothing, so one that cannot be taken away now is left to `sweep`.
    transaction.on_commit(lambda: _take_away([folder / each for each in places]), robust=True)
    return locked


def sweep(at: datetime) -> int:
    """Entry of settings.WORKER: take away every file that no row knows, of a worker that was killed
    or of a database from before; how many. Once an hour, over all workers.
    """
    if not settings.FILES.exists() or not cache.add(
        f"files-swept:{at:%Y-%m-%dT%H}", True, TWO_HOURS
    ):
        return 0
    # The disk before the rows: what is made in between has its row by then.
    found = [path for path in jobs.all_folders().glob("*/*") if path.is_file()]
    being_made = Job.objects.filter(state=Job.REQUESTED, claimed_at__isnull=False)
    busy = {str(number) for number in being_made.values_list("pk", flat=True)}
    known = set(JobFile.objects.values_list("place", flat=True))
    return _take_away(
        [path for path in found if path.parent.name not in busy and path.name not in known]
    )


def _take_away(paths: list[Path]) -> int:
    for path in paths:
        path.unlink(missing_ok=True)
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
    return len(paths)
