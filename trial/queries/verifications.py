"""What came of going through the audit trail of a study."""

from __future__ import annotations

from django.db.models import QuerySet

from trial.models import Job, Study
from trial.queries import jobs

VERIFICATION = "audit verification"  # as settings.PRODUCTS names it
PLACES = "places.txt"  # a line for each place; no file where everything holds


def asked_for(study: Study) -> QuerySet[Job]:
    """Newest first. How many places do not hold is for whoever may ask; which, for whoever may know
    the arms.
    """
    return jobs.asked_for(study, VERIFICATION, by_arm=False)


def newest_made(study: Study) -> Job | None:
    return asked_for(study).filter(state=Job.MADE).first()


def places(job: Job) -> list[str]:
    """Every place that did not hold, in the order of the trail. Raises NotWhole."""
    file = job.files.select_related("job").filter(name=PLACES).first()
    return b"".join(jobs.content(file)).decode().splitlines() if file else []
