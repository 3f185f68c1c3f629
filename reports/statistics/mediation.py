"""The effect of a treatment by way of a mediator: the product of two coefficients, with a bootstrap
interval.

    mediator ~ treatment + covariates               a: what the treatment does to the mediator
    outcome ~ mediator + treatment + covariates     b: what the mediator
        goes with at the same treatment; c': the direct effect

The indirect effect is a times b; with c' it adds up to the total effect. People are drawn again
with replacement; the interval is that of percentiles, or bias-corrected for the share of draws
below the estimate (Efron, J Am Stat Assoc 1987;82:171; MacKinnon et al., Multivar Behav Res
2004;39:99). It is causal only where nothing unmeasured moves both mediator and outcome and the
treatment does not change b: randomising the treatment does not see to either.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .distributions import check_confidence, normal_quantile
from .linear_model import regress
from .model_frame import NotEstimable, as_numbers, build, check_choice, check_rank

if TYPE_CHECKING:
    import pandas as pd

PERCENTILE, BIAS_CORRECTED = "percentile", "bias-corrected"
AT_A_TIME = 4_000_000  # numbers in the table of draws by people
LEAST = 100


@dataclass(frozen=True)
class Path:
    """A coefficient with its standard error and interval; Student's t for a, b, direct and
    total.
    """

    estimate: float
    se: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Mediation:
    """`indirect.se` is the standard deviation of the draws, `sobel_se` the delta method's. `draws`
    (resamples used,) are of a times b; `unusable` resamples did not determine the model and were
    left out.
    """

    a: Path
    b: Path
    direct: Path
    total: Path
    indirect: Path
    sobel_se: float
    interval: str
    draws: np.ndarray
    unusable: int
    n: int

    def limits(self, interval: str, confidence: float = 0.95) -> tuple[float, float]:
        """Of the indirect effect. Errors: NotEstimable where all draws lie on one side of the
        estimate.
        """
        return _limits(self.draws, self.indirect.estimate, interval, confidence)


def fit(
    frame: pd.DataFrame,
    *,
    outcome: str,
    mediator: str,
    treatment: str,
    rng: np.random.Generator,
    covariates: str = "",
    reference: Mapping[str, str] | None = None,
    resamples: int = 5000,
    interval: str = BIAS_CORRECTED,
    confidence: float = 0.95,
) -> Mediation:
    """`treatment` is a number or has two levels; `mediator` and `outcome` are numbers; `covariates`
    a formula.

    Both models are of the people who have all values. Errors: NotEstimable, formula.FormulaError,
    formula.UnknownColumn, ValueError for an interval or fewer than 100 resamples.
    """
    if resamples < LEAST:
        raise ValueError(
            f"{resamples} resamples are too few; use at least {LEAST}, and thousands for a report"
        )
    check_choice("interval", interval, (PERCENTILE, BIAS_CORRECTED))
    fixed = f"`{treatment}`" + (f" + {covariates}" if covariates else "")
    data = build(frame, outcome=outcome, fixed=fixed, reference=reference, needed=[mediator])
    if treatment in data.dropped:
        raise NotEstimable(f"{treatment}: everybody has the same, so it has no effect to estimate")
    place = _column_of(treatment, data.design.term_of_column)
    rows = data.frame
    check_rank(
        np.column_stack([data.x, as_numbers(rows[mediator], mediator)]), [*data.names, mediator]
    )
    first = regress(rows, outcome=mediator, fixed=fixed, reference=reference)
    second = regress(rows, outcome=outcome, fixed=f"`{mediator}` + {fixed}", reference=reference)
    total = regress(rows, outcome=outcome, fixed=fixed, reference=reference)
    term = data.names[place]
    a, c = (_path(each.coefficients.loc[term], confidence) for each in (first, total))
    b, direct = (_path(second.coefficients.loc[name], confidence) for name in (mediator, term))
    z = np.column_stack([data.x, first.data.y, data.y])
    draws = _bootstrap(z, place, resamples, rng)
    usable = draws[np.isfinite(draws)]
    if len(usable) < 0.9 * resamples:
        raise NotEstimable(
            f"{resamples - len(usable)} of {resamples} resamples do not determine the model"
        )
    estimate = a.estimate * b.estimate
    lower, upper = _limits(usable, estimate, interval, confidence)
    indirect = Path(estimate, float(usable.std(ddof=1)), lower, upper)
    sobel = math.hypot(a.estimate * b.se, b.estimate * a.se)
    return Mediation(
        a, b, direct, c, indirect, sobel, interval, usable, resamples - len(usable), len(z)
    )


def _column_of(name: str, term_of_column: tuple[str, ...]) -> int:
    found = [place for place, term in enumerate(term_of_column) if term == name]
    if len(found) != 1:
        raise NotEstimable(
            f"{name} has {len(found) + 1} levels; mediation is of two levels, or of a number"
        )
    return found[0]


def _path(row: pd.Series, confidence: float) -> Path:
    from scipy.special import stdtrit

    check_confidence(confidence)
    half = float(stdtrit(row.df, (1 + confidence) / 2)) * row.se
    return Path(
        float(row.estimate), float(row.se), float(row.estimate - half), float(row.estimate + half)
    )


def _bootstrap(z: np.ndarray, place: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """a times b in every resample (resamples,), NaN where its model is not determined.

    `z` (n, p + 2): design, mediator, outcome. How often each person is drawn weights the
    cross-products of the rows, so that a resample costs a product of matrices and no copy of the
    data.
    """
    n, width = z.shape
    z = np.column_stack(
        [z[:, 0], z[:, 1:] - z[:, 1:].mean(axis=0)]
    )  # moves the intercepts alone, and keeps digits
    scale = np.sqrt((z**2).mean(axis=0))
    unit = z / np.where(scale > 0, scale, 1.0)
    products = (unit[:, :, None] * unit[:, None, :]).reshape(n, width * width)
    found = []
    chunk = max(1, AT_A_TIME // n)
    for start in range(0, resamples, chunk):
        size = min(chunk, resamples - start)
        drawn = rng.integers(0, n, size=(size, n)) + n * np.arange(size)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)
        grams = (counts @ products).reshape(size, width, width) / n
        found.append(_products_of_paths(grams, place))
    # The scales of the mediator cancel in the product.
    return np.concatenate(found) * scale[-1] / scale[place]


def _products_of_paths(grams: np.ndarray, place: int) -> np.ndarray:
    p = grams.shape[1] - 2
    values = np.linalg.eigvalsh(grams[:, : p + 1, : p + 1])
    usable = values[:, 0] > 1e-10 * values[:, -1]
    result = np.full(len(grams), np.nan)
    kept = grams[usable]
    solved = np.linalg.solve(kept[:, :p, :p], kept[:, :p, p:])
    with_mediator = np.linalg.solve(kept[:, : p + 1, : p + 1], kept[:, : p + 1, p + 1 :])
    result[usable] = solved[:, place, 0] * with_mediator[:, p, 0]
    return result


def _limits(
    draws: np.ndarray, estimate: float, interval: str, confidence: float
) -> tuple[float, float]:
    from scipy.special import ndtr

    check_choice("interval", interval, (PERCENTILE, BIAS_CORRECTED))
    tails = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
    if interval == BIAS_CORRECTED:
        below = float(((draws < estimate) + 0.5 * (draws == estimate)).mean())
        if not 0 < below < 1:
            raise NotEstimable(
                "all draws lie on one side of the estimate, so its bias cannot be corrected"
            )
        tails = ndtr(
            2 * normal_quantile(below) + np.array([normal_quantile(tail) for tail in tails])
        )
    lower, upper = np.quantile(draws, tails)
    return float(lower), float(upper)
