"""The entries of reports in the lists of settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from reports import blinded, exports, unblinded
from reports.actions.reports import check_kind
from reports.dataset import Dataset, Meta
from reports.document import render
from reports.queries.dataset import meta_of
from reports.queries.plan import plan_of
from reports.results import analyse
from reports.sections import section
from trial.actors import Actor
from trial.hooks import Making
from trial.models import Job
from trial.queries.tables import IDLE_AFTER
from trial.sealed_files import Files

__all__ = ["export", "report", "section"]


def report(job: Job, by: Actor, at: datetime) -> Making:
    """Entry of settings.PRODUCTS: report.pdf, report.html and results.json."""
    look = _look(job, by, at)

    def make(files: Files) -> Callable[[], Mapping[str, str]]:
        data, plan = _dataset(job, look, at), plan_of(job.study.current)

        def write() -> Mapping[str, str]:
            results = analyse(data, plan)
            for name, content in render(results, data, plan, language=job.language, at=at).items():
                with files.file(name) as out:
                    out.write(content)
            return _made_from(data.snapshot_hash, data.meta)

        return write

    return make


def export(job: Job, by: Actor, at: datetime) -> Making:
    """Entry of settings.PRODUCTS: export.zip."""
    look = _look(job, by, at)

    def make(files: Files) -> Callable[[], Mapping[str, str]]:
        found = unblinded.export(look, at) if look else blinded.export(job.study, at)
        meta = meta_of(job.study, by_arm=job.is_by_arm)
        used = any(table.name == "programme" for table in found)
        with files.file("export.zip") as out:
            snapshot = exports.write(
                out,
                found,
                meta,
                plan_of(job.study.current),
                at,
                by_arm=job.is_by_arm,
                idle_after=IDLE_AFTER if used else None,
            )
        return lambda: _made_from(snapshot, meta)

    return make


def _look(job: Job, by: Actor, at: datetime) -> unblinded.Look | None:
    """Recorded, and committed, before any arm is read; None where none will be."""
    check_kind(job.study, job.kind)
    if not job.is_by_arm:
        return None
    reason = f"{job} by arm, asked for by {job.requested_by}"
    return unblinded.look(job.study, reason=reason, by=by, at=at)


def _dataset(job: Job, look: unblinded.Look | None, at: datetime) -> Dataset:
    return unblinded.dataset(look, at) if look else blinded.dataset(job.study, at)


def _made_from(snapshot: str, meta: Meta) -> Mapping[str, str]:
    return {"snapshot_sha256": snapshot, "seal": meta.audit_seal or ""}
