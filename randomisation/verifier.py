"""Replays the randomisation of a trial from its export, and trusts nothing that the export says of
itself.

    python verifier.py export.json [--seed HEX] [--conceal]

One file, the standard library of Python 3.11 and nothing of the platform that made the export:
every procedure is written from its definition in the literature, so that an error on one side does
not repeat itself on the other. Prints what it checked and exits with 0; names the first difference
(which allocation, which field) and exits with 1; or exits with 2 where plan or seed are still
sealed, so that nothing can be replayed. `--conceal` leaves out the values of a difference, which
may be arms. A path of `-` is standard input.

Out of its reach: forced allocations, which nobody drew (they are counted and named); and what no
draw depends on: the name of a participant, the time, the version and the request key of an
allocation.
"""

import hashlib
import hmac
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import gcd, isqrt, lcm
from pathlib import Path
from typing import Any, TextIO

FORMAT = "randomisation-export/v1"
FIRST = "start"  # the first randomisation point, whose name stands in no leaf


class Difference(Exception):
    """The first thing that is not as it must be."""

    def words(self, conceal: bool) -> str:
        where, what, expected, found = self.args
        return f"{where}: {what} differs" + (
            "" if conceal else f": expected {expected!r}, found {found!r}"
        )


def same(where: str, what: str, expected: Any, found: Any) -> None:
    if type(expected) is not type(found) or expected != found:
        raise Difference(where, what, expected, found)


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


# The stream: one key a stratum, one draw an index, whole numbers only.


def stratum_text(levels: dict[str, str]) -> str:
    signs = str.maketrans({"%": "%25", ";": "%3B", "=": "%3D", "|": "%7C"})
    return ";".join(
        f"{factor.translate(signs)}={level.translate(signs)}"
        for factor, level in sorted(levels.items())
    )


def words(seed: bytes, digest: str, stratum: str, index: int) -> Iterator[int]:
    """Word 0 is made from the index alone; word j, for numbers that were rejected or are too short,
    from index and j.
    """
    key = hmac.digest(seed, f"rand/v1|design={digest}|stratum={stratum}".encode(), "sha256")
    message = b""
    while True:
        word = hmac.digest(key, index.to_bytes(8, "big") + message, "sha256")
        yield int.from_bytes(word[:8], "big")
        message = (int.from_bytes(message, "big") + 1).to_bytes(8, "big")


