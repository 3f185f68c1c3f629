"""The proof that goes with one opened allocation."""

from __future__ import annotations

from typing import Any

from randomisation.models import Allocation, SealedSeed
from randomisation.queries import lists
from trial.models import Study


def committed(study: Study) -> lists.Committed:
    """The lists to prove from; for several proofs one of these serves them all."""
    sealed = SealedSeed.objects.select_related("study").get(study=study)
    return lists.Committed(lists.sealed_version(sealed), sealed.seed)


def proof(allocation: Allocation, of: lists.Committed) -> dict[str, Any] | None:
    """Position, salt and path from this allocation's leaf to the published root; None where no list
    covers it. Of somebody with the arm of their cluster it is the cluster's leaf; what was forced
    stands on no list.
    """
    rows = Allocation.objects.filter(study=allocation.study_id, point=allocation.point)
    row = (
        rows.filter(draws_for=allocation.cluster).first()
        if allocation.kind == "cluster"
        else allocation
    )
    if row is None or row.draw_index is None:
        return None
    return of.proof(row.point, row.stratum, row.draw_index)
