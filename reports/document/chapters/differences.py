"""The baseline-adjusted differences: a table, a forest plot and the recipe of the standardised effect."""

from collections.abc import Iterator

from ...dataset import Instrument
from ...figures import Interval, forest
from ...results import Number, pair_of
from ...results.baseline import pairs
from ...results.outcomes import NOT_ADJUSTED
from ..spans import Block, ColumnHead, Figure, Heading, Paragraph, Row, Spans, Table, Text, plain
from ..writer import Writer, row
from .means import measured_points

SIGNS = ("*", "†", "‡", "§")


def chapter(w: Writer) -> Iterator[Block]:
    yield Heading(w.say("differences"))
    if w.data.arms is None:
        yield w.body("pooled_differences", "missing")
        return
    if not w.plan.primary:
        yield w.body("no_primary")
    for instrument in w.data.instruments:
        if any(code != w.data.baseline for code in measured_points(w, instrument.code)):
            yield from _instrument(w, instrument)
    yield w.body("complete_cases")


def _instrument(w: Writer, instrument: Instrument) -> Iterator[Block]:
    rows = [r for r in _keys(w, instrument.code) if r[2].value is not None]
    if not rows:
        yield w.body("no_difference", "missing", instrument=w.instrument(instrument.code))
        return
    table = w.next("table")
    note = w.say("figure_numbers", table=table)
    picture = _drawing(w, instrument, rows)
    yield Figure(w.next("figure"), _title(w, instrument.code, rows), picture, w.word("forest_alt"), (note,))
    yield _table(w, instrument.code, table)
    yield from _recipes(w, instrument.code)


Key = tuple[str, tuple[str, str], Number]


def _keys(w: Writer, instrument: str) -> list[Key]:
    """(time point, contrast, difference) for every difference of this instrument, in order of time."""
    found = []
    for code in measured_points(w, instrument):
        for pair in pairs(w.data, w.plan):
            number = w.results.get("difference", instrument, code, pair_of(pair))
            if number is not None:
                found.append((code, pair, number))
    return found


def _is_primary(w: Writer, instrument: str, timepoint: str) -> bool:
    return any((o.instrument, o.timepoint) == (instrument, timepoint) for o in w.plan.primary)


def _many(w: Writer) -> bool:
    return len(pairs(w.data, w.plan)) > 1


def _where(w: Writer, code: str, pair: tuple[str, str]) -> Spans:
    if not _many(w):
        return w.point(code)
    return (*w.point(code), Text(", "), *w.say("versus", first=w.arm(pair[0]), second=w.arm(pair[1])))


def _title(w: Writer, instrument: str, rows: list[Key]) -> Spans:
    clear = [(code, pair) for code, pair, d in rows if (d.lower or 0) > 0 or (d.upper or 0) < 0]
    if not clear:
        return w.say("all_include", instrument=w.instrument(instrument))
    if len(clear) == len(rows):
        return w.say("all_exclude", instrument=w.instrument(instrument))
    where = w.listed(_where(w, code, pair) for code, pair in clear)
    return w.say("some_exclude", instrument=w.instrument(instrument), where=where)


def _drawing(w: Writer, instrument: Instrument, rows: list[Key]) -> str:
    intervals = []
    for code, pair, d in rows:
        where = ("difference", instrument.code, code, pair_of(pair))
        text = f"{plain(w.value(*where, decimals=2))} ({plain(w.interval(*where, decimals=2))})"
        label = plain(_where(w, code, pair))
        strong = _is_primary(w, instrument.code, code)
        intervals.append(Interval(label, d.value or 0.0, d.lower or 0.0, d.upper or 0.0, text, strong))
    return forest(intervals, w.word("forest_axis"), *_sides(w, instrument), decimal=w.decimal)


def _sides(w: Writer, instrument: Instrument) -> tuple[str, str]:
    """Whom a difference below and above zero favours; with several contrasts, only which arm is lower."""
    if _many(w):
        return w.word("lower_first"), w.word("higher_first")
    first, second = pairs(w.data, w.plan)[0]
    better = (first, second) if instrument.direction == "higher_worse" else (second, first)
    texts = [plain(w.say("favours", arm=w.arm(arm))) for arm in better]
    return texts[0], texts[1]


def _table(w: Writer, instrument: str, ref: Spans) -> Table:
    title = w.title_of(instrument)
    if _many(w):
        caption = w.say("differences_table_many", instrument=title)
    else:
        caption = w.say("differences_table", instrument=title, contrast=w.minus(pairs(w.data, w.plan)[0]))
    primary = any(_is_primary(w, instrument, code) for code, _, _ in _keys(w, instrument))
    covariates = [_named(w, code) for code in ("baseline", *w.plan.covariates) if _adjusted(w, instrument, code)]
    notes = (
        *([w.say("adjusted_for", what=w.listed(covariates, ", "))] if covariates else []),
        *([w.say("primary_note")] if primary else []),
        *_nested(w, instrument),
        *((*_sign(i), *_reason(w, reason)) for i, reason in enumerate(_why_not(w, instrument))),
    )
    return Table(ref, caption, tuple(_heads(w)), tuple(_rows(w, instrument)), notes)


