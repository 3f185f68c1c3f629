"""Sizes against rpact 3.3.4, R's power.t.test and power.prop.test, and the formulas
(reference/results/06).
"""

import inspect
import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reports.statistics import sample_size, sequential
from reports.statistics.sample_size import NoSize

from .reference import results

R = results("06_group_sequential_power")
FORMULAS = R["formulas"]


@pytest.mark.parametrize(
    "entry", R["n_ttest"], ids=lambda e: f"{e['delta']}-{e['power']}-{e['ratio']}"
)
def test_t_is_that_of_rpact_and_r(entry):
    design = sample_size.means(entry["delta"], entry["sd"], ratio=entry["ratio"])
    found = design.size(entry["power"])
    assert (found.n1, found.n2) == pytest.approx((entry["rpact_n1"], entry["rpact_n2"]), rel=1e-6)
    if entry["n_per_arm_R_power.t.test"]:
        assert found.n1 == pytest.approx(entry["n_per_arm_R_power.t.test"], rel=1e-9)
    normal = sample_size.means(entry["delta"], entry["sd"], distribution="normal").size(
        entry["power"]
    )
    assert normal.n1 == pytest.approx(entry["normal_approx_per_arm"], rel=1e-9)


@pytest.mark.parametrize("entry", R["power_ttest"], ids=lambda e: str(e["n"]))
def test_power_in_both_directions_is_that_of_r(entry):
    found = sample_size.Means(entry["d"], strict=True).power(entry["n"])
    assert found == pytest.approx(entry["power"], rel=1e-9)


@pytest.mark.parametrize("entry", R["n_props"], ids=lambda e: f"{e['p1']}-{e['p2']}")
@pytest.mark.parametrize(
    ("method", "key"),
    [
        ("pooled", "R_power.prop.test"),
        ("pooled", "rpact_n1"),
        ("pooled", "formula_pooled"),
        ("unpooled", "formula_unpooled"),
        ("arcsine", "arcsine_n_per_arm"),
        ("continuity", "casagrande_pike_smith_cc"),
    ],
)
def test_proportions_are_those_of_r_and_the_formulas(entry, method, key):
    found = sample_size.proportions(entry["p1"], entry["p2"], method=method).size(entry["power"])
    assert found.n1 == pytest.approx(entry[key], rel=1e-9)
    if method == "arcsine":  # the file also has the size of one sample: half
        assert found.n1 / 2 == pytest.approx(entry["arcsine"], rel=1e-9)


def test_non_inferiority_is_that_of_rpact():
    entry = R["n_noninferiority_means"]
    design = sample_size.non_inferiority(entry["margin"], entry["sd"], alpha=entry["alpha1"])
    assert design.size(entry["power"]).n1 == pytest.approx(entry["rpact_n1"], rel=1e-6)


def test_formulas_are_those_of_their_papers():
    entry = FORMULAS["ancova"]
    normal = {"sd": 1, "distribution": "normal"}
    assert sample_size.means(entry["d"], **normal).size(0.9).n1 == pytest.approx(
        entry["n_unadj"], rel=1e-9
    )
    adjusted = sample_size.ancova(entry["d"], correlation=entry["rho"], **normal).size(0.9)
    assert adjusted.n1 == pytest.approx(entry["n_ancova"], rel=1e-9)
    entry = FORMULAS["ancova_repeated_frison_pocock"]
    factor = sample_size.repeated_measures_factor(entry["rho"], entry["p"], entry["r"])
    assert factor == pytest.approx(entry["factor"], rel=1e-9)
    entry = FORMULAS["cluster_deff"]
    assert sample_size.design_effect(entry["m"], entry["icc"]) == pytest.approx(
        entry["deff"], rel=1e-9
    )
    uneven = sample_size.design_effect(entry["m"], entry["icc"], entry["cv"])
    assert uneven == pytest.approx(entry["deff_unequal"], rel=1e-9)
    entry = FORMULAS["logrank_schoenfeld_events"]
    assert sample_size.log_rank(entry["hr"]).events(entry["power"]) == pytest.approx(
        entry["events"], rel=1e-9
    )
    entry = FORMULAS["attrition"]
    lost = sample_size.Size(entry["n"], entry["n"]).inflated(entry["rate"])
    assert lost.n1 == pytest.approx(entry["inflated"], rel=1e-9)
    assert lost.whole == (entry["ceil"], entry["ceil"])


