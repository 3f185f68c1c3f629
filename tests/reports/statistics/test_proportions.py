"""Proportions against R (results/02_simple.json), Newcombe's published intervals, Altman's example
and their laws.
"""

import math

import pandas as pd
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from reports.statistics import proportions
from reports.statistics.proportions.differences import restricted_p2

from .as_r_stops import root_of_odds
from .reference import own, results

SIMPLE = results("02_simple")
KINDS = ("responder50_observed", "remission9_observed", "responder50_NRI", "remission9_NRI")
TABLES = [
    *SIMPLE["two_by_two"],
    *(SIMPLE["responders"][visit][kind] for visit in ("bdi_2m", "bdi_8m") for kind in KINDS),
]
LABELS = [table["label"][:24] for table in TABLES]
INTERVALS = {
    "wald": "rd_wald",
    "newcombe": "rd_newcombe10",
    "newcombe-cc": "rd_newcombe11_cc",
    "miettinen-nurminen": "rd_mn",
    "mee": "rd_mee",
}


def close(expected, tolerance=1e-9):
    return pytest.approx(expected, rel=tolerance, abs=1e-14)


def cells(table):
    return table["x1"], table["n1"], table["x2"], table["n2"]


@pytest.mark.parametrize("table", TABLES, ids=LABELS)
@pytest.mark.parametrize("method", INTERVALS)
def test_intervals_of_the_difference_are_those_of_the_reference(table, method):
    found = proportions.difference(*cells(table), method=method)
    assert found.value == close(table["rd"])
    tolerance = 1e-8 if method == "miettinen-nurminen" else 1e-9
    assert (found.lower, found.upper) == close(tuple(table[INTERVALS[method]]), tolerance)


@pytest.mark.parametrize("table", TABLES, ids=LABELS)
def test_shares_are_those_of_the_reference(table):
    for number, (count, n) in enumerate(
        ((table["x1"], table["n1"]), (table["x2"], table["n2"])), 1
    ):
        wilson, exact = proportions.share(count, n), proportions.clopper_pearson(count, n)
        assert (wilson.lower, wilson.upper) == close(tuple(table[f"wilson{number}"]))
        assert (exact.lower, exact.upper) == close(tuple(table[f"clopper{number}"]))


@pytest.mark.parametrize("table", TABLES, ids=LABELS)
def test_the_number_needed_is_that_of_the_reference(table):
    found = proportions.number_needed(proportions.difference(*cells(table)))
    assert found.value == close(table["nnt"])
    assert (found.at_lower, found.at_upper) == close(tuple(table["nnt_from_newcombe"]["limits"]))
    assert found.includes_infinity == table["nnt_from_newcombe"]["includes_infinity"]


@pytest.mark.parametrize("table", TABLES, ids=LABELS)
@pytest.mark.parametrize(("function", "key"), [("risk_ratio", "rr"), ("odds_ratio", "or")])
def test_ratios_are_those_of_the_reference_and_refused_where_a_cell_is_empty(table, function, key):
    ratio = getattr(proportions, function)
    if table[key] is None:
        with pytest.raises(proportions.ZeroCell, match="needs"):
            ratio(*cells(table))
        return
    found = ratio(*cells(table))
    interval = table["rr_katz" if key == "rr" else "or_woolf"]
    assert (found.value, found.lower, found.upper) == close((table[key], *interval))


@pytest.mark.parametrize("table", TABLES, ids=LABELS)
def test_tests_of_association_are_those_of_the_reference(table):
    plain = proportions.chi_squared(*cells(table))
    yates = proportions.chi_squared(*cells(table), correction="yates")
    smaller = proportions.chi_squared(*cells(table), correction="n-1")
    assert (plain.statistic, plain.p) == close((table["chisq"], table["chisq_p"]))
    assert (yates.statistic, yates.p) == close((table["chisq_yates"], table["chisq_yates_p"]))
    assert smaller.statistic == close(table["n_minus_1_chisq"])
    assert proportions.cohen_h(*cells(table)) == close(table["cohen_h"])


@pytest.mark.parametrize("table", TABLES, ids=LABELS)
def test_fishers_p_is_that_of_the_reference(table):
    assert proportions.fisher(*cells(table)).p == close(table["fisher_p"])


