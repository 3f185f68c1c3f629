"""Who may do what about one person's allocation, by the verbs of trial.permissions. Nobody who
assesses or analyses.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from randomisation.models import FIRST
from trial.models import Proposal, Study
from trial.queries import studies

# kind of proposal -> verb of whoever asks, verb of the second person
ASKS: Mapping[str, str] = {"error_mark": "correct", "code_break": "break_code", "forced": "force"}
AGREES: Mapping[str, str] = {
    "error_mark": "agree_exception",
    "code_break": "agree_code_break",
    "forced": "agree_force",
}


def to_decide(proposal: Proposal, actor: str) -> str:
    """The verb for saying something about it. Whoever asked may take it back, which takes no more
    than asking did.
    """
    return (ASKS if proposal.by == actor else AGREES)[proposal.kind]


def sees_point(study: Study, point: str, may: Collection[str]) -> bool:
    """Who is randomised again may tell the arm that they come from: shown to whoever knows arms, or
    once none is concealed.
    """
    return point == FIRST or "stage_exceptions" in may or not studies.is_concealed(study)
