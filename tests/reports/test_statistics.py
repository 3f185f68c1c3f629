"""The statistics against numbers made elsewhere: R (reference/README.md), published intervals,
Metapsy.
"""

import csv
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.statistics import (
    ancova,
    descriptives,
    effect_sizes,
    multiplicity,
    proportions,
    reliable_change,
    survival,
)

HERE = Path(__file__).parent / "reference"
REFERENCE = json.loads((HERE / "simple.json").read_text())
VISITS = ["bdi_2m", "bdi_3m", "bdi_5m", "bdi_8m"]


def close(value, expected, tolerance=1e-9):
    return value == pytest.approx(expected, rel=tolerance, abs=1e-12)


def btheb():
    with open(HERE / "BtheB_wide.csv") as file:
        rows = list(csv.DictReader(file))
    number = {
        key: [None if row[key] == "NA" else float(row[key]) for row in rows]
        for key in rows[0]
        if "bdi" in key
    }
    return rows, {key.replace(".", "_"): values for key, values in number.items()}


def people(rows, key):
    return [row[key] for row in rows]


@pytest.mark.parametrize("visit", VISITS)
def test_ancova_is_that_of_lm(visit):
    rows, scores = btheb()
    expected = REFERENCE["ancova"][visit]
    covariates = {"drug": people(rows, "drug"), "length": people(rows, "length")}
    fit = ancova.fit(scores[visit], scores["bdi_pre"], people(rows, "treatment"), covariates)
    difference = fit.difference("TAU", "BtheB")
    assert (fit.n, fit.df) == (expected["n"], expected["df_resid"])
    assert close(fit.sigma, expected["sigma"])
    # The reference counts TAU as zero, so its coefficient is BtheB minus TAU.
    assert close(-difference.estimate, expected["coef"]["treatmentBtheB"])
    assert close(difference.se, expected["se"]["treatmentBtheB"])
    assert close(-difference.upper, expected["ci_lo"]["treatmentBtheB"])
    assert close(-difference.lower, expected["ci_hi"]["treatmentBtheB"])
    assert close(difference.p, expected["p"]["treatmentBtheB"])
    assert difference.n1 + difference.n2 == fit.n


def test_a_third_arm_is_in_the_same_model_and_every_contrast_follows_from_it():
    baseline = [1.0, 2, 3, 4, 5, 6, 7, 8, 9]
    outcome = [2.0, 3, 5, 4, 7, 6, 9, 8, 12]
    arms = ["a", "b", "c"] * 3
    fit = ancova.fit(outcome, baseline, arms)
    ab = fit.difference("a", "b")
    bc = fit.difference("b", "c")
    ac = fit.difference("a", "c")
    assert close(ab.estimate + bc.estimate, ac.estimate)
    assert fit.df == 5


@pytest.mark.parametrize(
    ("outcome", "arms", "message"),
    [
        ([1.0, 2, 3], ["a", "b", "a"], "3 people are too few for 3 coefficients"),
        ([None, None], ["a", "b"], "nobody has all values"),
        ([1.0, 2, 3, 4.5], ["a", "a", "a", "a"], "nobody in arm b has all values"),
        ([5.0, 5, 5, 5], ["a", "b", "a", "b"], "the outcome does not vary around the model"),
        ([0.0, 0, 0, 0], ["a", "b", "a", "b"], "the outcome does not vary around the model"),
        ([2.0, 1, 5, 4], ["a", "b", "a", "b"], "the outcome does not vary around the model"),
    ],
)
def test_what_cannot_be_estimated_is_refused_with_the_reason(outcome, arms, message):
    with pytest.raises(ancova.NotEstimable, match=message):
        ancova.fit(outcome, [2.0, 1.0, 5.0, 4.0][: len(arms)], arms).difference("a", "b")


def test_a_covariate_that_repeats_the_arm_is_refused():
    with pytest.raises(ancova.NotEstimable, match="cannot be told apart"):
        ancova.fit([1.0, 2, 4, 3, 6], [2.0, 1, 5, 4, 4], list("ababa"), {"site": list("xyxyx")})


