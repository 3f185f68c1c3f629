"""Whoever steals the database, without the keys that stand outside it, reads who had which arm
until now, and no more.

What comes next they guess as well as the history lets anybody guess who knows the design, and no
better: the seed is not there in any writing, and nothing that is there can stand in for it.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from fractions import Fraction
from math import sqrt

import pytest
from django.db import connection

from randomisation import methods, stream
from randomisation.actions import allocations
from randomisation.models import Allocation, SealedSeed
from randomisation.queries import design
from tests import dump
from tests.randomisation import people
from trial import actors
from trial.models import PersonKey

SIGMAS = 4.5  # chance of a false alarm: 7 in a million for each comparison
RESTRICTED = {
    "permuted_blocks": (
        "block_sizes: [6, 22, 38]",
        ["[6, 22, 38]", "[6,22,38]", "6, 22, 38", "6,22,38", "block_sizes"],
    ),
    "big_stick": ("tolerance: 917413", ["917413", "tolerance"]),
    "chen": (
        "p: 0.7319\ntolerance: 917413",
        ["917413", "0.7319", ".7319", "tolerance", '"p":', "'p':"],
    ),
}


def a_trial(directory, now, method="permuted_blocks", how_many=0):
    restriction, _ = RESTRICTED[method]
    text = f"method: {method}\nratio: {{guided: 1, unguided: 1}}\nstrata: [sex]\n{restriction}\n"
    study = people.a_study(directory, now, randomisation=text)
    for person in people.consented(study, how_many, now):
        allocations.allocate(participant=person, by=actors.SYSTEM, at=now)
    return study


def writings(secret: bytes) -> list[str]:
    """The ways in which bytes are written down."""
    coded = [
        encode(secret).decode().rstrip("=")
        for encode in (base64.b64encode, base64.urlsafe_b64encode)
    ]
    coded += [base64.b32encode(secret).decode().rstrip("="), base64.b85encode(secret).decode()]
    numbers = [str(int.from_bytes(secret, order)) for order in ("big", "little")]
    listed = [separator.join(map(str, secret)) for separator in (", ", ",", " ")]
    return [
        secret.hex(),
        secret.hex(":"),
        secret.hex(" "),
        repr(secret)[2:-1],
        secret.decode("latin-1"),
        *coded,
        *numbers,
        *listed,
    ]


def in_part(words: list[str]) -> list[str]:
    """Halves too: somebody might have stored the secret in two columns."""
    return [half for word in words for half in (word[: len(word) // 2], word[len(word) // 2 :])]


@pytest.mark.django_db
@pytest.mark.parametrize("method", RESTRICTED)
def test_neither_seed_nor_keys_nor_restriction_stand_in_the_database_in_any_writing(
    tmp_path, now, method
):
    study = a_trial(tmp_path, now, method, how_many=6)
    sealed = SealedSeed.objects.get(study=study)
    seed = sealed.seed
    keys = [stream.key(seed, sealed.design_digest, stratum) for stratum in ("sex=f", "sex=m")]
    assert (
        dump.found([word for secret in (seed, *keys) for word in in_part(writings(secret))]) == []
    )
    words = RESTRICTED[method][1]
    assert dump.found(words) == []
    assert (
        dump.found(
            in_part(
                [
                    base64.b64encode(word.encode()).decode().rstrip("=")
                    for word in words
                    if len(word) > 9
                ]
            )
        )
        == []
    )


@pytest.mark.django_db
def test_what_is_looked_for_would_be_found(tmp_path, now):
    """The search finds a secret that somebody writes into a table; so that it finds nothing means
    something.
    """
    a_trial(tmp_path, now, how_many=1)
    secret = hashlib.sha256(b"not so secret").digest()
    for writing in writings(secret):
        PersonKey.objects.update(sealed_key=f"beside it {writing} and after")
        assert [table for _, table in dump.found([writing])] == ["trial_personkey"]


@pytest.mark.django_db
def test_block_sizes_are_not_found_by_trying_them_all_against_what_is_published(tmp_path, now):
    """Everything else of the plan can be read; a plain hash of it would give the sizes away within
    a second.
    """
    study = a_trial(tmp_path, now, how_many=2)
    known = {
        name: value for name, value in design.plan(study.current).items() if name != "block_sizes"
    }
    tried = [
        hashlib.sha256(design.canonical(known | {"block_sizes": list(sizes)})).hexdigest()
        for how_many in (1, 2, 3)
        for sizes in itertools.combinations(range(2, 51, 2), how_many)
    ]
    assert hashlib.sha256(design.canonical(design.plan(study.current))).hexdigest() in tried
    text = "\n".join(dump.tables().values())
    assert set(tried) & set(re.findall(r"[0-9a-f]{64}", text)) == set()


def thirty_two_bytes(text: str) -> set[bytes]:
    """Everything in a dump that could be a seed: 32 bytes in hexadecimal or within what is base64,
    and hashes of cells.
    """
    found = {
        bytes.fromhex(word) for word in re.findall(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])", text)
    }
    for word in re.findall(r"[A-Za-z0-9_-]{43,}=*", text):
        raw = base64.urlsafe_b64decode(word + "=" * (-len(word) % 4))
        found |= {raw[begin : begin + 32] for begin in range(len(raw) - 31)}
    found |= {hashlib.sha256(cell.encode()).digest() for cell in re.split(r"[\t\n]", text)}
    return found


def hits(rows, seed: bytes, digest: str) -> int:
    """How many of the arms come out when these draws are made from this seed."""
    keys = {stratum: stream.key(seed, digest, stratum) for stratum in {row[0] for row in rows}}
    drawn = [stream.choose(chances, keys[stratum], index) for stratum, index, chances, _ in rows]
    return sum(lot == arm for lot, (*_, arm) in zip(drawn, rows, strict=True))


@pytest.mark.django_db
def test_nothing_in_the_database_serves_as_the_seed(tmp_path, now):
    """Every candidate draws as if by chance: its arm is right with chance sum of p_k squared at
    each draw.
    """
    study = a_trial(tmp_path, now, how_many=40)
    sealed = SealedSeed.objects.get(study=study)
    rows = [
        (
            row.stratum,
            row.draw_index,
            {arm: Fraction(share) for arm, share in row.probabilities.items()},
            row.arm,
        )
        for row in Allocation.objects.order_by("pk")
    ]
    text = "\n".join(
        dump.tables()[table] for table in ("randomisation_sealedseed", "randomisation_allocation")
    )
    everything = thirty_two_bytes(text) | {
        bytes.fromhex(sealed.commitment),
        bytes.fromhex(sealed.merkle_root),
    }
    candidates = sorted(everything)
    assert len(candidates) > 200
    assert hits(rows, sealed.seed, sealed.design_digest) == 40  # the true one makes every draw

    # A candidate knows nothing, so that each draw agrees with chance p_k for the arm k that came.
    chance = [float(chances[arm]) for _, _, chances, arm in rows]
    mean, sd = sum(chance), sqrt(sum(p * (1 - p) for p in chance))
    found = [hits(rows, candidate, sealed.design_digest) for candidate in candidates]
    assert max(found) < 40
    assert abs(sum(found) / len(found) - mean) < SIGMAS * sd / sqrt(len(found))


@pytest.mark.django_db
def test_what_past_draws_were_likely_to_be_is_sealed_and_p_with_it(tmp_path, now):
    """Kept beside each draw for replay and weighting. The attack below is given the whole design
    all the same.
    """
    a_trial(tmp_path, now, "chen", how_many=6)
    chances = [row.probabilities for row in Allocation.objects.all()]
    assert {"7319/10000", "2681/10000"} <= {share for each in chances for share in each.values()}
    assert dump.found(["7319/10000", "2681/10000"]) == []


@pytest.mark.django_db
def test_that_nothing_is_left_to_chance_is_sealed_with_the_reason_for_it(tmp_path, now):
    text = (
        "method: minimisation\nratio: {guided: 1, unguided: 1}\nfactors: [sex]\np: "
        "1\njustification: Rare enough\n"
    )
    study = people.a_study(tmp_path, now, randomisation=text)
    assert design.plan(study.current)["justification"] == "Rare enough"
    assert dump.found(['justification": "', "Rare enough"]) == []


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["permuted_blocks", "chen"])
def test_how_long_the_sealed_chances_are_does_not_tell_which_draws_were_certain(
    tmp_path, now, method
):
    """A block's last arms have the chances 1 and 0, which are written shorter than 1/2 and 1/2."""
    restriction = {"permuted_blocks": "block_sizes: [4]", "chen": "p: 0.7319\ntolerance: 1"}[method]
    text = f"method: {method}\nratio: {{guided: 1, unguided: 1}}\n{restriction}\n"
    study = people.a_study(tmp_path, now, randomisation=text)
    for person in people.consented(study, 8, now):
        allocations.allocate(participant=person, by=actors.SYSTEM, at=now)
    certain = [set(row.probabilities.values()) == {"0", "1"} for row in Allocation.objects.all()]
    assert {True, False} == set(certain)
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT length(probabilities) FROM randomisation_allocation")
        assert len(cursor.fetchall()) == 1


