"""Effect sizes against R (results/02_simple.json), the published intervals, Metapsy's rows and
their laws.
"""

import math
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad
from scipy.special import ndtr

from reports.statistics import distributions, effect_sizes
from reports.statistics.distributions import noncentrality_interval
from reports.statistics.model_frame import NotEstimable

from .reference import own, results

SIMPLE = results("02_simple")
VISITS = ["bdi_2m", "bdi_3m", "bdi_5m", "bdi_8m"]


def close(expected, tolerance=1e-9):
    return pytest.approx(expected, rel=tolerance)


def groups(outcome):
    frame = own("BtheB_wide").rename(columns=lambda name: name.replace(".", "_"))
    visit = outcome.removesuffix("_change")
    frame = frame.dropna(subset=[visit])
    values = frame[visit] - frame.bdi_pre if outcome.endswith("_change") else frame[visit]
    return [values[frame.treatment == arm].to_numpy() for arm in ("BtheB", "TAU")]


@pytest.mark.parametrize("outcome", SIMPLE["effect_sizes"])
def test_effects_between_groups_are_those_of_the_reference(outcome):
    e, (first, second) = SIMPLE["effect_sizes"][outcome], groups(outcome)
    d = effect_sizes.between(first, second, correction="none")
    g = effect_sizes.between(first, second)
    assert (len(first), len(second)) == (e["n1"], e["n2"])
    assert d.difference.difference == close(e["mean1"] - e["mean2"])
    assert (d.effect.value, d.effect.lower, d.effect.upper) == close((e["d"], *e["d_ci_nct"]))
    assert (g.effect.value, g.effect.lower, g.effect.upper) == close((e["g"], *e["g_ci_nct"]))
    assert (g.effect.recipe.sd, g.effect.se) == close((e["sd_pooled"], e["d_se_borenstein"]))
    assert d.probability_of_superiority == close(e["auc_prob_superiority"])
    glass = effect_sizes.between(
        first, second, standardiser="second", correction="none", interval="large-sample"
    )
    assert glass.effect.value == close(e["glass_delta_sd2"])
    df = e["n1"] + e["n2"] - 2
    assert effect_sizes.hedges_correction(df) == close(e["J_exact"])
    assert effect_sizes.hedges_correction(df, "approximate") == close(e["J_approx"])


@pytest.mark.parametrize("outcome", SIMPLE["effect_sizes"])
def test_both_standard_errors_are_those_of_the_reference(outcome):
    e = SIMPLE["effect_sizes"][outcome]
    moments = [e[key] for key in ("mean1", "sd1", "n1", "mean2", "sd2", "n2")]
    assert effect_sizes.from_moments(*moments, se="hedges-olkin").se == close(
        e["g_se_hedges_olkin"]
    )
    assert effect_sizes.from_moments(*moments, se="borenstein").se == close(e["d_se_borenstein"])


@pytest.mark.parametrize("arm", ["BtheB", "TAU"])
@pytest.mark.parametrize("visit", VISITS)
def test_effects_within_a_group_are_those_of_the_reference(visit, arm):
    frame = own("BtheB_wide").rename(columns=lambda name: name.replace(".", "_"))
    frame = frame[frame.treatment == arm].dropna(subset=[visit])
    pair, e = (frame.bdi_pre, frame[visit]), SIMPLE["within_effect"][visit][arm]
    for standardiser, key in zip(
        effect_sizes.WITHIN, ("d_z", "d_av", "d_rm", "d_pre_sd"), strict=True
    ):
        assert effect_sizes.within(*pair, standardiser=standardiser).effect.value == close(e[key])
    found = effect_sizes.within(*pair)
    assert (found.effect.recipe.n1, found.sd, found.correlation) == close(
        (e["n"], e["sd_change"], e["r"])
    )
    assert (found.difference.difference, found.difference.t) == close(
        (e["mean_change"], e["paired_t"])
    )
    assert found.difference.p == close(e["paired_p"])
    assert (found.effect.lower, found.effect.upper) == close(tuple(e["d_z_ci_nct"]))
    assert effect_sizes.within(*pair, correction="exact").effect.value == close(e["g_z"])


# van Luenen et al. 2018, published d with its interval, of all 97 and 91 people randomised (FACTS
# 1.7).
@pytest.mark.parametrize(
    ("d", "lower", "upper"),
    [
        (-0.56, -0.852, -0.268),
        (-0.46, -0.750, -0.170),
        (-0.72, -1.015, -0.425),
        (-0.47, -0.760, -0.180),
    ],
)
def test_the_published_intervals_come_out(d, lower, upper):
    found = effect_sizes.large_sample_interval(d, 97, 91)
    assert (round(found[0], 3), round(found[1], 3)) == (lower, upper)