@pytest.mark.parametrize("same", [7.0, 0.0, 0.1, 1 / 3, 1e-5, 1e8 + 0.1])
def test_a_baseline_that_does_not_vary_is_dropped_and_the_rest_is_student_s_test(same):
    """As R's lm drops it. Student's t by hand: means 4 and 7, pooled variance 4, so 3 / sqrt(4 (1/3
    + 1/3)).
    """
    fit = ancova.fit([2.0, 4, 6, 5, 7, 9], [same] * 6, list("aaabbb"))
    d = fit.difference("b", "a")
    assert close(d.estimate, 3.0)
    assert close(d.se, math.sqrt(8 / 3))
    assert d.df == 4
    assert (fit.names, fit.adjusted_for, fit.dropped) == (("intercept", "arm=b"), (), ("baseline",))


def test_a_covariate_that_follows_from_another_is_dropped_and_named():
    """As R's lm: the later one is NA. The rest is the model without it."""
    outcome, baseline, arms = [1.0, 2, 4, 3, 6, 5], [2.0, 1, 5, 4, 4, 1], list("ababab")
    weeks = [3.0, 1, 2, 2, 5, 4]
    days = [7 * each for each in weeks]
    fit = ancova.fit(outcome, baseline, arms, {"weeks": weeks, "days": days, "country": ["nl"] * 6})
    without = ancova.fit(outcome, baseline, arms, {"weeks": weeks})
    assert fit.difference("a", "b") == without.difference("a", "b")
    assert (fit.adjusted_for, fit.dropped) == (("baseline", "weeks"), ("days", "country"))


def test_a_baseline_far_from_zero_keeps_its_digits():
    """Moving the baseline moves the intercept alone: the difference and its error are those of the
    baseline itself.
    """
    outcome, baseline, arms = [1.0, 2, 4, 3, 6, 5], [2.0, 1, 5, 4, 4, 1], list("ababab")
    near, far = (ancova.fit(outcome, [b + by for b in baseline], arms) for by in (0, 2.0**40))
    assert close(far.difference("a", "b").estimate, near.difference("a", "b").estimate)
    assert close(far.difference("a", "b").se, near.difference("a", "b").se)
    assert close(far.coefficients[0], near.coefficients[0] - 2.0**40 * near.coefficients[1])


# Sources: van Luenen et al. 2018, published d with its interval; n = 97 and 91.
@pytest.mark.parametrize(
    ("d", "lower", "upper"),
    [
        (-0.56, -0.85, -0.27),
        (-0.46, -0.75, -0.17),
        (-0.72, -1.02, -0.42),
        (-0.47, -0.76, -0.18),
    ],
)
def test_the_published_intervals_come_out_to_the_printed_digit(d, lower, upper):
    # 1.0149 rounds to 1.01 where the paper prints 1.02, hence half a unit more than rounding
    # allows.
    assert effect_sizes.large_sample_interval(d, 97, 91) == pytest.approx(
        (lower, upper), abs=0.0055
    )


# Source: the two rows of van Luenen 2018 in Metapsy's table of trials (DOI 10.5281/zenodo.7254845).
@pytest.mark.parametrize(
    ("first", "second", "g", "se"),
    [
        ((6.73, 3.00, 97), (8.60, 3.12, 91), -0.608911785995219, 0.14930639923648),
        ((13.94, 6.39, 97), (19.09, 7.05, 91), -0.763563636410358, 0.15120019020192),
    ],
)
def test_the_metapsy_rows_come_out_to_twelve_digits(first, second, g, se):
    effect = effect_sizes.hedges_g(*first, *second, kind=effect_sizes.APPROXIMATE)
    assert effect.value == pytest.approx(g, rel=1e-12)
    assert effect.se == pytest.approx(se, rel=1e-12)


@pytest.mark.parametrize("visit", VISITS)
def test_hedges_g_is_that_of_the_reference(visit):
    e = REFERENCE["effect_sizes"][visit]
    effect = effect_sizes.hedges_g(e["mean1"], e["sd1"], e["n1"], e["mean2"], e["sd2"], e["n2"])
    assert close(effect.value, e["g"])
    assert close(effect.recipe.sd, e["sd_pooled"])
    assert close(effect.se, e["d_se_borenstein"])


