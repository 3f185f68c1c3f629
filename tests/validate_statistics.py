"""Type I error and coverage of the analyses, by simulation: the first part of `make validate`; its
table is kept in docs/validation.md (`python -m tests.validate_statistics --keep` writes it there).

Thousands of trials each, fixed seeds. A share is within error when it lies within 3 Monte-Carlo
standard errors of what it should be. HANDVAT_VALIDATE_TRIALS sets the number of trials (4000; the
slowest rows have half as many).
"""

from __future__ import annotations

import math
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

TRIALS = int(os.environ.get("HANDVAT_VALIDATE_TRIALS", "4000"))
BATCH = 50
DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "validation.md"
HEADING = "## The table\n"
# Processes inherit it: linear algebra that starts threads of its own would only get in the others'
# way.
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")

VISITS = 4
SD = 5.5


@dataclass(frozen=True)
class Setting:
    """One row of the table. `run(generator, trials)` analyses that many trials: (trials, 4) of
    estimate, lower, upper and p of a contrast whose true value is `truth`, NaN where an analysis
    fails. `nominal` False: the method is known to miss what it is measured against, and the note
    says why.
    """

    method: str
    trial: str
    truth: float
    run: Callable[[np.random.Generator, int], np.ndarray]
    nominal: bool = True
    note: str = ""
    slow: bool = False  # half the trials do


def trial(
    generator: np.random.Generator,
    *,
    n: int,
    effect: float,
    visits: int = VISITS,
    mnar: bool = False,
) -> dict[str, np.ndarray]:
    """Two arms; SD 5.5, correlation .6 to .4; a quarter lost by the end, the worse the likelier
    (missing at random: by the last score that was seen; `mnar`: by the score that was not).
    """
    lag = np.abs(np.subtract.outer(np.arange(visits), np.arange(visits)))
    sigma = SD**2 * np.where(lag == 0, 1.0, 0.7 - 0.1 * lag)
    arm = generator.permutation(np.arange(n) % 2)
    baseline = generator.normal(13, 4, n)
    change = np.linspace(-1, -3, visits) + effect * arm[:, None] * np.linspace(
        1 / visits, 1, visits
    )
    noise = generator.multivariate_normal(np.zeros(visits), sigma, n, method="cholesky")
    y = baseline[:, None] * 0.5 + 6 + change + noise
    seen = np.ones((n, visits), dtype=bool)
    for visit in range(1, visits):
        by = y[:, visit] if mnar else y[:, visit - 1]
        lost = generator.random(n) < 1 / (1 + np.exp(-(-2.6 + 0.12 * (by - 10))))
        seen[:, visit] = seen[:, visit - 1] & ~lost
    return {"arm": arm, "baseline": baseline, "y": y, "seen": seen}


def one_by_one(
    analysed: Callable[..., tuple[float, float, float, float]],
    generator: np.random.Generator,
    trials: int,
    **how: Any,
) -> np.ndarray:
    return np.array([analysed(generator, **how) for _ in range(trials)])


def by_mmrm(
    generator: np.random.Generator, *, n: int, effect: float, mnar: bool = False, **how: Any
) -> tuple[float, float, float, float]:
    import pandas as pd

    from reports.statistics import mmrm

    made = trial(generator, n=n, effect=effect, mnar=mnar)
    i, v = np.nonzero(made["seen"])
    frame = pd.DataFrame(
        {
            "id": i,
            "visit": v + 1,
            "arm": made["arm"][i],
            "base": made["baseline"][i],
            "y": made["y"][i, v],
        }
    )
    model = {
        "outcome": "y",
        "subject": "id",
        "visit": "visit",
        "fixed": "base * visit + C(arm) * visit",
    }
    fit = mmrm.fit(frame, **model, **how)
    row = fit.contrasts("arm", by="visit", reference="0").iloc[-1]
    return row["estimate"], row["lower"], row["upper"], row["p"]


def by_imputation(
    generator: np.random.Generator, *, n: int, effect: float, how: str, m: int = 20
) -> tuple[float, float, float, float]:
    """Imputed by arm, analysed at the last visit by ANCOVA, pooled by Rubin's rules with Barnard
    and Rubin's df.
    """
    import pandas as pd

    from reports.statistics import multiple_imputation

    made = trial(generator, n=n, effect=effect)
    y = np.where(made["seen"], made["y"], np.nan)
    names = [f"y{visit}" for visit in range(VISITS)]
    frame = pd.DataFrame(
        {"arm": made["arm"], "base": made["baseline"], **dict(zip(names, y.T, strict=True))}
    )
    options: dict[str, Any] = {"by": "arm", "m": m, "generator": generator}
    if how == "normal":
        imputed = multiple_imputation.normal(frame, ["base", *names], iterations=20, **options)
    else:
        imputed = multiple_imputation.chained(frame, ["base", *names], **options)
    found = multiple_imputation.regress(imputed, names[-1], "base + arm")["arm"]
    return found.estimate, found.lower, found.upper, found.p