# The two rows of van Luenen 2018 in Metapsy's table of trials (DOI 10.5281/zenodo.7254845).
@pytest.mark.parametrize(
    ("moments", "g", "se"),
    [
        ((6.73, 3.00, 97, 8.60, 3.12, 91), -0.608911785995219, 0.14930639923648),
        ((13.94, 6.39, 97, 19.09, 7.05, 91), -0.763563636410358, 0.15120019020192),
    ],
)
def test_the_metapsy_rows_come_out_to_twelve_digits(moments, g, se):
    effect = effect_sizes.from_moments(*moments, correction="approximate", interval="large-sample")
    assert effect.value == pytest.approx(g, rel=1e-12)
    assert effect.se == pytest.approx(se, rel=1e-12)


# FACTS 1.7, the whole table: PHQ-9 at post 1 and 2 and CES-D at post 1, from published means and
# SDs, by standardiser. Each is (mean before, SD, mean after, SD) of the intervention, the same of
# the control arm, and d by recipe.
PUBLISHED = {
    "PHQ-9 post 1": (
        (11.74, 2.49, 6.73, 3.00),
        (11.11, 2.37, 8.60, 3.12),
        (-0.61, -0.61, -0.77, -0.60, -0.68, -0.59, -1.03, -0.82),
    ),
    "PHQ-9 post 2": (
        (11.74, 2.49, 6.62, 3.03),
        (11.11, 2.37, 8.06, 3.17),
        (-0.46, -0.46, -0.59, -0.45, -0.52, -0.45, -0.85, -0.67),
    ),
    "CES-D post 1": (
        (24.91, 5.93, 13.94, 6.39),
        (22.94, 6.48, 19.09, 7.05),
        (-0.77, -0.76, -0.83, -0.73, -0.80, -0.72, -1.15, -1.06),
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_means_give_another_d_by_every_other_recipe(name):
    (before1, sd_before1, after1, sd1), (before2, sd_before2, after2, sd2), expected = PUBLISHED[
        name
    ]
    baseline = math.sqrt((96 * sd_before1**2 + 90 * sd_before2**2) / 186)
    post = math.sqrt((96 * sd1**2 + 90 * sd2**2) / 186)
    apart = 97 * 91 / 188 * (after1 - after2) ** 2
    total = math.sqrt((186 * post**2 + apart) / 187)
    moments = (after1, sd1, 97, after2, sd2, 91)

    def by(difference, sd):
        how = {"standardiser": "SD", "adjustment": "none", "n1": 97, "n2": 91}
        return effect_sizes.standardise(difference, 0.4, sd, 188, 10**9, **how).value

    difference = after1 - after2
    found = (
        effect_sizes.from_moments(*moments, correction="none").value,
        effect_sizes.from_moments(*moments).value,
        by(difference, baseline),
        effect_sizes.glass_delta(*moments).value,
        by(difference, (baseline + post) / 2),
        by(difference, total),
        by(difference - (before1 - before2), baseline),
        by(difference - (before1 - before2), post),
    )
    assert tuple(round(each, 2) for each in found) == expected


def test_an_effect_prints_its_recipe():
    effect = effect_sizes.from_moments(6.73, 3.00, 97, 8.60, 3.12, 91, interval="large-sample")
    assert str(effect) == (
        "-0.61 (-0.90 to -0.32) [standardiser: pooled SD of the two groups = 3.05865; adjustment: "
        "none; n: 97 and 91; "
        "correction: Hedges J (exact); interval: large sample, normal]"
    )
    alone = effect_sizes.within([3, 4, 6], [1, 3, 2]).effect
    assert "n: 3; correction: none; interval: noncentral t" in str(alone)


@pytest.mark.parametrize("t", [100.0, 1000.0])
def test_with_one_degree_of_freedom_the_limits_of_the_noncentrality_lie_far_out_and_are_found(t):
    lower, upper = distributions.noncentrality_interval(t, 1, 0.9999)
    assert upper - t > 6 + 2 * t
    assert stats.nct.cdf(t, 1, upper) == pytest.approx(0.00005, rel=0.02)
    assert lower < 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: effect_sizes.from_moments(1, 0, 5, 2, 0, 5), NotEstimable, "no spread"),
        (lambda: effect_sizes.from_moments(1, 1, 1, 2, 1, 1), NotEstimable, "too small"),
        (
            lambda: effect_sizes.between([1, 2, 4], [2, 3], standardiser="first"),
            ValueError,
            "not known",
        ),
        (
            lambda: effect_sizes.between([1, 2, 4], [2, 3], standardiser="second"),
            ValueError,
            "large-sample",
        ),
        (lambda: effect_sizes.between([1, 2, 4], [2, 3], correction="j"), ValueError, "not known"),
        (lambda: effect_sizes.between([1, 2, 4], [2, 3], interval="boot"), ValueError, "not known"),
        (lambda: effect_sizes.from_moments(1, 1, 4, 2, 1, 4, se="none"), ValueError, "not known"),
        (
            lambda: effect_sizes.within([1, 2, 4], [2, 3, 3], standardiser="sd"),
            ValueError,
            "not known",
        ),
        (
            lambda: effect_sizes.within([3, 3, 3], [1, 2, 4], standardiser="baseline"),
            NotEstimable,
            "no spread",
        ),
        (
            lambda: effect_sizes.within([3, 3, 3], [1, 2, 4], standardiser="repeated-measures"),
            NotEstimable,
            "before or after does not vary",
        ),
        (lambda: effect_sizes.hedges_correction(1), NotEstimable, "too few"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("df", [1, 2, 5, 30, 500])
@pytest.mark.parametrize("nc", [-3.0, 0.0, 1.5, 8.0])
def test_the_noncentral_t_distribution_is_that_of_scipy_where_scipy_has_digits(df, nc):
    for t in (-2.0, 0.3, 4.0):
        assert distributions.noncentral_t_cdf(t, df, nc) == pytest.approx(
            stats.nct.cdf(t, df, nc), rel=1e-8, abs=1e-9
        )


samples = st.lists(st.floats(-20, 20).map(lambda v: round(v, 3)), min_size=3, max_size=25).filter(
    lambda v: np.std(v) > 0.1
)


@settings(max_examples=50)
@given(samples, samples)
def test_an_effect_turns_with_the_groups_and_shrinks_by_correction(first, second):
    one, other = effect_sizes.between(first, second), effect_sizes.between(second, first)
    d = effect_sizes.between(first, second, correction="none")
    assert one.effect.value == pytest.approx(-other.effect.value)
    assert (one.effect.lower, one.effect.upper) == pytest.approx(
        (-other.effect.upper, -other.effect.lower), abs=1e-9
    )
    assert abs(one.effect.value) <= abs(d.effect.value)
    assert one.effect.lower <= one.effect.value <= one.effect.upper
    assert one.probability_of_superiority == pytest.approx(1 - other.probability_of_superiority)


@settings(max_examples=30)
@given(st.floats(-6, 6), st.integers(2, 200))
def test_the_noncentral_limits_leave_the_tails_that_they_are_named_for(t, df):
    lower, upper = distributions.noncentrality_interval(t, df)
    assert distributions.noncentral_t_cdf(t, df, lower) == pytest.approx(0.975, abs=1e-12)
    assert distributions.noncentral_t_cdf(t, df, upper) == pytest.approx(0.025, abs=1e-12)


def test_where_everybody_halves_d_z_is_plain_and_d_rm_does_not_exist():
    """Case: strengejacke/esc 15. By hand: changes 1 2 3 4, mean 2.5 over the SD sqrt(5/3); r is
    1.
    """
    found = effect_sizes.within([2, 4, 6, 8], [1, 2, 3, 4])
    assert found.effect.value == pytest.approx(2.5 / math.sqrt(5 / 3), rel=1e-14)
    assert found.correlation == 1
    for before, after in (
        ([2, 4, 6, 8], [1, 2, 3, 4]),
        ([10, 12, 13, 19.0], [5, 6, 6.5, 9.5]),
        ([0.1, 0.7, 1], [0.3, 2.1, 3]),
    ):
        with pytest.raises(NotEstimable, match="correlate perfectly"):
            effect_sizes.within(before, after, standardiser="repeated-measures")
        for standardiser in ("change", "average", "baseline"):
            assert math.isfinite(
                effect_sizes.within(before, after, standardiser=standardiser).effect.value
            )


def test_a_score_that_did_not_vary_before_leaves_the_correlation_alone_undefined():
    """By hand: changes 2 1 -1, mean 2/3 over the SD sqrt(7/3)."""
    found = effect_sizes.within([3, 3, 3], [1, 2, 4])
    assert found.effect.value == pytest.approx(2 / 3 / math.sqrt(7 / 3), rel=1e-14)
    assert math.isnan(found.correlation)


def test_d_rm_keeps_its_digits_where_before_and_after_nearly_correlate_perfectly():
    """The SD of the changes over sqrt(2 (1 - r)), by fractions and in 60 digits: everybody falls by
    1, one by 2^-20 more.
    """
    before = [0.0, 1, 2, 3, 4]
    after = [b - 1 - 2.0**-20 * (b == 4) for b in before]
    with localcontext() as context:
        context.prec = 60
        of_change, of_before, of_after = (
            _variance(each)
            for each in ([b - a for a, b in zip(after, before, strict=True)], before, after)
        )
        r = (of_before + of_after - of_change) / 2 / (of_before * of_after).sqrt()
        want = float((of_change / (2 * (1 - r))).sqrt())
    found = effect_sizes.within(before, after, standardiser="repeated-measures")
    assert found.effect.recipe.sd == pytest.approx(want, rel=1e-8)


def _variance(values):
    exact = [Fraction(each) for each in values]
    mean = sum(exact) / len(exact)
    found = sum((each - mean) ** 2 for each in exact) / (len(exact) - 1)
    return Decimal(found.numerator) / Decimal(found.denominator)


@pytest.mark.parametrize("kind", ["exact", "approximate"])
def test_hedges_j_does_not_exist_at_one_degree_of_freedom(kind):
    """d has no mean there (Hedges 1981); the approximation would be 1 - 3/3, and every g zero."""
    with pytest.raises(NotEstimable, match="1 degrees of freedom are too few for Hedges J"):
        effect_sizes.hedges_correction(1, kind)
    with pytest.raises(NotEstimable):
        effect_sizes.from_moments(1, 1, 2, 0, 1, 1, correction=kind)
    assert effect_sizes.from_moments(1, 1, 2, 0, 1, 1, correction="none").value == 1


def test_hedges_j_of_very_many_people_keeps_its_digits():
    """Against the gamma form in 60 digits: J(m) J(m + 1) = (m - 1) / sqrt(m (m + 1)) follows from
    Gamma(x + 1) = x Gamma(x).
    """
    for df in (2, 30, 99_999, 100_000, 100_001, 10**9):
        product = effect_sizes.hedges_correction(df) * effect_sizes.hedges_correction(df + 1)
        assert product == pytest.approx((df - 1) / math.sqrt(df * (df + 1)), rel=1e-10)


@pytest.mark.parametrize("df", [1, 2, 5, 50, 5000])
@pytest.mark.parametrize("t", [0.3, 3.0, 40.0, 1e4, 1e9])
def test_a_noncentral_interval_ends_where_the_tails_are_what_they_should_be(df, t):
    """P(T <= t) by adaptive quadrature of scipy over the spread, cut where the normal probability
    steps.
    """
    for limit, tail in zip(noncentrality_interval(t, df), (0.975, 0.025), strict=True):
        assert _below(t, df, limit) == pytest.approx(tail, abs=1e-9)
        assert [-end for end in noncentrality_interval(-t, df)][::-1] == pytest.approx(
            noncentrality_interval(t, df)
        )


def _below(t, df, noncentrality):
    constant = math.log(2) + df / 2 * math.log(df / 2) - math.lgamma(df / 2)
    wide, at = 1 + 15 / math.sqrt(2 * df), noncentrality / t
    low = max(1e-12, 1 - 15 / math.sqrt(2 * df))
    cuts = [low, *(at + k / t for k in (-9, -3, 0, 3, 9)), wide]
    cuts = [low, *sorted(cut for cut in cuts if low < cut < wide), wide]

    def density(s):
        return float(ndtr(t * s - noncentrality)) * math.exp(
            constant + (df - 1) * math.log(s) - df * s * s / 2
        )

    return sum(quad(density, a, b, epsabs=1e-13, limit=200)[0] for a, b in pairwise(cuts))


@pytest.mark.parametrize("sd", [math.nan, -1.0, math.inf])
def test_an_sd_that_is_none_is_refused(sd):
    for given_ in ((1.0, sd, 10, 2.0, 1.0, 10), (1.0, 1.0, 10, 2.0, sd, 10)):
        with pytest.raises(NotEstimable, match="is not 0 or above"):
            effect_sizes.from_moments(*given_)
