from randomisation.models.allocations import FIRST, Allocation, Scope
from randomisation.models.exceptions import (
    CodeBreak,
    Correction,
    Decision,
    ErrorMark,
    ForcedAllocation,
    Impact,
    Match,
    Proposal,
    Switch,
    TreatmentReceived,
)
from randomisation.models.seeds import SealedSeed
from randomisation.models.stages import StageDecision

__all__ = [
    "FIRST",
    "Allocation",
    "CodeBreak",
    "Correction",
    "Decision",
    "ErrorMark",
    "ForcedAllocation",
    "Impact",
    "Match",
    "Proposal",
    "Scope",
    "SealedSeed",
    "StageDecision",
    "Switch",
    "TreatmentReceived",
]
