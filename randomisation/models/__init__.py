from randomisation.models.allocations import FIRST, Allocation, Scope
from randomisation.models.seeds import SealedSeed

__all__ = ["FIRST", "Allocation", "Scope", "SealedSeed"]
