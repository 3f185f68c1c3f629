"""Draws anew: for each copy the real rule, after the real history, by the real stream; so that
whoever verifies the randomisation finds every one of them equal.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator

from django.db.models import Max

from randomisation import stream
from randomisation.models import FIRST, Allocation, Scope, SealedSeed
from randomisation.queries import design, histories
from tests.scale.people import CannotMultiply, Crowd
from trial.models import Participant


class Draws:
    """The allocations of new people, one after the other. The covariates come in turn from those
    who are there; whoever is copied has the arm that was drawn.
    """

    def __init__(self, crowd: Crowd) -> None:
        self.study = crowd.study
        self.designed = design.of(self.study.current)
        self.seed = SealedSeed.objects.get(study=self.study).seed
        self.digest = self.designed.digest(self.seed)
        rows = list(Allocation.objects.filter(study=self.study).order_by("pk"))
        if any((row.point, row.kind, row.cluster) != (FIRST, "drawn", "") for row in rows):
            raise CannotMultiply("a draw of a stage or a cluster, or one that nobody drew")
        people = {each.pk: each for each in crowd.people}
        self.like: dict[str, Iterator[tuple[Participant, Allocation]]] = {
            arm: itertools.cycle(
                [(people[row.participant_id], row) for row in rows if row.arm == arm]
            )
            for arm in {row.arm for row in rows}
        }
        self.covariates = itertools.cycle([row.covariates for row in rows])
        self.scopes = {each.name: each for each in Scope.objects.filter(study=self.study)}
        self.histories: dict[str, histories.Read] = {}
        self.number: int = Allocation.objects.aggregate(n=Max("pk"))["n"]

    def some(self, count: int) -> Iterator[tuple[Participant, Allocation]]:
        """People to be copied, each with the draw of the copy, which is about nobody yet."""
        return (self._one(next(self.covariates)) for _ in range(count))

    def _one(self, covariates: dict[str, str]) -> tuple[Participant, Allocation]:
        scope = self._scope(self.designed.scope(covariates))
        name, index, history = scope.name, scope.next_index, self.histories[scope.name]
        before, chances = history.digest, history.steps.lot_probabilities(covariates)
        lot = stream.choose(chances, stream.key(self.seed, self.digest, name), index)
        arm = self.designed.rule.arm(lot)
        like, row = next(self.like[arm])
        drawn = copy.copy(row)
        self.number += 1
        drawn.pk, drawn.stratum, drawn.draw_index = self.number, name, index
        drawn.arm, drawn.fake_arm = arm, lot if lot != arm else ""
        drawn.probabilities = {each: str(chance) for each, chance in chances.items()}
        drawn.covariates = covariates
        drawn.history_digest, drawn.request_key = before, ""
        history.add(lot, covariates)
        scope.next_index += 1
        return like, drawn

    def _scope(self, name: str) -> Scope:
        if name not in self.scopes:
            self.scopes[name] = Scope(study=self.study, point=FIRST, name=name)
        if name not in self.histories:
            scope = self.scopes[name]
            self.histories[name] = histories.read(self.study.pk, self.designed, scope)
        return self.scopes[name]

    def keep(self) -> None:
        """Where each scope goes on."""
        for name, history in self.histories.items():
            scope = self.scopes[name]
            scope.carried = history.carried(scope.next_index)
            scope.save()