def test_an_unadjusted_difference_standardised_is_hedges_g():
    e = REFERENCE["effect_sizes"]["bdi_2m"]
    n1, n2, sd = e["n1"], e["n2"], e["sd_pooled"]
    plain = effect_sizes.hedges_g(e["mean1"], e["sd1"], n1, e["mean2"], e["sd2"], n2)
    se = sd * math.sqrt(1 / n1 + 1 / n2)
    effect = effect_sizes.standardise(
        e["mean1"] - e["mean2"],
        se,
        sd,
        n1 + n2,
        n1 + n2 - 2,
        standardiser="post",
        adjustment="none",
        n1=n1,
        n2=n2,
    )
    assert (effect.value, effect.lower, effect.upper) == pytest.approx(
        (plain.value, plain.lower, plain.upper)
    )


@pytest.mark.parametrize("arm", ["TAU", "BtheB"])
def test_reliable_change_is_that_of_the_reference(arm):
    rows, scores = btheb()
    expected = REFERENCE["rci"][arm]
    # The reference's parameters: reliability .88 and the SD of all 100 baselines; recovered are
    # improved too.
    threshold = reliable_change.jacobson_truax(float(np.std(scores["bdi_pre"], ddof=1)), 0.88)
    pairs = [
        (before, after)
        for row, before, after in zip(rows, scores["bdi_pre"], scores["bdi_8m"], strict=True)
        if row["treatment"] == arm and after is not None
    ]
    result = reliable_change.count(*zip(*pairs, strict=True), threshold)
    counts = expected["counts"]
    assert close(threshold, expected["rc_threshold"])
    assert result.improved == counts["recovered"] + counts["improved"]
    assert (result.deteriorated, result.unchanged) == (
        counts["deteriorated"],
        counts["unchanged"],
    )


def test_jacobson_and_truax_worked_example():
    # Jacobson and Truax 1991: SD 7.5, reliability .80, S_diff 4.74 (from S_E rounded to 3.35),
    # change 15 is RC 3.16.
    assert 15 / (reliable_change.jacobson_truax(7.5, 0.80) / 1.96) == pytest.approx(3.16, abs=0.005)


def test_where_higher_is_better_a_rise_is_improvement():
    assert reliable_change.classify(
        [10, 10, 10], [16, 4, 12], 5, reliable_change.HIGHER_BETTER
    ) == [
        "improved",
        "deteriorated",
        "unchanged",
    ]


def curve_rows(curve, strata):
    return [
        {
            "strata": strata,
            "time": s.time,
            "n_risk": s.at_risk,
            "surv": s.survival,
            "se": s.se,
            "lo": s.lower,
            "hi": s.upper,
        }
        for s in curve.steps
    ]


def btheb_dropout(arm):
    rows, scores = btheb()
    months, keys = [2, 3, 5, 8], VISITS
    times, events = [], []
    for i, row in enumerate(rows):
        if row["treatment"] != arm:
            continue
        seen = [scores[key][i] is not None for key in keys]
        last = max((j for j, s in enumerate(seen) if s), default=-1)
        events.append(last < 3)
        times.append(months[last + 1] if last < 3 else 8)
    return survival.kaplan_meier(times, events)


@pytest.mark.parametrize(("number", "arm"), [(0, "TAU"), (1, "BtheB")])
def test_kaplan_meier_of_dropout_is_that_of_survfit(number, arm):
    curve = btheb_dropout(arm)
    strata = f"treatment={arm}"
    expected = [
        row
        for row in REFERENCE["btheb_dropout"]["km_loglog"]
        if row["strata"] == strata and row["surv"] < 1
    ]
    for got, want in zip(curve_rows(curve, strata), expected, strict=True):
        assert got == {
            key: pytest.approx(v, rel=1e-9) if key != "strata" else v for key, v in want.items()
        }
    quantiles = REFERENCE["btheb_dropout"]["quantiles"]
    assert curve.median == survival.Quantile(
        *[quantiles[k]["50"][number] for k in ("quantile", "lower", "upper")]
    )


@pytest.mark.parametrize("arm", ["0", "1"])
def test_kaplan_meier_of_many_times_is_that_of_survfit(arm):
    with open(HERE / "sim_survival.csv") as file:
        rows = [row for row in csv.DictReader(file) if row["arm"] == arm]
    curve = survival.kaplan_meier(
        [float(r["time"]) for r in rows], [r["event"] == "1" for r in rows]
    )
    quantiles = REFERENCE["simulated_survival"]["quantiles"]
    got = (curve.median.value, curve.median.lower, curve.median.upper)
    assert got == tuple(quantiles[k]["50"][int(arm)] for k in ("quantile", "lower", "upper"))
    for want in (
        r for r in REFERENCE["simulated_survival"]["km_loglog"] if r["strata"] == f"arm={arm}"
    ):
        step = curve.at(want["time"])
        assert (step.survival, step.lower, step.upper) == pytest.approx(
            (want["surv"], want["lo"], want["hi"]), rel=1e-9
        )


