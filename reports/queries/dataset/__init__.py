"""The snapshot of a study that its report is made from, put together from the same tables that are
exported.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from reports.dataset import Arm, Dataset, Digest, IntercurrentEvent, Meta, count_flow
from reports.queries.dataset import calls, conduct, design, people, programme, reasons, scores
from reports.queries.plan import many_centres, plan_of
from reports.queries.tables import days_after, has, held, records, tables
from reports.results import code_version
from trial import audit
from trial.entries import Table
from trial.languages import in_language
from trial.models import ProtocolVersion, Study
from trial.queries.tables import IDLE_AFTER

ORIGIN = {
    True: {
        "en": "A rehearsal with simulated people.",
        "nl": "Een oefening met gesimuleerde mensen.",
    },
    False: {"en": "The records of the study.", "nl": "De vastlegging van het onderzoek zelf."},
}
# By what the arms offer at the start: the words for not having begun any of it, without `no_`.
BEGAN = {
    "module": {"en": "Began: opened a module.", "nl": "Begonnen: een module geopend."},
    "call": {"en": "Began: had a planned call.", "nl": "Begonnen: een gepland gesprek gehad."},
    "module_call": {
        "en": "Began: opened a module or had a planned call.",
        "nl": "Begonnen: een module geopend of een gepland gesprek gehad.",
    },
}
BY_ALLOCATION = {
    "en": "An arm that offers nothing of this at the start is begun by being allocated.",
    "nl": "Een groep die hiervan aan het begin niets krijgt, begint met de toewijzing.",
}
POOLED = {
    "en": "Pooled: time points, dates and use that would tell an arm are left out until they "
    "cannot.",
    "nl": "Samengenomen: meetmomenten, data en gebruik die een groep zouden verraden, ontbreken "
    "tot ze dat niet meer "
    "kunnen.",
}
MANY_CENTRES = {
    "en": "Adjusted for {name}: the centres with most people each by themselves, all others as "
    "one.",
    "nl": "Gecorrigeerd voor {name}: de centra met de meeste mensen elk apart, alle andere samen.",
}


class NobodyRandomised(Exception):
    """There is nothing to report before the first allocation."""


def dataset_of(study: Study, arms: Mapping[str, str] | None, at: datetime) -> Dataset:
    """The snapshot at `at`. `arms` is the arm by participant code; None pools and leaves out what
    tells an arm.
    """
    version, digest = study.current, Digest()
    found = held(tables(study, at, arms=arms is not None), digest)
    meta = meta_of(study, by_arm=arms is not None)
    plan, points = plan_of(version), design.timepoints(version, found)
    used = programme.Use(found) if has(found, "programme") else None
    called = calls.Calls(found) if has(found, "contacts") else None
    joined = people.participants(version, found, arms, used, called)
    if not joined:
        raise NobodyRandomised(study.slug)
    start = {person.code: person.randomised_on for person in joined}
    rows = scores.scores(found, start)
    screened = records(found, "participants")
    return Dataset(
        meta=meta,
        arms=tuple(Arm(arm.code, dict(arm.name)) for arm in version.protocol.arms)
        if arms is not None
        else None,
        participants=joined,
        instruments=design.instruments(version, found),
        timepoints=points,
        baseline=design.baseline(found),
        scores=rows,
        flow=count_flow(
            joined,
            rows,
            list(version.protocol.arm_codes) if arms is not None else None,
            [(outcome.instrument, outcome.timepoint) for outcome in plan.primary],
            design.baseline(found),
            covariates=plan.covariates,
            assessed=len(screened),
            excluded=people.excluded(screened),
            discontinuation_recorded=arms is not None,
            waiting=people.waiting(version) if arms is not None else (),
            without_programme=people.without_programme(version) if arms is not None else (),
        ),
        variables=design.variables(version, joined),
        modules=programme.modules(version) if used else None,
        module_use=used.module_use(start) if used else None,
        usage=used.usage(start) if used else None,
        contacts=called.contacts(start) if called else None,
        attempts=called.attempts(start) if called else None,
        coached=called.coached(start) if called else None,
        intercurrent=_intercurrent(found, start),
        idle_after=IDLE_AFTER if used else None,
        reasons=reasons.reasons(version),
        tables_hash=digest.snapshot(meta.hashed),
    )


def _intercurrent(
    found: list[Table], start: Mapping[str, date | None]
) -> tuple[IntercurrentEvent, ...] | None:
    if not has(found, "intercurrent_events"):
        return None
    return tuple(
        IntercurrentEvent(
            row["participant"], row["event"], days_after(start[row["participant"]], row["on"])
        )
        for row in records(found, "intercurrent_events")
        if row["participant"] in start
    )


def meta_of(study: Study, *, by_arm: bool) -> Meta:
    version = study.current
    return Meta(
        title=dict(version.protocol.title),
        study=study.slug,
        simulated=study.simulated,
        source=_source(study, version, by_arm),
        code_version=code_version(),
        languages=tuple(version.protocol.languages),
        protocol_version=version.number,
        protocol_sha256=version.sha256,
        audit_seal=audit.newest_seal(study) or None,
        conduct=conduct.of(study, version, by_arm=by_arm),
        names_published=bool(version.protocol.sources),
    )


def _source(study: Study, version: ProtocolVersion, by_arm: bool) -> dict[str, str]:
    """Where the data come from, and what a reader must know of how they were counted."""
    parts = [ORIGIN[study.simulated], *(_began(version) if by_arm else [POOLED])]
    parts += [_many_centres(version, name) for name in many_centres(version)]
    return {
        language: " ".join(part[language] for part in parts) for language in ORIGIN[study.simulated]
    }


def _began(version: ProtocolVersion) -> list[dict[str, str]]:
    offered = people.offered(version)
    kinds = [kind for kind in ("module", "call") if any(f"no_{kind}" in each for each in offered)]
    if not kinds:
        return []
    return [BEGAN["_".join(kinds)], *([BY_ALLOCATION] if "" in offered else [])]


def _many_centres(version: ProtocolVersion, factor: str) -> dict[str, str]:
    question = version.protocol.question(factor)
    names = question.name if question else {}
    return {
        language: text.format(name=in_language(names, language) or factor)
        for language, text in MANY_CENTRES.items()
    }
