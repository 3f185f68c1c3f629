"""Means at each time point, the baseline-adjusted difference of each contrast, and its standardised
form.
"""

from collections.abc import Iterator, Mapping, Sequence

from ..dataset import Dataset, FlowDoesNotAddUp
from ..plan import AnalysisPlan, Outcome
from ..statistics import ancova
from ..statistics.descriptives import describe, pooled_sd
from ..statistics.effect_sizes import Effect, standardise
from ..statistics.multiplicity import holm
from .baseline import baseline_scores, pairs
from .number import Number, Numbers, ident, number_of, pair_of

NO_SPREAD = "no_spread"  # the reason beside an effect: its SD is zero
INTERVAL = "mean with t interval"
NOT_ADJUSTED = (
    "not_adjusted:"  # and the covariates, `baseline` among them: the reason beside a difference
)


def numbers(data: Dataset, plan: AnalysisPlan) -> Numbers:
    for instrument in data.instruments:
        for point in data.timepoints:
            yield from _means(data, plan, instrument.code, point.code)
    differences = [n for outcome in measured(data) for n in _differences(data, plan, outcome)]
    yield from differences
    if data.arms is not None and not plan.cluster:
        yield from _multiplicity(data, plan, {number.id: number for number in differences})


def measured(data: Dataset) -> Iterator[Outcome]:
    """Every instrument at every time point after baseline at which somebody was due."""
    due = {(row.instrument, row.timepoint) for row in data.scores}
    for instrument in data.instruments:
        for point in data.timepoints:
            if point.code != data.baseline and (instrument.code, point.code) in due:
                yield Outcome(instrument=instrument.code, timepoint=point.code)


def _means(data: Dataset, plan: AnalysisPlan, instrument: str, timepoint: str) -> Numbers:
    rows = [
        row for row in data.scores if (row.instrument, row.timepoint) == (instrument, timepoint)
    ]
    if not rows:
        return
    group_of = {person.code: data.group_of(person) for person in data.participants}
    for group in data.groups:
        d = describe(
            [r.score for r in rows if group_of[r.participant] == group and r.score is not None],
            plan.confidence,
        )
        where = (instrument, timepoint, group)
        yield Number(ident("mean", *where), d.mean, d.lower, d.upper, d.n, "points", INTERVAL)
        yield Number(
            ident("sd", *where), d.sd, n=d.n, unit="points", method="standard deviation, n - 1"
        )
        yield Number(ident("n", *where), d.n, unit="people", method="count of scores")


def _differences(data: Dataset, plan: AnalysisPlan, outcome: Outcome) -> Numbers:
    contrasts = pairs(data, plan)
    if not contrasts:
        return
    if plan.cluster:
        text = f"{plan.cluster} was randomised, not people, and the model has no clusters"
        yield from (_not_estimable(outcome, pair, text, "clusters") for pair in contrasts)
        return
    if not any(baseline_scores(data, group, outcome.instrument) for group in data.groups):
        text = "no baseline score of this questionnaire"
        yield from (_not_estimable(outcome, pair, text, "no_baseline_score") for pair in contrasts)
        return
    try:
        fit = _fit(data, plan, outcome)
    except ancova.NotEstimable as reason:
        yield from (
            _not_estimable(outcome, pair, str(reason), _why(data, outcome, pair, reason))
            for pair in contrasts
        )
        return
    _check_analysed(data, outcome, dict(fit.n_by_arm))
    for pair in contrasts:
        yield from _contrast(data, plan, outcome, fit, pair)


def _fit(data: Dataset, plan: AnalysisPlan, outcome: Outcome) -> ancova.Fit:
    people = data.participants
    return ancova.fit(
        [data.score(p.code, outcome.instrument, outcome.timepoint) for p in people],
        [data.score(p.code, outcome.instrument, data.baseline) for p in people],
        [data.group_of(p) for p in people],
        {code: _covariate(data, code) for code in plan.covariates},
    )


def _covariate(data: Dataset, code: str) -> list[float | str | None]:
    """Numbers stay numbers where the variable is one; everything else is a set of levels."""
    numeric = any(
        variable.code == code and variable.kind == "number" for variable in data.variables
    )
    values = [person.value(code) for person in data.participants]
    return list(values) if numeric else [None if value is None else str(value) for value in values]


def _check_analysed(data: Dataset, outcome: Outcome, counts: dict[str, int]) -> None:
    for arm in data.flow.arms:
        for row in arm.follow_up:
            same = (row.instrument, row.timepoint) == (outcome.instrument, outcome.timepoint)
            if same and row.analysed != counts.get(arm.arm, 0):
                text = (
                    f"{arm.arm}: {row.analysed} analysed in the flow, {counts.get(arm.arm, 0)} in "
                    f"the model"
                )
                raise FlowDoesNotAddUp(f"{text}, for {row.instrument} at {row.timepoint}")


def _contrast(
    data: Dataset, plan: AnalysisPlan, outcome: Outcome, fit: ancova.Fit, pair: tuple[str, str]
) -> Numbers:
    where = (outcome.instrument, outcome.timepoint, pair_of(pair))
    try:
        d = fit.difference(*pair, plan.confidence)
    except ancova.NotEstimable as reason:
        yield _not_estimable(outcome, pair, str(reason), _why(data, outcome, pair, reason))
        return
    df = f"{d.df} {'degree' if d.df == 1 else 'degrees'} of freedom"
    method = f"analysis of covariance of all arms, t interval with {df}"
    adjusted = adjustment(fit)
    left_out = NOT_ADJUSTED + ",".join(fit.dropped) if fit.dropped else ""
    id = ident("difference", *where)
    count = "count of complete cases, in all arms, whom the model is of"
    yield Number(id, d.estimate, d.lower, d.upper, d.n, "points", method, adjusted, left_out)
    yield Number(ident("difference_n", *where), d.n, unit="people", method=count)
    yield Number(
        ident("p", *where), d.p, n=d.n, method="two-sided t test of the adjusted difference"
    )
    yield from _effect(data, plan, outcome, d, where, adjusted)