def test_a_curve_that_is_half_exactly_has_its_median_in_the_middle_of_the_flat():
    # R 4.2.2, survival 3.5-3: median of survfit(Surv(c(1, 2, 3, 4), c(1, 1, 1, 1)) ~ 1) is 2.5.
    assert survival.kaplan_meier([1, 2, 3, 4], [True] * 4).median.value == 2.5


@pytest.mark.parametrize("table", REFERENCE["two_by_two"], ids=lambda t: t["label"][:20])
def test_wilson_intervals_are_those_of_the_reference(table):
    for x, n, key in (
        (table["x1"], table["n1"], "wilson1"),
        (table["x2"], table["n2"], "wilson2"),
    ):
        result = proportions.share(x, n)
        assert (result.lower, result.upper) == pytest.approx(tuple(table[key]), rel=1e-9, abs=1e-12)


def test_baseline_columns_are_those_of_the_reference():
    rows, scores = btheb()
    arms = {
        arm: [s for row, s in zip(rows, scores["bdi_pre"], strict=True) if row["treatment"] == arm]
        for arm in ("TAU", "BtheB")
    }
    expected = REFERENCE["baseline_btheb"]
    for arm, values in arms.items():
        got, want = descriptives.describe(values), expected["bdi_pre"][arm]
        assert (got.n, got.mean, got.sd, got.median) == pytest.approx(
            tuple(want[k] for k in ("n", "mean", "sd", "median"))
        )
        assert (got.q1, got.q3, got.minimum, got.maximum) == (
            want["q1_type7"],
            want["q3_type7"],
            want["min"],
            want["max"],
        )
    assert close(
        descriptives.standardised_difference(arms["BtheB"], arms["TAU"]),
        expected["bdi_pre"]["smd"],
    )
    for name in ("drug", "length"):
        counts = expected[name]["counts"]
        got = descriptives.standardised_difference_of_counts(counts["BtheB"], counts["TAU"])
        assert close(got, expected[name]["smd_yang_dalton"])


def test_holm_is_that_of_the_worked_example():
    # Step down by hand: .01 x 4, then max(.04, .02 x 3), max(.06, .03 x 2), max(.06, .04 x 1).
    assert multiplicity.holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_keeps_the_order_and_never_makes_p_smaller(p):
    adjusted = multiplicity.holm(p)
    assert all(a >= b for a, b in zip(adjusted, p, strict=True))
    assert [a for _, a in sorted(zip(p, adjusted, strict=True))] == sorted(adjusted)


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=60))
def test_a_curve_only_falls_and_stays_inside_its_interval(people):
    curve = survival.kaplan_meier(*zip(*people, strict=True))
    levels = [step.survival for step in curve.steps]
    assert levels == sorted(levels, reverse=True)
    inside = [step for step in curve.steps if step.lower is not None]
    assert all(
        step.lower <= step.survival + 1e-12 and step.survival <= step.upper + 1e-12
        for step in inside
    )


def test_the_statistics_import_neither_django_nor_anything_slow():
    code = (
        "import sys, importlib\n"
        "for m in ('ancova baseline descriptives effect_sizes logistic mediation missingness "
        "moderation multiplicity '\n"
        "          'proportions reliable_change responders survival t_tests').split():\n"
        "    importlib.import_module('reports.statistics.' + m)\n"
        "print(sorted({'django', 'scipy', 'statsmodels', 'matplotlib', 'pandas'} & "
        "set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_nothing_is_said_of_a_time_after_the_last_person_followed():
    curve = survival.kaplan_meier([2, 5, 9], [True, False, False])
    assert curve.at(1).survival == 1.0
    assert curve.at(9).survival == pytest.approx(2 / 3)
    assert curve.at(9.5) is None


def test_where_all_have_stopped_nobody_is_left_later():
    assert survival.kaplan_meier([2, 5], [True, True]).at(30).survival == 0.0
