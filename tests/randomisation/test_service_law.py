"""The service against the exact law: what comes out of the database, over many strata, is
distributed as the method says.

One study with many centres, each a stratum with a key of its own, is many independent trials. The
exact law of each is enumerated with fractions from the pure rule; the shares that the service gave
lie within 4.5 standard errors of it. For minimisation, which has one history for the whole study,
what is compared is how often the arm that was preferred was drawn. The seed is that of a rehearsal,
so that the same arms come out each time.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import sqrt

import pytest

from randomisation import methods
from randomisation.actions import allocations
from randomisation.models import Allocation
from tests.randomisation.races import studies
from trial import actors
from trial.models import Participant

pytestmark = [pytest.mark.slow, pytest.mark.once, pytest.mark.django_db]

STRATA, LENGTH = 200, 6  # 1,200 draws for each law
BOUND = 4.5  # standard errors
LAWS = {
    "permuted_blocks": {"block_sizes": [2, 4]},
    "big_stick": {"tolerance": 2},
}


def law(rule: methods.Rule) -> dict[tuple[str, ...], Fraction]:
    """The probability of every sequence of LENGTH."""
    found = {(): Fraction(1)}
    for _ in range(LENGTH):
        found = {
            (*history, arm): chance * share
            for history, chance in found.items()
            for arm, share in rule.probabilities(list(history)).items()
            if share
        }
    return found


def given_out(study) -> Counter[tuple[str, ...]]:
    """How often the service gave out each sequence."""
    strata: dict[str, list[str]] = {}
    for stratum, arm in (
        Allocation.objects.filter(study=study).order_by("draw_index").values_list("stratum", "arm")
    ):
        strata.setdefault(stratum, []).append(arm)
    return Counter(map(tuple, strata.values()))


def check_share(seen: int, trials: int, chance: Fraction) -> None:
    error = sqrt(trials * chance * (1 - chance))
    assert abs(seen - trials * chance) <= BOUND * error


@pytest.mark.parametrize("method", LAWS)
def test_the_service_gives_out_every_sequence_as_often_as_the_law_says(method, tmp_path, now):
    parameters = LAWS[method]
    written = "".join(f"{name}: {value}\n" for name, value in parameters.items())
    study = studies.a_study(
        tmp_path, f"method: {method}\n{studies.EVEN}{written}strata: [site]\n", now, sites=STRATA
    )
    studies.a_crowd(study, STRATA * LENGTH, now, sites=STRATA)
    allocate_everybody(study, now)

    exact = law(
        methods.build({"method": method, "ratio": {"guided": 1, "unguided": 1}, **parameters})
    )
    seen = given_out(study)
    assert seen.keys() <= exact.keys()
    for sequence, chance in exact.items():
        check_share(seen[sequence], STRATA, chance)
    assert sum(seen.values()) == STRATA
    for place in range(LENGTH):
        check_share(
            sum(n for each, n in seen.items() if each[place] == "guided"), STRATA, Fraction(1, 2)
        )


def allocate_everybody(study, at) -> None:
    for person in (
        Participant.objects.filter(study=study).select_related("study", "version").order_by("pk")
    ):
        allocations.allocate(participant=person, by=actors.SYSTEM, at=at)


def test_minimisation_gives_the_preferred_arm_as_often_as_its_coin_says(tmp_path, now):
    study = studies.a_study(tmp_path, "minimisation", now)
    studies.a_crowd(study, 600, now)
    allocate_everybody(study, now)

    rows = Allocation.objects.filter(study=study).values_list("arm", "probabilities")
    coins = Counter(chances[arm] for arm, chances in rows)
    assert coins.keys() == {"4/5", "1/5", "1/2"}
    check_share(coins["4/5"], coins["4/5"] + coins["1/5"], Fraction(4, 5))
    ties = [arm for arm, chances in rows if chances[arm] == "1/2"]
    check_share(ties.count("guided"), len(ties), Fraction(1, 2))
