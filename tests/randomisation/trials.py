"""Whole trials in memory, allocated by the rules and the stream of the platform, as their exports
would be.
"""

from __future__ import annotations

import hashlib
import json
from fractions import Fraction

from hypothesis import strategies as st

from randomisation import merkle, methods, stream
from tests.randomisation import plans

SEED = hashlib.sha256(b"a trial in memory").digest()


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def digest_of(history):
    """A chain: of the digest before and of one entry, from that of nothing on."""
    digest = hashlib.sha256(b"").digest()
    for entry in history:
        digest = hashlib.sha256(digest + canonical(entry)).digest()
    return digest.hex()


def row_of(number, kind, **fields):
    empty = dict.fromkeys(
        ("stratum", "arm", "fake_arm", "history_digest", "cluster", "request_key"), ""
    )
    return {
        "point": "start",
        "participant": f"QM-{number:05d}",
        "kind": kind,
        **empty,
        "draw_index": None,
        "probabilities": {},
        "covariates": {},
        "version": 1,
        "allocated_at": "2026-03-02T10:00:00+00:00",
        **fields,
    }


class Trial:
    """One randomisation point. People come in one after another; corrections and marks count from
    then on.
    """

    def __init__(self, plan, covered=0):
        self.plan, self.rule, self.covered = plan, methods.build(plan), covered
        self.digest = stream.design_digest(SEED, canonical(plan))
        self.rows, self.corrections, self.marks = [], [], []
        self.over_the_point = self.rule.scope == "point"
        self.factors = sorted({*plan.get("strata", []), *getattr(self.rule, "factors", ())})

    def drawn(self, stratum):
        return [row for row in self.rows if row["kind"] == "drawn" and row["stratum"] == stratum]

    def admit(self, profile, cluster=""):
        covariates = {factor: profile[factor] for factor in self.factors}
        known = next((row for row in self.rows if cluster and row["cluster"] == cluster), None)
        if known:
            self._add("cluster", arm=known["arm"], cluster=cluster, stratum=known["stratum"])
            return
        stratum = self.stratum(covariates)
        history = self.history(stratum)
        chances = plans.lot_probabilities(self.rule, history, covariates)
        index = len(self.drawn(stratum))
        lot = stream.choose(chances, stream.key(SEED, self.digest, stratum), index)
        self._add(
            "drawn",
            stratum=stratum,
            draw_index=index,
            arm=self.rule.arm(lot),
            fake_arm="" if lot == self.rule.arm(lot) else lot,
            probabilities={each: str(Fraction(chance)) for each, chance in chances.items()},
            covariates=covariates,
            history_digest=digest_of(
                [[each, of] for each, of in history]
                if self.over_the_point
                else [each for each, _ in history]
            ),
            cluster=cluster,
        )

    def force(self, arm):
        self._add("forced", arm=arm)

    def correct(self, row, values):
        self.corrections.append(self._from_now(row) | {"values": values})

    def mark(self, row):
        self.marks.append(self._from_now(row))

    def stratum(self, covariates):
        strata = [] if self.over_the_point else self.plan.get("strata", [])
        return stream.stratum_text({factor: covariates[factor] for factor in strata})

    def history(self, stratum):
        if not self.over_the_point:
            return [(row["fake_arm"] or row["arm"], {}) for row in self.drawn(stratum)]
        gone = {mark["participant"] for mark in self.marks}
        return [
            (row["fake_arm"] or row["arm"], self.as_corrected(row))
            for row in self.drawn(stratum)
            if row["participant"] not in gone
        ]

    def as_corrected(self, row):
        values = dict(row["covariates"])
        for each in self.corrections:
            if each["participant"] == row["participant"]:
                values |= each["values"]
        return values

    @property
    def levels(self):
        return {factor: list(plans.FACTORS[factor]) for factor in self.plan.get("strata", [])}

    def leaves(self):
        """Every slot that was committed to, in order, and its leaf."""
        strata = [""]
        if self.plan.get("strata"):
            (factor,) = self.plan["strata"]
            strata = [stream.stratum_text({factor: level}) for level in plans.FACTORS[factor]]
        every = merkle.in_order(
            merkle.slots(self.rule, SEED, self.digest, "start", strata, self.covered)
        )
        return every, merkle.leaves(SEED, every)

    def export(self):
        root = merkle.root(self.leaves()[1]) if self.covered else ""
        point = {
            "point": "start",
            "design_digest": self.digest,
            "plan": self.plan,
            "levels": self.levels,
        }
        return plans.stored(
            {
                "format": "randomisation-export/v1",
                "study": "in-memory",
                "simulated": True,
                "commitment": stream.commitment(SEED),
                "merkle_root": root,
                "points": [point | {"covered": self.covered}],
                "seed": SEED.hex(),
                "allocations": self.rows,
                "corrections": self.corrections,
                "error_marks": self.marks,
                "code_breaks": [],
            }
        )

    def _add(self, kind, **fields):
        self.rows.append(row_of(len(self.rows), kind, design_digest=self.digest, **fields))

    def _from_now(self, row):
        count = len(self.drawn(row["stratum"]))
        return {"point": "start", "participant": row["participant"], "counts_from": count}


@st.composite
def trials(draw, method, most=14):
    """Up to `most` events: people, forced allocations, covariates put right, marks of error."""
    plan = draw(plans.BY_METHOD[method])
    over_the_point = method in plans.OVER_THE_POINT
    if not over_the_point:
        plan = {**plan, "strata": draw(st.sampled_from([[], ["site"]]))}
    clustered = draw(st.booleans())
    trial = Trial(plan | ({"cluster": "household"} if clustered else {}))
    trial.covered = 0 if over_the_point else min(5, trial.rule.length or 5)
    for _ in range(draw(st.integers(0, min(most, trial.rule.length or most)))):
        what = draw(st.sampled_from(["admit"] * 5 + ["force", "correct", "mark"]))
        drawn = [row for row in trial.rows if row["kind"] == "drawn"]
        if what == "force":
            trial.force(draw(st.sampled_from(sorted(plan["ratio"]))))
        elif what == "admit" or not drawn or not trial.factors:
            trial.admit(
                draw(plans.profiles),
                draw(st.sampled_from(["h1", "h2", "h3", "h4"])) if clustered else "",
            )
        elif what == "correct":
            factor = draw(st.sampled_from(trial.factors))
            trial.correct(
                draw(st.sampled_from(drawn)), {factor: draw(st.sampled_from(plans.FACTORS[factor]))}
            )
        else:
            trial.mark(draw(st.sampled_from(drawn)))
    return trial
