"""What takes longer than anybody waits for a page: asked for in a row, made by the worker.

The steps of a job: asked for, with an event; claimed in one short update; begun by whoever makes
such a product, who records a look at arms as an event that is committed before the first of them is
read; made from one consistent snapshot that holds no lock, into files of its own; and ended in a
short transaction. Until then nothing of it is served.
"""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, transaction
from django.db.models import F, Q, QuerySet

from trial import audit, busy, claims, hooks, lifecycles, snapshots
from trial.actions.once import once
from trial.actors import WORKER, Actor
from trial.models import Job, JobFile, Study
from trial.models.jobs import EndedBefore, MadeInVain
from trial.models.work import new_handle
from trial.prepared import prepared
from trial.queries import jobs
from trial.sealed_files import Files

logger = logging.getLogger(__name__)
# A worker that claimed a job and never ended it has crashed. Longer than any job takes: what is
# slow and not dead would be made twice, side by side.
GIVEN_UP_AFTER = timedelta(hours=1)
MOST_ATTEMPTS = 3  # of one that ends its worker each time, such as for want of memory
NO_ROOM = "no_room"
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
TWO_HOURS = 2 * 60 * 60


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
    """Entry of settings.JOBS: make one that waits; whether one was made. Any number of workers may
    do this at the same time.
    """
    job = _claimed(at)
    return job is not None and _is_made(job, at)


def make_now(*, job: Job, by: Actor, at: datetime) -> Job:
    """For a command, which makes in its own process what it asked for. Where a worker was quicker,
    its end is waited for.
    """
    if _claim(job, at):
        make(job=Job.objects.select_related("study").get(pk=job.pk), by=by, at=at)
    job.refresh_from_db()
    while job.state == Job.REQUESTED:
        time.sleep(1)
        job.refresh_from_db()
    return job


def _claimed(at: datetime) -> Job | None:
    for number in _waiting(at - GIVEN_UP_AFTER):
        if _claim(Job(pk=number), at):
            return Job.objects.select_related("study").get(pk=number)
    return None


def _claim(job: Job, at: datetime) -> bool:
    """One short update, so that two workers do not make the same."""
    return bool(
        _free(at - GIVEN_UP_AFTER)
        .filter(pk=job.pk)
        .update(claimed_at=at, claim=new_handle(), attempts=F("attempts") + 1)
    )


@prepared
def _waiting(given_up: datetime) -> QuerySet[Job, int]:
    return _free(given_up).order_by("pk").values_list("pk", flat=True)[: claims.BATCH]


def _free(given_up: datetime) -> QuerySet[Job]:
    """Claimed by nobody, or before `given_up`."""
    free = Q(claimed_at=None) | Q(claimed_at__lt=given_up)
    return Job.objects.filter(free, state=Job.REQUESTED)


def _own(job: Job) -> QuerySet[Job]:
    """The row while it waits and nobody else has claimed it since."""
    return Job.objects.filter(pk=job.pk, state=Job.REQUESTED, claim=job.claim)


def _give_back(job: Job) -> None:
    """Nothing is wrong with it: whoever comes next makes it; where the database does not answer, in
    an hour.
    """
    with suppress(DatabaseError):
        _own(job).filter(attempts__gt=0).update(claimed_at=None, attempts=F("attempts") - 1)


def _is_made(job: Job, at: datetime) -> bool:
    try:
        make(job=job, by=WORKER, at=at)
    except Exception as error:
        # Its words and its traceback may hold somebody's data.
        logger.error("%s could not be made: %s", job, type(error).__name__)
        return False
    return True


def make(*, job: Job, by: Actor, at: datetime) -> None:
    """All steps after the claim. What stands in the way is recorded, and raised; what passes by
    itself, or that this process was told to stop, gives the job back.
    """
    files, began = Files(jobs.folder(job)), time.monotonic()
    try:
        if job.attempts > MOST_ATTEMPTS:
            raise MadeInVain(str(job))
        making = hooks.PRODUCTS[job.product](job, by, at)
        with snapshots.consistent():
            finish = making(files)
        found = finish()
    except BaseException as error:
        files.discard()
        if isinstance(error, Exception) and not busy.is_passing(error):
            _fail(job, error, by, at)
        else:
            _give_back(job)
        raise
    try:
        _end(job, files, found, time.monotonic() - began, by, at)
    except EndedBefore:
        files.discard()
        raise
    except BaseException:
        # Whether it was committed is not known: its files stay. `sweep` takes them if no row has
        # them.
        _give_back(job)
        raise


@transaction.atomic
def _end(
    job: Job, files: Files, found: Mapping[str, str], seconds: float, by: Actor, at: datetime
) -> None:
    """Whoever is first ends it: one that was given up may have gone on. How long it took is kept
    for whoever asks for the next, and is nothing that happened.
    """
    waiting = Job.objects.filter(pk=job.pk, state=Job.REQUESTED)
    kept = {**found, jobs.SECONDS: str(round(seconds))}
    if not waiting.update(state=Job.MADE, made_at=at, found=kept):
        raise EndedBefore(str(job))
    JobFile.objects.bulk_create(JobFile(job=job, **vars(each)) for each in files.written)
    new = {"kind": job.kind, **found}
    audit.record(job.study, f"{job.product} made", subject=str(job), new=new, by=by, at=at)


@transaction.atomic
def _fail(job: Job, error: Exception, by: Actor, at: datetime) -> None:
    is_full = isinstance(error, OSError) and error.errno in FULL
    failure = NO_ROOM if is_full else type(error).__name__
    if _own(job).update(state=Job.FAILED, failure=failure):
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
    """Entry of settings.JOBS: take away what no row knows of jobs that have ended; how many. Once
    an hour, over all workers. A folder whose job is not in this database is left alone: it may be
    that of the database from which this one was copied, or of a newer one.
    """
    if not settings.FILES.exists() or not cache.add(
        f"files-swept:{at:%Y-%m-%dT%H}", True, TWO_HOURS
    ):
        return 0
    # The disk before the rows: what is made in between has its row by then.
    found = [path for path in jobs.all_folders().glob("*/*") if path.is_file()]
    ended = set(Job.objects.exclude(state=Job.REQUESTED).values_list("folder", flat=True))
    known = set(JobFile.objects.values_list("place", flat=True))
    return _take_away(
        [path for path in found if path.parent.name in ended and path.name not in known]
    )


def _take_away(paths: list[Path]) -> int:
    for path in paths:
        path.unlink(missing_ok=True)
        with suppress(OSError):  # something else is in it, or somebody was quicker
            path.parent.rmdir()
    return len(paths)
