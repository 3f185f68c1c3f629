"""Staying in the study."""

from collections.abc import Iterator

from ..spans import Block, Figure, Heading, Spans
from ..writer import Writer
from .curve import drawing, risk_table, table


def chapter(w: Writer) -> Iterator[Block]:
    yield Heading(w.say("retention"))
    points = [point for point in w.data.timepoints if point.code != w.data.baseline]
    if not points:
        yield w.missing("retention")
        return
    picture = drawing(w, "retention", w.data.time_unit + "s", "retention_axis")
    ref = w.next("table")
    risk = w.next("table") if picture else ref
    if picture:
        notes = (w.say("retention_note", level=w.level()), w.say("figure_numbers_two", table=ref, risk=risk))
        yield Figure(
            w.next("figure"), _title(w, _last(w, [p.code for p in points])), picture, w.word("retention_alt"), notes
        )
    at = [(point.code, w.point(point.code)) for point in points[-6:]]
    yield table(w, "retention", w.say("retention_table"), "ended", at, ref)
    if picture:
        yield risk_table(w, "retention", w.data.time_unit + "s", risk)


def _last(w: Writer, points: list[str]) -> str:
    """The last time point until which every arm is followed, so that the title compares like with like."""
    shares = {code: [w.results.get("retention", group, "at", code) for group in w.data.groups] for code in points}
    followed = [code for code, found in shares.items() if all(number and number.value is not None for number in found)]
    return followed[-1] if followed else points[0]


def _title(w: Writer, last: str) -> Spans:
    def places(group: str) -> dict[str, Spans]:
        return {"share": w.percent("retention", group, "at", last)}

    return (*w.say("retention_title", when=w.point(last)), *w.by_group("share_arm", "share_pooled", places))
