"""Response, remission and deterioration: a score at follow-up made into yes or no, and what becomes
of the missing.

Non-responder imputation counts somebody without a follow-up score as not having responded. For a
harm such as deterioration that is the optimistic choice, so there the default leaves them out, and
`yes` counts them. What reaches a bar exactly counts, as decimals go: see `thresholds`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .reading import numbers
from .reliable_change import HIGHER_BETTER, HIGHER_WORSE
from .thresholds import at_least, at_most

MISSING = ("non-responder", "observed", "yes")


@dataclass(frozen=True)
class Responders:
    """`status` (people,): 1 yes, 0 no, NaN left out. `count` of `n` have it; `imputed` is how many
    of `n` were missing.
    """

    status: np.ndarray
    count: int
    n: int
    imputed: int
    definition: str


def response(
    before: Any,
    after: Any,
    fraction: float = 0.5,
    missing: str = "non-responder",
    direction: str = HIGHER_WORSE,
) -> Responders:
    """Improved by at least `fraction` of the score at baseline; NaN or None where a score is
    missing.

    Where higher is worse that is a score of at most (1 - fraction) of baseline. Somebody without a
    baseline score has no response to speak of and counts as missing. Errors: ValueError for a
    fraction outside 0 to 1.
    """
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction {fraction} lies outside 0 to 1")
    first, last = _pair(before, after)
    _check_direction(direction)
    if direction == HIGHER_WORSE:
        reached = at_most(last, (1 - fraction) * first, first)
    else:
        reached = at_least(last, (1 + fraction) * first, first)
    text = f"improved by at least {fraction:.0%} of the score at baseline"
    return _counted(reached, np.isnan(first) | np.isnan(last), missing, text)


def remission(
    after: Any, cut_off: float, missing: str = "non-responder", direction: str = HIGHER_WORSE
) -> Responders:
    """A score of at most `cut_off`, or of at least it where higher is better."""
    last = numbers(after, "after")
    _check_direction(direction)
    reached = at_most(last, cut_off) if direction == HIGHER_WORSE else at_least(last, cut_off)
    return _counted(
        reached,
        np.isnan(last),
        missing,
        f"a score of at {'most' if direction == HIGHER_WORSE else 'least'} {cut_off:g}",
    )


def deterioration(
    before: Any,
    after: Any,
    threshold: float,
    missing: str = "observed",
    direction: str = HIGHER_WORSE,
) -> Responders:
    """Worse by at least `threshold` points, the reliable change of `reliable_change.jacobson_truax`
    for instance.
    """
    first, last = _pair(before, after)
    _check_direction(direction)
    worse = at_least(
        last - first if direction == HIGHER_WORSE else first - last, threshold, first, last
    )
    text = f"worse by at least {threshold:g} points"
    return _counted(worse, np.isnan(first) | np.isnan(last), missing, text)


def _pair(before: Any, after: Any) -> tuple[np.ndarray, np.ndarray]:
    first, last = numbers(before, "before"), numbers(after, "after")
    if first.shape != last.shape:
        raise ValueError(
            f"{len(first)} scores before and {len(last)} after; they are of the same people"
        )
    return first, last


def _check_direction(direction: str) -> None:
    if direction not in (HIGHER_WORSE, HIGHER_BETTER):
        raise ValueError(
            f"direction {direction!r} is not known; use {HIGHER_WORSE} or {HIGHER_BETTER}"
        )


def _counted(reached: np.ndarray, absent: np.ndarray, missing: str, text: str) -> Responders:
    if missing not in MISSING:
        raise ValueError(f"missing {missing!r} is not known; use one of {', '.join(MISSING)}")
    filled = {"non-responder": 0.0, "observed": np.nan, "yes": 1.0}[missing]
    status = np.where(absent, filled, reached.astype(float))
    known = ~np.isnan(status)
    said = {
        "non-responder": "missing counts as no",
        "observed": "missing left out",
        "yes": "missing counts as yes",
    }
    imputed = int(absent.sum()) if missing != "observed" else 0
    return Responders(
        status, int(status[known].sum()), int(known.sum()), imputed, f"{text}; {said[missing]}"
    )