@pytest.mark.parametrize("table", TABLES, ids=LABELS)
def test_fishers_odds_ratio_is_that_of_the_reference_where_the_search_stops_as_early_as_in_r(table):
    x1, n1, x2, n2 = cells(table)
    counts = range(max(0, x1 + x2 - n2), min(n1, x1 + x2) + 1)
    weights = [math.comb(n1, k) * math.comb(n2, x1 + x2 - k) for k in counts]

    def chances(odds):
        if odds == 0:
            return [1.0] + [0.0] * (len(weights) - 1)
        logs = [math.log(w) + k * math.log(odds) for w, k in zip(weights, counts, strict=True)]
        raised = [math.exp(each - max(logs)) for each in logs]
        return [each / sum(raised) for each in raised]

    def mean(odds):
        return sum(p * k for p, k in zip(chances(odds), counts, strict=True)) - x1

    seen = x1 - counts[0]
    functions = (
        mean,
        lambda odds: sum(chances(odds)[seen:]) - 0.025,
        lambda odds: sum(chances(odds)[: seen + 1]) - 0.025,
    )
    expected = (table["fisher_or_cmle"], *table["fisher_or_ci"])
    found = proportions.fisher(x1, n1, x2, n2)
    for function, want, exact in zip(
        functions, expected, (found.odds_ratio, found.lower, found.upper), strict=True
    ):
        if want is None:
            assert exact == math.inf
            continue
        assert root_of_odds(function) == close(want)
        assert function(exact) == pytest.approx(0, abs=1e-11)
        assert exact == pytest.approx(want, rel=1e-2)


@pytest.mark.parametrize("visit", ["bdi_2m", "bdi_8m"])
def test_the_stratified_test_is_that_of_mantelhaen(visit):
    # The reference: people with the visit alone, no continuity correction.
    frame = own("BtheB_wide").dropna(subset=[visit.replace("_", ".")])
    after = frame[visit.replace("_", ".")]
    frame["yes"] = after <= frame["bdi.pre"] / 2
    tables = [_table(stratum) for _, stratum in frame.groupby("drug")]
    found = proportions.mantel_haenszel(tables)
    expected = SIMPLE["responders"][visit]["cmh_responder_by_drug"]
    assert (found.statistic, found.p) == close((expected["statistic"], expected["p"]))
    assert (found.odds_ratio, found.lower, found.upper) == close(
        (expected["common_or"], *expected["ci"])
    )


def _table(frame: pd.DataFrame):
    groups = [frame.yes[frame.treatment == arm] for arm in ("BtheB", "TAU")]
    return [[int(g.sum()), int((~g).sum())] for g in groups]


# Newcombe, Stat Med 1998;17:873, table II, four decimals as printed.
@pytest.mark.parametrize(
    ("counts", "method", "interval"),
    [
        ((56, 70, 48, 80), "newcombe", (0.0524, 0.3339)),
        ((56, 70, 48, 80), "miettinen-nurminen", (0.0528, 0.3382)),
        ((56, 70, 48, 80), "mee", (0.0533, 0.3377)),
        ((9, 10, 3, 10), "newcombe", (0.1705, 0.8090)),
        ((5, 56, 0, 29), "newcombe", (-0.0381, 0.1926)),
        ((5, 56, 0, 29), "miettinen-nurminen", (-0.0326, 0.1933)),
    ],
)
def test_published_intervals_come_out_to_the_printed_digit(counts, method, interval):
    found = proportions.difference(*counts, method=method)
    assert (round(found.lower, 4), round(found.upper, 4)) == interval


def test_the_interval_of_altman_passes_through_infinity():
    # Altman, BMJ 1998;317:1309: a difference of 10 % (-5 % to 25 %) is NNTB 10 (NNTB 4 to infinity
    # to NNTH 20).
    made_up = proportions.RiskDifference(0.1, -0.05, 0.25, 0, 1, 0, 1, "published", 0.95)
    assert str(proportions.number_needed(made_up)) == "NNTB 10.0 (NNTB 4.0 to ∞ to NNTH 20.0)"


@pytest.mark.parametrize(
    ("value", "lower", "upper", "says"),
    [
        (0.1, 0.05, 0.25, "NNTB 10.0 (NNTB 4.0 to NNTB 20.0)"),
        (-0.1, -0.25, -0.05, "NNTH 10.0 (NNTH 20.0 to NNTH 4.0)"),
        (0.0, -0.25, 0.25, "∞ (NNTB 4.0 to ∞ to NNTH 4.0)"),
    ],
)
def test_the_number_needed_is_of_benefit_or_harm_or_endless(value, lower, upper, says):
    made_up = proportions.RiskDifference(value, lower, upper, 0, 1, 0, 1, "published", 0.95)
    assert str(proportions.number_needed(made_up)) == says


def test_of_nobody_there_is_no_share():
    for nobody in (proportions.share(0, 0), proportions.clopper_pearson(0, 0)):
        assert (nobody.n, nobody.value, nobody.lower, nobody.upper) == (0, None, None, None)


