"""What must hold of a study's allocations, however they came about."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from randomisation import exports, stream, verifier
from randomisation.models import Allocation, Scope, SealedSeed
from randomisation.queries import design, histories
from tests.randomisation import trials
from trial import audit
from trial.models import Participant, Study


def check(study: Study) -> dict[str, int]:
    """Everything, by equality; how many draws there are and how many duplicates, gaps and
    inversions were found: none.
    """
    rows = list(Allocation.objects.filter(study=study).order_by("pk").select_related("participant"))
    figures = irregularities(rows)
    assert figures == {"duplicates": 0, "gaps": 0, "inversions": 0}
    check_replay(study, rows)
    check_carried(study)
    check_verified(study)
    check_clusters(rows)
    check_people(study, rows)
    drawn = scopes(rows)
    ends = {
        (row.point, row.name): row.next_index
        for row in Scope.objects.filter(study=study)
        if row.next_index
    }
    assert ends == {scope: len(each) for scope, each in drawn.items()}
    assert audit.verify(study) == []
    return {"allocated": len(rows), "drawn": sum(map(len, drawn.values())), **figures}


def scopes(rows: Sequence[Allocation]) -> dict[tuple[str, str], list[Allocation]]:
    """What was drawn in each scope, in order of row number. A row takes its number under the lock
    of its scope, which is held until the commit, so it is the order of commit.
    """
    found: dict[tuple[str, str], list[Allocation]] = {}
    for row in rows:
        if row.draw_index is not None:
            found.setdefault((row.point, row.stratum), []).append(row)
    return found


def irregularities(rows: Sequence[Allocation]) -> dict[str, int]:
    duplicates = len(rows) - len({(row.participant_id, row.point) for row in rows})
    gaps = inversions = 0
    for each in scopes(rows).values():
        numbers = [row.draw_index for row in each]
        duplicates += len(numbers) - len(set(numbers))
        gaps += len(set(range(max(numbers) + 1)) - set(numbers))
        inversions += sum(a > b for a, b in pairwise(numbers))
    return {"duplicates": duplicates, "gaps": gaps, "inversions": inversions}


def check_replay(study: Study, rows: Sequence[Allocation]) -> None:
    """Every draw once more from the seed, the plan and the draws before it."""
    seed = SealedSeed.objects.get(study=study).seed
    for (point, scope), drawn in scopes(rows).items():
        designed = design.of(study.current, point)
        key = stream.key(seed, designed.digest(seed), scope)
        history: list = []
        for row in drawn:
            chances = designed.rule.lot_probabilities(history, row.covariates)
            assert {lot: Fraction(share) for lot, share in row.probabilities.items()} == dict(
                chances
            )
            lot = stream.choose(chances, key, row.draw_index)
            assert (row.fake_arm or row.arm, row.arm) == (lot, designed.rule.arm(lot))
            digest = trials.digest_of(history)
            assert (row.history_digest, row.design_digest) == (digest, designed.digest(seed))
            history.append([lot, row.covariates] if designed.rule.scope == "point" else lot)


def check_carried(study: Study) -> None:
    """What a scope carries is what is read from its allocations."""
    for scope in Scope.objects.filter(study=study, next_index__gt=0):
        carried, scope.carried = scope.carried, None
        found = histories.read(study.pk, design.of(study.current, scope.point), scope)
        assert json.loads(json.dumps(found.carried(scope.next_index))) == carried


def check_verified(study: Study) -> None:
    """The verifier of one file replays the export as a third party would."""
    said: list[str] = []
    text = io.StringIO("".join(exports.export(study, reveal=True)))
    assert (verifier.main(["-"], text, said.append), said) == (0, said)


def check_clusters(rows: Sequence[Allocation]) -> None:
    """One draw for each cluster, and its arm for everybody in it."""
    arms: dict[str, str] = {row.draws_for: row.arm for row in rows if row.draws_for}
    assert len(arms) == sum(row.draws_for is not None for row in rows)
    in_clusters = [row for row in rows if row.cluster]
    assert [row.arm for row in in_clusters] == [arms[row.cluster] for row in in_clusters]


def check_people(study: Study, rows: Sequence[Allocation]) -> None:
    """Whoever has an allocation is randomised, and nobody else."""
    randomised = Participant.objects.filter(study=study, randomised_at__isnull=False).values_list(
        "code", flat=True
    )
    assert sorted(randomised) == sorted(
        row.participant.code for row in rows if row.point == "start"
    )
