"""The analysis plan of a protocol version, as the statistics read it."""

from __future__ import annotations

from reports import sections
from reports.plan import Adherence, AnalysisPlan, Outcome
from reports.sections import Analysis
from trial.models import ProtocolVersion

MANY = 4  # a stratum with more levels than this costs more than it explains in a trial of this size


def plan_of(version: ProtocolVersion) -> AnalysisPlan:
    """Covariates are those of analysis.yaml and the strata of the randomisation that have at most MANY levels."""
    analysis = Analysis.model_validate(version.section("analysis"))
    used, _ = strata(version)
    same = {"model", "contrasts", "confidence", "estimand", "standardiser"}
    return AnalysisPlan(
        **analysis.model_dump(mode="json", include=same),
        primary=[_outcome(outcome) for outcome in analysis.primary],
        secondary=[_outcome(outcome) for outcome in analysis.secondary],
        multiplicity=analysis.multiplicity.method,
        multiplicity_note=_note(version),
        covariates=list(dict.fromkeys((*analysis.covariates, *used))),
        adherence=_adherence(analysis),
    )


def _outcome(outcome: sections.Outcome) -> Outcome:
    return Outcome(instrument=outcome.instrument, timepoint=outcome.timepoint)


def _adherence(analysis: Analysis) -> Adherence | None:
    given = analysis.adherence
    if given is None:
        return None
    return Adherence(**given.model_dump(mode="json", include={"measure", "at_least", "justification"}))


def strata(version: ProtocolVersion) -> tuple[list[str], list[str]]:
    """The strata that enter the model, and those that have too many levels to."""
    names = version.section("randomisation").get("strata") or []
    used = [name for name in names if levels(version, name) <= MANY]
    return used, [name for name in names if name not in used]


def levels(version: ProtocolVersion, name: str) -> int:
    question = version.protocol.question(name)
    if question is None or question.kind == "site":
        return len(version.protocol.sites)
    return len(question.options)


def _note(version: ProtocolVersion) -> str:
    _, left_out = strata(version)
    return "; ".join(f"{name}: a stratum of {levels(version, name)} levels, left out of the model" for name in left_out)