def test_partially_nested_is_the_formula():
    entry = FORMULAS["partially_nested"]
    design = sample_size.PartiallyNested(
        entry["delta"], sd1=entry["s1"], sd2=entry["s0"], cluster=entry["m"], icc=entry["rho"]
    )
    assert design.size(entry["power"]).n1 == pytest.approx(entry["n_per_arm"], rel=1e-9)
    assert design.optimal_ratio == pytest.approx(entry["optimal_ratio_n1_n0"], rel=1e-9)


def test_group_sequential_size_is_that_of_rpact():
    entry = R["gs_sample_size"]
    fixed = sample_size.means(0.4, 1, alpha=0.025, sided=1, distribution="normal").size(0.9)
    assert fixed.total == pytest.approx(entry["inflation_check_fixed"], rel=1e-9)
    boundary = sequential.boundary("lan-demets-obrien-fleming", [1 / 3, 2 / 3, 1])
    found = sample_size.sequential(fixed, boundary, 0.9)
    assert found.most.total == pytest.approx(entry["max_n"], rel=1e-6)
    assert found.expected.total == pytest.approx(entry["expected_H1"], rel=1e-6)
    assert found.expected.total < found.expected_null.total < found.most.total


def test_repeated_measures_and_clusters_are_means_with_another_variance():
    plain = sample_size.means(0.4, 1, distribution="normal").size(0.9).n1
    repeated = (
        sample_size.repeated_measures(0.4, 1, 0.5, after=3, distribution="normal").size(0.9).n1
    )
    assert repeated == pytest.approx(plain * 0.416666666666667, rel=1e-9)
    clustered = sample_size.clusters(0.4, 1, size=10, icc=0.05, distribution="normal").size(0.9).n1
    assert clustered == pytest.approx(plain * 1.45, rel=1e-9)
    assert sample_size.clusters(0.4, 1, size=10, icc=0.05).size(0.9).n1 > clustered


DESIGNS = {
    "t": sample_size.means(0.4, 1, ratio=2),
    "normal": sample_size.means(0.4, 1, distribution="normal"),
    "ancova": sample_size.ancova(0.4, 1, 0.6),
    "repeated": sample_size.repeated_measures(0.4, 1, 0.5, after=3),
    "non-inferiority": sample_size.non_inferiority(0.3, 1, truth=0.1),
    "clusters": sample_size.clusters(0.4, 1, size=8, icc=0.03, cv=0.3),
    "pooled": sample_size.proportions(0.5, 0.35, ratio=1.5),
    "unpooled": sample_size.proportions(0.5, 0.35, method="unpooled", ratio=0.5),
    "arcsine": sample_size.proportions(0.5, 0.35, method="arcsine"),
    "continuity": sample_size.proportions(0.5, 0.35, method="continuity", ratio=2),
    "non-inferior proportions": sample_size.non_inferior_proportions(0.6, 0.6, 0.1),
    "partially nested": sample_size.PartiallyNested(0.4, cluster=12, icc=0.05, ratio=1.2),
    "log-rank": sample_size.log_rank(0.6, events1=0.4, events2=0.5),
}


@pytest.mark.parametrize("name", DESIGNS)
def test_size_power_and_difference_undo_each_other(name):
    design = DESIGNS[name]
    n = design.size(0.85)
    assert n.n2 == pytest.approx(n.n1 / design.ratio)
    assert design.power(n.n1) == pytest.approx(0.85, abs=1e-9)
    assert design.detectable(n.n1, 0.85) == pytest.approx(design.effect, rel=1e-8)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(DESIGNS)), st.floats(20, 2000), st.floats(1.01, 3))
def test_power_grows_with_the_number_of_people(name, n, times):
    design = DESIGNS[name]
    assert design.power(n) <= design.power(n * times) + 1e-12


