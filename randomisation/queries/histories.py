"""What a rule reads before a draw: who was allocated in its scope, in order. To be read under the
scope's lock.

A draw does not read all of that: the scope carries what its rule holds of the history, and the
digest of it, from one draw to the next.
"""

from __future__ import annotations

import hashlib
from typing import Any

from django.db import connection

from randomisation.methods import Profile, Rule
from randomisation.methods.steps import stepping
from randomisation.models import Allocation, Scope
from randomisation.models.fields import SealedHistoryField, written
from randomisation.queries.design import Design, canonical
from randomisation.queries.exceptions import Change, history_changes

AS_USED = Change()
NOTHING = hashlib.sha256().hexdigest()
TOO_LONG = {"draws": None}  # of no draw, so the next one reads the allocations


class Read:
    """A history as its next draw reads it. The digest of none is SHA-256 of nothing; with one draw
    more it is SHA-256 of the digest before and of that draw, as of_scope() tells it.
    """

    def __init__(self, rule: Rule, carried: dict[str, Any] | None = None) -> None:
        self.rule = rule
        self.steps = stepping(rule, held=carried and carried["held"])
        self.digest: str = carried["digest"] if carried else NOTHING

    def add(self, lot: str, profile: Profile) -> None:
        self.steps.add(lot, profile)
        entry = lot if self.rule.scope == "stratum" else [lot, profile]
        self.digest = hashlib.sha256(bytes.fromhex(self.digest) + canonical(entry)).hexdigest()

    def carried(self, draws: int) -> dict[str, Any]:
        """What the scope keeps of it, after so many draws. In a stratum all that is kept has one
        length, by which no open block is told from another; what would be longer is not kept.
        """
        kept = {"draws": draws, "digest": self.digest, "held": self.steps.held}
        fits = self.rule.scope == "point" or len(written(kept)) <= SealedHistoryField.padded
        return kept if fits else TOO_LONG


def read(study: int, designed: Design, scope: Scope) -> Read:
    """From what the scope carries; or, where it carries nothing or something of another draw, from
    the allocations.
    """
    carried = scope.carried
    if carried is not None and carried["draws"] == scope.next_index:
        return Read(designed.rule, carried)
    found = Read(designed.rule)
    if not scope.next_index:
        return found
    for entry in of_scope(study, designed, scope.name, scope.next_index):
        found.add(*((entry, {}) if designed.rule.scope == "stratum" else entry))
    return found


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
    """As SQL: they can be many, and others wait for this under the lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(nullif(fake_arm, ''), arm) FROM randomisation_allocation "
            "WHERE study_id = %s AND point = %s AND stratum = %s AND draw_index < %s ORDER BY "
            "draw_index",
            [study, point, stratum, before],
        )
        return [lot for (lot,) in cursor.fetchall()]
