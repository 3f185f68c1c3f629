"""The analysis plan of a protocol version, as the statistics read it."""

from __future__ import annotations

from reports import sections
from reports.plan import AnalysisPlan, Outcome
from reports.sections import Analysis
from trial.models import ProtocolVersion

MANY = 4  # with more centres than this the small ones enter the model, and the tables, as one


def plan_of(version: ProtocolVersion) -> AnalysisPlan:
    """Covariates are those of analysis.yaml and, whether it names them or not, whatever the
    randomisation balances.

    An analysis that leaves such a factor out gives standard errors that are too large (Kahan and
    Morris, BMJ 2012;345:e5840).
    """
    analysis = Analysis.model_validate(version.section("analysis"))
    same = dict.fromkeys(("model", "contrasts", "confidence", "estimand", "standardiser"), True)
    enough = {
        "adherence": {"measure", "at_least", "justification"},
        "contacts": {"at_least", "justification"},
    }
    return AnalysisPlan(
        **analysis.model_dump(mode="json", include={**same, **enough}),
        primary=[_outcome(outcome) for outcome in analysis.primary],
        secondary=[_outcome(outcome) for outcome in analysis.secondary],
        multiplicity=analysis.multiplicity.method,
        covariates=list(dict.fromkeys((*analysis.covariates, *factors(version)))),
        cluster=version.section("randomisation").get("cluster"),
    )


def _outcome(outcome: sections.Outcome) -> Outcome:
    return Outcome(instrument=outcome.instrument, timepoint=outcome.timepoint)


def factors(version: ProtocolVersion) -> list[str]:
    """What the randomisation balances, as codes of questions: strata, and factors of a rule that
    reads across them.
    """
    randomisation = version.section("randomisation")
    return list(
        dict.fromkeys((*(randomisation.get("strata") or ()), *(randomisation.get("factors") or ())))
    )


def many_centres(version: ProtocolVersion) -> list[str]:
    """Those of the factors that are the centre, where its levels are the large centres and all
    others together.
    """
    if len(version.protocol.sites) <= MANY:
        return []
    return [name for name in factors(version) if _is_site(version, name)]


def _is_site(version: ProtocolVersion, name: str) -> bool:
    question = version.protocol.question(name)
    return question is not None and question.kind == "site"
