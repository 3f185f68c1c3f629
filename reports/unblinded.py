"""By arm: the only place outside randomisation that looks at allocations, each time by an audited
look.
"""

from __future__ import annotations

from datetime import datetime

from randomisation.actions import looks
from randomisation.actions.looks import Look
from reports.dataset import Dataset
from reports.queries.dataset import dataset_of
from reports.queries.tables import tables
from trial.actors import Actor
from trial.entries import Table
from trial.models import Study

__all__ = ["Look", "dataset", "export", "look"]


def look(study: Study, *, reason: str, by: Actor, at: datetime) -> Look:
    """What the two below want to be given: that it was recorded that the arms are looked at."""
    return looks.look(study=study, reason=reason, by=by, at=at)


def dataset(of: Look, at: datetime) -> Dataset:
    return dataset_of(of.study, looks.arms(of), at)


def export(of: Look, at: datetime) -> list[Table]:
    return tables(of.study, at, arms=True)