@settings(max_examples=60, deadline=None)
@given(st.floats(0.05, 1.5), st.floats(1.05, 2), st.floats(10, 500), st.floats(0.55, 0.98))
def test_larger_effects_have_more_power_and_need_fewer(effect, times, n, power):
    small, large = sample_size.means(effect, 1), sample_size.means(effect * times, 1)
    assert small.power(n) <= large.power(n) + 1e-12
    assume(sample_size.means(effect * times, 1, distribution="normal").size(power).n1 > 3)
    assert large.size(power).n1 < small.size(power).n1


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: sample_size.means(0.0, 1).size(0.8), "without a difference"),
        (lambda: sample_size.means(0.5, 0), "standard deviation"),
        (lambda: sample_size.means(0.5, 1, alpha=0), "alpha"),
        (lambda: sample_size.means(0.5, 1, sided=3), "sides"),
        (lambda: sample_size.means(0.5, 1, ratio=0), "ratio"),
        (lambda: sample_size.means(0.5, 1, distribution="z"), "not known"),
        (lambda: sample_size.means(0.5, 1).size(1.0), "power"),
        (lambda: sample_size.means(0.5, 1).power(1), "too few"),
        (lambda: sample_size.means(0.5, 1).detectable(1, 0.8), "too few"),
        (lambda: sample_size.means(0.5, 1).size(0.01), "more power"),
        (lambda: sample_size.proportions(0.5, 0.4).size(0.01), "more power"),
        (lambda: sample_size.proportions(0.5, 0.4, method="arcsine").size(0.01), "more power"),
        (lambda: sample_size.log_rank(0.5).events(0.01), "more power"),
        (lambda: sample_size.PartiallyNested(0.4).size(0.01), "more power"),
        (lambda: sample_size.means(0.5, 1).detectable(50, 0.01), "more power"),
        (
            lambda: sample_size.means(0.5, 1, distribution="normal").size(0.01),
            "not above the level",
        ),
        (lambda: sample_size.ancova(0.5, 1, 1.0), "correlation"),
        (lambda: sample_size.repeated_measures(0.5, 1, 0.5, after=0), "visit after"),
        (lambda: sample_size.non_inferiority(0, 1), "margin"),
        (lambda: sample_size.non_inferior_proportions(0.5, 0.5, 0), "margin"),
        (lambda: sample_size.non_inferiority(2, 8, truth=-3).size(0.9), "beyond the margin"),
        (
            lambda: sample_size.non_inferior_proportions(0.5, 0.7, 0.1).size(0.8),
            "beyond the margin",
        ),
        (lambda: sample_size.non_inferiority(0.3, 8, truth=-0.1 - 0.2).size(0.9), "at the margin"),
        (lambda: sample_size.non_inferior_proportions(0.6, 0.7, 0.1).size(0.9), "at the margin"),
        (lambda: sample_size.proportions(0.1 + 0.2, 0.3).size(0.9), "without a difference"),
        (lambda: sample_size.means(1e-6, 1).size(0.9), "more than 1e.09 people"),
        (lambda: sample_size.proportions(0.3, 0.3 + 1e-7).size(0.9), "more than 1e.09 people"),
        (lambda: sample_size.means(math.nan, 1), "effect"),
        (lambda: sample_size.means(0.5, math.inf), "standard deviation"),
        (lambda: sample_size.means(0.5, 1).power(math.nan), "too few"),
        (lambda: sample_size.log_rank(math.inf), "effect"),
        (lambda: sample_size.repeated_measures(0.5, 1, -0.5, after=5), "no 6 visits"),
        (lambda: sample_size.design_effect(math.nan, 0.1), "ICC"),
        (lambda: sample_size.PartiallyNested(0.4, cluster=8, icc=1.2), "ICC"),
        (lambda: sample_size.design_effect(10, 1.5), "ICC"),
        (lambda: sample_size.proportions(1.2, 0.5), "p1"),
        (lambda: sample_size.proportions(0.4, 0.5, method="exact"), "not known"),
        (lambda: sample_size.Proportions(0.1, margin=0.1), "margin"),
        (lambda: sample_size.log_rank(0), "hazard ratio"),
        (lambda: sample_size.log_rank(1).events(0.8), "without a difference"),
        (lambda: sample_size.log_rank(0.5, events1=0), "events1"),
        (lambda: sample_size.PartiallyNested(0.4, sd1=0), "above 0"),
        (lambda: sample_size.Size(10, 10).inflated(1), "attrition"),
        (lambda: sample_size.proportions(0.5, 0.4).detectable(3, 0.99), "large enough"),
    ],
)
def test_what_has_no_size_says_so(make, says):
    with pytest.raises(NoSize, match=says):
        make()


