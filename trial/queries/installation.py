"""The stream of the installation: what happens outside every study, chained and sealed like the
trail of a study.
"""

from __future__ import annotations

from django.db.models import QuerySet

from trial.models import AuditEvent, Study

SLUG = "!installation"  # no study can have it: a slug holds no exclamation mark


def the_installation() -> Study:
    """Stands in the trail where a study would. It is no row: nothing is loaded, opened or
    randomised in it.
    """
    return Study(slug=SLUG)


def events() -> QuerySet[AuditEvent]:
    """The newest first."""
    return AuditEvent.objects.filter(stream=SLUG).order_by("-number")
