"""The methods in a line each, with their papers, and how to check the report."""

from collections.abc import Iterator

from ..spans import Block, Heading, Label, Paragraph, Spans
from ..writer import Writer


def chapter(w: Writer) -> Iterator[Block]:
    yield Heading(w.say("methods"))
    yield Paragraph(w.listed([*_lines(w), w.say("check")], " "))


def _lines(w: Writer) -> Iterator[Spans]:
    if w.data.arms is not None:
        yield w.say("method.smd", paper=_paper("Austin 2009"), counts=_paper("Yang, Dalton 2012"))
    if w.data.arms is not None and not w.plan.cluster:
        yield w.say("method.ancova", paper=_paper("Vickers, Altman, BMJ 2001;323:1123"))
        yield w.say("method.effect", paper=_paper("Hedges, J Educ Stat 1981;6:107"))
        if any(number.id.startswith("p_holm.") for number in w.results.numbers):
            yield w.say("method.holm", paper=_paper("Holm, Scand J Stat 1979;6:65"))
    if any("Wilson" in number.method for number in w.results.numbers):
        yield w.say("method.share", paper=_paper("Wilson 1927; Newcombe 1998"))
    if any(w.has("reliable_change", instrument.code) for instrument in w.data.instruments):
        yield w.say("method.change", paper=_paper("Jacobson, Truax, JCCP 1991;59:12"))
    yield w.say(
        "method.curve" if w.has_intervals else "method.curve_alone",
        what=w.say("time_in_study" if w.data.usage is None else "time_in_both"),
        paper=_paper("Kaplan, Meier, JASA 1958;53:457"),
        attrition=_paper("Eysenbach, JMIR 2005;7:e11"),
    )


def _paper(text: str) -> Spans:
    return (Label(text),)