# plan, how many per stratum, expected share of correct guesses: RANDOMISATION anchors, exact for N
# = 100
ATTACKED = {
    "blocks of four": ({"method": "permuted_blocks", "block_sizes": [4]}, 100, 17 / 24),
    "big stick 3": ({"method": "big_stick", "tolerance": 3}, 100, 0.5811),
    "chen 2/3, 3": ({"method": "chen", "p": "2/3", "tolerance": 3}, 100, 0.6413),
    "efron 2/3": ({"method": "efron", "p": "2/3"}, 100, 0.6233),
    "blocks of four or six": ({"method": "permuted_blocks", "block_sizes": [4, 6]}, 36, None),
    "complete": ({"method": "complete"}, 100, 0.5),
}


def a_list(rule, name, trial, n):
    """One stratum's draws: for each the chances that were known before it, and the arm."""
    key = stream.key(hashlib.sha256(f"{name}|{trial}".encode()).digest(), "demo", "")
    history = []
    for index in range(n):
        chances = rule.probabilities(history)
        history.append(stream.choose(chances, key, index))
        yield chances, history[-1]


@pytest.mark.parametrize("name", ATTACKED)
def test_the_best_guess_from_all_that_is_visible_is_right_as_often_as_theory_says(name):
    """Given even the design, the best guess is the likeliest arm of the exact mixture. Right minus
    that chance is a martingale, so its sum has the variance that is summed up beside it; and over
    trials the share is the published one.
    """
    plan, n, published = ATTACKED[name]
    rule = methods.build(plan | {"ratio": {"a": 1, "b": 1}})
    right = 0
    expected = 0.0
    variance = 0.0
    trials = 60
    for trial in range(trials):
        for chances, arm in a_list(rule, name, trial, n):
            best = max(chances, key=lambda each: chances[each])
            p = float(chances[best])
            right, expected, variance = right + (best == arm), expected + p, variance + p * (1 - p)
    assert abs(right - expected) < SIGMAS * sqrt(variance)
    if published is not None:
        # An SD of 1/2 a guess bounds what remains: guesses of one list are less variable than free
        # ones.
        assert abs(right / (trials * n) - published) < SIGMAS * 0.5 / sqrt(trials * n)


