"""The part of `make bench` about the statistics: medians, and how many times faster than R where R
is installed.

Alone: `python -m tests.bench_statistics`, or of it `python -m tests.bench_statistics hazards
boundaries`. Everything is timed on one core but the simulated trials, design building included.
"""

from __future__ import annotations

import functools
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from .bench_parts import ROOT, chosen, line, median, once, part, run, times

ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
FORMULA = "base + arm * month"
VISITS = 4
# People, visits, and the chance that a visit is missing: from then on (dropout) or, with ten
# visits, each by itself.
SIZES = ((200, 4, 0.04), (500, 5, 0.04), (2000, 5, 0.04), (10_000, 5, 0.04), (1000, 10, 0.08))
R_LONGEST = 600  # seconds
R_PACKAGES = ("nlme", "lmerTest", "mice", "survival", "geepack")


def main(arguments: list[str]) -> int:
    """In a process of its own, so that linear algebra keeps to one thread."""
    command = [sys.executable, "-m", "tests.bench_statistics", "here", *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **ONE_THREAD}).returncode


def measure(arguments: list[str]) -> int:
    present = r_packages()
    absent = [each for each in R_PACKAGES if each not in present]
    print(
        f"R: {'with ' + ', '.join(present) if present else 'no Rscript with these packages'}",
        end="",
    )
    print(f"; absent: {', '.join(absent)}" if absent else "")
    return run(*chosen("tests.bench_statistics", arguments))


@part()
def imports() -> None:
    line("import reports.statistics.mmrm, in a fresh interpreter", import_time())


def import_time() -> float:
    code = (
        "import time; began = time.perf_counter(); import reports.statistics.mmrm; "
        "print(time.perf_counter() - began)"
    )
    command = [sys.executable, "-c", code]
    runs = [
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True) for _ in range(times(5))
    ]
    return statistics.median(float(each.stdout) for each in runs)


def people(n: int, m: int, missing: float) -> pd.DataFrame:
    """A simulated trial, a row for every visit that took place."""
    rng = np.random.default_rng(n + m)
    base, guided = rng.normal(20, 5, n), np.arange(n) % 2
    y = (
        0.5 * base[:, None]
        + rng.normal(0, 3, (n, 1))
        + rng.normal(0, 3, (n, m))
        - 0.4 * np.arange(m) * guided[:, None]
    )
    gone = rng.random((n, m)) < missing
    if m < 10:
        gone = np.logical_or.accumulate(gone, axis=1)
    person, visit = np.nonzero(~gone)
    arm = np.where(guided, "guided", "unguided")[person]
    return pd.DataFrame(
        {"id": person, "month": visit + 1, "base": base[person], "arm": arm, "y": y[person, visit]}
    )


def analysed(frame: pd.DataFrame, covariance: str = "us"):
    from reports.statistics import mmrm

    fit = mmrm.fit(
        frame,
        outcome="y",
        subject="id",
        visit="month",
        fixed=FORMULA,
        reference={"arm": "unguided"},
        covariance=covariance,
        df="kenward-roger",
    )
    fit.contrasts("arm", by="month", reference="unguided")
    return fit


@part(sizes=((30, 3, 0.04),))
def mixed(sizes: tuple[tuple[int, int, float], ...] = SIZES) -> None:
    for each in sizes:
        _mixed(*each)


def _mixed(n: int, m: int, missing: float) -> None:
    frame = people(n, m, missing)
    patterns = len(analysed(frame).prepared.blocks.counts)
    seconds = median(lambda: analysed(frame))
    r = """
        d$v <- as.integer(factor(d$month)); d$month <- factor(d$month)
        nlme::gls(y ~ base + arm * month, d, correlation = nlme::corSymm(form = ~ v | id),
                  weights = nlme::varIdent(form = ~ 1 | month), method = "REML")"""
    compared = against("nlme", r, frame, seconds) if n <= 2000 and m < 10 else ""
    line(
        f"MMRM {n} x {m}, unstructured, Kenward-Roger, contrasts, {patterns} patterns",
        seconds,
        compared,
    )


@part(n=30)
def random_intercept(n: int = 500) -> None:
    frame = people(n, 5, 0.04)
    seconds = median(lambda: analysed(frame, "cs"))
    r = """
        d$month <- factor(d$month)
        f <- lmerTest::lmer(y ~ base + arm * month + (1 | id), d)
        print(coef(summary(f)))"""
    line(f"MMRM {n} x 5, compound symmetry", seconds, against("lmerTest", r, frame, seconds))


