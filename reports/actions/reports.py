"""Asking for reports and exports."""

from __future__ import annotations

from datetime import datetime

from reports.queries.dataset import NobodyRandomised
from trial.actions import jobs
from trial.actions.once import once
from trial.actors import Actor
from trial.languages import LANGUAGES
from trial.models import Job, Participant, Study

__all__ = [
    "ArmsConcealed",
    "NobodyRandomised",
    "UnknownLanguage",
    "request",
    "request_export",
]

REPORT, EXPORT = "report", "export"  # as settings.PRODUCTS names them


class ArmsConcealed(Exception):
    """By arm is for rehearsals and for studies that their statistician has locked."""


class UnknownLanguage(Exception):
    """Reports are written in the languages of reports.document."""


def may_show_arms(study: Study) -> bool:
    return study.simulated or study.state == "locked"


def check_kind(study: Study, kind: str) -> None:
    """Raises ArmsConcealed."""
    if kind == Job.BY_ARM and not may_show_arms(study):
        raise ArmsConcealed(study.state)


@once
def request(*, study: Study, kind: str, language: str, by: Actor, at: datetime) -> Job:
    """Ask for a report; the worker makes it."""
    check_kind(study, kind)
    if language not in LANGUAGES:
        raise UnknownLanguage(language)
    _check_somebody(study)
    return jobs.ask(study=study, product=REPORT, kind=kind, language=language, by=by, at=at)


@once
def request_export(*, study: Study, kind: str, by: Actor, at: datetime) -> Job:
    """Ask for an export; the worker makes it."""
    check_kind(study, kind)
    _check_somebody(study)
    return jobs.ask(study=study, product=EXPORT, kind=kind, by=by, at=at)


def _check_somebody(study: Study) -> None:
    if not Participant.objects.filter(study=study, randomised_at__isnull=False).exists():
        raise NobodyRandomised(study.slug)
