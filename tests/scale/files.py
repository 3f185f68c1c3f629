"""What is made of a whole study: the seal, exports, a report, the replay. Of each its time, the
most memory that its process had, and the longest wait of a write meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

from randomisation.actions import proofs
from reports.actions import reports
from tests.scale import waits
from tests.scale.measures import Found, measure, peak, timed
from trial import actors, audit
from trial.actions import jobs
from trial.models import Job, Study


@measure
def seal(study: Study, at: datetime) -> Iterator[Found]:
    """Of every stream at once."""
    yield from _made("the seal", lambda: audit.seal(study, at))


@measure
def export_blinded(study: Study, at: datetime) -> Iterator[Found]:
    ask = partial(reports.request_export, kind=Job.BLINDED)
    yield from _made("a blinded export", lambda: _job(ask, study, at))


@measure
def export_by_arm(study: Study, at: datetime) -> Iterator[Found]:
    ask = partial(reports.request_export, kind=Job.BY_ARM)
    yield from _made("an export by arm", lambda: _job(ask, study, at))


@measure
def replay(study: Study, at: datetime) -> Iterator[Found]:
    yield from _made("a replay", lambda: _job(proofs.request_replay, study, at))


@measure
def report(study: Study, at: datetime) -> Iterator[Found]:
    ask = partial(reports.request, kind=Job.BY_ARM, language="en")
    yield from _made("a report by arm", lambda: _job(ask, study, at))


def _job(ask: Callable[..., Job], study: Study, at: datetime) -> None:
    """As the worker makes it."""
    job = ask(study=study, by=actors.SYSTEM, at=at)
    jobs.make(job=job, by=actors.WORKER, at=at)


def _made(what: str, do: Callable[[], object]) -> Iterator[Found]:
    with waits.beside() as writes:
        seconds = timed(do)
    yield what, "s", seconds
    yield what, "MB", peak()
    yield from writes.figures(what)
