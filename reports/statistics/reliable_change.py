"""Change larger than measurement error, and its meaning. Jacobson and Truax, J Consult Clin Psychol
1991;59:12.

The reliable change index is the change over the standard error of a difference of two scores. The
cut-off between a clinical and a functional population is a (two SDs from the clinical mean, towards
health), b (two SDs from the functional mean, towards illness) or c (where the standardised
distances to both means are equal). What reaches a bar exactly counts, as decimals go: see
`thresholds`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from . import thresholds
from .reading import complete_numbers, numbers

HIGHER_WORSE, HIGHER_BETTER = "higher_worse", "higher_better"
RECOVERED, IMPROVED, UNCHANGED, DETERIORATED = "recovered", "improved", "unchanged", "deteriorated"
CATEGORIES = (RECOVERED, IMPROVED, UNCHANGED, DETERIORATED)


class ImpossibleReference(ValueError):
    """A reliability outside 0 to 1, an SD not above 0, or populations that stand the wrong way
    round.
    """


@dataclass(frozen=True)
class ReliableChange:
    """How many of `n` people with both scores changed by at least the threshold, and which way."""

    threshold: float
    n: int
    improved: int
    deteriorated: int

    @property
    def unchanged(self) -> int:
        return self.n - self.improved - self.deteriorated


@dataclass(frozen=True)
class Population:
    """Mean and standard deviation of a reference group, in units of the scale."""

    mean: float
    sd: float


@dataclass(frozen=True)
class Reference:
    """The `sd` and `reliability` that measurement error is taken from, and the populations that
    cut-offs lie between.

    A cut-off exists where its populations are known: a needs the clinical one, b the functional
    one, c both.
    """

    sd: float
    reliability: float
    clinical: Population | None = None
    functional: Population | None = None
    direction: str = HIGHER_WORSE
    z: float = 1.96

    def __post_init__(self) -> None:
        _check_reference(self.sd, self.reliability)
        _check_direction(self.direction)
        for each in (self.clinical, self.functional):
            if each is not None and not each.sd > 0:
                raise ImpossibleReference(f"an SD of {each.sd} is not above 0")
        if self.clinical and self.functional:
            worse = self.clinical.mean - self.functional.mean
            if (worse if self.direction == HIGHER_WORSE else -worse) <= 0:
                raise ImpossibleReference(
                    "the clinical mean is no worse than the functional mean; look at the direction"
                )

    @property
    def standard_error_of_measurement(self) -> float:
        return self.sd * math.sqrt(_error_share(self.reliability))

    @property
    def standard_error_of_difference(self) -> float:
        return self.sd * math.sqrt(2 * _error_share(self.reliability))

    @property
    def threshold(self) -> float:
        """In points."""
        return self.z * self.standard_error_of_difference

    def cut_off(self, kind: str = "c") -> float:
        """In points. Errors: ImpossibleReference where a population that it needs is not known;
        ValueError for a kind.
        """
        if kind not in ("a", "b", "c"):
            raise ValueError(f"cut-off {kind!r} is not known; use a, b or c")
        down = -1 if self.direction == HIGHER_WORSE else 1
        clinical, functional = self.clinical, self.functional
        if kind == "a" and clinical:
            return clinical.mean + down * 2 * clinical.sd
        if kind == "b" and functional:
            return functional.mean - down * 2 * functional.sd
        if kind == "c" and clinical and functional:
            total = clinical.sd + functional.sd
            return (clinical.sd * functional.mean + functional.sd * clinical.mean) / total
        needed = {
            "a": "the clinical population",
            "b": "the functional population",
            "c": "both populations",
        }[kind]
        raise ImpossibleReference(f"cut-off {kind} needs {needed}")


@dataclass(frozen=True)
class ClinicalChange:
    """By person: `index` (positive is better, NaN where a score is missing) and `category` (None
    there). `counts` by category add up to `n`, the people with both scores; `imputed` of them were
    missing and counted as unchanged.
    """

    reference: Reference
    cut_off: float
    index: np.ndarray
    category: tuple[str | None, ...]
    counts: dict[str, int]
    n: int
    imputed: int


def clinical_change(
    before: Any,
    after: Any,
    reference: Reference,
    cut_off: str | float = "c",
    missing: str = "observed",
) -> ClinicalChange:
    """Recovered: reliably improved, and across the cut-off from its clinical side. Improved:
    reliably, but not across.

    `before` and `after` by person, NaN or None where missing. `cut_off`: a, b, c, or points.
    `missing`: observed leaves people without both scores out, non-responder counts them as
    unchanged. A change of exactly the threshold counts, and so does a score of exactly the cut-off,
    on the functional side. Errors: ImpossibleReference, ValueError for scores of different people
    or a choice that is not there.
    """
    first, last = numbers(before, "before"), numbers(after, "after")
    if first.shape != last.shape:
        raise ValueError(
            f"{len(first)} scores before and {len(last)} after; they are of the same people"
        )
    if missing not in ("observed", "non-responder"):
        raise ValueError(f"missing {missing!r} is not known; use observed or non-responder")
    cut = reference.cut_off(cut_off) if isinstance(cut_off, str) else float(cut_off)
    index = reliable_change_index(first, last, reference)
    up = 1 if reference.direction == HIGHER_WORSE else -1
    crossed = thresholds.above(up * first, up * cut) & thresholds.at_most(up * last, up * cut)
    reached = _classified(first, last, reference.threshold, reference.direction)
    filled = None if missing == "observed" else UNCHANGED
    category = tuple(
        filled if math.isnan(value) else RECOVERED if across and change == IMPROVED else change
        for value, across, change in zip(index, crossed, reached, strict=True)
    )
    counts = {name: category.count(name) for name in CATEGORIES}
    imputed = int(np.isnan(index).sum()) if filled else 0
    return ClinicalChange(reference, cut, index, category, counts, sum(counts.values()), imputed)


def reliable_change_index(before: Any, after: Any, reference: Reference) -> np.ndarray:
    """Change over the standard error of a difference; positive is better. (people,)"""
    gain = numbers(before, "before") - numbers(after, "after")
    return (
        gain if reference.direction == HIGHER_WORSE else -gain
    ) / reference.standard_error_of_difference


def jacobson_truax(sd: float, reliability: float, z: float = 1.96) -> float:
    """The points that change must reach: z times the standard error of a difference of two
    scores.
    """
    _check_reference(sd, reliability)
    return z * sd * math.sqrt(2 * _error_share(reliability))


def _error_share(reliability: float) -> float:
    """1 - reliability as decimals go: 0.08 for 0.92, where binary has 0.07999999999999996."""
    return float(1 - Decimal(repr(float(reliability))))


def classify(
    before: Sequence[float],
    after: Sequence[float],
    threshold: float,
    direction: str = HIGHER_WORSE,
) -> list[str]:
    """`improved`, `deteriorated` or `unchanged` for each person; a change of exactly the threshold
    counts.
    """
    _check_direction(direction)
    first, last = complete_numbers(before, "before"), complete_numbers(after, "after")
    if first.shape != last.shape:
        raise ValueError(
            f"{len(first)} scores before and {len(last)} after; they are of the same people"
        )
    return _classified(first, last, threshold, direction)


def _classified(first: np.ndarray, last: np.ndarray, threshold: float, direction: str) -> list[str]:
    gain = first - last if direction == HIGHER_WORSE else last - first
    better, worse = (thresholds.at_least(each, threshold, first, last) for each in (gain, -gain))
    return np.where(better, IMPROVED, np.where(worse, DETERIORATED, UNCHANGED)).tolist()


def count(
    before: Sequence[float],
    after: Sequence[float],
    threshold: float,
    direction: str = HIGHER_WORSE,
) -> ReliableChange:
    """How many improved and deteriorated by more than `threshold`, in units of the scale; see
    `classify`.
    """
    classes = classify(before, after, threshold, direction)
    return ReliableChange(
        threshold,
        len(classes),
        classes.count(IMPROVED),
        classes.count(DETERIORATED),
    )


def _check_reference(sd: float, reliability: float) -> None:
    if not sd > 0:
        raise ImpossibleReference(f"an SD of {sd} is not above 0")
    if not 0 <= reliability < 1:
        raise ImpossibleReference(
            f"a reliability of {reliability} lies outside 0 to 1, 1 not included"
        )


def _check_direction(direction: str) -> None:
    if direction not in (HIGHER_WORSE, HIGHER_BETTER):
        raise ValueError(
            f"direction {direction!r} is not known; use {HIGHER_WORSE} or {HIGHER_BETTER}"
        )