@part(n=30, m=3, jackknife=24)
def imputation(n: int = 100, m: int = 50, jackknife: int = 172) -> None:
    """Imputations and their pooling, beside mice; and conditional means with the jackknife."""
    from reports.statistics import multiple_imputation, reference_based

    frame = (
        people(n, 4, 0.1)
        .pivot_table(index=["id", "base", "arm"], columns="month", values="y")
        .reset_index()
    )
    frame.columns = [str(each) if str(each).isalpha() else f"y{each}" for each in frame.columns]
    names = ["base", *(each for each in frame.columns if each.startswith("y"))]

    def imputed() -> object:
        found = multiple_imputation.chained(
            frame, names, by="arm", m=m, generator=np.random.default_rng(1)
        )
        return multiple_imputation.regress(found, names[-1], "base + arm")

    seconds = median(imputed, 5)
    r = f'invisible(mice::mice(d[, -1], m = {m}, method = "norm", printFlag = FALSE))'
    what = f"{m} imputations of {n} people by chained equations, pooled"
    line(what, seconds, against("mice", r, frame, seconds))
    long = people(jackknife, 4, 0.1)
    whole = (
        long[["id", "base", "arm"]]
        .drop_duplicates()
        .merge(long[["month"]].drop_duplicates(), how="cross")
    )
    long = whole.merge(long, how="left")
    plan = reference_based.Plan(
        outcome="y",
        subject="id",
        visit="month",
        arm="arm",
        control="unguided",
        fixed="base * month + arm * month",
        adjustment="base",
    )
    for strategy in ("mar", "jump-to-reference"):
        seconds = median(
            lambda strategy=strategy: reference_based.conditional_mean(
                long, plan, strategies=strategy
            ),
            5,
        )
        line(f"Conditional means with jackknife, {jackknife} people, {strategy}", seconds)