def chosen(chances: dict[str, Fraction], source: Iterator[int]) -> str:
    """Whole weights over the common denominator; a number beyond the last full multiple of their
    sum is drawn again.
    """
    total = lcm(*(chance.denominator for chance in chances.values()))
    size = max(1, -(-(total - 1).bit_length() // 64))
    each = 2 ** (64 * size) // total
    number = each * total
    while number >= each * total:
        number = sum(next(source) << 64 * (size - 1 - i) for i in range(size))
    left = number // each
    for lot in sorted(chances):
        left -= int(chances[lot] * total)
        if left < 0:
            return lot
    raise Difference("procedure", "sum of the probabilities", 1, sum(chances.values()))


# The procedures: from the history to the exact chance of each lot. What a procedure reads of the
# history is held as it comes, one draw after another, so that a history is gone through once.

Plan = dict[str, Any]
Profile = dict[str, str]
Chances = dict[str, Fraction]


@dataclass(frozen=True)
class Rule:
    begin: Callable[[], Any]  # what is held of nobody
    after: Callable[[Any, str, Profile], Any]  # what is held once a lot was drawn for somebody
    chances: Callable[[Any, Profile], Chances]  # for whoever is next, from what is held
    arms: dict[str, str]  # what can be drawn -> the arm that it stands for
    factors: tuple[str, ...] | None = (
        None  # read of each person: then the history is the whole point's, not a stratum's
    )
    length: int | None = None  # of a list that ends


def counting(
    of: Callable[[str, Profile], Iterable[Any]],
) -> Callable[[Counter[Any], str, Profile], Counter[Any]]:
    """How often each thing came that there is `of` a draw."""

    def after(counts: Counter[Any], lot: str, profile: Profile) -> Counter[Any]:
        counts.update(of(lot, profile))
        return counts

    return after


def number(given: Any) -> Fraction:
    return Fraction(str(given))


def of_counts(
    plan: Plan, step: Callable[[Counter[str], int], Chances], length: int | None = None
) -> Rule:
    """A procedure that needs no more than how many are in each arm, N_k, and in all, n."""
    return Rule(
        Counter,
        counting(lambda lot, _: (lot,)),
        lambda counts, _: step(counts, counts.total()),
        {arm: arm for arm in plan["ratio"]},
        length=length,
    )


def of_difference(
    plan: Plan, first: Callable[[int, int], Fraction], length: int | None = None
) -> Rule:
    """Two arms, 1:1: the chance of the first from D = N_A - N_B and n."""
    a, b = plan["ratio"]
    return of_counts(
        plan, lambda counts, n: {a: (p := first(counts[a] - counts[b], n)), b: 1 - p}, length
    )


def behind(p: Fraction, d: Fraction | int) -> Fraction:
    """The chance of the first arm when the arm behind gets p."""
    return p if d < 0 else 1 - p if d > 0 else Fraction(1, 2)


def complete(plan: Plan) -> Rule:
    """r_k / sum r."""
    return of_counts(
        plan,
        lambda counts, n: {
            a: Fraction(r, sum(plan["ratio"].values())) for a, r in plan["ratio"].items()
        },
    )


def random_allocation(plan: Plan) -> Rule:
    """(target_k - N_k) / (N - n) in a list of fixed length N."""
    ratio, length = plan["ratio"], int(plan["n"])
    target = {arm: length * r // sum(ratio.values()) for arm, r in ratio.items()}
    return of_counts(
        plan,
        lambda c, n: {arm: Fraction(target[arm] - c[arm], length - n) for arm in ratio},
        length,
    )


def permuted_blocks(plan: Plan) -> Rule:
    """In a block of size b, (m r_k - c_k) / (b - position); over several sizes the mixture, given
    the history.

    A state holds every block that can be open, as (size, what is left of each arm) -> its
    probability given the history. A step multiplies by the chance of the arm that came (Bayes); a
    block that is used up hands its probability to the next, by the weights of the sizes.
    """
    ratio, sizes = plan["ratio"], plan["block_sizes"]
    weights = {
        int(size): number(w)
        for size, w in (sizes.items() if isinstance(sizes, dict) else ((s, 1) for s in sizes))
    }
    arms, unit = list(ratio), sum(ratio.values())
    fresh = {
        (size, tuple(ratio[arm] * size // unit for arm in arms)): weight / sum(weights.values())
        for size, weight in weights.items()
    }

    def after(state: dict[Any, Fraction], lot: str, _: Profile) -> dict[Any, Fraction]:
        following: dict[Any, Fraction] = defaultdict(Fraction)
        k = arms.index(lot)
        for (size, left), chance in state.items():
            weight = chance * Fraction(left[k], sum(left))
            if weight and sum(left) > 1:
                following[size, (*left[:k], left[k] - 1, *left[k + 1 :])] += weight
            elif weight:
                for block, begun in fresh.items():
                    following[block] += weight * begun
        total = sum(following.values())
        return {block: weight / total for block, weight in following.items()}

    def chances(state: dict[Any, Fraction], _: Profile) -> Chances:
        mixed = [(chance / sum(left), left) for (_, left), chance in state.items()]
        return {
            arm: sum((each * left[k] for each, left in mixed), Fraction(0))
            for k, arm in enumerate(arms)
        }

    return Rule(lambda: fresh, after, chances, {arm: arm for arm in arms})


def block_urn(plan: Plan) -> Rule:
    """(r_j (L + k) - N_j) / (W (L + k) - n) with k = min_j floor(N_j / r_j), W = sum r: Zhao and
    Weng 2011.
    """
    ratio, limit = plan["ratio"], int(plan["limit"])

    def step(counts: Counter[str], n: int) -> Chances:
        full = limit + min(counts[arm] // r for arm, r in ratio.items())
        return {
            arm: Fraction(r * full - counts[arm], sum(ratio.values()) * full - n)
            for arm, r in ratio.items()
        }

    return of_counts(plan, step)


def coin(plan: Plan) -> Rule:
    """Efron: p for the arm behind, 1/2 when level. Big stick (p = 1/2) and Chen: forced at the
    tolerance.
    """
    p, tolerance = number(plan.get("p", "1/2")), number(plan.get("tolerance", "1e9"))
    return of_difference(plan, lambda d, n: behind(Fraction(1) if abs(d) >= tolerance else p, d))


def wei(plan: Plan) -> Rule:
    """An urn with a balls of each arm, to which each allocation adds b of every other: (a + b (n -
    N_k)) / all balls.
    """
    arms, a, b = list(plan["ratio"]), number(plan["a"]), number(plan["b"])

    def step(counts: Counter[str], n: int) -> Chances:
        total = len(arms) * a + b * n * (len(arms) - 1)
        return {
            arm: (a + b * (n - counts[arm])) / total if total else Fraction(1, len(arms))
            for arm in arms
        }

    return of_counts(plan, step)


def smith(plan: Plan) -> Rule:
    """N_B^rho / (N_A^rho + N_B^rho), first 1/2."""
    rho = int(plan["rho"])

    def first(d: int, n: int) -> Fraction:
        in_a, in_b = ((n + d) // 2) ** rho, ((n - d) // 2) ** rho
        return Fraction(in_b, in_a + in_b) if n else Fraction(1, 2)

    return of_difference(plan, first)


def maximal(plan: Plan) -> Rule:
    """Uniform over the sequences with |D| <= d throughout and D = 0 at the end: paths(n + 1, D + 1)
    / paths(n, D).
    """
    length, tolerance = int(plan["n"]), int(plan["tolerance"])
    paths = [Counter({0: 1})]  # paths[i][D]: in how many ways D comes to 0 in i steps
    for _ in range(length):
        paths.append(
            Counter(
                {d: paths[-1][d + 1] + paths[-1][d - 1] for d in range(-tolerance, tolerance + 1)}
            )
        )
    return of_difference(
        plan, lambda d, n: Fraction(paths[length - n - 1][d + 1], paths[length - n][d]), length
    )


def minimisation(plan: Plan) -> Rule:
    """Pocock and Simon 1975. Suppose the person joins lot k: x_j = n_j / r_j in each of their
    levels, G_k = sum of weight x distance of the x_j; a coin by the rank of G_k. Unequal ratios: a
    lot for each unit of the ratio in its lowest terms (Kuznetsova and Tymofyeyev 2012), Han's coin
    (Han 2009), or the equal coin as it is (naive).
    """
    ratio, given, kind = plan["ratio"], plan["factors"], plan.get("distance", "range")
    weights = {
        name: number(given[name]) if isinstance(given, dict) else Fraction(1) for name in given
    }
    unequal = plan.get("unequal", "fake-arms") if len(set(ratio.values())) > 1 else "equal"
    arms, share = {arm: arm for arm in ratio}, ratio
    if unequal == "fake-arms":
        arms = {
            f"{arm}/{i}": arm
            for arm, r in ratio.items()
            for i in range(1, r // gcd(*ratio.values()) + 1)
        }
        share = dict.fromkeys(arms, 1)

    def chances(n: Counter[Any], profile: Profile) -> Chances:
        g = dict.fromkeys(arms, Fraction(0))
        for k, f in product(arms, weights):
            x = [Fraction(n[f, profile[f], j] + (j == k), share[j]) for j in arms]
            g[k] += weights[f] * distance(x, kind)
        if kind == "sd":
            g = {k: Fraction(round(value * 10**200)) for k, value in g.items()}
        tied = [[k for k in arms if g[k] == value] for value in sorted(set(g.values()))]
        if unequal == "han":
            return preferring(tied[0], ratio, number(plan["p"]))
        parts = share if plan.get("ties", "average") == "ratio" else dict.fromkeys(arms, 1)
        return by_rank(plan, tied, parts) if "t" not in plan else by_size(g, number(plan["t"]))

    levels = counting(lambda lot, profile: ((f, profile[f], lot) for f in weights))
    return Rule(Counter, levels, chances, arms, tuple(weights))


def distance(x: list[Fraction], kind: str) -> Fraction:
    """Range, variance, or the SD to 300 digits: what agrees in 200 of them is held to be equal."""
    if kind == "range":
        return max(x) - min(x)
    mean = sum(x, Fraction(0)) / len(x)
    variance = sum(((each - mean) * (each - mean) for each in x), Fraction(0)) / (len(x) - 1)
    return variance if kind == "variance" else Fraction(isqrt(int(variance * 10**600)), 10**300)


def by_rank(plan: Plan, tied: list[list[str]], parts: dict[str, int]) -> Chances:
    """Coins a (the best p, the others alike) and b (falling by rank); what is tied shares the ranks
    that it spans.
    """
    k = sum(map(len, tied))
    if "p" in plan:
        ranks = [number(plan["p"]), *[(1 - number(plan["p"])) / (k - 1)] * (k - 1)]
    else:
        ranks = [
            number(plan["q"]) - 2 * (k * number(plan["q"]) - 1) / (k * (k + 1)) * rank
            for rank in range(1, k + 1)
        ]
    begins = [sum(map(len, tied[:i])) for i in range(len(tied))]
    return {
        lot: sum(ranks[i : i + len(g)], Fraction(0))
        * Fraction(parts[lot], sum(parts[each] for each in g))
        for i, g in zip(begins, tied, strict=True)
        for lot in g
    }


def by_size(g: dict[str, Fraction], t: Fraction) -> Chances:
    """Coin c: (1 - t G_k / sum G) / (K - t); 1/K where there is no imbalance at all."""
    total = sum(g.values(), Fraction(0))
    return {
        k: (1 - t * value / total) / (len(g) - t) if total else Fraction(1, len(g))
        for k, value in g.items()
    }


def preferring(best: list[str], ratio: dict[str, int], p: Fraction) -> Chances:
    """Han: with arm i preferred (1 - p) r_j / (S - r_low) for each other j, the rest for i; i by
    the ratio among the best.
    """
    rest, chances = sum(ratio.values()) - min(ratio.values()), dict.fromkeys(ratio, Fraction(0))
    for i in best:
        others = {j: (1 - p) * r / rest for j, r in ratio.items() if j != i}
        for j, chance in {**others, i: 1 - sum(others.values())}.items():
            chances[j] += chance * Fraction(ratio[i], sum(ratio[each] for each in best))
    return chances


def by_levels(plan: Plan, first: Callable[[dict[str, int]], Fraction]) -> Rule:
    """Two arms, 1:1: the chance of the first from D = N_A - N_B overall, in the person's stratum,
    and in each level.
    """
    (a, b), factors = plan["ratio"], tuple(plan.get("factors", ()))

    def places(profile: Profile) -> dict[str, Any]:
        own = {f: (f, profile[f]) for f in factors}
        return {"overall": "overall", **own, "stratum": tuple(own.values())}

    def after(d: Counter[Any], lot: str, profile: Profile) -> Counter[Any]:
        d.update(dict.fromkeys(places(profile).values(), 1 if lot == a else -1))
        return d

    def chances(d: Counter[Any], profile: Profile) -> Chances:
        p = first({level: d[place] for level, place in places(profile).items()})
        return {a: p, b: 1 - p}

    return Rule(Counter, after, chances, {a: a, b: b}, factors)


def hu_hu(plan: Plan) -> Rule:
    """Hu and Hu 2012: Imb = sum of w D^2 over the levels, supposing the person joins each arm; the
    smaller gets p.
    """
    w, p = {level: number(weight) for level, weight in plan["weights"].items()}, number(plan["p"])

    def first(d: dict[str, int]) -> Fraction:
        return behind(p, sum(w[level] * ((d[level] + 1) ** 2 - (d[level] - 1) ** 2) for level in w))

    return by_levels(plan, first)


def hierarchical(plan: Plan) -> Rule:
    """Signorini 1993: the first level, in order, whose |D| reached its limit gives p to the arm
    behind; else 1/2.
    """
    given, p = plan["limits"], number(plan.get("p", 1))
    limits = (
        list(given.items())
        if isinstance(given, dict)
        else [(each["level"], each["limit"]) for each in given]
    )

    def first(d: dict[str, int]) -> Fraction:
        return behind(
            p, next((d[level] for level, limit in limits if abs(d[level]) >= int(limit)), 0)
        )

    return by_levels(plan, first)


PROCEDURES: dict[str, Callable[[Plan], Rule]] = {
    "complete": complete,
    "random_allocation": random_allocation,
    "permuted_blocks": permuted_blocks,
    "block_urn": block_urn,
    "big_stick": coin,
    "efron": coin,
    "chen": coin,
    "wei": wei,
    "smith": smith,
    "maximal": maximal,
    "minimisation": minimisation,
    "hu_hu": hu_hu,
    "hierarchical": hierarchical,
}


def rule_of(plan: Plan) -> Rule:
    return PROCEDURES[plan["method"]](
        {**plan, "ratio": {arm: int(share) for arm, share in plan["ratio"].items()}}
    )


# Salted leaves under one root: lists that were fixed before the first participant, opened one leaf
# at a time.


def leaf(salt: bytes, text: str) -> bytes:
    return hashlib.sha256(b"\0" + salt + text.encode()).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def merkle_root(level: list[bytes]) -> str:
    """An odd node at the end of a level is carried up as it is."""
    while len(level) > 1:
        pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
        level = [node(*pair) if len(pair) == 2 else pair[0] for pair in pairs]
    return level[0].hex() if level else ""


def place(point: str, stratum: str, position: int) -> str:
    return f"{stratum}|{position}" if point == FIRST else f"{point}|{stratum}|{position}"


def strata_of(point: str, plan: Plan) -> list[str]:
    """The stratification factors; whoever is randomised again is stratified by the arm they come
    from too.
    """
    return [*([] if point == FIRST else ["from"]), *plan.get("strata", [])]


def leaves(point: dict[str, Any], seed: bytes) -> Iterator[tuple[str, str, int, bytes]]:
    """(point, stratum, position, leaf) of every list of a point that was committed to."""
    name, digest, plan = point["point"], point["design_digest"], point["plan"]
    rule, salts = rule_of(plan), hmac.digest(seed, b"rand/v1|leaf-salt", "sha256")
    factors = strata_of(point["point"], plan)
    for levels in (
        product(*(point["levels"][factor] for factor in factors)) if point["covered"] else ()
    ):
        stratum = stratum_text(dict(zip(factors, levels, strict=True)))
        held = rule.begin()
        for position in range(point["covered"]):
            lot = chosen(rule.chances(held, {}), words(seed, digest, stratum, position))
            held = rule.after(held, lot, {})
            text = place(name, stratum, position)
            salt = hmac.digest(salts, text.encode(), "sha256")[:16]
            yield name, stratum, position, leaf(salt, f"{text}|{lot}")


# The export, held against all of this.


class Before:
    """A history as the next draw reads it: what its procedure holds of it, and its digest. That of
    none is SHA-256 of nothing; with one more, SHA-256 of the digest before it and of that one.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule, self.held, self.digest = rule, rule.begin(), hashlib.sha256().digest()

    def add(self, lot: str, profile: Profile) -> None:
        self.held = self.rule.after(self.held, lot, profile)
        entry = canonical(lot if self.rule.factors is None else [lot, profile])
        self.digest = hashlib.sha256(self.digest + entry).digest()


class Point:
    """One randomisation point, while its allocations are gone through in the order in which they
    were committed.
    """

    def __init__(self, point: dict[str, Any], export: dict[str, Any], seed: bytes | None) -> None:
        self.name, self.digest, self.plan, self.seed = (
            point["point"],
            point["design_digest"],
            point["plan"],
            seed,
        )
        self.drawn: dict[str, list[dict[str, Any]]] = defaultdict(list)  # stratum -> its rows
        self.clusters: dict[str, dict[str, Any]] = {}  # cluster -> the row that was drawn for it
        self.seen: dict[str, dict[str, Any]] = {}  # participant -> their row
        self.changes: dict[str, list[dict[str, Any]]] = defaultdict(list)  # by participant
        for each in (*export["corrections"], *export["error_marks"]):
            if each["point"] == self.name:
                self.changes[each["participant"]].append(each)
        self.changed_at = {each["counts_from"] for of in self.changes.values() for each in of}
        if (
            self.plan is not None and seed is not None
        ):  # a plain hash would give block sizes away to whoever tries them
            salt = hmac.digest(seed, b"rand/v1|design-salt", "sha256")
            wanted = hmac.digest(salt, canonical(self.plan), "sha256").hex()
            same(f"point {self.name}", "design digest", wanted, self.digest)
        if self.plan is not None:
            self.rule = rule_of(self.plan)
            self.before: dict[str, Before] = defaultdict(lambda: Before(self.rule))

    def check(self, at: str, row: dict[str, Any]) -> None:
        same(at, "design_digest", self.digest, row["design_digest"])
        same(at, "participant (one allocation each)", False, row["participant"] in self.seen)
        self.seen[row["participant"]] = row
        if row["kind"] == "drawn":
            if self.plan is not None:
                self.check_stratum(at, row)
            drawn = self.drawn[row["stratum"]]
            same(at, "draw_index", len(drawn), row["draw_index"])
            same(at, "cluster (one draw each)", False, row["cluster"] in self.clusters)
            if self.plan is not None:
                self.replay(at, row)
            drawn.append(row)
            if self.plan is not None:
                self.go_on(row["stratum"])
            self.clusters.update({row["cluster"]: row} if row["cluster"] else {})
            return
        same(at, "kind", True, row["kind"] in ("cluster", "forced"))
        same(at, "draw_index", None, row["draw_index"])
        if row["kind"] == "cluster":
            same(at, "cluster (drawn before)", True, row["cluster"] in self.clusters)
            same(at, "arm", self.clusters[row["cluster"]]["arm"], row["arm"])

    def check_stratum(self, at: str, row: dict[str, Any]) -> None:
        """That of the covariates as used; a procedure that reads the whole point has one for
        all.
        """
        strata, factors = strata_of(self.name, self.plan), self.rule.factors
        same(at, "covariates", sorted({*strata, *(factors or ())}), sorted(row["covariates"]))
        own = {factor: row["covariates"][factor] for factor in strata} if factors is None else {}
        same(at, "stratum", stratum_text(own), row["stratum"])
        same(at, "cluster", True, row["cluster"] == "" or "cluster" in self.plan)

    def replay(self, at: str, row: dict[str, Any]) -> None:
        rule, before, index = self.rule, self.before[row["stratum"]], row["draw_index"]
        same(at, "history_digest", before.digest.hex(), row["history_digest"])
        same(
            at,
            "place in a list that has ended",
            True,
            rule.length is None or index < rule.length,
        )
        chances = rule.chances(before.held, row["covariates"])
        same(
            at,
            "probabilities",
            {lot: str(chance) for lot, chance in chances.items()},
            row["probabilities"],
        )
        if self.seed is not None:
            lot = chosen(chances, words(self.seed, self.digest, row["stratum"], index))
            same(at, "arm", rule.arms[lot], row["arm"])
            same(at, "fake_arm", "" if rule.arms[lot] == lot else lot, row["fake_arm"])

    def go_on(self, stratum: str) -> None:
        """To what the next draw reads: one more; or, where something that was put right or marked
        in error counts from that draw on, the whole point anew.
        """
        drawn, anew = self.drawn[stratum], self.rule.factors is not None
        anew = anew and len(drawn) in self.changed_at
        if anew:
            self.before[stratum] = Before(self.rule)
        for row in drawn if anew else drawn[-1:]:
            profile = self.as_read(row, len(drawn))
            if profile is not None:
                self.before[stratum].add(row["fake_arm"] or row["arm"], profile)

    def as_read(self, row: dict[str, Any], draw: int) -> Profile | None:
        """The covariates of an earlier row as a draw reads them. In a stratum: as used. Over the
        point: with those that were put right by then; None for a row marked in error by then.
        """
        profile = dict(row["covariates"])
        if self.rule.factors is not None:
            for each in self.changes.get(row["participant"], ()):
                if each["counts_from"] <= draw:
                    if "values" not in each:
                        return None
                    profile.update(each["values"])
        return profile

    def sentences(self) -> Iterator[str]:
        kinds = Counter(row["kind"] for row in self.seen.values())
        yield (
            f"point {self.name}: {kinds['drawn']} drawn in {len(self.drawn)} strata, without gap "
            f"and in order; "
            f"{kinds['cluster']} with the arm of their cluster; {kinds['forced']} forced, not "
            f"verified"
        )
        yield from (
            f"  forced: {name}" for name, row in self.seen.items() if row["kind"] == "forced"
        )


def place_of(row: dict[str, Any]) -> str:
    """In words. At a later point without the person and the stratum, in which stands the arm that
    they come from.
    """
    draw = f"draw {row['draw_index']}" if row["kind"] == "drawn" else row["kind"]
    if row["point"] != FIRST:
        return f"at {row['point']}, {draw}"
    stratum = f"stratum {row['stratum']!r}, " if row["kind"] == "drawn" else ""
    return f"{row['participant']} at {row['point']}, {stratum}{draw}"


def check_code_break(i: int, each: dict[str, Any], root: str, points: dict[str, Point]) -> None:
    """What was told is the arm; and its leaf, for somebody on a list that was committed to, leads
    to the root.
    """
    at = (
        f"code break {i}"
        if each["point"] != FIRST
        else f"code break of {each['participant']} at {each['point']}"
    )
    row = points[each["point"]].seen.get(each["participant"], {})
    same(at, "arm", row.get("arm"), each["arm"])
    if each.get("path") is not None:
        row = points[each["point"]].clusters.get(row["cluster"], row)
        same(at, "position", row["draw_index"], each["position"])
        text = f"{place(each['point'], row['stratum'], each['position'])}|{each['arm']}"
        reached = leaf(bytes.fromhex(each["salt"]), text)
        for side, other in each["path"]:
            pair = (
                (bytes.fromhex(other), reached)
                if side == "left"
                else (reached, bytes.fromhex(other))
            )
            reached = node(*pair)
        same(at, "path to the Merkle root", root, reached.hex())


def check(export: dict[str, Any], seed: bytes | None) -> Iterator[str]:
    """What was checked, one sentence after the other; raises Difference."""
    same("export", "format", FORMAT, export["format"])
    if seed is not None:
        same(
            "export",
            "commitment",
            hashlib.sha256(b"rand-seed/v1\0" + seed).hexdigest(),
            export["commitment"],
        )
        yield f"commitment: the seed's hash is {export['commitment']}"
    points = {point["point"]: Point(point, export, seed) for point in export["points"]}
    for i, row in enumerate(export["allocations"], 1):
        at = f"allocation {i} ({place_of(row)})"
        same(at, "point", True, row["point"] in points)
        try:
            points[row["point"]].check(at, row)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise Difference(
                at, "what was exported", "an allocation that can be replayed", repr(error)
            ) from error
    for point in points.values():
        yield from point.sentences()
    if seed is not None and all(point.plan is not None for point in points.values()):
        lists = sorted(each for point in export["points"] for each in leaves(point, seed))
        same(
            "export",
            "Merkle root",
            merkle_root([each[-1] for each in lists]),
            export["merkle_root"],
        )
        yield f"Merkle root: equal over {len(lists)} leaves"
    for i, each in enumerate(export["code_breaks"], 1):
        check_code_break(i, each, export["merkle_root"], points)
    yield f"code breaks: {len(export['code_breaks'])}, each the arm of the allocation"


def main(
    arguments: list[str], source: TextIO = sys.stdin, say: Callable[[str], Any] = print
) -> int:
    conceal = "--conceal" in arguments
    rest = [each for each in arguments if each != "--conceal"]
    if len(rest) not in (1, 3) or (len(rest) == 3 and rest[1] != "--seed"):
        say("usage: python verifier.py export.json [--seed HEX] [--conceal]")
        return 1
    export = json.loads(source.read() if rest[0] == "-" else Path(rest[0]).read_text("utf-8"))
    text = rest[2] if len(rest) == 3 else export["seed"]
    try:
        for sentence in check(export, bytes.fromhex(text) if text else None):
            say(sentence)
    except Difference as difference:
        say(difference.words(conceal))
        return 1
    if not text or any(point["plan"] is None for point in export["points"]):
        say(
            "NOT REPLAYED: the seed or the plan is sealed; order, numbering and clusters were "
            "checked, no draw was"
        )
        return 2
    say(
        f"{sum(row['kind'] == 'drawn' for row in export['allocations'])} allocations replayed, all "
        f"equal"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
