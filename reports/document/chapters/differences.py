"""The baseline-adjusted differences: a table, a forest plot and the recipe of the standardised
effect.
"""

from collections.abc import Iterator

from ...dataset import Instrument
from ...figures import Interval, forest
from ...plan import Outcome
from ...results import Number, pair_of
from ...results.baseline import pairs
from ...results.outcomes import NO_SPREAD, NOT_ADJUSTED
from ..spans import Block, ColumnHead, Figure, Heading, Paragraph, Row, Spans, Table, Text, plain
from ..writer import Writer, row
from .means import measured_points

SIGNS = ("*", "†", "‡", "§")


def chapter(w: Writer) -> Iterator[Block]:
    yield Heading(w.say("differences"))
    if w.data.arms is None:
        yield w.body("pooled_differences", "missing")
        return
    if w.plan.cluster:
        yield w.body("no_clusters", "missing", cluster=w.variable(w.plan.cluster))
        return
    if not w.plan.primary:
        yield w.body("no_primary_holm" if w.plan.multiplicity == "holm" else "no_primary")
    for instrument in w.data.instruments:
        if _points(w, instrument.code):
            yield from _instrument(w, instrument)
    yield w.body("complete_cases")


def _points(w: Writer, instrument: str) -> list[str]:
    """The time points after baseline at which this instrument was due."""
    return [code for code in measured_points(w, instrument) if code != w.data.baseline]


def _instrument(w: Writer, instrument: Instrument) -> Iterator[Block]:
    keys = _keys(w, instrument.code)
    rows = [key for key in keys if key[2].value is not None]
    if not rows:
        why = w.listed((_reason(w, each) for each in _why_not(w, instrument.code)), " ")
        yield w.body("no_difference", "missing", instrument=w.instrument(instrument.code), why=why)
        return
    table = w.next("table")
    notes = [w.say("figure_numbers", table=table)]
    if _has_holm(w, instrument.code):
        notes.append(w.say("holm_figure_note", level=w.level()))
    picture = _drawing(w, instrument, rows)
    title = _title(w, instrument.code, keys)
    yield Figure(w.next("figure"), title, picture, w.word("forest_alt"), tuple(notes))
    yield _table(w, instrument.code, table)
    yield from _recipes(w, instrument.code)


Key = tuple[str, tuple[str, str], Number]


def _keys(w: Writer, instrument: str) -> list[Key]:
    """(time point, contrast, difference) for every difference of this instrument, in order of
    time.
    """
    return [
        (code, pair, w.number("difference", instrument, code, pair_of(pair)))
        for code in _points(w, instrument)
        for pair in pairs(w.data, w.plan)
    ]


def _is_primary(w: Writer, instrument: str, timepoint: str, pair: tuple[str, str]) -> bool:
    """Whether the plan names this very comparison."""
    outcome = Outcome(instrument=instrument, timepoint=timepoint)
    return w.plan.is_primary(outcome, pair, w.data.groups)


def _many(w: Writer) -> bool:
    return len(pairs(w.data, w.plan)) > 1


def _where(w: Writer, code: str, pair: tuple[str, str]) -> Spans:
    if not _many(w):
        return w.point(code)
    return (
        *w.point(code),
        Text(", "),
        *w.say("versus", first=w.arm(pair[0]), second=w.arm(pair[1])),
    )


def _title(w: Writer, instrument: str, keys: list[Key]) -> Spans:
    """What the planned tests decide, adjusted as the plan says. Other intervals decide nothing, so
    that no headline is made of them, unless the plan singles out nothing at all.
    """
    name = w.instrument(instrument)
    planned = [key for key in keys if _is_primary(w, instrument, key[0], key[1])]
    told = planned if w.plan.primary else keys
    if not any(key[2].value is not None for key in told):
        is_named = any(outcome.instrument == instrument for outcome in w.plan.primary)
        return w.say("title_not_yet" if is_named else "title_secondary", instrument=name)
    if not w.plan.primary:
        return _decided(w, "unadjusted", name, told, [d for d in told if _excludes_zero(d[2])])
    if _has_holm(w, instrument):
        return _decided(
            w, "holm", name, told, [key for key in told if _rejected(w, instrument, key)]
        )
    return _decided(w, "primary", name, told, [d for d in told if _excludes_zero(d[2])])


def _decided(w: Writer, kind: str, name: Spans, told: list[Key], clear: list[Key]) -> Spans:
    """One sentence for all of them, or for those that are clear of zero; and which of them could
    not be estimated.
    """
    if lacking := [key for key in told if key[2].value is None]:
        found = [key for key in told if key[2].value is not None]
        said = w.say(
            f"title_{kind}_some" if clear else f"title_{kind}_none_of",
            instrument=name,
            where=_places(w, clear or found),
        )
        return (*said, *w.say("title_lacking", where=_places(w, lacking)))
    one = "_one" if len(told) == 1 else ""
    if not clear:
        return w.say(f"title_{kind}{one}_none", instrument=name)
    if len(clear) == len(told):
        return w.say(f"title_{kind}{one}_all", instrument=name)
    return w.say(f"title_{kind}_some", instrument=name, where=_places(w, clear))


