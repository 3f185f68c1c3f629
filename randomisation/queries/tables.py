"""The tables of randomisation for an export: exceptions always, arms only where arms may be
seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from randomisation.models import (
    FIRST,
    Allocation,
    Correction,
    ErrorMark,
    ForcedAllocation,
    Switch,
    TreatmentReceived,
)
from randomisation.queries.exceptions import code_breaks
from trial import vault
from trial.entries import Column, Table
from trial.models import Study

CHUNK = 1000  # rows in memory
COLUMNS = (
    Column("participant", "Study code"),
    Column("point", "Randomisation: start, or the code of a stage", "code"),
    Column("kind", "drawn; cluster: has the arm of a cluster; forced: given and not drawn", "code"),
    Column("arm", "Arm allocated to", "code"),
    Column("stratum", "Stratum used at allocation"),
    Column(
        "draw_index",
        "Number of the draw within its stratum, from 0",
        "integer",
        missing="empty: not drawn",
    ),
    Column("probabilities", "Probability of each arm before the draw"),
)
_WHO = (
    Column("by", "By whom, as in the audit trail"),
    Column("role", "Role in which they did it", "code"),
)
_AT = Column("at", "When", "datetime")
CORRECTIONS = (
    Column("participant", "Study code"),
    Column("point", "Point of randomisation", "code"),
    Column("values", "Covariates put right, as factor=value; the allocation stays as it was"),
    Column(
        "counts_from",
        "First draw that may read the right value, where draws read across strata",
        "integer",
    ),
    Column("reason", "Why", "code"),
    *_WHO,
    _AT,
)
MARKS = (
    Column("participant", "Study code"),
    Column("point", "Point of randomisation", "code"),
    Column("kind", "error: made in error; ineligible: a fact without effect", "code"),
    Column(
        "counts_from", "First draw that leaves it out, where draws read across strata", "integer"
    ),
    Column("reason", "Why", "code"),
    *_WHO,
    Column("agreed_by", "The second person", missing="empty: takes one person"),
    _AT,
)
CODE_BREAKS = (
    Column("participant", "Study code"),
    Column("reason", "Why", "code"),
    *_WHO,
    Column("agreed_by", "The second person", missing="empty: an emergency"),
    Column("emergency", "By one person, in an emergency", "boolean"),
    Column("drill", "A drill: nothing was shown", "boolean"),
    _AT,
)
SWITCHES = (
    Column("level", "What was halted or goes on: study, point, site, arm or stratum", "code"),
    Column("point", "Point of randomisation", "code", missing="empty: every point"),
    Column("target", "Which site, arm or stratum", "code", missing="empty: not one in particular"),
    Column("halted", "Halted, or goes on again", "boolean"),
    Column("reason", "Why", "code"),
    *_WHO,
    _AT,
)
RECEIVED = (
    Column("participant", "Study code"),
    Column("point", "Point of randomisation", "code"),
    Column("received", "What was received instead: an arm, or other", "code"),
    Column("reason", "Why", "code"),
    *_WHO,
    _AT,
)
FORCED = (
    Column("participant", "Study code"),
    Column("reason", "Why", "code"),
    *_WHO,
    Column("agreed_by", "The second person"),
    _AT,
)


def tables(study: Study, by: object, at: datetime, arms: bool) -> list[Table]:
    """Entry of settings.TABLES. While the arms are concealed nothing in it depends on an arm."""
    found = [
        Table(
            "corrections",
            "Covariates put right after allocation",
            CORRECTIONS,
            _corrections(study, arms),
        ),
        Table("error_marks", "Allocations marked", MARKS, _marks(study, arms)),
        Table("code_breaks", "Code-breaks", CODE_BREAKS, _code_breaks(study)),
        Table("switches", "Randomisation halted and going on", SWITCHES, _switches(study, arms)),
    ]
    if not arms:
        return found
    return [
        Table("allocations", "Allocations", COLUMNS, _allocations(study)),
        *found,
        Table("treatments_received", "Other treatments received", RECEIVED, _received(study)),
        Table("forced_allocations", "Forced allocations", FORCED, _forced(study)),
    ]


def _allocations(study: Study) -> Iterator[tuple]:
    rows = Allocation.objects.filter(study=study).select_related("participant").order_by("pk")
    return (
        (
            a.participant.code,
            a.point,
            a.kind,
            a.arm,
            a.stratum,
            a.draw_index,
            " ".join(map("=".join, a.probabilities.items())),
        )
        for a in rows.iterator(chunk_size=CHUNK)
    )


def _at_points(rows: QuerySet[Any], arms: bool) -> QuerySet[Any]:
    """Who is randomised again at a stage may tell the arm that they come from."""
    return rows.order_by("pk") if arms else rows.filter(point=FIRST).order_by("pk")


def _corrections(study: Study, arms: bool) -> Iterator[tuple]:
    rows = _at_points(Correction.objects.filter(study=study).select_related("participant"), arms)
    return (
        (
            each.participant.code,
            each.point,
            " ".join(f"{factor}={value}" for factor, value in sorted(each.values.items())),
            each.counts_from,
            each.reason,
            each.by,
            each.role,
            each.at,
        )
        for each in rows.iterator(chunk_size=CHUNK)
    )


def _marks(study: Study, arms: bool) -> Iterator[tuple]:
    fields = (
        "participant__code",
        "point",
        "kind",
        "counts_from",
        "reason",
        "by",
        "role",
        "agreed_by",
        "at",
    )
    rows = _at_points(ErrorMark.objects.filter(study=study), arms)
    return rows.values_list(*fields).iterator(chunk_size=CHUNK)


def _code_breaks(study: Study) -> Iterator[tuple]:
    return (
        (
            each.participant.code,
            each.reason,
            each.by,
            each.role,
            each.agreed_by,
            each.is_emergency,
            each.is_drill,
            each.at,
        )
        for each in code_breaks(study)
    )


def _switches(study: Study, arms: bool) -> Iterator[tuple]:
    """A pooled table names no arm, not even nobody's."""
    return (
        (
            each.level,
            each.point,
            each.target if arms or each.level != "arm" else "",
            each.is_halted,
            each.reason,
            each.by,
            each.role,
            each.at,
        )
        for each in Switch.objects.filter(study=study).order_by("pk")
    )


def _received(study: Study) -> Iterator[tuple]:
    rows = (
        TreatmentReceived.objects.filter(study=study).select_related("participant").order_by("pk")
    )
    return (
        (
            each.participant.code,
            each.point,
            vault.unseal(each.received_sealed),
            each.reason,
            each.by,
            each.role,
            each.at,
        )
        for each in rows.iterator(chunk_size=CHUNK)
    )


def _forced(study: Study) -> Iterator[tuple]:
    fields = ("participant__code", "reason", "by", "role", "agreed_by", "at")
    rows = ForcedAllocation.objects.filter(study=study).order_by("pk")
    return rows.values_list(*fields).iterator(chunk_size=CHUNK)
