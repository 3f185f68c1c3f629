"""Reports and exports of a study, without the files themselves."""

from __future__ import annotations

from django.db.models import QuerySet

from reports.models import Report
from trial.models import Study

FILES = ("pdf", "html", "results", "archive")


def reports(study: Study, *, by_arm: bool) -> QuerySet[Report]:
    """Newest first; those by arm only for whoever may see them."""
    return _of(study, Report.REPORT, by_arm)


def exports(study: Study, *, by_arm: bool) -> QuerySet[Report]:
    return _of(study, Report.EXPORT, by_arm)


def _of(study: Study, product: str, by_arm: bool) -> QuerySet[Report]:
    found = Report.objects.filter(study=study, product=product).defer(*FILES).order_by("-pk")
    return found if by_arm else found.exclude(kind=Report.BY_ARM)


def made(study: Study, product: str, number: int) -> Report:
    """One that is made; raises Report.DoesNotExist."""
    return Report.objects.defer(*FILES).get(
        study=study, product=product, pk=number, state=Report.MADE
    )