def _places(w: Writer, keys: list[Key]) -> Spans:
    return w.listed(_where(w, code, pair) for code, pair, _ in keys)


def _excludes_zero(difference: Number) -> bool:
    return (difference.lower or 0) > 0 or (difference.upper or 0) < 0


def _rejected(w: Writer, instrument: str, key: Key) -> bool:
    code, pair, _ = key
    p = w.number("p_holm", instrument, code, pair_of(pair)).value
    return key[2].value is not None and p is not None and p <= 1 - w.plan.confidence


def _drawing(w: Writer, instrument: Instrument, rows: list[Key]) -> str:
    intervals = []
    for code, pair, d in rows:
        where = ("difference", instrument.code, code, pair_of(pair))
        text = f"{plain(w.value(*where, decimals=2))} ({plain(w.interval(*where, decimals=2))})"
        label = plain(_where(w, code, pair))
        strong = _is_primary(w, instrument.code, code, pair)
        value, lower, upper = d.value or 0.0, d.lower or 0.0, d.upper or 0.0
        intervals.append(Interval(label, value, lower, upper, text, strong))
    axis = f"forest_axis_{_kind(w, instrument.code)}"
    axis = plain(w.say(axis, title=w.title_of(instrument.code)))
    return forest(intervals, axis, *_sides(w, instrument), decimal=w.decimal)


def _sides(w: Writer, instrument: Instrument) -> tuple[str, str]:
    """Whom a difference below and above zero favours; with several contrasts, only which arm is
    lower.
    """
    if _many(w):
        return w.word("lower_first"), w.word("higher_first")
    first, second = pairs(w.data, w.plan)[0]
    better = (first, second) if instrument.direction == "higher_worse" else (second, first)
    texts = [plain(w.say("favours", arm=w.arm(arm))) for arm in better]
    return texts[0], texts[1]


def _table(w: Writer, instrument: str, ref: Spans) -> Table:
    title = w.title_of(instrument)
    contrast = w.say("first_minus_second") if _many(w) else w.minus(pairs(w.data, w.plan)[0])
    kind = _kind(w, instrument)
    caption = w.say(f"differences_table_{kind}", instrument=title, contrast=contrast)
    covariates = [
        _named(w, code)
        for code in ("baseline", *w.plan.covariates)
        if _adjusted(w, instrument, code)
    ]
    notes = (
        *([w.say("adjusted_for", what=w.listed(covariates, ", "))] if covariates else []),
        *_tests(w, instrument),
        *_nested(w, instrument),
        *_without_effect(w, instrument),
        *((*_sign(i), *_reason(w, reason)) for i, reason in enumerate(_why_not(w, instrument))),
    )
    return Table(ref, caption, tuple(_heads(w, instrument)), tuple(_rows(w, instrument)), notes)


def _tests(w: Writer, instrument: str) -> Iterator[Spans]:
    """What bold means, and which of the p values and intervals are adjusted for several tests."""
    if any(_is_primary(w, instrument, code, pair) for code, pair, _ in _keys(w, instrument)):
        yield w.say("primary_note")
    if _has_holm(w, instrument):
        yield w.say("holm_note", n=w.count("holm.tests"))
    yield w.say("not_adjusted_note", level=w.level())


def _has_holm(w: Writer, instrument: str) -> bool:
    """Whether any p of this instrument is adjusted."""
    keys = _keys(w, instrument)
    return any(w.has("p_holm", instrument, code, pair_of(pair)) for code, pair, _ in keys)


def _kind(w: Writer, instrument: str) -> str:
    """What the differences may be called, by what is left in their models."""
    if _adjusted(w, instrument, "baseline"):
        return "baseline"
    is_adjusted = any(_adjusted(w, instrument, code) for code in w.plan.covariates)
    return "covariates" if is_adjusted else "raw"


def _without_effect(w: Writer, instrument: str) -> Iterator[Spans]:
    """Why a difference has no standardised form."""
    keys = _keys(w, instrument)
    found = [
        w.number("effect", instrument, code, pair_of(pair))
        for code, pair, d in keys
        if d.value is not None
    ]
    if any(each.reason == NO_SPREAD for each in found):
        yield w.say(f"no_effect.{w.plan.standardiser}")


def _nested(w: Writer, code: str) -> Iterator[Spans]:
    """Where its questions stood at baseline, if not in the questionnaire itself."""
    found = next(instrument for instrument in w.data.instruments if instrument.code == code)
    if found.baseline_from and any(w.has("baseline", code, g, "mean") for g in w.data.groups):
        longer = w.listed((w.instrument(each) for each in found.baseline_from), ", ")
        yield w.say("nested_baseline", instrument=w.instrument(code), longer=longer)


