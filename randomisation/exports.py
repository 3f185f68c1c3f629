"""The export from which anybody replays the randomisation: docs/verifying-randomisation.md. It
holds arms and is guarded so.
"""

from __future__ import annotations

from typing import Any

from randomisation.models import Allocation, SealedSeed
from randomisation.queries import exceptions, lists, proofs
from trial.models import Study

FORMAT = "randomisation-export/v1"


def export(study: Study, *, reveal: bool) -> dict[str, Any]:
    """Every allocation in order of commit, with what was published before the first; seed and plans
    where `reveal`.
    """
    sealed = SealedSeed.objects.get(study=study)
    committed = proofs.committed(study)
    return {
        "format": FORMAT,
        "study": study.slug,
        "simulated": study.simulated,
        "commitment": sealed.commitment,
        "merkle_root": sealed.merkle_root,
        "points": [
            _point(each, reveal) for each in lists.points(committed.version, committed.seed)
        ],
        "seed": committed.seed.hex() if reveal else None,
        "allocations": [_allocation(row) for row in _rows(study)],
        "corrections": exceptions.corrections(study),
        "error_marks": exceptions.error_marks(study),
        "code_breaks": _code_breaks(study, committed),
    }


def _code_breaks(study: Study, of: lists.Committed) -> list[dict[str, Any]]:
    """Arms that were told: point, participant, arm; and position, salt and path from the published
    root, or none.
    """
    return [
        {
            **exceptions.told(each),
            "arm": each.allocation.arm,
            **(proofs.proof(each.allocation, of) or {"path": None}),
        }
        for each in exceptions.code_breaks(study)
        if not each.is_drill
    ]


def _rows(study: Study) -> Any:
    """The scope is locked until a row is committed, so within it the numbers of rows rise in that
    order.
    """
    return Allocation.objects.filter(study=study).select_related("participant").order_by("pk")


def _point(point: lists.Point, reveal: bool) -> dict[str, Any]:
    return {
        "point": point.name,
        "design_digest": point.digest,
        "plan": point.plan if reveal else None,
        "levels": {factor: list(levels) for factor, levels in point.levels.items()},
        "covered": point.covered,
    }


def _allocation(row: Allocation) -> dict[str, Any]:
    return {
        "point": row.point,
        "participant": row.participant.code,
        "kind": row.kind,
        "stratum": row.stratum,
        "draw_index": row.draw_index,
        "arm": row.arm,
        "fake_arm": row.fake_arm,
        "probabilities": row.probabilities,
        "covariates": row.covariates,
        "history_digest": row.history_digest,
        "design_digest": row.design_digest,
        "version": row.version,
        "cluster": row.cluster,
        "request_key": row.request_key,
        "allocated_at": row.allocated_at.isoformat(),
    }
