"""Whether the effect of a treatment depends on somebody's characteristic: interaction, marginal
effects, regions.

    outcome ~ covariates + treatment * moderator

The marginal effect at a value w is the treatment's coefficient plus w times the interaction's. Its
Johnson-Neyman region is where the interval leaves out zero: a quadratic in w. Johnson and Neyman
1936; Bauer and Curran, Multivar Behav Res 2005;40:373; Brambor, Clark and Golder, Polit Anal
2006;14:63.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .distributions import t_quantile
from .formula import FormulaError
from .linear_model import JointTest, Regression, regress
from .model_frame import NotEstimable, check_columns

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Region:
    """Values of the moderator from `lower` to `upper` (infinite where it has no end) at which the
    interval of the effect leaves out zero; `sign` of the effect there, and how many of the people
    in the model lie in it.
    """

    lower: float
    upper: float
    sign: int
    n: int


@dataclass(frozen=True)
class Moderation:
    """A regression with an interaction, and what it says of the treatment's effect over the
    moderator.
    """

    model: Regression
    treatment: str
    moderator: str

    @property
    def interaction(self) -> JointTest:
        """The test that the effect does not depend on the moderator (of all its levels together,
        for a category).
        """
        return self.model.joint(np.eye(len(self.model.beta))[self._interaction_columns])

    def effects(self, at: Sequence[float] | None = None, confidence: float = 0.95) -> pd.DataFrame:
        """Marginal effects of the treatment: estimate se df t p lower upper.

        Of a number at the values `at`, else at its mean and one SD to both sides; of a category at
        all its levels.
        """
        import pandas as pd

        variable = self.model.data.design.variable(self.moderator)
        if variable.is_category:
            if at is not None:
                raise FormulaError(f"{self.moderator} is a category; its effects are at its levels")
            frame = self.model.combinations(
                self._rows_of_levels(len(variable.levels)), None, confidence
            )
            return pd.concat([pd.DataFrame({self.moderator: variable.levels}), frame], axis=1)
        values = self._values()
        mean, sd = float(values.mean()), float(values.std(ddof=1))
        chosen = [mean - sd, mean, mean + sd] if at is None else [float(each) for each in at]
        rows = np.array([self._row(value) for value in chosen])
        frame = self.model.combinations(rows, None, confidence)
        return pd.concat([pd.DataFrame({self.moderator: chosen}), frame], axis=1)

    def johnson_neyman(self, confidence: float = 0.95) -> tuple[Region, ...]:
        """In ascending order; empty where the effect is nowhere told from zero. Errors:
        FormulaError for a category.
        """
        values = self._values()
        first, last = self._effect_column, self._interaction_columns[0]
        b, v = self.model.beta, self.model.covariance_matrix
        t2 = t_quantile((1 + confidence) / 2, self.model.df) ** 2
        square = b[last] ** 2 - t2 * v[last, last]
        linear = 2 * (b[first] * b[last] - t2 * v[first, last])
        constant = b[first] ** 2 - t2 * v[first, first]
        regions = _where_positive(float(square), float(linear), float(constant))
        found = []
        for lower, upper in regions:
            sign = math.copysign(1, b[first] + b[last] * _inside(lower, upper))
            n = int(((values >= lower) & (values <= upper)).sum())
            found.append(Region(lower, upper, int(sign), n))
        return tuple(found)

    @property
    def _effect_column(self) -> int:
        return self.model.data.design.term_of_column.index(self.treatment)

    @property
    def _interaction_columns(self) -> list[int]:
        wanted = {f"{self.treatment}:{self.moderator}", f"{self.moderator}:{self.treatment}"}
        return [i for i, term in enumerate(self.model.data.design.term_of_column) if term in wanted]

    def _row(self, value: float) -> np.ndarray:
        row = np.zeros(len(self.model.beta))
        row[self._effect_column] = 1.0
        row[self._interaction_columns[0]] = value
        return row

    def _rows_of_levels(self, levels: int) -> np.ndarray:
        rows = np.zeros((levels, len(self.model.beta)))
        rows[:, self._effect_column] = 1.0
        for level, column in enumerate(self._interaction_columns, 1):
            rows[level, column] = 1.0
        return rows

    def _values(self) -> np.ndarray:
        if self.model.data.design.variable(self.moderator).is_category:
            raise FormulaError(f"{self.moderator} is a category; regions are of a number")
        return self.model.data.values[self.moderator]


def fit(
    frame: pd.DataFrame,
    *,
    outcome: str,
    treatment: str,
    moderator: str,
    covariates: str = "",
    reference: Mapping[str, str] | None = None,
    covariance: str = "ols",
) -> Moderation:
    """`treatment` is a number or has two levels; `moderator` a number or a category; `covariates` a
    formula.

    `covariance` as in `linear_model.regress`. Errors: NotEstimable, formula.FormulaError,
    formula.UnknownColumn.
    """
    check_columns(frame, [treatment, moderator])
    if treatment == moderator:
        raise FormulaError(f"{treatment} cannot moderate itself")
    fixed = f"`{treatment}` * `{moderator}`" + (f" + {covariates}" if covariates else "")
    model = regress(frame, outcome=outcome, fixed=fixed, reference=reference, covariance=covariance)
    if lacking := [name for name in (treatment, moderator) if name in model.data.dropped]:
        raise NotEstimable(f"{lacking[0]}: everybody has the same, so it has no effect to estimate")
    effects = model.data.design.term_of_column.count(treatment)
    if effects != 1:
        raise NotEstimable(
            f"{treatment} has {effects + 1} levels; moderation is of two levels, or of a number"
        )
    return Moderation(model, treatment, moderator)


def _where_positive(square: float, linear: float, constant: float) -> list[tuple[float, float]]:
    """The intervals on which square w^2 + linear w + constant is above 0."""
    inside = linear**2 - 4 * square * constant
    if square == 0:
        if linear == 0:
            return [(-math.inf, math.inf)] if constant > 0 else []
        root = -constant / linear
        return [(root, math.inf)] if linear > 0 else [(-math.inf, root)]
    if inside <= 0:
        return [(-math.inf, math.inf)] if square > 0 else []
    # Citardauq's form for the root that would lose digits.
    q = -(linear + math.copysign(math.sqrt(inside), linear)) / 2
    roots = sorted((q / square, constant / q))
    if square > 0:
        return [(-math.inf, roots[0]), (roots[1], math.inf)]
    return [(roots[0], roots[1])]


def _inside(lower: float, upper: float) -> float:
    if math.isinf(lower) and math.isinf(upper):
        return 0.0
    if math.isinf(lower):
        return upper - abs(upper) - 1
    return lower + abs(lower) + 1 if math.isinf(upper) else (lower + upper) / 2
