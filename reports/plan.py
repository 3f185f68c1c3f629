"""The analysis plan: what is compared, when, adjusted for what. Made from analysis.yaml or from a
plan for a CSV.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Outcome(_Frozen):
    instrument: str
    timepoint: str


class Adherence(_Frozen):
    """Who counts as having had enough of the programme, and why that is enough (Sieverink 2017 asks
    for the reason).
    """

    measure: Literal["modules_completed"] = "modules_completed"
    at_least: int = Field(ge=1, le=1_000_000)
    justification: dict[str, str] = {}


class Contacts(_Frozen):
    """How many calls have to be held for the guidance to have been had, and why that is enough.
    When so many are out of reach, that is an intercurrent event.
    """

    at_least: int = Field(ge=1, le=1_000_000)
    justification: dict[str, str] = {}


class AnalysisPlan(_Frozen):
    """`primary` empty: no time point is singled out. `contrasts` empty: every pair of arms, in
    their order.

    `cluster` is the code of what was randomised as one where that was not a person, such as a site.
    """

    primary: tuple[Outcome, ...] = ()
    secondary: tuple[Outcome, ...] = ()
    multiplicity: Literal["none", "holm"] = "none"
    model: Literal["ancova"] = "ancova"
    covariates: tuple[str, ...] = ()
    contrasts: tuple[tuple[str, str], ...] = ()
    confidence: float = Field(0.95, gt=0.5, lt=1)
    standardiser: Literal["baseline_sd", "post_sd"] = "baseline_sd"
    adherence: Adherence | None = None
    contacts: Contacts | None = None
    estimand: dict[str, str] = {}
    cluster: str | None = None

    @model_validator(mode="after")
    def _contrasts_differ(self) -> "AnalysisPlan":
        for first, second in self.contrasts:
            if first == second:
                raise ValueError(f"a contrast needs two different arms, not {first} twice")
        return self

    def planned(self, arms: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        """The contrasts that are tested: those of the plan, or where it names none every pair of
        `arms`.
        """
        return self.contrasts or tuple(combinations(arms, 2))

    def pairs(self, arms: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        """The planned contrasts, then every other pair of `arms`, so that with three arms none is
        left unnamed.
        """
        planned = self.planned(arms)
        named = {frozenset(pair) for pair in planned}
        yield from planned
        yield from (pair for pair in combinations(arms, 2) if frozenset(pair) not in named)

    def is_primary(self, outcome: Outcome, pair: tuple[str, str], arms: tuple[str, ...]) -> bool:
        """Whether the plan names this comparison: a planned contrast of a primary outcome."""
        return outcome in self.primary and pair in self.planned(arms)
