"""By arm: the only place outside randomisation that looks at allocations, each time by an audited
look.
"""

from __future__ import annotations

from datetime import datetime

from randomisation.actions import looks
from reports.dataset import Dataset
from reports.queries.dataset import dataset_of
from reports.queries.tables import tables
from trial.actors import Actor
from trial.entries import Table
from trial.models import Study


def dataset(study: Study, *, reason: str, by: Actor, at: datetime) -> Dataset:
    return dataset_of(study, looks.arms_of(study=study, reason=reason, by=by, at=at), at)


def export(study: Study, at: datetime) -> list[Table]:
    """To be called after `dataset`, whose look it belongs to."""
    return tables(study, at, arms=True)
