"""Cox's partial likelihood, a term for each event: means and covariances of the columns over who is
at risk, weighted by hazard.

Of d events at one time, Breslow's approximation has all d at risk in each of its d terms, Efron's
the shares 1, 1 - 1/d, ... 1/d.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Terms:
    """`at` (events,) times; `residual` (events, p) the columns less their mean at risk; `spread`
    (events, p, p).
    """

    at: np.ndarray
    log_likelihood: float
    residual: np.ndarray
    spread: np.ndarray

    @property
    def score(self) -> np.ndarray:
        return self.residual.sum(axis=0)

    @property
    def information(self) -> np.ndarray:
        return self.spread.sum(axis=0)

    def by_time(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Score (p,) of coefficients that change with `weight` (events,), and the information (2p,
        2p) with the constant.
        """
        crossed = np.tensordot(weight, self.spread, axes=1)
        squared = np.tensordot(weight**2, self.spread, axes=1)
        return weight @ self.residual, np.block([[self.information, crossed], [crossed, squared]])


def terms(time: np.ndarray, event: np.ndarray, x: np.ndarray, beta: np.ndarray, ties: str) -> Terms:
    """`time`, `event` (n,), `x` (n, p); events in the order of their times."""
    order = np.argsort(time, kind="stable")
    time, event, x = time[order], event[order], x[order]
    eta = x @ beta
    top = float(eta.max())
    hazard = np.exp(eta - top)
    p = x.shape[1]
    moments = np.concatenate(
        [np.ones((len(x), 1)), x, (x[:, :, None] * x[:, None, :]).reshape(-1, p * p)], axis=1
    )
    weighted = hazard[:, None] * moments
    at_risk = weighted[::-1].cumsum(axis=0)[::-1]
    dead = np.flatnonzero(event)
    at, number, counts = np.unique(time[dead], return_inverse=True, return_counts=True)
    sums = at_risk[np.searchsorted(time, at)][number]
    if ties == "efron":
        first = np.concatenate([[0], np.cumsum(counts)[:-1]])
        gone = (np.arange(len(dead)) - first[number]) / counts[number]
        sums = sums - gone[:, None] * np.add.reduceat(weighted[dead], first, axis=0)[number]
    mean = sums[:, 1 : p + 1] / sums[:, :1]
    spread = (sums[:, p + 1 :] / sums[:, :1]).reshape(-1, p, p) - mean[:, :, None] * mean[
        :, None, :
    ]
    log_likelihood = float((eta[dead] - top - np.log(sums[:, 0])).sum())
    return Terms(time[dead], log_likelihood, x[dead] - mean, spread)
