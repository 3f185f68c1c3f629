"""Many trials on all cores, and what they say with their Monte-Carlo error.

Trials come in batches; every batch has its own generator, spawned from the one given, so that the
result depends on that one and not on the number of cores. Monte-Carlo errors: Morris, White and
Crowther, Stat Med 2019;38:2074.
"""

from __future__ import annotations

import math
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np

from .analyses import Analysis, TrialEstimates
from .trial import Trial, draw

BATCH = 50
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
ESTIMANDS = ("treatment-policy", "hypothetical")


@dataclass(frozen=True)
class Known:
    """A number with its Monte-Carlo standard error."""

    value: float
    error: float


@dataclass(frozen=True)
class Simulation:
    """`failures` are trials without an estimate: not counted as rejections, and left out of bias
    and coverage.

    `power` is the share of two-sided tests at `alpha` that reject: the type I error where `truth`
    is 0. `se` is the mean of the standard errors that the trials reported, `spread` the standard
    deviation of their estimates.
    """

    trials: int
    failures: int
    truth: float
    alpha: float
    power: Known
    bias: Known
    coverage: Known
    spread: Known
    se: Known


def simulate(
    trial: Trial,
    analysis: Analysis,
    rng: np.random.Generator,
    *,
    trials: int = 10_000,
    alpha: float = 0.05,
    estimand: str = "treatment-policy",
    cores: int | None = None,
) -> Simulation:
    """`estimand` says which true effect bias and coverage are about: treatment-policy, or
    hypothetical (nobody stops).

    `cores`: all of them unless said; with 1 everything runs in this process. More start fresh
    interpreters, so a script that calls this needs `if __name__ == "__main__"`. Errors: ValueError,
    NoTrial.
    """
    if estimand not in ESTIMANDS:
        raise ValueError(f"estimand {estimand!r} is not known; use one of {', '.join(ESTIMANDS)}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is between 0 and 1, not {alpha}")
    if trials < 2:
        raise ValueError(f"a simulation has at least 2 trials, not {trials}")
    if not -trial.visits <= analysis.visit < trial.visits:
        raise ValueError(f"there is no visit {analysis.visit}; there are {trial.visits}")
    found = estimates(trial, analysis, rng, trials=trials, cores=cores)
    effect = trial.policy_effect if estimand == "treatment-policy" else trial.effect
    return summarised(found, float(effect[analysis.visit]), alpha)


def estimates(
    trial: Trial,
    analysis: Analysis,
    rng: np.random.Generator,
    *,
    trials: int,
    cores: int | None = None,
) -> TrialEstimates:
    """The estimates of all trials, in their order."""
    sizes = [BATCH] * (trials // BATCH) + ([trials % BATCH] if trials % BATCH else [])
    generators = rng.spawn(len(sizes))
    work = partial(_batch, trial, analysis)
    cores = min(cores or _cores(), len(sizes))
    parts = (
        list(map(work, sizes, generators))
        if cores == 1
        else _spread(work, sizes, generators, cores)
    )
    return TrialEstimates(
        *(
            np.concatenate([getattr(each, name) for each in parts])
            for name in ("estimate", "se", "df")
        )
    )


def summarised(found: TrialEstimates, truth: float, alpha: float = 0.05) -> Simulation:
    """`found` against `truth`, both in units of the outcome, two-sided at `alpha`. Errors:
    ValueError where fewer than two trials have an estimate.
    """
    from scipy.special import stdtrit

    there = np.isfinite(found.estimate) & np.isfinite(found.se) & (found.df > 0)
    count = int(there.sum())
    if count < 2:
        raise ValueError(f"the analysis failed in {len(there) - count} of {len(there)} trials")
    estimate, se, df = found.estimate[there], found.se[there], found.df[there]
    half = stdtrit(df, 1 - alpha / 2) * se
    rejected = np.abs(estimate) > half
    spread = float(estimate.std(ddof=1))
    return Simulation(
        trials=len(there),
        failures=len(there) - count,
        truth=truth,
        alpha=alpha,
        power=_share(int(rejected.sum()), len(there)),
        bias=Known(float(estimate.mean()) - truth, spread / math.sqrt(count)),
        coverage=_share(int((np.abs(estimate - truth) <= half).sum()), count),
        spread=Known(spread, spread / math.sqrt(2 * (count - 1))),
        se=Known(float(se.mean()), float(se.std(ddof=1)) / math.sqrt(count)),
    )


def _share(count: int, of: int) -> Known:
    """Where none or all count, an error of 0 would be false: there it is that of half an event."""
    share = count / of
    kept = min(max(share, 0.5 / of), 1 - 0.5 / of)
    return Known(share, math.sqrt(kept * (1 - kept) / of))


def _batch(trial: Trial, analysis: Analysis, size: int, rng: np.random.Generator) -> TrialEstimates:
    return analysis(draw(trial, size, rng))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _spread(
    work: Callable[..., TrialEstimates],
    sizes: list[int],
    generators: list[np.random.Generator],
    cores: int,
) -> list[TrialEstimates]:
    with (
        _one_thread_each(),
        ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("spawn")) as pool,
    ):
        return list(pool.map(work, sizes, generators, chunksize=max(1, len(sizes) // (cores * 8))))


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """The processes inherit it: linear algebra that starts threads of its own would only get in the
    others' way.
    """
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