def _nested(w: Writer, code: str) -> Iterator[Spans]:
    """Where its questions stood at baseline, if not in the questionnaire itself."""
    found = next(instrument for instrument in w.data.instruments if instrument.code == code)
    if found.baseline_from and any(f"baseline.{code}.{group}.mean" in w.results.by_id for group in w.data.groups):
        longer = w.listed((w.instrument(each) for each in found.baseline_from), ", ")
        yield w.say("nested_baseline", instrument=w.instrument(code), longer=longer)


def _why_not(w: Writer, instrument: str) -> list[str]:
    """Why differences are not estimable, or not adjusted as planned, in the order in which they get a sign."""
    return list(dict.fromkeys(d.reason for _, _, d in _keys(w, instrument) if d.reason))


def _reason(w: Writer, reason: str) -> Spans:
    if not reason.startswith(NOT_ADJUSTED):
        return w.say(f"not_estimable.{reason}")
    if (codes := reason.removeprefix(NOT_ADJUSTED)) == "baseline":
        return w.say("not_adjusted.baseline")
    return w.say("not_adjusted", what=w.listed((_named(w, code) for code in codes.split(",")), ", "))


def _adjusted(w: Writer, instrument: str, code: str) -> bool:
    """Whether any difference is adjusted for a covariate of the plan, or for `baseline`."""
    reasons = [d.reason for _, _, d in _keys(w, instrument) if d.value is not None]
    return any(code not in reason.removeprefix(NOT_ADJUSTED).split(",") for reason in reasons)


def _sign(place: int) -> Spans:
    return (Text(SIGNS[place] + "\u00a0"),)


def _mark(w: Writer, instrument: str, d: Number) -> Spans:
    return (Text("\u00a0" + SIGNS[_why_not(w, instrument).index(d.reason)]),) if d.reason else ()


def _named(w: Writer, code: str) -> Spans:
    """A covariate of the plan, or `baseline`."""
    if code == "baseline":
        return w.say("baseline_score")
    found = next((variable for variable in w.data.variables if variable.code == code), None)
    return w.label(found.label if found else {"en": code})


def _heads(w: Writer) -> Iterator[ColumnHead]:
    yield ColumnHead(w.say("timepoint"), numeric=False)
    if _many(w):
        yield ColumnHead(w.say("contrast"), numeric=False)
    yield ColumnHead(w.say("n"))
    yield ColumnHead(w.say("difference"))
    yield ColumnHead(w.ci())
    yield ColumnHead(w.say("p"))
    if w.plan.multiplicity == "holm":
        yield ColumnHead(w.say("p_holm"))
    yield ColumnHead(w.say("effect"))
    yield ColumnHead(w.ci())


def _rows(w: Writer, instrument: str) -> Iterator[Row]:
    before = None
    for code, pair, d in _keys(w, instrument):
        yield _row(w, instrument, code, pair, d, () if code == before else w.point(code))
        before = code


def _row(w: Writer, instrument: str, code: str, pair: tuple[str, str], d: Number, name: Spans) -> Row:
    where = (instrument, code, pair_of(pair))
    names = [name] + ([w.say("versus", first=w.arm(pair[0]), second=w.arm(pair[1]))] if _many(w) else [])
    holm = [w.p("p_holm", *where)] if w.plan.multiplicity == "holm" else []
    if d.value is None:
        return row(*names, (), (*w.say("not_estimable"), *_mark(w, instrument, d)), *[()] * (4 + len(holm)))
    n = (*w.count("difference_n", *where),) if w.results.get("difference_n", *where) else ()
    numbers = [
        (*w.value("difference", *where, decimals=2), *_mark(w, instrument, d)),
        w.interval("difference", *where, decimals=2),
        w.p("p", *where),
    ]
    effect = [w.value("effect", *where, decimals=2), w.interval("effect", *where, decimals=2)]
    kind = "strong" if _is_primary(w, instrument, code) else "normal"
    return row(*names, n, *numbers, *holm, *effect, kind=kind)


def _recipes(w: Writer, instrument: str) -> Iterator[Paragraph]:
    """How the effects are made, with the SD of every contrast (and, where it differs, of every time point)."""
    spreads: dict[Spans, Spans] = {}
    for code, pair, _ in _keys(w, instrument):
        where = (instrument, code, pair_of(pair))
        if w.results.get("effect_sd", *where):
            sd, n = w.value("effect_sd", *where, decimals=2), w.count("effect_sd_n", *where)
            spreads.setdefault(_spread_name(w, code, pair), w.say("spread", sd=sd, n=n))
    if spreads:
        standardiser, listed = w.say(w.plan.standardiser), w.listed((*name, *text) for name, text in spreads.items())
        yield Paragraph(w.say("recipe", standardiser=standardiser, spreads=listed, level=w.level()), "note")


def _spread_name(w: Writer, code: str, pair: tuple[str, str]) -> Spans:
    """Empty where one SD serves every row."""
    if w.plan.standardiser == "post_sd":
        return (*_where(w, code, pair), Text(": "))
    return (*w.say("versus", first=w.arm(pair[0]), second=w.arm(pair[1])), Text(": ")) if _many(w) else ()