@part(n=8, draws=50)
def rerandomised(n: int = 200, draws: int = 10_000) -> None:
    """The procedure run again so many times, the statistic of each included; `n` is a multiple of
    four.
    """
    from randomisation import methods
    from reports.statistics import rerandomisation

    rng = np.random.default_rng(1)
    outcome = rng.normal(size=n)
    strata = ["north", "east", "south", "west"] * (n // 4)
    pair = {"guided": 1, "unguided": 1}
    profiles = [
        {"site": site, "sex": sex}
        for site, sex in zip(strata, rng.choice(["m", "f"], n), strict=True)
    ]
    blocks = methods.build({"method": "permuted_blocks", "ratio": pair, "block_sizes": [4]})
    coin = methods.build(
        {"method": "minimisation", "ratio": pair, "factors": {"site": 1, "sex": 1}, "p": "0.8"}
    )
    asked = (
        (
            "blocks in 4 strata",
            {"rule": blocks, "strata": strata},
            blocks.sequences(n // 4, 4, rng).T.ravel(),
        ),
        (
            "minimisation over 2 factors",
            {"rule": coin, "profiles": profiles},
            coin.sequences(n, 1, rng, profiles)[0],
        ),
    )
    for what, given, codes in asked:
        arm = [list(pair)[k] for k in codes]
        for statistic in ("difference", "rank"):
            for name, do in (
                ("test", rerandomisation.test),
                ("interval", rerandomisation.interval),
            ):
                seconds = median(
                    lambda do=do, arm=arm, given=given, statistic=statistic: do(
                        outcome,
                        arm,
                        **given,
                        statistic=statistic,
                        draws=draws,
                        generator=np.random.default_rng(2),
                    ),
                    7,
                )
                line(f"Re-randomisation {name}, {n} people, {what}, {statistic}", seconds)


def stays(n: int) -> pd.DataFrame:
    """Times to leaving with a hazard that depends on arm and x, on days, so that many tie."""
    rng = np.random.default_rng(n)
    x, arm = rng.normal(size=n), np.arange(n) % 2
    leaves, seen = rng.exponential(60 / np.exp(0.5 * x - 0.3 * arm)), rng.uniform(0, 200, n)
    return pd.DataFrame(
        {"days": np.ceil(np.minimum(leaves, seen)), "left": leaves < seen, "x": x, "arm": arm}
    )


@part(n=60)
def hazards(n: int = 10_000) -> None:
    from reports.statistics import survival
    from reports.statistics.survival.concordance import concordance

    frame = stays(n)
    plan = {"time": "days", "event": "left", "formula": "x + arm"}
    fit = survival.cox(frame, **plan)
    seconds = median(lambda: survival.cox(frame, **plan), 5)
    r = 'survival::coxph(survival::Surv(days, left == "True") ~ x + arm, d)'
    line(f"Cox regression of {n} people", seconds, against("survival", r, frame, seconds))
    predictor = fit.x @ fit.beta
    seconds = median(lambda: concordance(fit.time, fit.event, predictor))
    r = 'survival::concordance(survival::Surv(days, left == "True") ~ p, d, reverse = TRUE)'
    line(
        f"Concordance of {n} people",
        seconds,
        against("survival", r, frame.assign(p=predictor), seconds),
    )


@part(n=30)
def equations(n: int = 2000) -> None:
    """Marginal models, beside geepack."""
    from reports.statistics import gee

    frame = people(n, 5, 0.1).assign(yes=lambda f: (f.y > f.y.median()).astype(float))
    for family, outcome in (("gaussian", "y"), ("binomial", "yes")):
        plan = {"outcome": outcome, "subject": "id", "fixed": FORMULA, "family": family}
        seconds = median(lambda plan=plan: gee.fit(frame, **plan), 7)
        r = (
            f"geepack::geeglm({outcome} ~ base + arm * month, family = {family}, d, id = id, "
            f'corstr = "exchangeable")'
        )
        line(f"GEE {n} x 5, {family}, exchangeable", seconds, against("geepack", r, frame, seconds))


@part(looks=3)
def boundaries(looks: int = 15) -> None:
    from reports.statistics import sequential

    fractions = [(look + 1) / looks for look in range(looks)]
    for kind in ("pocock", "obrien-fleming", "lan-demets-obrien-fleming"):
        design = sequential.boundary(kind, fractions)
        seconds = median(lambda kind=kind: sequential.boundary(kind, fractions), 5)
        line(f"Boundary {kind}, {looks} looks", seconds)
        seconds = median(lambda design=design: sequential.inflation(design, 0.9), 3)
        line(f"Its largest size for a power of .9, {looks} looks", seconds)


@part(alone=True, n=30)
def large(n: int = 100_000) -> None:
    """In a process of its own: its peak memory is that of one fit, the data frame and the
    interpreter with pandas.
    """
    frame = people(n, 5, 0.04)
    before = peak_memory()
    seconds = median(lambda: analysed(frame), 3)
    more = f"peak memory {peak_memory():.0f} MB, of which {before:.0f} MB before the fit"
    line(f"MMRM {n} x 5, unstructured, Kenward-Roger, contrasts", seconds, more)


def peak_memory() -> float:
    """MB of this process. Linux keeps it in /proc, where a large parent does not show through."""
    status = Path("/proc/self/status")
    if status.exists():
        return (
            next(
                int(row.split()[1])
                for row in status.read_text().splitlines()
                if row.startswith("VmHWM")
            )
            / 1024
        )
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1024 * (1024 if sys.platform == "darwin" else 1)
    )


@part(trials=4, cores=1)
def simulated(trials: int = 10_000, cores: int = 2) -> None:
    from reports.statistics import power_simulation

    trial = power_simulation.Trial(
        n=power_simulation.arms(200),
        means=((12, 11, 10, 10), (12, 10, 8, 7.8)),
        covariance=power_simulation.compound_symmetry(6.0, 0.6, VISITS),
        missing=(0.03,) * VISITS,
        leaving=power_simulation.Leaving(((0.05,) * VISITS, (0.08,) * VISITS), slope=0.3),
    )
    found = []

    def simulate() -> None:
        cores_here = min(cores, os.cpu_count() or 1)
        made = power_simulation.simulate(
            trial,
            power_simulation.Mmrm(),
            np.random.default_rng(1),
            trials=trials,
            cores=cores_here,
        )
        found.append(made)

    seconds = once(simulate)
    more = (
        f"power {found[0].power.value:.3f} ± {found[0].power.error:.3f}, {found[0].failures} "
        f"failures"
    )
    line(
        f"{trials} simulated trials of 200 x {VISITS} with the MMRM, on {cores} cores",
        seconds,
        more,
    )


@functools.cache
def r_packages() -> list[str]:
    code = (
        f"cat(Filter(function(p) requireNamespace(p, quietly = TRUE), "
        f"c({', '.join(map(repr, R_PACKAGES))})))"
    )
    try:
        return subprocess.run(
            ["Rscript", "-e", code], check=True, capture_output=True, text=True
        ).stdout.split()
    except (FileNotFoundError, subprocess.CalledProcessError):
        return []


def against(package: str, code: str, frame: pd.DataFrame, seconds: float) -> str:
    if package not in r_packages():
        return f"R's {package}: absent"
    taken = r_seconds(code, frame)
    return (
        f"R's {package}: failed or too slow"
        if taken is None
        else f"{taken / seconds:.0f} times as fast as R's {package}"
    )


def r_seconds(code: str, frame: pd.DataFrame) -> float | None:
    """The median of three runs in R, reading the data not counted; None where it fails or takes too
    long.
    """
    with tempfile.TemporaryDirectory(prefix="handvat-bench-") as directory:
        frame.to_csv(f"{directory}/data.csv", index=False)
        script = Path(directory) / "run.R"
        script.write_text(
            f'data <- read.csv("{directory}/data.csv", stringsAsFactors = TRUE)\n'
            f"one <- function() system.time({{ d <- data\n{code}\n}})[[3]]\n"
            "taken <- replicate(3, one())\n"
            'cat("\\nseconds", median(taken), "\\n")\n'
        )
        try:
            done = subprocess.run(
                ["Rscript", str(script)],
                check=True,
                capture_output=True,
                text=True,
                timeout=R_LONGEST,
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return None
    return float(done.stdout.rsplit("seconds", 1)[1])


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["here", *arguments]:
            sys.exit(measure(arguments))
        case ["large"]:  # as the bench starts it, without R
            sys.exit(large())
        case arguments:
            sys.exit(main(arguments))