def stopping(n: int, effect: float) -> Any:
    """A power_simulation.Trial of three visits in which the control arm leaves at random given the
    last score, a fifth by the end; of the treated three in ten stop the programme, are not seen
    again, and from then on fare as the control arm does.
    """
    from reports.statistics import power_simulation as sim

    leaving = sim.Leaving(((0.0, 0.1, 0.1), (0.0, 0.0, 0.0)), slope=0.4)
    return sim.Trial(
        n=sim.arms(n),
        means=((12.0, 11.0, 10.0), (12.0 + effect / 3, 11.0 + effect * 2 / 3, 10.0 + effect)),
        covariance=sim.compound_symmetry(SD, 0.6, visits=3),
        stopping=sim.Stopping((0.0, 0.16, 0.16), kept=0.0),
        leaving=leaving,
    )


def by_reference(
    generator: np.random.Generator, trials: int, *, n: int, effect: float, strategy: str
) -> np.ndarray:
    """Conditional means with the jackknife; under MAR the treated who stop would have gone on as
    the others do.
    """
    import pandas as pd

    from reports.statistics import power_simulation, reference_based

    plan = reference_based.Plan(
        outcome="y",
        subject="id",
        visit="visit",
        arm="arm",
        control="control",
        fixed="base * visit + arm * visit",
        adjustment="base",
    )
    made = stopping(n, effect)
    scores = power_simulation.draw(made, trials, generator)
    y = np.where(scores.seen & ~scores.stopped, scores.y, np.nan)
    person, visit = np.repeat(np.arange(n), 3), np.tile(np.arange(3), n)
    arm = np.where(made.treated, "treated", "control")[person]
    found = []
    for number in range(trials):
        base = scores.baseline[number][person]
        frame = pd.DataFrame(
            {"id": person, "visit": visit, "arm": arm, "base": base, "y": y[number].ravel()}
        )
        result = reference_based.conditional_mean(frame, plan, strategies=strategy)
        row = result.contrasts.iloc[-1]
        found.append((row["estimate"], row["lower"], row["upper"], row["p"]))
    return np.array(found)


@dataclass(frozen=True)
class Nested:
    """One score at follow-up: `coaches` with `each` people in the treated arm, as many people on
    their own in the other.

    Residual SD 5 in the treated arm and 7 in the other; between coaches the ICC of the treated arm
    is `icc`.
    """

    coaches: int
    each: int
    icc: float
    effect: float = 0.0

    @property
    def coach(self) -> np.ndarray:
        treated = np.repeat(np.arange(self.coaches), self.each)
        return np.concatenate([np.full(len(treated), -1), treated])

    def drawn(self, generator: np.random.Generator, trials: int) -> np.ndarray:
        """(trials, n, 4): one, arm, baseline, y."""
        coach = self.coach
        treated = coach >= 0
        own = (
            generator.standard_normal((trials, self.coaches))
            * 5
            * math.sqrt(self.icc / (1 - self.icc))
        )
        baseline = generator.standard_normal((trials, len(coach)))
        y = (
            generator.standard_normal((trials, len(coach))) * np.where(treated, 5.0, 7.0)
            + 3 * baseline
        )
        y += np.where(treated, self.effect + own[:, coach], 0.0)
        arm = np.broadcast_to(treated.astype(float), y.shape)
        return np.stack([np.ones_like(y), arm, baseline, y], axis=-1)


def by_nested(generator: np.random.Generator, trials: int, *, nested: Nested) -> np.ndarray:
    """Satterthwaite, all trials at once."""
    from scipy.special import stdtr, stdtrit

    from reports.statistics.power_simulation.nested import fit_nested

    z = nested.drawn(generator, trials)
    fit = fit_nested(z, np.ones(z.shape[:2], dtype=bool), nested.coach)
    estimate, se, df = fit.combined(np.array([0.0, 1.0, 0.0]))
    half = stdtrit(df, 0.975) * se
    return np.column_stack(
        [estimate, estimate - half, estimate + half, 2 * stdtr(df, -np.abs(estimate / se))]
    )


