"""The flow diagram, and the same counts as a table."""

from collections.abc import Iterator

from ...dataset import POOLED, ArmFlow
from ...dataset.flow import flow_rows
from ...figures import Box, Column, flow_diagram
from ...results.flow import flow_id
from ..numerals import numeral
from ..spans import Block, ColumnHead, Figure, Heading, Label, Spans, Table, plain
from ..writer import Writer, row

ORDER = (
    *(
        "assessed",
        "excluded",
        "randomised",
        "allocated",
        "received",
        "not_received",
        "discontinued",
    ),
    *("lost", "pending", "left_out", "analysed"),
)


def chapter(w: Writer) -> Iterator[Block]:
    yield Heading(w.say("flow"))
    figure, table = w.next("figure"), w.next("table")
    notes = (
        w.say("flow_standard", standard=(Label(_standard(w)),)),
        w.say("figure_numbers", table=table),
    )
    yield Figure(figure, _title(w), _drawing(w), w.word("flow_alt"), notes)
    for key in _unknown(w):
        yield w.body(key, "missing")
    yield _table(w, table)


def _standard(w: Writer) -> str:
    return "CONSORT 2010 for cluster trials" if w.plan.cluster else "CONSORT 2025"


def _unknown(w: Writer) -> Iterator[str]:
    """What no box can tell, since it was not recorded."""
    flow = w.data.flow
    if flow.assessed is None:
        yield "assessed_unknown"
    if any(arm.received is None for arm in flow.arms):
        yield "received_unknown"
    if any(
        arm.discontinued is None and not arm.waits and not arm.no_programme for arm in flow.arms
    ):
        yield "discontinued_unknown"


def _title(w: Writer) -> Spans:
    """The message: how many of those randomised are in the first primary analysis, or else in the
    last one.
    """
    randomised = w.count("flow.all.randomised")
    rows = w.data.flow.arms[0].follow_up
    if not rows:
        return w.say("flow_title_plain", randomised=randomised)
    told = rows[0] if w.plan.primary else rows[-1]
    analysed = w.count(flow_id(POOLED, "analysed", f"{told.instrument}.{told.timepoint}"))
    outcome = w.outcome(told.instrument, told.timepoint)
    return w.say("flow_title", analysed=analysed, randomised=randomised, outcome=outcome)


def _drawing(w: Writer) -> str:
    flow = w.data.flow
    top = [Box(f"{w.word('randomised')} ({_n(w, flow.randomised)})")]
    excluded = None
    if flow.assessed is not None:
        top.insert(0, Box(f"{w.word('assessed')} ({_n(w, flow.assessed)})"))
        if flow.excluded is not None:
            excluded = Box(*_reasons(w, "excluded", flow.excluded, ""))
    columns = [Column(tuple(_boxes(w, arm))) for arm in flow.arms]
    phases = [w.word(key) for key in ("enrolment", "allocation", "follow_up", "analysis")]
    return flow_diagram(top, excluded, columns, phases)


def _n(w: Writer, n: int) -> str:
    # Spaces that do not break, so that a box never ends a line between n and its number.
    return f"n\u00a0=\u00a0{numeral(n, 0, w.language)}"


def _reasons(w: Writer, key: str, reasons, indent: str) -> tuple[str, tuple[str, ...]]:
    """The head with its sum, and a line for each reason, most frequent first."""
    ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    lines = tuple(f"{indent}  {plain(w.reason(reason, key))} ({_n(w, n)})" for reason, n in ordered)
    return f"{w.word(key)} ({_n(w, sum(reasons.values()))})", lines


def _boxes(w: Writer, arm: ArmFlow) -> Iterator[Box]:
    yield Box(f"{w.arm_name(arm.arm)} ({_n(w, arm.allocated)})", tuple(_allocation(w, arm)))
    yield Box(w.word("follow_up"), tuple(_follow_up(w, arm)))
    yield Box(w.word("analysis"), tuple(_analysis(w, arm)))


def _allocation(w: Writer, arm: ArmFlow) -> Iterator[str]:
    if arm.received is not None:
        yield f"{w.word('received')} ({_n(w, arm.received)})"
    if arm.not_received:
        yield from _flat(_reasons(w, "not_received", arm.not_received, ""))
    if arm.waits:
        yield w.word("programme_later")


def _flat(parts: tuple[str, tuple[str, ...]]) -> Iterator[str]:
    yield parts[0]
    yield from parts[1]


def _follow_up(w: Writer, arm: ArmFlow) -> Iterator[str]:
    """Losses, and nothing that is none: who is not due yet stands with the analysis, what is not
    known below the figure.
    """
    for line in arm.follow_up:
        head, reasons = _reasons(w, "lost", line.lost, "")
        name = plain(w.outcome(line.instrument, line.timepoint))
        yield head.replace(w.word("lost"), plain(w.say("lost_at", outcome=(Label(name),))), 1)
        yield from reasons
    if arm.discontinued is not None:
        yield from _flat(_reasons(w, "discontinued", arm.discontinued, ""))


def _analysis(w: Writer, arm: ArmFlow) -> Iterator[str]:
    for line in arm.follow_up:
        name = plain(w.outcome(line.instrument, line.timepoint))
        yield f"{name} ({_n(w, line.analysed)})"
        if line.pending:
            yield f"  {w.word('pending')} ({_n(w, line.pending)})"
        if line.left_out:
            yield from (f"  {text}" for text in _flat(_reasons(w, "left_out", line.left_out, "")))


def _table(w: Writer, ref: Spans) -> Table:
    heads = (
        ColumnHead(w.say("box"), numeric=False),
        ColumnHead(w.say("reason"), numeric=False),
        *(ColumnHead(w.arm(group)) for group in _columns(w)),
    )
    rows = tuple(
        row(
            () if reason else _box(w, stage, outcome),
            w.reason(reason, stage) if reason else (),
            *_counts(w, stage, outcome, reason),
        )
        for stage, outcome, reason in _keys(w)
    )
    return Table(ref, w.say("flow_table"), heads, rows)


def _columns(w: Writer) -> list[str]:
    return list(w.data.groups) if w.data.groups == (POOLED,) else [POOLED, *w.data.groups]


def _keys(w: Writer) -> list[tuple[str, str, str]]:
    """Every (stage, outcome, reason) once, in the order of the diagram, reasons under their box."""
    rows = list(flow_rows(w.data.flow))
    # That nobody was left out at a time point needs no row of its own.
    keys = {
        (stage, outcome, reason)
        for _, stage, outcome, reason, n in rows
        if n or stage != "left_out"
    }
    outcomes = [""] + [
        f"{line.instrument}.{line.timepoint}" for line in w.data.flow.arms[0].follow_up
    ]
    return sorted(keys, key=lambda key: (outcomes.index(key[1]), ORDER.index(key[0]), key[2]))


def _box(w: Writer, stage: str, outcome: str) -> Spans:
    if not outcome:
        return w.say(stage)
    instrument, timepoint = _outcomes(w)[outcome]
    return (*w.say(stage), Label(": "), *w.outcome(instrument, timepoint))


def _outcomes(w: Writer) -> dict[str, tuple[str, str]]:
    return {
        f"{f.instrument}.{f.timepoint}": (f.instrument, f.timepoint)
        for f in w.data.flow.arms[0].follow_up
    }


def _counts(w: Writer, stage: str, outcome: str, reason: str) -> list[Spans]:
    ids = [flow_id(column, stage, outcome, reason) for column in _columns(w)]
    return [w.count(id) if w.has(id) else () for id in ids]
