"""Letting others see that the randomisation was what it promised to be: asking for the export, and
for the replay of it.
"""

from __future__ import annotations

from datetime import datetime

from trial.actions import jobs
from trial.actions.once import once
from trial.actors import Actor
from trial.models import Job, Study

EXPORT, REPLAY = "randomisation export", "randomisation replay"  # as settings.PRODUCTS names them


class ListsConcealed(Exception):
    """The export holds arms, the seed and the plan: it is for rehearsals and for studies that their
    statistician locked.
    """


@once
def request_export(*, study: Study, by: Actor, at: datetime) -> Job:
    """Ask for what a third party verifies, with every arm in it. Raises ListsConcealed."""
    check_revealed(study)
    return jobs.ask(study=study, product=EXPORT, kind=Job.BY_ARM, by=by, at=at)


@once
def request_replay(*, study: Study, by: Actor, at: datetime) -> Job:
    """Ask for every draw to be made again from the seed and the log. While the study is not locked
    nothing that is said holds an arm.
    """
    kind = Job.BY_ARM if may_reveal(study) else Job.BLINDED
    return jobs.ask(study=study, product=REPLAY, kind=kind, by=by, at=at)


def check_revealed(study: Study) -> None:
    """Raises ListsConcealed."""
    if not may_reveal(study):
        raise ListsConcealed(study.state)


def may_reveal(study: Study) -> bool:
    return study.simulated or study.state == "locked"
