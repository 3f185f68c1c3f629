"""What every model with a design has to say: coefficients, marginal means, contrasts and tests, as
frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from . import formula as formulas
from . import wald
from .distributions import check_confidence
from .model_frame import ModelFrame, mixed
from .wald import FTest

if TYPE_CHECKING:
    import pandas as pd


NOTHING = 1e-8  # of a model-based error: what is smaller is what the search left


class Inference(Protocol):
    """On the scale on which the columns of the design were divided. `combinations` (r, p)."""

    @property
    def vcov(self) -> np.ndarray: ...
    def standard_errors(self, combinations: np.ndarray) -> np.ndarray: ...
    def degrees_of_freedom(self, combinations: np.ndarray) -> np.ndarray: ...
    def joint(self, combinations: np.ndarray, beta: np.ndarray) -> FTest: ...


@dataclass(frozen=True)
class Known:
    """A covariance `vcov` (p, p) and the same degrees of freedom `df`, infinite for normal
    intervals, whatever is estimated. A variance that is nothing beside that of `model` (p, p), the
    model's own, is what a search left, and no variance.
    """

    vcov: np.ndarray
    df: float
    model: np.ndarray | None = None

    def standard_errors(self, combinations: np.ndarray) -> np.ndarray:
        """(r,), NaN where there is none. Errors: NotEstimable where no combination has one."""
        if self.model is None:
            return wald.standard_errors(combinations, self.vcov)
        beside = wald.variances(combinations, self.model)
        found = wald.variances(combinations, self.vcov)
        return wald.known_errors(np.sqrt(np.maximum(found, 0)), found < NOTHING**2 * beside)

    def degrees_of_freedom(self, combinations: np.ndarray) -> np.ndarray:
        return np.full(len(combinations), self.df)

    def joint(self, combinations: np.ndarray, beta: np.ndarray) -> FTest:
        """Wald's F test; with infinite `df` his chi-squared test, its statistic divided by df1.
        Errors: NotEstimable where a direction has no standard error.
        """
        if self.model is not None:
            wald.check_known(combinations, self.vcov, self.standard_errors)
        return wald.joint(combinations, beta, self.vcov, self.degrees_of_freedom)


class Estimates:
    """Frames are made anew at each asking; confidence is 95 % unless said. A result class gives the
    four properties.
    """

    @property
    def design(self) -> formulas.Design:
        raise NotImplementedError

    @property
    def scale(self) -> np.ndarray:
        """(p,): by which every column of the design was divided."""
        raise NotImplementedError

    @property
    def mixing(self) -> np.ndarray | None:
        """(p, p): what the columns of the design were multiplied by instead."""
        return None

    def to_scaled(self, combinations: np.ndarray) -> np.ndarray:
        """Rows (r, p) of the design as rows of the columns that were fitted."""
        return mixed(combinations, self.scale, self.mixing)

    @property
    def scaled_beta(self) -> np.ndarray:
        raise NotImplementedError

    @property
    def inference(self) -> Inference:
        raise NotImplementedError

    @property
    def names(self) -> tuple[str, ...]:
        return self.design.names

    @property
    def beta(self) -> np.ndarray:
        if self.mixing is None:
            return self.scaled_beta / self.scale
        return self.mixing @ self.scaled_beta

    @property
    def vcov(self) -> pd.DataFrame:
        import pandas as pd

        found = self.inference.vcov / np.outer(self.scale, self.scale)
        if self.mixing is not None:
            found = self.mixing @ self.inference.vcov @ self.mixing.T
        return pd.DataFrame(found, index=list(self.names), columns=list(self.names))

    @property
    def coefficients(self) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(
            self.estimated(np.eye(len(self.names))), index=pd.Index(self.names, name="term")
        )

    def marginal_means(
        self, of: str | Sequence[str], by: str | Sequence[str] = (), confidence: float = 0.95
    ) -> pd.DataFrame:
        """Means at every level of `of` and `by`: numbers at their means, other categories weighted
        equally.
        """
        import pandas as pd

        labels, rows = self.design.grid([*listed(of), *listed(by)])
        columns = self.estimated(rows, confidence)
        kept = {name: columns[name] for name in ("estimate", "se", "df", "lower", "upper")}
        return pd.DataFrame({**_by_name(labels), **kept})

    def contrasts(
        self,
        of: str,
        by: str | Sequence[str] = (),
        reference: str | None = None,
        confidence: float = 0.95,
    ) -> pd.DataFrame:
        """Differences of marginal means: of every level from `reference`, or of all pairs (later
        minus earlier).
        """
        import pandas as pd

        levels = self.design.variable(of).levels
        pairs = formulas.pairs_of(of, levels, reference)
        labels, rows = self.design.grid([of, *listed(by)])
        strata = [labels[i : i + len(levels)] for i in range(0, len(labels), len(levels))]
        means = rows.reshape(len(strata), len(levels), -1)
        combinations, heads = [], []
        for own, block in zip(strata, means, strict=True):
            for first, second in pairs:
                combinations.append(block[first] - block[second])
                at = {name: own[0][name] for name in listed(by)}
                heads.append({**at, "contrast": f"{levels[first]} - {levels[second]}"})
        return pd.DataFrame(
            {**_by_name(heads), **self.estimated(np.array(combinations), confidence)}
        )

    def test(self, term: str) -> FTest:
        """Joint F test of a term, as in the formula (`treatment:month`): the hypothesis of type
        III, which does not depend on reference levels. For a term that stands in no larger one it
        is that all its coefficients are zero.
        """
        return self.combined(self.design.hypothesis(term))

    def combined(self, combinations: np.ndarray) -> FTest:
        """Joint F test that the rows of `combinations` (r, p), in the order of `names`, are
        zero.
        """
        return self.inference.joint(self.to_scaled(np.atleast_2d(combinations)), self.scaled_beta)

    def estimated(
        self, combinations: np.ndarray, confidence: float = 0.95
    ) -> dict[str, np.ndarray]:
        """Columns estimate, se, df, t, p, lower, upper of the rows of `combinations` (r, p)."""
        from scipy.special import stdtr, stdtrit

        check_confidence(confidence)
        scaled = self.to_scaled(combinations)
        estimate = scaled @ self.scaled_beta
        se, df = self.inference.standard_errors(scaled), self.inference.degrees_of_freedom(scaled)
        t = estimate / se
        half = stdtrit(df, (1 + confidence) / 2) * se
        return {
            "estimate": estimate,
            "se": se,
            "df": df,
            "t": t,
            "p": 2 * stdtr(df, -np.abs(t)),
            "lower": estimate - half,
            "upper": estimate + half,
        }


@dataclass(frozen=True)
class Solved(Estimates):
    """Estimates of a model that `data` describes: `solution` (p,) and `errors` on the scale of its
    columns.
    """

    data: ModelFrame
    solution: np.ndarray
    errors: Inference

    @property
    def inference(self) -> Inference:
        return self.errors

    @property
    def design(self) -> formulas.Design:
        return self.data.design

    @property
    def scale(self) -> np.ndarray:
        return self.data.scale

    @property
    def mixing(self) -> np.ndarray | None:
        return self.data.mixing

    @property
    def scaled_beta(self) -> np.ndarray:
        return self.solution

    @property
    def n_observations(self) -> int:
        return len(self.data.z)

    @property
    def warnings(self) -> tuple[str, ...]:
        return self.data.warnings


def listed(names: str | Sequence[str]) -> list[str]:
    """One name or several, as a list."""
    return [names] if isinstance(names, str) else list(names)


def _by_name(labels: list[dict[str, str]]) -> dict[str, list[str]]:
    return {name: [each[name] for each in labels] for name in labels[0]} if labels else {}