def by_nested_frame(
    generator: np.random.Generator, trials: int, *, nested: Nested, robust: bool = False
) -> np.ndarray:
    """The frame's way in: Kenward-Roger, or least squares with CR2 errors."""
    import pandas as pd

    from reports.statistics import partially_nested

    names: Mapping[str, Any] = {
        "outcome": "y",
        "arm": "arm",
        "guided": "1",
        "cluster": "coach",
        "fixed": "base + C(arm)",
    }
    found = []
    for z in nested.drawn(generator, trials):
        frame = pd.DataFrame(
            {"arm": z[:, 1].astype(int), "base": z[:, 2], "y": z[:, 3], "coach": nested.coach}
        )
        fit = (partially_nested.robust if robust else partially_nested.fit)(frame, **names)
        row = fit.contrasts("arm", reference="0").iloc[0]
        found.append((row["estimate"], row["lower"], row["upper"], row["p"]))
    return np.array(found)


def of_mmrm() -> list[Setting]:
    lost = "a quarter lost, at random given what was seen"
    us, kr = "MMRM, unstructured, Kenward-Roger", partial(one_by_one, by_mmrm)
    return [
        Setting(us, f"200 people, {lost}, no effect", 0.0, partial(kr, n=200, effect=0.0)),
        Setting(us, f"200 people, {lost}, effect -2", -2.0, partial(kr, n=200, effect=-2.0)),
        Setting(us, f"40 people, {lost}, no effect", 0.0, partial(kr, n=40, effect=0.0)),
        Setting(
            "MMRM, unstructured, Satterthwaite",
            f"40 people, {lost}, no effect",
            0.0,
            partial(kr, n=40, effect=0.0, df="satterthwaite"),
            nominal=False,
            note="Without the small-sample covariance the interval is a little short: why "
            "Kenward-Roger is the default",
        ),
        Setting(
            "MMRM, compound symmetry, CR2",
            f"200 people, {lost}, no effect",
            0.0,
            partial(
                kr,
                n=200,
                effect=0.0,
                covariance="cs",
                df="satterthwaite",
                se="empirical-bias-reduced",
            ),
            nominal=False,
            note="The covariance is wrong here; the sandwich mends its errors, not the weights "
            "under dropout",
        ),
        Setting(
            us,
            "200 people, lost by what was not seen, effect -2",
            -2.0,
            partial(kr, n=200, effect=-2.0, mnar=True),
            nominal=False,
            note="Missing not at random: no analysis of what was seen is right, hence the "
            "sensitivity analyses",
        ),
    ]


def of_partially_nested() -> list[Setting]:
    method = "Partially nested, residual variance per arm"
    many, few = Nested(20, 6, 0.10), Nested(6, 10, 0.10)
    strong = Nested(6, 10, 0.10, effect=-2.0)
    return [
        Setting(
            f"{method}, Satterthwaite",
            "20 coaches of 6, ICC .10, no effect",
            0.0,
            partial(by_nested, nested=many),
        ),
        Setting(
            f"{method}, Satterthwaite",
            "6 coaches of 10, ICC .10, no effect",
            0.0,
            partial(by_nested, nested=few),
        ),
        Setting(
            f"{method}, Kenward-Roger",
            "6 coaches of 10, ICC .10, no effect",
            0.0,
            partial(by_nested_frame, nested=few),
        ),
        Setting(
            f"{method}, Kenward-Roger",
            "6 coaches of 10, ICC .10, effect -2",
            -2.0,
            partial(by_nested_frame, nested=strong),
        ),
        Setting(
            "Least squares, CR2",
            "6 coaches of 10, ICC .10, no effect",
            0.0,
            partial(by_nested_frame, nested=few, robust=True),
        ),
    ]


def of_imputation() -> list[Setting]:
    lost = "a quarter lost, at random given what was seen"
    run = partial(one_by_one, by_imputation)
    normal = "Multiple imputation by arm, m = 20, multivariate normal"
    chained = "the same, chained equations"
    return [
        Setting(
            normal,
            f"200 people, {lost}, no effect",
            0.0,
            partial(run, n=200, effect=0.0, how="normal"),
        ),
        Setting(
            normal,
            f"200 people, {lost}, effect -2",
            -2.0,
            partial(run, n=200, effect=-2.0, how="normal"),
        ),
        Setting(
            normal,
            f"60 people, {lost}, no effect",
            0.0,
            partial(run, n=60, effect=0.0, how="normal"),
            nominal=False,
            note="Imputed by arm, everything may depend on it, which the ANCOVA leaves out: in "
            "small trials Rubin's variance "
            "errs on the safe side (Meng, Stat Sci 1994;9:538)",
        ),
        Setting(
            chained,
            f"200 people, {lost}, no effect",
            0.0,
            partial(run, n=200, effect=0.0, how="chained"),
        ),
    ]


