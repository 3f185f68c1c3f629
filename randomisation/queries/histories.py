"""What a rule reads before a draw: who was allocated in its scope, in order. To be read under the
scope's lock.
"""

from __future__ import annotations

from typing import Any

from django.db import connection

from randomisation.models import Allocation
from randomisation.queries.design import Design
from randomisation.queries.exceptions import Change, history_changes

AS_USED = Change()


def of_scope(study: int, designed: Design, scope: str, before: int) -> list[Any]:
    """The lots of the draws before number `before`; for a rule that reads across strata, each with
    its profile.

    Forced allocations, and people who came with their cluster, took no draw and are not in it.
    Where it reads across strata, what was put right is read as it is right, and what was marked as
    made in error is left out, from the draw on that came next.
    """
    if designed.rule.scope == "stratum":
        return _lots(study, designed.point, scope, before)
    rows = Allocation.objects.filter(
        study=study,
        point=designed.point,
        stratum=scope,
        draw_index__isnull=False,
        draw_index__lt=before,
    ).order_by("draw_index")
    changes = history_changes(study, designed.point, before)
    read = rows.values_list("pk", "fake_arm", "arm", "covariates")
    known = [
        (changes.get(number, AS_USED), fake or arm, profile) for number, fake, arm, profile in read
    ]
    return [
        [lot, {**profile, **change.values}]
        for change, lot, profile in known
        if not change.is_left_out
    ]


def _lots(study: int, point: str, stratum: str, before: int) -> list[str]:
    """As SQL: others wait for this under the lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(nullif(fake_arm, ''), arm) FROM randomisation_allocation "
            "WHERE study_id = %s AND point = %s AND stratum = %s AND draw_index < %s ORDER BY "
            "draw_index",
            [study, point, stratum, before],
        )
        return [lot for (lot,) in cursor.fetchall()]
