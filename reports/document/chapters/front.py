"""What this is, what it was made from, and what it must not be taken for."""

from collections.abc import Iterator

from ...dataset import Conduct, LeftAside, Meta
from ..dates import day, moment
from ..spans import Block, Facts, Label, Paragraph, Spans, Text
from ..spans import Meta as Mark
from ..writer import Writer


def chapter(w: Writer) -> Iterator[Block]:
    if w.data.meta.simulated:
        yield Paragraph(
            (*w.say(simulated(w.data.meta)), Label(" "), *w.say("simulated_long")), "notice"
        )
    if w.data.arms is None:
        yield w.body("pooled", "notice")
    if w.plan.cluster:
        yield w.body("clustered", "notice", cluster=w.variable(w.plan.cluster))
    yield Facts(tuple(_facts(w)))
    if w.plan.estimand:
        yield Paragraph((*w.say("estimand"), Label(": " + w.text(w.plan.estimand))))


def simulated(meta: Meta) -> str:
    """The word for people who do not exist, as in `Meta.notice`."""
    return "simulated_published" if meta.names_published else "simulated"


def _facts(w: Writer) -> Iterator[tuple[Spans, Spans]]:
    meta = w.data.meta
    yield w.say("study"), (Label(meta.study),)
    yield w.say("source"), w.label(meta.source)
    yield w.say("randomised_people"), w.count("flow.all.randomised")
    if meta.protocol_version is None:
        yield w.say("protocol"), w.say("no_protocol")
    else:
        yield (
            w.say("protocol"),
            (Mark(f"{meta.protocol_version} (SHA-256 {meta.protocol_sha256})"),),
        )
    yield from _left_aside(w, meta.left_aside)
    yield from _conduct(w, meta.conduct)
    yield w.say("snapshot"), (Mark(f"SHA-256 {w.data.snapshot_hash}"),)
    yield w.say("code"), (Mark(meta.code_version),)
    if meta.audit_seal:
        yield w.say("seal"), (Mark(meta.audit_seal),)


def _left_aside(w: Writer, aside: LeftAside | None) -> Iterator[tuple[Spans, Spans]]:
    """What of the file is in no number of this report."""
    if aside and aside.columns:
        names = w.listed(((Label(f"'{name}'"),) for name in aside.columns), ", ")
        yield w.say("columns_aside"), names
    if aside and aside.empty_rows:
        yield w.say("empty_rows"), w.count("data.empty_rows")


def _conduct(w: Writer, conduct: Conduct | None) -> Iterator[tuple[Spans, Spans]]:
    """What was fixed and registered before anybody was allocated, and what was not."""
    if conduct is None:
        yield from (
            (w.say(key), w.say("not_recorded")) for key in ("locked", "registration", "partial")
        )
        return
    yield w.say("locked"), _locked(w, conduct)
    yield w.say("registration"), _registration(w, conduct)
    yield w.say("partial"), _partial(w, conduct)


def _locked(w: Writer, conduct: Conduct) -> Spans:
    locked, first = (
        moment(at, w.language) for at in (conduct.locked_at, conduct.first_allocation_at)
    )
    order = w.say("before" if conduct.is_locked_before else "after")
    return (*w.say("when", at=(Mark(locked),), order=order), Text(" ("), Mark(first), Text(")"))


def _registration(w: Writer, conduct: Conduct) -> Spans:
    registered = conduct.registration
    if registered is None:
        return w.say("not_registered")
    at = (Label(f"{registered.registry}: {registered.id}, "), Mark(day(registered.on, w.language)))
    if w.data.meta.simulated:
        return at  # a day on the calendar, beside an allocation on a made-up one
    return w.say("when", at=at, order=w.say(conduct.registered or "before"))


def _partial(w: Writer, conduct: Conduct) -> Spans:
    if not conduct.partial:
        return w.say("partial_none")
    listed = w.listed(_planned(w, point.code, point.arms) for point in conduct.partial)
    return (*listed, *w.say("partial_seen"))


def _planned(w: Writer, code: str, arms: tuple[str, ...]) -> Spans:
    name = w.point(code) if w.has_point(code) else (Label(code),)
    if not arms:
        return w.say("partial_pooled", timepoint=name)
    return w.say("partial_in", timepoint=name, arms=w.listed((w.arm(arm) for arm in arms), ", "))
