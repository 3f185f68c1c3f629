"""Reports and exports as the worker makes them, and what is in their files."""

from __future__ import annotations

from datetime import datetime

from reports import unblinded
from reports.actions import reports
from reports.dataset import Dataset
from trial import actors
from trial.actions import jobs, verifications
from trial.models import Job, Study
from trial.queries import jobs as queries

ADA = actors.staff(1, "researcher")


def report(
    study: Study,
    at: datetime,
    kind: str = Job.BLINDED,
    *,
    language: str = "en",
    by: actors.Actor = ADA,
) -> Job:
    asked = reports.request(study=study, kind=kind, language=language, by=by, at=at)
    return _made(asked, at)


def export(study: Study, at: datetime, kind: str = Job.BLINDED, *, by: actors.Actor = ADA) -> Job:
    return _made(reports.request_export(study=study, kind=kind, by=by, at=at), at)


def verification(study: Study, at: datetime, *, by: actors.Actor = ADA) -> Job:
    return _made(verifications.request(study=study, by=by, at=at), at)


def by_arm(study: Study, at: datetime) -> Dataset:
    look = unblinded.look(study, reason="a test", by=actors.SYSTEM, at=at)
    return unblinded.dataset(look, at)


def content(job: Job, name: str) -> bytes:
    return b"".join(queries.content(job.files.get(name=name)))


def _made(asked: Job, at: datetime) -> Job:
    """Not by `make_due`, so that what stands in the way is raised here."""
    jobs.make(job=asked, by=actors.WORKER, at=at)
    asked.refresh_from_db()
    return asked
