from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from randomisation.models.fields import SealedHistoryField, SealedJSONField
from trial.facts import Fact
from trial.models import Participant, Study

FIRST = (
    "start"  # the point at which everybody is randomised; a stage is a point with a code of its own
)


class Scope(models.Model):
    """The lock row of one randomisation scope, a stratum or a whole point: locked first, then the
    history is read.

    What it carries of its history from one draw to the next follows from the allocations, and is
    read from them again where there is none. Sealed: in it stands where a block began.
    """

    no_facts = "a row to lock; what was drawn stands in the allocations"
    sealed_under = {"carried": "master"}

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    point = models.CharField(max_length=40, default=FIRST)
    name = models.CharField(max_length=200)
    next_index = models.PositiveIntegerField(default=0)
    carried: models.Field[dict[str, Any] | None, dict[str, Any] | None] = SealedHistoryField(
        null=True
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "point", "name"], name="one_row_per_scope")
        ]


class Allocation(Fact):
    """Which arm, and everything that is needed to replay the draw. No reverse accessor: nothing
    stumbles on it.

    `kind` is drawn; cluster, for somebody who has the arm of their cluster and took no draw; or
    forced, an arm that was given and not drawn. Only what was drawn has a `draw_index`.
    """

    append_only = True
    fact_columns = {
        1: (
            "participant study point kind stratum draw_index cluster draws_for arm fake_arm "
            "probabilities "
            "covariates history_digest design_digest version allocated_at"
        )
    }
    no_facts = {"request_key": "names the request, not the draw"}
    sealed_under = {"probabilities": "master"}

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="+")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    point = models.CharField(max_length=40, default=FIRST)
    kind = models.CharField(max_length=10, default="drawn")
    stratum = models.CharField(max_length=200)  # the scope's name
    draw_index = models.PositiveIntegerField(null=True)
    cluster = models.CharField(max_length=80, blank=True)
    # The cluster, on the one row that was drawn for it; null on the others, since nulls never
    # collide.
    draws_for = models.CharField(max_length=80, null=True)  # noqa: DJ001
    arm = models.CharField(max_length=40)
    fake_arm = models.CharField(
        max_length=44, blank=True
    )  # what was drawn, where fake arms stand for the arms
    # Arm, or fake arm -> "1/2", as they stood before the draw. Sealed: in them stand the coin and
    # where a block began.
    probabilities: models.Field[dict[str, str], dict[str, str]] = SealedJSONField()
    covariates = models.JSONField()  # as used
    history_digest = models.CharField(max_length=64)
    design_digest = models.CharField(max_length=64)
    version = models.PositiveIntegerField()
    request_key = models.CharField(max_length=80, blank=True)
    allocated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["participant", "point"], name="one_allocation_per_point"
            ),
            models.UniqueConstraint(
                fields=["study", "point", "stratum", "draw_index"], name="one_draw_per_index"
            ),
            models.UniqueConstraint(
                fields=["study", "point", "draws_for"], name="one_draw_per_cluster"
            ),
            models.CheckConstraint(
                condition=Q(kind="drawn", draw_index__isnull=False)
                | Q(kind__in=("cluster", "forced"), draw_index__isnull=True),
                name="what_was_drawn_has_an_index",
            ),
        ]
