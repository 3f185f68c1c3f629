"""The part of `make bench` about the statistics: medians, and how many times faster than R where R is installed.

Alone: `python -m tests.bench_statistics`. Everything is timed on one core but the simulated trials, design building included.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
FORMULA = "base + arm * month"
TRIALS, VISITS = 10_000, 4
# People, visits, and the chance that a visit is missing: from then on (dropout) or, with ten visits, each by itself.
SIZES = ((200, 4, 0.04), (500, 5, 0.04), (2000, 5, 0.04), (10_000, 5, 0.04), (1000, 10, 0.08))
R_LONGEST = 600  # seconds
R_PACKAGES = ("nlme", "lmerTest", "mice")


def main() -> int:
    """In a process of its own, so that linear algebra keeps to one thread."""
    environment = {**os.environ, **ONE_THREAD}
    return subprocess.run([sys.executable, "-m", "tests.bench_statistics", "all"], cwd=ROOT, env=environment).returncode


def measure() -> None:
    present = r_packages()
    absent = [each for each in R_PACKAGES if each not in present]
    print(f"R: {'with ' + ', '.join(present) if present else 'no Rscript with these packages'}", end="")
    print(f"; absent: {', '.join(absent)}" if absent else "")
    line("import reports.statistics.mmrm, in a fresh interpreter", import_time())
    for n, m, missing in SIZES:
        mixed(n, m, missing, present)
    random_intercept(present)
    imputation(present)
    rerandomised()
    large = subprocess.run(
        [sys.executable, "-m", "tests.bench_statistics", "large"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    print(large.stdout, end="", flush=True)
    trials()


def line(what: str, seconds: float, more: str = "") -> None:
    print(f"{what:<70} {seconds * 1000:9.1f} ms  {more}", flush=True)


def median(do: Callable[[], object], times: int = 15) -> float:
    do()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        do()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def import_time() -> float:
    code = (
        "import time; began = time.perf_counter(); import reports.statistics.mmrm; print(time.perf_counter() - began)"
    )
    runs = [subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True) for _ in range(5)]
    return statistics.median(float(each.stdout) for each in runs)


def people(n: int, m: int, missing: float) -> pd.DataFrame:
    """A simulated trial, a row for every visit that took place."""
    rng = np.random.default_rng(n + m)
    base, guided = rng.normal(20, 5, n), np.arange(n) % 2
    y = 0.5 * base[:, None] + rng.normal(0, 3, (n, 1)) + rng.normal(0, 3, (n, m)) - 0.4 * np.arange(m) * guided[:, None]
    gone = rng.random((n, m)) < missing
    if m < 10:
        gone = np.logical_or.accumulate(gone, axis=1)
    person, visit = np.nonzero(~gone)
    arm = np.where(guided, "guided", "unguided")[person]
    return pd.DataFrame({"id": person, "month": visit + 1, "base": base[person], "arm": arm, "y": y[person, visit]})


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


def mixed(n: int, m: int, missing: float, present: list[str]) -> None:
    frame = people(n, m, missing)
    patterns = len(analysed(frame).prepared.blocks.counts)
    seconds = median(lambda: analysed(frame))
    r = """
        d$v <- as.integer(factor(d$month)); d$month <- factor(d$month)
        nlme::gls(y ~ base + arm * month, d, correlation = nlme::corSymm(form = ~ v | id),
                  weights = nlme::varIdent(form = ~ 1 | month), method = "REML")"""
    compared = against("nlme", r, frame, seconds, present) if n <= 2000 and m < 10 else ""
    line(f"MMRM {n} x {m}, unstructured, Kenward-Roger, contrasts, {patterns} patterns", seconds, compared)


def random_intercept(present: list[str]) -> None:
    frame = people(500, 5, 0.04)
    seconds = median(lambda: analysed(frame, "cs"))
    r = """
        d$month <- factor(d$month)
        f <- lmerTest::lmer(y ~ base + arm * month + (1 | id), d)
        print(coef(summary(f)))"""
    line("MMRM 500 x 5, compound symmetry", seconds, against("lmerTest", r, frame, seconds, present))


def imputation(present: list[str]) -> None:
    """Fifty imputations and their pooling, beside mice; and conditional means with the jackknife of 172 people."""
    from reports.statistics import multiple_imputation, reference_based

    frame = people(100, 4, 0.1).pivot_table(index=["id", "base", "arm"], columns="month", values="y").reset_index()
    frame.columns = [str(each) if str(each).isalpha() else f"y{each}" for each in frame.columns]
    names = ["base", *(each for each in frame.columns if each.startswith("y"))]

    def imputed() -> object:
        found = multiple_imputation.chained(frame, names, by="arm", m=50, generator=np.random.default_rng(1))
        return multiple_imputation.regress(found, names[-1], "base + arm")

    seconds = median(imputed, times=5)
    r = 'invisible(mice::mice(d[, -1], m = 50, method = "norm", printFlag = FALSE))'
    line(
        "50 imputations of 100 people by chained equations, pooled",
        seconds,
        against("mice", r, frame, seconds, present),
    )
    long = people(172, 4, 0.1)
    whole = long[["id", "base", "arm"]].drop_duplicates().merge(long[["month"]].drop_duplicates(), how="cross")
    long = whole.merge(long, how="left")
    plan = {"outcome": "y", "subject": "id", "visit": "month", "arm": "arm", "control": "unguided"}
    for strategy in ("mar", "jump-to-reference"):
        seconds = median(
            lambda strategy=strategy: reference_based.conditional_mean(
                long, fixed="base * month + arm * month", adjustment="base", strategies=strategy, **plan
            ),
            times=5,
        )
        line(f"Conditional means with jackknife, 172 people, {strategy}", seconds)


def rerandomised() -> None:
    """The procedure run again 10 000 times for 200 people, the statistic of each included."""
    from randomisation import methods
    from reports.statistics import rerandomisation

    rng = np.random.default_rng(1)
    outcome, strata, pair = rng.normal(size=200), ["north", "east", "south", "west"] * 50, {"guided": 1, "unguided": 1}
    profiles = [{"site": site, "sex": sex} for site, sex in zip(strata, rng.choice(["m", "f"], 200), strict=True)]
    blocks = methods.build({"method": "permuted_blocks", "ratio": pair, "block_sizes": [4]})
    coin = methods.build({"method": "minimisation", "ratio": pair, "factors": {"site": 1, "sex": 1}, "p": "0.8"})
    asked = (
        ("blocks in 4 strata", {"rule": blocks, "strata": strata}, blocks.sequences(50, 4, rng).T.ravel()),
        (
            "minimisation over 2 factors",
            {"rule": coin, "profiles": profiles},
            coin.sequences(200, 1, rng, profiles)[0],
        ),
    )
    for what, given, codes in asked:
        arm = [list(pair)[k] for k in codes]
        for statistic in ("difference", "rank"):
            for name, do in (("test", rerandomisation.test), ("interval", rerandomisation.interval)):
                seconds = median(
                    lambda do=do, arm=arm, given=given, statistic=statistic: do(
                        outcome, arm, **given, statistic=statistic, generator=np.random.default_rng(2)
                    ),
                    times=7,
                )
                line(f"Re-randomisation {name}, 200 people, {what}, {statistic}", seconds)


def large() -> None:
    """In a process of its own: its peak memory is that of one fit, the data frame and the interpreter with pandas."""
    frame = people(100_000, 5, 0.04)
    before = peak_memory()
    seconds = median(lambda: analysed(frame), times=3)
    more = f"peak memory {peak_memory():.0f} MB, of which {before:.0f} MB before the fit"
    line("MMRM 100000 x 5, unstructured, Kenward-Roger, contrasts", seconds, more)


def peak_memory() -> float:
    """MB of this process. Linux keeps it in /proc, where a large parent does not show through."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(row.split()[1]) for row in status.read_text().splitlines() if row.startswith("VmHWM")) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 * (1024 if sys.platform == "darwin" else 1))


