"""Everything pooled: what a report or an export may hold while the arms are concealed.

Nothing that this module reaches, even indirectly, can read an allocation; an import contract keeps
it so.
"""

from __future__ import annotations

from datetime import datetime

from reports.dataset import Dataset
from reports.queries.dataset import dataset_of
from reports.queries.tables import tables
from trial.entries import Table
from trial.models import Study


def dataset(study: Study, at: datetime) -> Dataset:
    return dataset_of(study, None, at)


def export(study: Study, at: datetime) -> list[Table]:
    return tables(study, at, arms=False)
