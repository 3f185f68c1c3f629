"""A study's design with its operating characteristics, for whoever may see what is sealed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from randomisation import assessment
from randomisation.assessment import Caution, Choices, Compared, Factor
from randomisation.models import SealedSeed
from randomisation.queries import design
from randomisation.sections import levels, whole_plan
from randomisation.sentences.protocol import Described
from trial.folder import Loaded
from trial.languages import in_language
from trial.models import Study
from trial.queries import studies
from trial.sections import Study as Protocol

# the same every time, so that a simulated figure does not change from one look to the next
SEED = 20250101
SITE = "site"


@dataclass(frozen=True)
class Asked:
    """What somebody wants to see. Hashable: the answer is kept for the next time."""

    n: int
    effect: float | None
    choices: Choices
    factors: tuple[Factor, ...]


def is_shown(study: Study) -> bool:
    """Whether figures from which the sealed restriction follows may be shown at all.

    Before a study opens they are for whoever writes its design. Once it is open somebody who sees
    how often the next arm can be guessed knows how to guess it, so that nothing is shown until
    enrolment and follow-up are over and the study is locked. In a rehearsal there is nobody to be
    unblinded to.
    """
    return study.state == "draft" or not studies.is_concealed(study)


@dataclass(frozen=True)
class Studied:
    """A study's protocol with its whole plan, unsealed. Never to be shown as it is."""

    protocol: Protocol
    plan: Mapping[str, Any]
    version: int
    sha256: str
    section: Mapping[str, Any]  # what may be seen of it: the caps of forced allocations, the stages

    @property
    def ratio(self) -> dict[str, int]:
        return dict(self.plan["ratio"])

    @cached_property
    def factors(self) -> tuple[Factor, ...]:
        """Those of the strata, and those that a rule of its own reads; every level as likely as the
        others.
        """
        codes = dict.fromkeys((*self.plan.get("strata", ()), *self.plan.get("factors", ())))
        return tuple(Factor.even(code, levels(self.protocol, code)) for code in codes)

    def name_of(self, factor: str, language: str) -> str:
        question = self.protocol.question(factor)
        return in_language(question.name, language) if question else factor


def studied(study: Study) -> Studied:
    """The newest version of a study."""
    version = study.current
    section = version.section("randomisation")
    return Studied(version.protocol, design.plan(version), version.number, version.sha256, section)


def of_folder(loaded: Loaded) -> Studied:
    """A folder that was read and is not stored."""
    section = loaded.document["randomisation"]
    plan = whole_plan(section, loaded.sealed.get("randomisation", {}))
    return Studied(
        Protocol.model_validate(loaded.document["study"]), plan, 0, loaded.sha256, section
    )


def asked_at_first(of: Studied) -> Asked:
    """The study's own number of people and strata, beside what is usual."""
    return Asked(of.protocol.target, None, Choices.offered(of.ratio, bool(of.factors)), of.factors)


def compared(of: Studied, asked: Asked) -> tuple[Compared, ...]:
    """The study's own design first. Contains what is sealed: see `is_shown`."""
    return _compared(_text(of.plan), asked)


def cautions(of: Studied, asked: Asked) -> tuple[Caution, ...]:
    """Of the study's own design. The codes may be told; the figures are for whoever may see what is
    sealed.
    """
    return _cautions(_text(of.plan), asked)


def commitment(study: Study) -> str:
    """Published once the study has opened."""
    return SealedSeed.objects.filter(study=study).values_list("commitment", flat=True).first() or ""


def described(of: Studied, language: str, published: str = "") -> Described:
    """`published` is the commitment, where there is one."""
    protocol = of.protocol
    return Described(
        title=in_language(protocol.title, language),
        version=of.version,
        sha256=of.sha256,
        plan=of.plan,
        arms=tuple(
            in_language(arm.name, language) for code in of.ratio if (arm := protocol.arm(code))
        ),
        factors=tuple((of.name_of(each.name, language), len(each.levels)) for each in of.factors),
        n=protocol.target,
        commitment=published,
        forced=(of.section.get("forced") or {}).get("study", 0),
        stages=len(of.section.get("stages", ())),
    )


def _text(plan: Mapping[str, Any]) -> str:
    # In its own order: that of the arms is told in the table.
    return json.dumps(plan)


@lru_cache(maxsize=64)
def _compared(plan: str, asked: Asked) -> tuple[Compared, ...]:
    own = json.loads(plan)
    names = [factor.name for factor in asked.factors]
    others = assessment.alternatives(own["ratio"], names, asked.choices)
    return assessment.compare(own, others, asked.n, asked.factors, seed=SEED, effect=asked.effect)


@lru_cache(maxsize=64)
def _cautions(plan: str, asked: Asked) -> tuple[Caution, ...]:
    [own] = _compared(plan, replace(asked, choices=Choices()))
    return (
        () if own.found is None else assessment.cautions(own.rule, asked.factors, own.found, SITE)
    )
