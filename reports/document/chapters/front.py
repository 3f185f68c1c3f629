"""What this is, what it was made from, and what it must not be taken for."""

from collections.abc import Iterator

from ..spans import Block, Facts, Label, Meta, Paragraph, Spans
from ..writer import Writer


def chapter(w: Writer) -> Iterator[Block]:
    if w.data.meta.simulated:
        yield Paragraph((*w.say("simulated"), Label(" "), *w.say("simulated_long")), "notice")
    if w.data.arms is None:
        yield w.body("pooled", "notice")
    yield Facts(tuple(_facts(w)))
    if w.plan.estimand:
        yield Paragraph((*w.say("estimand"), Label(": " + w.text(w.plan.estimand))))


def _facts(w: Writer) -> Iterator[tuple[Spans, Spans]]:
    meta = w.data.meta
    yield w.say("study"), (Label(meta.study),)
    yield w.say("source"), (Label(meta.source),)
    yield w.say("randomised_people"), w.count("flow.all.randomised")
    if meta.protocol_version is None:
        yield w.say("protocol"), w.say("no_protocol")
    else:
        yield w.say("protocol"), (Meta(f"{meta.protocol_version} (SHA-256 {meta.protocol_sha256})"),)
    yield w.say("snapshot"), (Meta(f"SHA-256 {w.data.snapshot_hash}"),)
    yield w.say("code"), (Meta(meta.code_version),)
    if meta.audit_seal:
        yield w.say("seal"), (Meta(meta.audit_seal),)
