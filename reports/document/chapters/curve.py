"""What the two Kaplan-Meier curves share: the drawing and the table under it."""

from collections.abc import Iterator, Sequence

from ...dataset import POOLED
from ...figures import Stay, survival_curves
from ...results import curve, tick_name, ticks
from ...statistics.survival import Curve
from ..spans import ColumnHead, Label, Row, Spans, Table
from ..writer import Writer, row


def drawing(w: Writer, kind: str, x_key: str, y_key: str) -> str | None:
    """None where no group has a curve or time never passes."""
    at = ticks(w.data, kind)
    curves = {group: curve(w.data, kind, group, w.plan.confidence) for group in w.data.groups}
    arms = [_stay(w, group, found, at) for group, found in curves.items() if found is not None]
    if not arms or not at:
        return None
    return survival_curves(arms, at, w.word(x_key), w.word(y_key), w.word("at_risk"))


def _stay(w: Writer, group: str, found: Curve, at: Sequence[float]) -> Stay:
    leaving = _leaving(found)
    steps = [
        (s.time, s.survival, *((s.lower, s.upper) if w.has_intervals else (None, None)), left)
        for s, left in zip(found.steps, leaving, strict=True)
    ]
    return Stay(w.arm_name(group), steps, [found.at_risk(tick) for tick in at])


def _leaving(found: Curve) -> list[int]:
    """At each step, the people last seen there."""
    after = [step.at_risk for step in found.steps[1:]] + [0]
    return [
        step.at_risk - step.events - later for step, later in zip(found.steps, after, strict=True)
    ]


def table(
    w: Writer, kind: str, caption: Spans, ended: str, at: Sequence[tuple[str, Spans]], ref: Spans
) -> Table:
    """`at` are (name in the id, what the column is called)."""
    unit = w.unit()
    heads = (
        *([ColumnHead(w.say("arm"), numeric=False)] if w.data.groups != (POOLED,) else []),
        ColumnHead(w.say("n")),
        ColumnHead(w.say(ended)),
        ColumnHead(w.say("median", unit=unit)),
        *([ColumnHead(w.ci())] if w.has_intervals else []),
        *(ColumnHead(name, w.say("still")) for _, name in at),
    )
    names = [name for name, _ in at]
    notes = (
        (w.say("not_followed"),)
        if any(not _is_known(w, kind, g, n) for g in w.data.groups for n in names)
        else ()
    )
    return Table(ref, caption, heads, tuple(_rows(w, kind, names)), notes)


def _is_known(w: Writer, kind: str, group: str, name: str) -> bool:
    """True of a group that is not in the table at all."""
    return not w.has(kind, group, "n") or w.number(kind, group, "at", name).value is not None


def risk_table(w: Writer, kind: str, x_key: str, ref: Spans) -> Table:
    """The people at risk as they stand under the figure."""
    at = ticks(w.data, kind)
    heads = (
        *([ColumnHead(w.say("arm"), numeric=False)] if w.data.groups != (POOLED,) else []),
        *(ColumnHead((Label(str(tick)),), w.say(x_key)) for tick in at),
    )
    rows = []
    for group in w.data.groups:
        if w.has(kind, group, "n"):
            names = [w.arm(group)] if group != POOLED else []
            rows.append(
                row(
                    *names,
                    *(w.count(kind, group, "at_risk", tick_name(w.data, tick)) for tick in at),
                )
            )
    return Table(ref, w.say(f"{kind}_risk_table"), heads, tuple(rows))


def _rows(w: Writer, kind: str, at: list[str]) -> Iterator[Row]:
    for group in w.data.groups:
        if not w.has(kind, group, "n"):
            continue
        name = [w.arm(group)] if group != POOLED else []
        shares = [w.percent(kind, group, "at", point) for point in at]
        yield row(
            *name,
            w.count(kind, group, "n"),
            w.count(kind, group, "ended"),
            median(w, kind, group),
            *([w.interval(kind, group, "median")] if w.has_intervals else []),
            *shares,
        )


def median(w: Writer, kind: str, group: str) -> Spans:
    number = w.number(kind, group, "median")
    return w.say("not_reached") if number.value is None else w.value(number.id)
