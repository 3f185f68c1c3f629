from randomisation.models.allocations import FIRST, Allocation, Scope
from randomisation.models.exceptions import (
    CodeBreak,
    Correction,
    ErrorMark,
    ForcedAllocation,
    Impact,
    Match,
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
    "ErrorMark",
    "ForcedAllocation",
    "Impact",
    "Match",
    "Scope",
    "SealedSeed",
    "StageDecision",
    "Switch",
    "TreatmentReceived",
]