def of_reference() -> list[Setting]:
    stop = "3 in 10 treated stop and are lost"
    lost = "3 in 10 treated stop, are lost, and lose the effect of -4"
    true = float(stopping(120, -4.0).policy_effect[-1])
    none, strong = (partial(by_reference, n=120, effect=effect) for effect in (0.0, -4.0))
    jump, mar = "jump-to-reference", "mar"
    method = "Conditional means, jackknife: "
    return [
        Setting(
            method + jump,
            f"120 people, {stop}, no effect",
            0.0,
            partial(none, strategy=jump),
            slow=True,
        ),
        Setting(
            method + jump, f"120 people, {lost}", true, partial(strong, strategy=jump), slow=True
        ),
        Setting(
            method + mar,
            f"120 people, {stop}, no effect",
            0.0,
            partial(none, strategy=mar),
            slow=True,
        ),
        Setting(
            method + mar,
            f"120 people, {lost}",
            true,
            partial(strong, strategy=mar),
            nominal=False,
            note="MAR gives those who stop the effect that they lost: what reference-based "
            "imputation is for",
            slow=True,
        ),
    ]


def settings() -> list[Setting]:
    return [*of_mmrm(), *of_partially_nested(), *of_imputation(), *of_reference()]


def batch(number: int, seed: int) -> np.ndarray:
    """(BATCH, 4) of one setting."""
    return settings()[number].run(
        np.random.default_rng(np.random.SeedSequence([number, seed])), BATCH
    )


def measure(number: int, pool: ProcessPoolExecutor) -> tuple[str, bool]:
    """A row of the table, and whether it is as it should be."""
    setting = settings()[number]
    began = time.perf_counter()
    rounds = math.ceil(TRIALS / (2 if setting.slow else 1) / BATCH)
    found = np.concatenate(list(pool.map(batch, [number] * rounds, range(rounds))))
    made = len(found)
    found = found[np.isfinite(found).all(axis=1)]
    estimate, lower, upper, p = found.T
    bias, bias_se = estimate.mean() - setting.truth, estimate.std(ddof=1) / math.sqrt(len(found))
    coverage = float(((lower <= setting.truth) & (setting.truth <= upper)).mean())
    rejected = float((p < 0.05).mean())
    error = math.sqrt(0.05 * 0.95 / len(found))
    good = (
        abs(coverage - 0.95) <= 3 * error
        and abs(bias) <= 3 * bias_se
        and made - len(found) <= 0.001 * made
    )
    if setting.truth == 0:
        good &= abs(rejected - 0.05) <= 3 * error
    verdict = "within error" if good else "OUTSIDE" if setting.nominal else "as expected, outside"
    count = f"{made}" if len(found) == made else f"{made} ({made - len(found)} failed)"
    row = (
        f"| {setting.method} | {setting.trial} | {count} | {bias:+.3f} ({bias_se:.3f}) | "
        f"{coverage:.1%} | "
        f"{rejected:.1%} | {error:.2%} | {verdict} | {time.perf_counter() - began:.0f} s |"
    )
    return row, good or not setting.nominal


def main(*, keep: bool = False) -> int:
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        print(line, flush=True)

    say(
        "| analysis | trial | trials | bias (SE) | coverage | p < .05 | Monte-Carlo SE | verdict | "
        "took |"
    )
    say("|---|---|---|---|---|---|---|---|---|")
    good = True
    os.environ.update(dict.fromkeys(THREADS, "1"))
    with ProcessPoolExecutor(
        os.cpu_count(), mp_context=multiprocessing.get_context("spawn")
    ) as pool:
        for number in range(len(settings())):
            row, is_good = measure(number, pool)
            good &= is_good
            say(row)
    for note in dict.fromkeys(each.note for each in settings() if each.note):
        say(f"\n{note}.")
    if keep:
        before, heading, _ = DOCUMENT.read_text().partition(HEADING)
        DOCUMENT.write_text(before + heading + "\n" + "\n".join(lines) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(keep="--keep" in sys.argv[1:]))
