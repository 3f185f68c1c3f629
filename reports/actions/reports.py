"""Asking for reports and exports, and making them. Each making is an event with the hash of what it
was made from.
"""

from __future__ import annotations

import logging
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from django.db import transaction

from reports import blinded, exports, unblinded
from reports.dataset import Dataset
from reports.document import Written, write
from reports.models import Report
from reports.queries.dataset import NobodyRandomised
from reports.queries.plan import plan_of
from reports.results import analyse
from trial import audit
from trial.actions.once import once
from trial.actors import WORKER, Actor
from trial.languages import LANGUAGES
from trial.models import Participant, Study

__all__ = [
    "ArmsConcealed",
    "NobodyRandomised",
    "UnknownLanguage",
    "export",
    "make_due",
    "make_report",
    "request",
]

logger = logging.getLogger(__name__)
GIVEN_UP_AFTER = timedelta(
    minutes=15
)  # a worker that claimed a report and never finished it has crashed


class ArmsConcealed(Exception):
    """By arm is for rehearsals and for studies that their statistician has locked."""


class UnknownLanguage(Exception):
    """Reports are written in the languages of reports.document."""


def may_show_arms(study: Study) -> bool:
    return study.simulated or study.state == "locked"


def check_kind(study: Study, kind: str) -> None:
    """Raises ArmsConcealed."""
    if kind == Report.BY_ARM and not may_show_arms(study):
        raise ArmsConcealed(study.state)


@once
def request(*, study: Study, kind: str, language: str, by: Actor, at: datetime) -> Report:
    """Ask for a report; the worker makes it."""
    check_kind(study, kind)
    if language not in LANGUAGES:
        raise UnknownLanguage(language)
    if not Participant.objects.filter(study=study, randomised_at__isnull=False).exists():
        raise NobodyRandomised(study.slug)
    report = Report.objects.create(
        study=study, kind=kind, language=language, requested_by=str(by), requested_at=at
    )
    audit.record(
        study, "report requested", subject=f"report {report.pk}", new={"kind": kind}, by=by, at=at
    )
    return report


@once
def export(*, study: Study, kind: str, by: Actor, at: datetime) -> Report:
    """Make an export at once and keep it."""
    check_kind(study, kind)
    row = Report(
        study=study, product=Report.EXPORT, kind=kind, requested_by=str(by), requested_at=at
    )
    data = _dataset(study, kind, f"an export by arm, asked for by {by}", by, at)
    found = unblinded.export(study, at) if row.is_by_arm else blinded.export(study, at)
    row.archive = exports.archive(found, data, plan_of(study.current), at)
    _settle(row, data, at)
    row.save()
    _record(study, "export made", f"export {row.pk}", kind, data, by, at)
    return row


def make_report(
    *,
    study: Study,
    kind: str,
    language: str,
    directory: Path,
    by: Actor,
    at: datetime,
    subject: str = "",
) -> Dataset:
    """report.pdf, report.html and results.json in `directory`; gives back the snapshot they were
    made from.
    """
    check_kind(study, kind)
    data = _dataset(study, kind, f"a report by arm, asked for by {by}", by, at)
    _write(data, study, language, directory, at)
    with transaction.atomic():
        _record(study, "report made", subject or f"{kind} report", kind, data, by, at)
    return data


def make_due(at: datetime) -> int:
    """Make every report that waits; any number of workers may do this at the same time."""
    waiting = Report.objects.filter(state=Report.REQUESTED).defer(
        "pdf", "html", "results", "archive"
    )
    return sum(
        _claim(report, at) and _make(report, at)
        for report in waiting.select_related("study").order_by("pk")
    )


def _claim(report: Report, at: datetime) -> bool:
    """One short update, so that two workers do not make the same report."""
    free = Report.objects.filter(pk=report.pk, state=Report.REQUESTED)
    free = free.filter(claimed_at__isnull=True) | free.filter(claimed_at__lt=at - GIVEN_UP_AFTER)
    return bool(free.update(claimed_at=at))


def _make(report: Report, at: datetime) -> bool:
    try:
        with tempfile.TemporaryDirectory() as name:
            data = _dataset(
                report.study,
                report.kind,
                f"report {report.pk}, asked for by {report.requested_by}",
                WORKER,
                at,
            )
            files = _write(data, report.study, report.language, Path(name), at)
            report.pdf, report.html = files.pdf.read_bytes(), files.html.read_bytes()
            report.results = files.json.read_bytes()
    except Exception as error:
        # Its words and its traceback may hold somebody's data.
        logger.error("report %s could not be made: %s", report.pk, type(error).__name__)
        _fail(report, error, at)
        return False
    _settle(report, data, at)
    with transaction.atomic():
        report.save()
        _record(report.study, "report made", f"report {report.pk}", report.kind, data, WORKER, at)
    return True


@transaction.atomic
def _fail(report: Report, error: Exception, at: datetime) -> None:
    Report.objects.filter(pk=report.pk).update(state=Report.FAILED, failure=type(error).__name__)
    audit.record(
        report.study,
        "report failed",
        subject=f"report {report.pk}",
        reason=type(error).__name__,
        by=WORKER,
        at=at,
    )


def _dataset(study: Study, kind: str, reason: str, by: Actor, at: datetime) -> Dataset:
    if kind == Report.BY_ARM:
        check_kind(study, kind)
        return unblinded.dataset(study, reason=reason, by=by, at=at)
    return blinded.dataset(study, at)


def _write(data: Dataset, study: Study, language: str, directory: Path, at: datetime) -> Written:
    plan = plan_of(study.current)
    return write(analyse(data, plan), data, plan, directory, language=language, at=at)


def _settle(report: Report, data: Dataset, at: datetime) -> None:
    report.state, report.made_at = Report.MADE, at
    report.snapshot_hash, report.seal = data.snapshot_hash, data.meta.audit_seal or ""


def _record(
    study: Study, what: str, subject: str, kind: str, data: Dataset, by: Actor, at: datetime
) -> None:
    new = {"kind": kind, "snapshot_sha256": data.snapshot_hash, "seal": data.meta.audit_seal or ""}
    audit.record(study, what, subject=subject, new=new, by=by, at=at)