# An example of every function that gives a design, of a signed effect (in its own unit) and more.
MAKERS = {
    "means": lambda effect, sided, ratio: sample_size.means(effect, 1, sided=sided, ratio=ratio),
    "ancova": lambda effect, sided, ratio: sample_size.ancova(
        effect, 1, 0.6, sided=sided, ratio=ratio
    ),
    "repeated_measures": lambda effect, sided, ratio: sample_size.repeated_measures(
        effect, 1, 0.4, after=3, sided=sided, ratio=ratio, distribution="normal"
    ),
    "clusters": lambda effect, sided, ratio: sample_size.clusters(
        effect, 1, size=8, icc=0.05, ratio=ratio
    ),
    "PartiallyNested": lambda effect, sided, ratio: sample_size.PartiallyNested(
        effect, sided=sided, ratio=ratio, cluster=8, icc=0.05
    ),
    "non_inferiority": lambda effect, sided, ratio: sample_size.non_inferiority(
        0.2, 1, truth=effect, ratio=ratio
    ),
    "non_inferior_proportions": lambda effect, sided, ratio: sample_size.non_inferior_proportions(
        0.5 + effect / 4, 0.5, 0.05, ratio=ratio
    ),
    "log_rank": lambda effect, sided, ratio: sample_size.log_rank(
        math.exp(effect), sided=sided, ratio=ratio
    ),
} | {
    f"proportions {method}": lambda effect, sided, ratio, method=method: sample_size.proportions(
        0.5 + effect / 4, 0.5, method=method, sided=sided, ratio=ratio
    )
    for method in ("pooled", "unpooled", "arcsine", "continuity")
}
DIRECTED = ("non_inferiority", "non_inferior_proportions")


def test_every_design_has_an_example():
    kinds = (sample_size.Design, "Means", "Proportions", "LogRank")
    made = {
        name
        for name in sample_size.__all__
        if inspect.isfunction(made := getattr(sample_size, name))
        and made.__annotations__.get("return") in kinds
    }
    assert made == {name.split()[0] for name in MAKERS} - {"PartiallyNested"}


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(MAKERS)),
    st.integers(-16, 16).map(lambda x: x / 10),
    st.sampled_from([1, 2]),
    st.sampled_from([0.5, 1, 3]),
    st.sampled_from([0.02, 0.3, 0.5, 0.8, 0.9, 0.975]),
)
def test_a_size_has_the_power_that_it_was_made_for_or_there_is_none(
    name, effect, sided, ratio, power
):
    """Nobody has it where the truth is at the margin or beyond: there the chance to reject stays at
    the level or below.
    """
    design = MAKERS[name](effect, sided, ratio)
    within = (
        design.effect > 0 if name in DIRECTED else design.effect != 0
    ) and power > design.alpha / design.sided
    try:
        size = design.size(power)
    except NoSize as reason:
        assert not within or "the smallest there can be" in str(reason)
        assert (
            name not in DIRECTED
            or within
            or power <= 0.02
            or design.power(400) <= design.alpha + 1e-9
        )
    else:
        assert within
        assert design.power(size.n1) == pytest.approx(power, abs=1e-6)


def test_power_at_the_margin_is_the_level():
    # By definition of the margin: the null hypothesis is true at its edge.
    assert sample_size.non_inferiority(2, 8, truth=-2).power(100) == pytest.approx(0.025)
    assert sample_size.non_inferiority(2, 8, truth=-3).power(100) < 0.005
    assert sample_size.non_inferior_proportions(0.6, 0.7, 0.1).power(100) == pytest.approx(0.025)


def test_what_a_margin_can_detect_is_found_where_the_null_hypothesis_lies_below_0():
    found = sample_size.non_inferior_proportions(0.05, 0.05, 0.1).detectable(60, 0.9)
    again = sample_size.non_inferior_proportions(0.05 + found - 0.1, 0.05, 0.1)
    assert again.power(60) == pytest.approx(0.9)
