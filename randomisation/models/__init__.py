from randomisation.models.allocations import FIRST, Allocation, Scope
from randomisation.models.seeds import SealedSeed
from randomisation.models.stages import StageDecision

__all__ = ["FIRST", "Allocation", "Scope", "SealedSeed", "StageDecision"]
