"""The export from which anybody replays the randomisation: docs/verifying-randomisation.md. It
holds arms and is guarded so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from randomisation.models import Allocation, SealedSeed
from randomisation.queries import exceptions, lists, proofs
from trial.models import Study

FORMAT = "randomisation-export/v1"
CHUNK = 1000  # rows in memory


def export(study: Study, *, reveal: bool) -> Iterator[str]:
    """One JSON document, piece by piece, so that it is never held whole: every allocation in order
    of commit, with what was published before the first; seed and plans where `reveal`.
    """
    sealed = SealedSeed.objects.get(study=study)
    committed = proofs.committed(study)
    points = lists.points(committed.version, committed.seed)
    head = {
        "format": FORMAT,
        "study": study.slug,
        "simulated": study.simulated,
        "commitment": sealed.commitment,
        "merkle_root": sealed.merkle_root,
        "points": [_point(each, reveal) for each in points],
        "seed": committed.seed.hex() if reveal else None,
    }
    tables: dict[str, Iterable[dict[str, Any]]] = {
        "allocations": map(_allocation, _rows(study)),
        "corrections": exceptions.corrections(study),
        "error_marks": exceptions.error_marks(study),
        "code_breaks": _code_breaks(study, committed),
    }
    yield json.dumps(head, indent=1).removesuffix("\n}")
    for name, rows in tables.items():
        yield f',\n "{name}": ['
        for number, row in enumerate(rows):
            yield f"{',' if number else ''}\n  {json.dumps(row)}"
        yield "\n ]"
    yield "\n}\n"


def _code_breaks(study: Study, of: lists.Committed) -> Iterator[dict[str, Any]]:
    """Arms that were told: point, participant, arm; and position, salt and path from the published
    root, or none.
    """
    for each in exceptions.code_breaks(study):
        if not each.is_drill:
            proof = proofs.proof(each.allocation, of) or {"path": None}
            yield {**exceptions.told(each), "arm": each.allocation.arm, **proof}


def _rows(study: Study) -> Iterator[Allocation]:
    """The scope is locked until a row is committed, so within it the numbers of rows rise in that
    order.
    """
    rows = Allocation.objects.filter(study=study).select_related("participant").order_by("pk")
    return rows.iterator(chunk_size=CHUNK)


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