@pytest.mark.parametrize("name", ["blocks of four", "big stick 3", "complete"])
def test_the_draws_so_far_tell_nothing_of_those_to_come(name):
    """Whoever bets on what followed the same last three arms before, where chance was even, wins
    half of the bets.
    """
    plan, n, _ = ATTACKED[name]
    rule, seen, won, bets = methods.build(plan | {"ratio": {"a": 1, "b": 1}}), {}, 0, 0
    for trial, last in itertools.product(range(60), [[]]):
        last = list(last)
        for chances, arm in a_list(rule, name, trial, n):
            if set(chances.values()) == {Fraction(1, 2)}:
                before = seen.setdefault(tuple(last[-3:]), {"a": 0, "b": 0})
                if before["a"] != before["b"]:
                    bets, won = bets + 1, won + (arm == max(before, key=lambda each: before[each]))
                before[arm] += 1
            last.append(arm)
    assert bets > 1000
    assert abs(won - bets / 2) < SIGMAS * sqrt(bets) / 2


def test_the_design_of_the_attack_is_the_design_of_the_draws(db, tmp_path, now):
    study = a_trial(tmp_path, now, "big_stick", how_many=8)
    rule = design.rule(study.current)
    for row in Allocation.objects.all():
        earlier = Allocation.objects.filter(
            stratum=row.stratum, draw_index__lt=row.draw_index
        ).order_by("draw_index")
        expected = rule.probabilities(list(earlier.values_list("arm", flat=True)))
        assert {arm: Fraction(share) for arm, share in row.probabilities.items()} == expected
