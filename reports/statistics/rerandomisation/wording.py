"""A method and what it rests on, in words for a report."""

from __future__ import annotations

import re

from .streams import Relabelling
from .trial import RANK, RESIDUAL, Trial

STATISTIC = {
    RESIDUAL: "the difference in means of residuals of a fit on the covariates without the arm",
    RANK: "the rank sum, ties sharing a rank",
}
NAMES = {
    "Efron": "Efron's biased coin",
    "Chen": "Chen's biased coin",
    "Smith": "Smith's biased coin",
    "Wei": "Wei's urn",
    "Maximal": "the maximal procedure",
    "FakeArms": "minimisation over fake arms",
    "HuHu": "the method of Hu and Hu",
}


def method(trial: Trial, is_exact: bool, draws: int) -> str:
    """Such as: Re-randomisation test of the difference in means, allocation by big stick, exact
    over 108 sequences.
    """
    what = STATISTIC.get(trial.statistic, "the difference in means")
    if trial.contrast is None:
        what = f"the sum of squares between {len(trial.arms)} arms" + (
            " in ranks" if trial.statistic == RANK else ""
        )
    over = f"exact over {draws} sequences" if is_exact else f"by {draws} sequences drawn"
    held = ", given the numbers in the arms" if trial.conditional else ""
    return f"Re-randomisation test of {what}, {_procedure(trial)}, {over}{held}"


def _procedure(trial: Trial) -> str:
    names = dict.fromkeys(_name(type(stream.rule).__name__) for stream in trial.streams)
    strata = f" in {len(trial.streams)} strata" if len(trial.streams) > 1 else ""
    if isinstance(trial.streams[0].rule, Relabelling):
        return f"every order of the labels{strata}"
    return f"allocation by {' and '.join(names)}{strata}"


def _name(of: str) -> str:
    return NAMES.get(of) or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", of).lower()


def assumptions(trial: Trial) -> tuple[str, ...]:
    """In sentences."""
    found = [
        "The hypothesis is strict: nobody's outcome depends on their own arm or on that of others."
    ]
    if len(trial.arms) > 2:
        found.append(f"It is about all {len(trial.arms)} arms at once, whichever two are compared.")
    if isinstance(trial.streams[0].rule, Relabelling):
        found.append(
            "Every order of the labels counts as equally likely, which another procedure did not "
            "make so."
        )
    else:
        found.append(
            "Allocation followed the stated procedure, in the stated order, strata and covariates."
        )
    if len(trial.seen) < trial.n:
        found.append("Whether an outcome is missing does not depend on the arm.")
    return tuple(found)


def shifted(trial: Trial) -> tuple[str, ...]:
    """What an interval rests on, besides."""
    return ("The effect is the same number for everybody.", *assumptions(trial)[1:])
