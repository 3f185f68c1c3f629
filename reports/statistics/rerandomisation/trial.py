"""What was seen: outcomes and arms in the order of allocation, and the streams that the arms were
drawn from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
from numpy.typing import ArrayLike

from randomisation.methods import Profile, Rule

from ..model_frame import NotEstimable, as_numbers, check_choice
from .streams import Stream, streams

DIFFERENCE, RESIDUAL, RANK = "difference", "residual", "rank"
STATISTICS = (DIFFERENCE, RESIDUAL, RANK)
TWO_SIDED, GREATER, LESS = "two-sided", "greater", "less"
ALTERNATIVES = (TWO_SIDED, GREATER, LESS)
Rules = Rule | Mapping[str, Rule] | None


class NotRandomisedSo(ValueError):
    """The arms, strata or profiles as given cannot have come from the rule as given."""


@dataclass(frozen=True)
class Trial:
    """People one stream after another, each in its own order. `outcome` (n,), NaN where missing;
    `codes` (n,) the numbers of the realised arms in `arms`; `covariates` (n, q).

    `contrast`: the numbers of the two arms that are compared, the first minus the second; None for
    all arms at once.
    """

    outcome: np.ndarray
    codes: np.ndarray
    arms: tuple[str, ...]
    contrast: tuple[int, int] | None
    streams: tuple[Stream, ...]
    statistic: str
    covariates: np.ndarray
    alternative: str
    conditional: bool

    @cached_property
    def seen(self) -> np.ndarray:
        """Places (m,) of those with an outcome."""
        return np.flatnonzero(~np.isnan(self.outcome))

    @property
    def n(self) -> int:
        return len(self.codes)

    @cached_property
    def counts(self) -> np.ndarray:
        """How many were allocated to each arm, with or without an outcome."""
        return np.bincount(self.codes, minlength=len(self.arms))


def observed(
    outcome: ArrayLike,
    arm: Sequence[str],
    *,
    rule: Rules,
    strata: Sequence[str] | None,
    profiles: Sequence[Profile] | None,
    statistic: str,
    covariates: ArrayLike | None,
    contrast: tuple[str, str] | None,
    alternative: str,
    conditional: bool,
) -> Trial:
    """Errors: ValueError for lengths and choices, NotRandomisedSo, NotEstimable."""
    check_choice("statistic", statistic, STATISTICS)
    check_choice("alternative", alternative, ALTERNATIVES)
    y, labels = as_numbers(outcome, "the outcome"), [str(each) for each in arm]
    if len(y) != len(labels):
        raise ValueError(f"{len(y)} outcomes, but {len(labels)} arms")
    arms = _arms(labels, rule)
    pair = _pair(arms, contrast)
    if pair is None and alternative != TWO_SIDED:
        raise ValueError(
            f"the alternative {alternative!r} is of two arms: name them as the contrast"
        )
    own, order = streams(labels, arms, rule, strata, profiles)
    codes = np.array([arms.index(each) for each in labels], dtype=np.int64)[order]
    columns = _covariates(covariates, statistic, y)[order]
    found = Trial(y[order], codes, arms, pair, own, statistic, columns, alternative, conditional)
    _check_compared(found)
    return found


def _arms(labels: Sequence[str], rule: Rules) -> tuple[str, ...]:
    """In the order of the (first) rule; without one in the order in which they came."""
    rules = [rule] if isinstance(rule, Rule) else list((rule or {}).values())
    arms = tuple(
        dict.fromkeys(chain.from_iterable(each.ratio for each in rules))
        if rules
        else dict.fromkeys(labels)
    )
    unknown = sorted(set(labels) - set(arms))
    if unknown:
        raise NotRandomisedSo(f"the rule has no arm {', '.join(unknown)}")
    if len(arms) < 2:
        raise NotEstimable("everybody is in the same arm")
    return arms


def _pair(arms: tuple[str, ...], contrast: tuple[str, str] | None) -> tuple[int, int] | None:
    if contrast is None:
        return (0, 1) if len(arms) == 2 else None
    for each in contrast:
        check_choice("arm", each, arms)
    if contrast[0] == contrast[1]:
        raise ValueError(f"a contrast needs two different arms, not {contrast[0]} twice")
    return arms.index(contrast[0]), arms.index(contrast[1])


def _covariates(given: ArrayLike | None, statistic: str, outcome: np.ndarray) -> np.ndarray:
    """As columns; complete for everybody with an outcome."""
    if (given is None) == (statistic == RESIDUAL):
        raise ValueError(f"covariates go with the statistic {RESIDUAL!r}, and with no other")
    if given is None:
        return np.empty((len(outcome), 0))
    columns = np.asarray(given, dtype=float)
    columns = columns[:, None] if columns.ndim == 1 else columns
    if len(columns) != len(outcome):
        raise ValueError(f"{len(outcome)} outcomes, but covariates of {len(columns)}")
    if not np.isfinite(columns[~np.isnan(outcome)]).all():
        raise NotEstimable("a covariate is missing for somebody with an outcome")
    return columns


def _check_compared(trial: Trial) -> None:
    compared = range(len(trial.arms)) if trial.contrast is None else trial.contrast
    seen = set(trial.codes[trial.seen].tolist())
    empty = [trial.arms[k] for k in compared if k not in seen]
    if empty:
        raise NotEstimable(f"nobody in {', '.join(empty)} has an outcome")
