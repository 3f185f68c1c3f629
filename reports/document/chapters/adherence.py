"""Who began, how far they came, and how long they went on."""

from collections.abc import Iterator

from ...dataset import POOLED
from ...figures import Rung, funnel
from ...results.adherence import DAYS_OF_USE
from ..spans import Block, ColumnHead, Figure, Heading, Label, Row, Spans, Table
from ..writer import Writer, row
from .curve import drawing, risk_table, table


def chapter(w: Writer) -> Iterator[Block]:
    yield Heading(w.say("adherence"))
    if w.data.usage is None and w.data.module_use is None:
        yield w.missing("lessons")
        return
    if not _groups(w):
        yield w.body("nobody_given", "missing")
        return
    notes = (*([w.say("opened_apart")] if _open_apart(w) else []), *_without(w))
    yield Table(
        w.next("table"),
        w.say("adherence_table"),
        tuple(_heads(w, "measure")),
        tuple(_rows(w)),
        notes,
    )
    if w.plan.adherence and w.plan.adherence.justification:
        yield w.body("why_enough", "note", why=w.label(w.plan.adherence.justification))
    if w.data.modules and _has_modules(w):
        yield from _funnel(w)
    yield from _use(w)


def _groups(w: Writer) -> list[str]:
    """The groups in which anybody was given the programme."""
    return [
        group for group in w.data.groups if (w.number("adherence", group, "access").value or 0) > 0
    ]


def _open_apart(w: Writer) -> bool:
    if w.data.usage is None:
        return False
    return len({w.number("adherence", group, "opened").value for group in _groups(w)}) > 1


def _without(w: Writer) -> Iterator[Spans]:
    """The arms that have no column, since nobody in them was given the programme."""
    given = _groups(w)
    lacking = [w.arm(group) for group in w.data.groups if group not in given]
    if lacking:
        yield w.say("not_given", arms=w.listed(lacking, ", "))


def _heads(w: Writer, first: str) -> Iterator[ColumnHead]:
    yield ColumnHead(w.say(first), numeric=False)
    for group in _groups(w):
        yield ColumnHead(w.say("n_or_value"), w.arm(group))
        yield ColumnHead(w.say("percent"), w.arm(group))


def _rows(w: Writer) -> Iterator[Row]:
    yield _row(w, w.say("access"), lambda g: (w.count("adherence", g, "access"), ()))
    if w.data.usage is not None:
        name = w.say("programme_opened", unit=w.unit())
        yield _row(w, name, lambda g: (w.value("adherence", g, "opened", decimals=0), ()))
    if _has_modules(w):
        yield _row(w, w.say("started"), lambda g: _both(w, g, "started"))
        yield _row(w, w.say("modules"), lambda g: (w.value("adherence", g, "modules"), ()))
        if w.plan.adherence:
            name = w.say("adherent", n=w.count("plan.adherence.at_least"))
            yield _row(w, name, lambda g: _both(w, g, "adherent"))
        yield _row(w, w.say("finished"), lambda g: _both(w, g, "finished"))
    if w.data.usage is not None:
        name = w.say("last_use", unit=w.unit())
        yield _row(w, name, lambda g: (w.value("adherence", g, "last_use"), ()))


def _has_modules(w: Writer) -> bool:
    return w.data.modules is not None and w.data.module_use is not None


def _both(w: Writer, group: str, key: str) -> tuple[Spans, Spans]:
    return w.count("adherence", group, key, "count"), w.percent("adherence", group, key, "share")


def _row(w: Writer, name: Spans, cells) -> Row:
    return row(name, *[cell for group in _groups(w) for cell in cells(group)])


def _funnel(w: Writer) -> Iterator[Block]:
    groups = _groups(w)
    ref = w.next("table")
    rungs = [
        Rung(w.text(m.title), [_shares(w, m.code, group) for group in groups])
        for m in w.data.modules or ()
    ]
    names = [w.arm_name(group) for group in groups]
    picture = funnel(rungs, names, w.word("funnel_axis"), w.word("opened"), w.word("completed"))
    note = w.say("figure_numbers", table=ref)
    yield Figure(w.next("figure"), _funnel_title(w, groups), picture, w.word("funnel_alt"), (note,))
    yield Table(
        ref, w.say("funnel_table"), tuple(_funnel_heads(w, groups)), tuple(_funnel_rows(w, groups))
    )


def _shares(w: Writer, module: str, group: str) -> tuple[float, float, float, float]:
    opened, completed = (
        w.number("module", module, group, word, "share") for word in ("opened", "completed")
    )
    value = completed.value or 0.0
    lower, upper = (value if end is None else end for end in (completed.lower, completed.upper))
    return opened.value or 0.0, value, lower, upper


def _funnel_title(w: Writer, groups: list[str]) -> Spans:
    def clause(group: str) -> Spans:
        shares = {
            key: w.percent("adherence", group, key, "share") for key in ("started", "finished")
        }
        return (
            w.say("funnel_pooled", **shares)
            if group == POOLED
            else w.say("funnel_arm", arm=w.arm(group), **shares)
        )

    return (*w.say("funnel_title"), *w.listed(clause(group) for group in groups))


def _funnel_heads(w: Writer, groups: list[str]) -> Iterator[ColumnHead]:
    yield ColumnHead(w.say("module"), numeric=False)
    for group in groups:
        for key in ("opened", "completed"):
            yield ColumnHead(w.say(key), w.arm(group))
            yield ColumnHead(w.say("percent"), w.arm(group))


def _funnel_rows(w: Writer, groups: list[str]) -> Iterator[Row]:
    for module in w.data.modules or ():
        cells: list[Spans] = []
        for group in groups:
            for key in ("opened", "completed"):
                id = ("module", module.code, group, key)
                cells += [w.count(*id, "count"), w.percent(*id, "share")]
        yield row(w.label(module.title), *cells)


def _use(w: Writer) -> Iterator[Block]:
    durations = w.data.use
    if not durations:
        yield w.missing("use_table")
        return
    picture = drawing(w, "use", w.data.time_unit + "s_access", "use_axis")
    ref = w.next("table")
    risk = w.next("table") if picture else ref
    if picture:
        idle = w.count("data.idle_after")
        note = w.say("use_note", idle=idle, unit=w.unit(idle))
        numbers = w.say("figure_numbers_two", table=ref, risk=risk)
        notes = (note, *w.bands(), w.say("stop_is_not_use"), numbers)
        yield Figure(w.next("figure"), _use_title(w), picture, w.word("use_alt"), notes)
    at = [(f"d{day}", _day(w, day)) for day in DAYS_OF_USE]
    yield table(w, "use", w.say("use_table"), "stopped", at, ref)
    if picture:
        yield risk_table(w, "use", w.data.time_unit + "s_access", risk)


def _day(w: Writer, day: int) -> Spans:
    return w.say(w.data.time_unit + "_at", n=(Label(str(day)),))


def _use_title(w: Writer) -> Spans:
    unit = w.unit()

    def clause(group: str) -> Spans:
        number = w.number("use", group, "median")
        if number.value is None:
            return (
                w.say("not_reached") if group == POOLED else w.say("median_not", arm=w.arm(group))
            )
        places = {"median": w.value(number.id), "unit": unit}
        return (
            w.say("median_pooled", **places)
            if group == POOLED
            else w.say("median_arm", arm=w.arm(group), **places)
        )

    groups = [group for group in w.data.groups if w.has("use", group, "median")]
    return (*w.say("use_title"), *w.listed(clause(group) for group in groups))