def trials() -> None:
    from reports.statistics import power_simulation

    trial = power_simulation.Trial(
        n=power_simulation.arms(200),
        means=((12, 11, 10, 10), (12, 10, 8, 7.8)),
        covariance=power_simulation.compound_symmetry(6.0, 0.6, VISITS),
        missing=(0.03,) * VISITS,
        leaving=power_simulation.Leaving(((0.05,) * VISITS, (0.08,) * VISITS), slope=0.3),
    )
    began = time.perf_counter()
    found = power_simulation.simulate(
        trial, power_simulation.Mmrm(), np.random.default_rng(1), trials=TRIALS, cores=min(2, os.cpu_count() or 1)
    )
    more = f"power {found.power.value:.3f} ± {found.power.error:.3f}, {found.failures} failures"
    line(f"{TRIALS} simulated trials of 200 x {VISITS} with the MMRM, two cores", time.perf_counter() - began, more)


def r_packages() -> list[str]:
    code = f"cat(Filter(function(p) requireNamespace(p, quietly = TRUE), c({', '.join(map(repr, R_PACKAGES))})))"
    try:
        return subprocess.run(["Rscript", "-e", code], check=True, capture_output=True, text=True).stdout.split()
    except (FileNotFoundError, subprocess.CalledProcessError):
        return []


def against(package: str, code: str, frame: pd.DataFrame, seconds: float, present: list[str]) -> str:
    if package not in present:
        return f"R's {package}: absent"
    taken = r_seconds(code, frame)
    return (
        f"R's {package}: failed or too slow"
        if taken is None
        else f"{taken / seconds:.0f} times as fast as R's {package}"
    )


def r_seconds(code: str, frame: pd.DataFrame) -> float | None:
    """The median of three runs in R, reading the data not counted; None where it fails or takes too long."""
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
                ["Rscript", str(script)], check=True, capture_output=True, text=True, timeout=R_LONGEST
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return None
    return float(done.stdout.rsplit("seconds", 1)[1])


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["all"]:
            measure()
        case ["large"]:
            large()
        case ["rerandomised"]:
            rerandomised()
        case _:
            sys.exit(main())