@pytest.mark.parametrize(
    ("tables", "says"),
    [
        ([[[0, 0], [3, 4]]], "in no stratum are there two groups"),
        ([[[0, 2], [0, 4]]], "in no stratum are there two groups"),
        ([[[3, 0], [1, 4]]], "the common odds ratio is 0 or infinite"),
        ([[[0, 3], [1, 4]], [[0, 0], [3, 4]]], "the common odds ratio is 0 or infinite"),
    ],
)
def test_a_common_odds_ratio_that_does_not_exist_is_refused(tables, says):
    with pytest.raises(proportions.ZeroCell, match=says):
        proportions.mantel_haenszel(tables)


def test_what_cannot_be_is_refused():
    with pytest.raises(
        ValueError, match="correction 'fisher' is not known; use none, yates or n-1"
    ):
        proportions.chi_squared(1, 10, 2, 10, correction="fisher")
    with pytest.raises(proportions.ImpossibleCount, match="11 of 10 people"):
        proportions.difference(11, 10, 1, 10)
    with pytest.raises(proportions.ImpossibleCount, match="nobody"):
        proportions.difference(0, 0, 1, 10)
    with pytest.raises(ValueError, match="not known"):
        proportions.difference(1, 10, 1, 10, method="agresti")
    with pytest.raises(proportions.ZeroCell, match="nothing to test"):
        proportions.fisher(0, 10, 0, 10)
    with pytest.raises(proportions.ZeroCell, match="nothing to test"):
        proportions.chi_squared(10, 10, 5, 5)
    with pytest.raises(proportions.ImpossibleCount, match="strata, 2, 2"):
        proportions.mantel_haenszel([[1, 2], [3, 4]])


@st.composite
def tables(draw):
    n1, n2 = draw(st.integers(1, 60)), draw(st.integers(1, 60))
    return draw(st.integers(0, n1)), n1, draw(st.integers(0, n2)), n2


@given(tables(), st.sampled_from(["newcombe", "newcombe-cc", "miettinen-nurminen", "mee"]))
def test_an_interval_contains_the_difference_stays_in_range_and_turns_with_the_groups(
    table, method
):
    x1, n1, x2, n2 = table
    found = proportions.difference(*table, method=method)
    turned = proportions.difference(x2, n2, x1, n1, method=method)
    assert -1 <= found.lower <= found.value <= found.upper <= 1
    assert (turned.lower, turned.upper) == pytest.approx((-found.upper, -found.lower), abs=1e-10)


@given(tables())
def test_the_corrected_and_the_larger_variance_make_wider_intervals(table):
    for narrow, wide in (("newcombe", "newcombe-cc"), ("mee", "miettinen-nurminen")):
        a, b = (proportions.difference(*table, method=each) for each in (narrow, wide))
        assert b.lower <= a.lower + 1e-12
        assert b.upper >= a.upper - 1e-12


@given(tables())
def test_fishers_estimate_lies_in_its_interval_and_inverts_with_the_groups(table):
    x1, n1, x2, n2 = table
    assume(0 < x1 + x2 < n1 + n2)
    found, turned = proportions.fisher(*table), proportions.fisher(x2, n2, x1, n1)
    assert found.lower <= found.odds_ratio <= found.upper
    assert found.p == pytest.approx(turned.p)
    if 0 < found.odds_ratio < math.inf:
        assert turned.odds_ratio == pytest.approx(1 / found.odds_ratio, rel=1e-8)


@given(tables(), st.floats(-0.99, 0.99))
@example((1, 1, 1, 1), -1.4346636669055085e-09)  # two roots of the cubic meet at the edge
@example((0, 5, 0, 7), 1e-12)
def test_the_restricted_proportion_is_the_most_likely_one(table, delta):
    x1, n1, x2, n2 = table
    low, high = max(0.0, -delta), min(1.0, 1 - delta)
    found = restricted_p2(x1, n1, x2, n2, delta)
    assert low <= found <= high

    def log_likelihood(p2):
        p1 = min(1.0, max(0.0, p2 + delta))
        chances = ((x1, p1), (n1 - x1, 1 - p1), (x2, p2), (n2 - x2, 1 - p2))
        return sum(count * math.log(p) if p > 0 else -math.inf for count, p in chances if count)

    best = log_likelihood(found)
    for share in (0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999):
        assert log_likelihood(low + share * (high - low)) <= best + 1e-9


def test_a_ratio_of_risks_of_one_has_no_interval_without_width():
    """By hand Katz's variance is 1/5 - 1/5 + 1/5 - 1/5: nothing, whatever the truth."""
    with pytest.raises(proportions.ZeroCell, match="everybody has the event"):
        proportions.risk_ratio(5, 5, 5, 5)
