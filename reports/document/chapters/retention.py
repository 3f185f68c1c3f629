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
        numbers = w.say("figure_numbers_two", table=ref, risk=risk)
        notes = (w.say("retention_note"), *w.bands(), numbers)
        yield Figure(
            w.next("figure"),
            _title(w, _last(w, [p.code for p in points])),
            picture,
            w.word("retention_alt"),
            notes,
        )
    at = [(point.code, w.point(point.code)) for point in points[-6:]]
    yield table(w, "retention", w.say("retention_table"), "ended", at, ref)
    if picture:
        yield risk_table(w, "retention", w.data.time_unit + "s", risk)


def _last(w: Writer, points: list[str]) -> str:
    """The last time point until which every arm is followed, so that the title compares like with
    like.
    """
    followed = [
        code for code in points if all(_is_followed(w, group, code) for group in w.data.groups)
    ]
    return followed[-1] if followed else points[0]


def _is_followed(w: Writer, group: str, code: str) -> bool:
    """Nobody is where an arm is empty."""
    id = ("retention", group, "at", code)
    return w.has(*id) and w.number(*id).value is not None


def _title(w: Writer, last: str) -> Spans:
    def places(group: str) -> dict[str, Spans]:
        return {"share": w.percent("retention", group, "at", last)}

    groups = [group for group in w.data.groups if w.has("retention", group, "n")]
    return (
        *w.say("retention_title", when=w.point(last)),
        *w.by_group("share_arm", "share_pooled", places, groups),
    )