def _why_not(w: Writer, instrument: str) -> list[str]:
    """Why differences are not estimable, or not adjusted as planned, in the order in which they get
    a sign.
    """
    return list(dict.fromkeys(d.reason for _, _, d in _keys(w, instrument) if d.reason))


def _reason(w: Writer, reason: str) -> Spans:
    if not reason.startswith(NOT_ADJUSTED):
        return w.say(f"not_estimable.{reason}")
    if (codes := reason.removeprefix(NOT_ADJUSTED)) == "baseline":
        return w.say("not_adjusted.baseline")
    return w.say(
        "not_adjusted", what=w.listed((_named(w, code) for code in codes.split(",")), ", ")
    )


def _adjusted(w: Writer, instrument: str, code: str) -> bool:
    """Whether any difference is adjusted for a covariate of the plan, or for `baseline`."""
    reasons = [d.reason for _, _, d in _keys(w, instrument) if d.value is not None]
    return any(code not in reason.removeprefix(NOT_ADJUSTED).split(",") for reason in reasons)


def _sign(place: int) -> Spans:
    return (Text(_signs(place) + "\u00a0"),)


def _signs(place: int) -> str:
    """*, †, ‡, §, then each of them twice."""
    return SIGNS[place % len(SIGNS)] * (place // len(SIGNS) + 1)


def _mark(w: Writer, instrument: str, d: Number) -> Spans:
    return (Text("\u00a0" + _signs(_why_not(w, instrument).index(d.reason))),) if d.reason else ()


def _named(w: Writer, code: str) -> Spans:
    """A covariate of the plan, or `baseline`."""
    if code == "baseline":
        return w.say("baseline_score")
    return w.variable(code)


def _heads(w: Writer, instrument: str) -> Iterator[ColumnHead]:
    yield ColumnHead(w.say("timepoint"), numeric=False)
    if _many(w):
        yield ColumnHead(w.say("contrast"), numeric=False)
    yield ColumnHead(w.say("n"))
    yield ColumnHead(w.say("difference"))
    yield ColumnHead(w.ci())
    yield ColumnHead(w.say("p"))
    if _has_holm(w, instrument):
        yield ColumnHead(w.say("p_holm"))
    yield ColumnHead(w.say("effect"))
    yield ColumnHead(w.ci())


def _rows(w: Writer, instrument: str) -> Iterator[Row]:
    before = None
    for code, pair, d in _keys(w, instrument):
        yield _row(w, instrument, code, pair, d, () if code == before else w.point(code))
        before = code


def _row(
    w: Writer, instrument: str, code: str, pair: tuple[str, str], d: Number, name: Spans
) -> Row:
    where = (instrument, code, pair_of(pair))
    names = [name] + (
        [w.say("versus", first=w.arm(pair[0]), second=w.arm(pair[1]))] if _many(w) else []
    )
    holm: list[Spans] = []
    if _has_holm(w, instrument):
        holm = [w.p("p_holm", *where) if w.has("p_holm", *where) else ()]
    kind = "strong" if _is_primary(w, instrument, code, pair) else "normal"
    if d.value is None:
        why = (*w.say("not_estimable"), *_mark(w, instrument, d))
        return row(*names, (), why, (), (), *holm, (), (), kind=kind)
    numbers = [
        (*w.value("difference", *where, decimals=2), *_mark(w, instrument, d)),
        w.interval("difference", *where, decimals=2),
        w.p("p", *where),
    ]
    effect = [w.value("effect", *where, decimals=2), w.interval("effect", *where, decimals=2)]
    n = w.count("difference_n", *where)
    return row(*names, n, *numbers, *holm, *effect, kind=kind)


def _recipes(w: Writer, instrument: str) -> Iterator[Paragraph]:
    """How the effects are made, with the SD of every contrast (and, where it differs, of every time
    point).
    """
    spreads: dict[Spans, Spans] = {}
    for code, pair, _ in _keys(w, instrument):
        where = (instrument, code, pair_of(pair))
        if w.has("effect_sd", *where):
            sd, n = w.value("effect_sd", *where, decimals=2), w.count("effect_sd_n", *where)
            spreads.setdefault(_spread_name(w, code, pair), w.say("spread", sd=sd, n=n))
    if spreads:
        standardiser = w.say(w.plan.standardiser)
        listed = w.listed((*name, *text) for name, text in spreads.items())
        yield Paragraph(
            w.say(
                "recipe_raw" if _kind(w, instrument) == "raw" else "recipe",
                standardiser=standardiser,
                spreads=listed,
                level=w.level(),
            ),
            "note",
        )


def _spread_name(w: Writer, code: str, pair: tuple[str, str]) -> Spans:
    """Empty where one SD serves every row."""
    if w.plan.standardiser == "post_sd":
        return (*_where(w, code, pair), Text(": "))
    return (
        (*w.say("versus", first=w.arm(pair[0]), second=w.arm(pair[1])), Text(": "))
        if _many(w)
        else ()
    )