def adjustment(fit: ancova.Fit) -> str:
    """Of what is in the model, and what is not although the plan names it."""
    said = "adjusted for " + ", ".join(fit.adjusted_for) if fit.adjusted_for else "not adjusted"
    return (
        f"{said}; without {', '.join(fit.dropped)}, of which nothing is left to adjust for"
        if fit.dropped
        else said
    )


def _effect(
    data: Dataset,
    plan: AnalysisPlan,
    outcome: Outcome,
    d: ancova.Difference,
    where: tuple,
    adjusted: str,
) -> Numbers:
    groups = [_standardiser_scores(data, plan, outcome, arm) for arm in (d.first, d.second)]
    spread = pooled_sd(groups)
    if spread is None or not spread[0]:
        yield Number(
            ident("effect", *where),
            None,
            method="not estimable: the standardiser has no spread",
            reason=NO_SPREAD if spread else "",
        )
        return
    sd, n = spread
    try:
        effect = standardise(
            d.estimate,
            d.se,
            sd,
            n,
            n - 2,
            standardiser=STANDARDISERS[plan.standardiser],
            adjustment=adjusted,
            n1=d.n1,
            n2=d.n2,
            confidence=plan.confidence,
        )
    except ancova.NotEstimable as reason:
        yield Number(ident("effect", *where), None, method=f"not estimable: {reason}")
        return
    yield Number(
        ident("effect_sd", *where), sd, n=n, unit="points", method=effect.recipe.standardiser
    )
    yield Number(ident("effect_sd_n", *where), n, unit="people", method="count of scores in the SD")
    method = "adjusted difference / SD x Hedges J; large-sample interval"
    yield Number(
        ident("effect", *where),
        effect.value,
        effect.lower,
        effect.upper,
        d.n,
        "SD",
        method,
        recipe_text(effect),
    )


STANDARDISERS = {
    "baseline_sd": "pooled baseline SD of everybody randomised to the two arms",
    "post_sd": "pooled SD of the two arms at this time point",
}


def recipe_text(effect: Effect) -> str:
    r = effect.recipe
    return (
        f"standardiser: {r.standardiser} = {r.sd!r}; adjustment: {r.adjustment}; n: {r.n1} and "
        f"{r.n2}; "
        f"correction: {r.correction}; interval: {r.interval}, se^2 = (se of difference / SD)^2 + "
        f"d^2 / (2 n of SD)"
    )


def _standardiser_scores(
    data: Dataset, plan: AnalysisPlan, outcome: Outcome, arm: str
) -> Sequence[float]:
    if plan.standardiser == "baseline_sd":
        return baseline_scores(data, arm, outcome.instrument)
    found = (data.score(p.code, outcome.instrument, outcome.timepoint) for p in data.people(arm))
    return [score for score in found if score is not None]


def _not_estimable(outcome: Outcome, pair: tuple[str, str], text: str, reason: str) -> Number:
    id = ident("difference", outcome.instrument, outcome.timepoint, pair_of(pair))
    return Number(id, None, unit="points", method=f"not estimable: {text}", reason=reason)


def _why(
    data: Dataset, outcome: Outcome, pair: tuple[str, str], refusal: ancova.NotEstimable
) -> str:
    """What is lacking, as far as it shows in one of the two arms; `not_estimable` where that is
    none of what the report has words for.
    """
    asked = {
        row.participant for row in data.scores if (row.instrument, row.timepoint) == _key(outcome)
    }
    for arm in pair:
        people = [person.code for person in data.people(arm)]
        if not people:
            return "empty_arm"
        if not asked & set(people):
            return "one_arm"
        if all(data.score(code, outcome.instrument, outcome.timepoint) is None for code in people):
            return "no_score_yet"
    if isinstance(refusal, ancova.DoesNotVary):
        return "does_not_vary"
    return "too_few" if isinstance(refusal, ancova.TooFew) else "not_estimable"


def _key(outcome: Outcome) -> tuple[str, str]:
    return outcome.instrument, outcome.timepoint


def _multiplicity(data: Dataset, plan: AnalysisPlan, differences: Mapping[str, Number]) -> Numbers:
    """Holm over what the plan names, whether it can be estimated or not: what cannot counts as a p
    of 1.
    """
    if plan.multiplicity != "holm":
        return
    named = [
        ident(outcome.instrument, outcome.timepoint, pair_of(pair))
        for outcome in plan.primary
        for pair in plan.planned(data.groups)
    ]
    if len(named) < 2:
        return  # one test is its own family
    found = [differences.get(f"p.{name}") for name in named]
    raw = [1.0 if number is None or number.value is None else number.value for number in found]
    method = f"Holm over {number_of(len(named), 'test')} of the plan"
    if lacking := sum(number is None for number in found):
        count = "counts" if lacking == 1 else "count"
        method += f", {lacking} of which cannot be estimated and {count} as 1"
    yield Number(
        "holm.tests", len(named), unit="tests", method="planned contrasts of primary outcomes"
    )
    for name, number, p in zip(named, found, holm(raw), strict=True):
        if number is not None:
            yield Number(f"p_holm.{name}", p, n=number.n, method=method)
        elif f"difference.{name}" in differences:
            yield Number(f"p_holm.{name}", p, method=f"{method}; this is one that cannot")
