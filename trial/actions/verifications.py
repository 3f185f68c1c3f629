"""Having the audit trail of a study gone through: it takes minutes, so the worker does it."""

from __future__ import annotations

from datetime import datetime

from trial.actions import jobs
from trial.actions.once import once
from trial.actors import Actor
from trial.models import Job, Study
from trial.queries.verifications import VERIFICATION


@once
def request(*, study: Study, by: Actor, at: datetime) -> Job:
    """Ask for the whole trail to be gone through, and every fact to be compared with it. One that
    waits and was not begun is the same question: a second would tell nothing else and keep a report
    waiting.
    """
    Study.held().get(pk=study.pk)
    waiting = Job.objects.filter(
        study=study, product=VERIFICATION, state=Job.REQUESTED, claimed_at=None
    ).first()
    return waiting or jobs.ask(study=study, product=VERIFICATION, kind=Job.BLINDED, by=by, at=at)
