"""What a rule reads before a draw: who was allocated in its scope, in order. To be read under the scope's lock."""

from __future__ import annotations

from typing import Any

from randomisation.models import Allocation
from randomisation.queries.design import Design
from randomisation.queries.exceptions import Change, history_changes

AS_USED = Change()


def of_scope(study: int, designed: Design, scope: str, before: int) -> list[Any]:
    """The lots of the draws before number `before`; for a rule that reads across strata, each with its profile.

    Forced allocations, and people who came with their cluster, took no draw and are not in it. Where it reads across
    strata, what was put right is read as it is right, and what was marked as made in error is left out, from the draw on
    that came next.
    """
    rows = Allocation.objects.filter(
        study=study, point=designed.point, stratum=scope, draw_index__isnull=False, draw_index__lt=before
    ).order_by("draw_index")
    if designed.rule.scope == "stratum":
        return [fake or arm for fake, arm in rows.values_list("fake_arm", "arm")]
    changes = history_changes(study, designed.point, before)
    read = rows.values_list("pk", "fake_arm", "arm", "covariates")
    known = [(changes.get(number, AS_USED), fake or arm, profile) for number, fake, arm, profile in read]
    return [[lot, {**profile, **change.values}] for change, lot, profile in known if not change.is_left_out]
