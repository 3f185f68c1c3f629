"""The allocation's table for an export. Only given where arms may be seen."""

from __future__ import annotations

from datetime import datetime

from randomisation.models import Allocation
from trial.entries import Column, Table
from trial.models import Study

COLUMNS = (
    Column("participant", "Study code"),
    Column("point", "Randomisation: start, or the code of a stage", "code"),
    Column("kind", "drawn; cluster: has the arm of a cluster; forced: given and not drawn", "code"),
    Column("arm", "Arm allocated to", "code"),
    Column("stratum", "Stratum used at allocation"),
    Column("draw_index", "Number of the draw within its stratum, from 0", "integer", missing="empty: not drawn"),
    Column("probabilities", "Probability of each arm before the draw"),
)


def tables(study: Study, by: object, at: datetime, arms: bool) -> list[Table]:
    """Entry of settings.TABLES: nothing at all while the arms are concealed."""
    if not arms:
        return []
    rows = [
        (
            a.participant.code,
            a.point,
            a.kind,
            a.arm,
            a.stratum,
            a.draw_index,
            " ".join(map("=".join, a.probabilities.items())),
        )
        for a in Allocation.objects.filter(study=study).select_related("participant").order_by("pk")
    ]
    return [Table("allocations", "Allocations", COLUMNS, rows)]
