"""Recursive numerical integration of a sequential test: the chance to leave its boundaries at each
look.

The process is a Brownian motion B(t) with drift on the information fractions t, Z = B / sqrt(t).
Looking at t_k, the density of B on what led to going on is

    g_k(b) = integral of g_{k-1}(u) phi((b - u - drift (t_k - t_{k-1})) / s) / s du,
    s^2 = t_k - t_{k-1}

over the region of going on at k - 1. Armitage, McPherson and Rowe, JRSS A 1969;132:235; Jennison
and Turnbull, Group Sequential Methods, 2000, ch. 19. Integrals by Gauss-Legendre rules on panels no
wider than two standard deviations of the steps into and out of a look, which is exact to about
1e-14, over no more than a process without boundaries would reach.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

FAR = 8.5  # standard deviations: beyond them lies less than 1e-16
NODES = 14  # in a panel
WIDEST = 2.0  # panel, in standard deviations of the steps


@dataclass(frozen=True)
class State:
    """Where the process is when it goes on: `nodes` and `masses` (n,) on the scale of B, at
    information `at`. It began at `first`, (information, B).
    """

    at: float
    nodes: np.ndarray
    masses: np.ndarray
    first: tuple[float, float]


def begin(at: float = 0.0, b: float = 0.0) -> State:
    """All mass in one point."""
    return State(at, np.array([b]), np.array([1.0]), (at, b))


def above(state: State, at: float, drift: float, z: float) -> float:
    """The chance to go on up to `at` and be above `z` there."""
    return float(
        state.masses
        @ _normal((_mean(state, at, drift) - z * math.sqrt(at)) / math.sqrt(at - state.at))
    )


def below(state: State, at: float, drift: float, z: float) -> float:
    """The chance to go on up to `at` and be below `z` there."""
    return float(
        state.masses
        @ _normal((z * math.sqrt(at) - _mean(state, at, drift)) / math.sqrt(at - state.at))
    )


def go_on(state: State, at: float, drift: float, lower: float, upper: float, after: float) -> State:
    """The state at `at`, given that Z is between `lower` and `upper` there; `after` is the
    information of the next look.
    """
    step = math.sqrt(at - state.at)
    mean = _mean(state, at, drift)
    since, began = state.first
    centre, reach = (
        began + drift * (at - since),
        FAR * math.sqrt(at - since),
    )  # of those who never stop
    low = max(lower * math.sqrt(at), float(mean.min()) - FAR * step, centre - reach)
    high = min(upper * math.sqrt(at), float(mean.max()) + FAR * step, centre + reach)
    if low >= high:
        return State(at, np.array([drift * at]), np.array([0.0]), state.first)
    nodes, weights = _rule(low, high, WIDEST * min(step, math.sqrt(after - at)))
    density = np.exp(-0.5 * ((nodes[:, None] - mean) / step) ** 2) / (step * math.sqrt(2 * math.pi))
    return State(at, nodes, (density @ state.masses) * weights, state.first)


def _mean(state: State, at: float, drift: float) -> np.ndarray:
    return state.nodes + drift * (at - state.at)


def _rule(low: float, high: float, widest: float) -> tuple[np.ndarray, np.ndarray]:
    edges = np.linspace(low, high, max(1, math.ceil((high - low) / widest)) + 1)
    points, weights = _legendre(NODES)
    half = (edges[1] - edges[0]) / 2
    nodes = (edges[:-1, None] + half * (points + 1)).ravel()
    return nodes, np.tile(weights * half, len(edges) - 1)


@cache
def _legendre(number: int) -> tuple[np.ndarray, np.ndarray]:
    points, weights = np.polynomial.legendre.leggauss(number)
    return points, weights


def _normal(z: np.ndarray) -> np.ndarray:
    from scipy.special import ndtr

    return ndtr(z)
