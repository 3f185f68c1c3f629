"""A frozen snapshot of everything a report is made from; a study's database and a CSV both become a
`Dataset`.
"""

from .conduct import Conduct, Given, PartialTimepoint, Registration
from .digest import Digest
from .flow import POOLED, ArmFlow, Flow, FlowDoesNotAddUp, FollowUp, check_flow, count_flow
from .rows import (
    Arm,
    Attempt,
    Coached,
    Contact,
    Instrument,
    IntercurrentEvent,
    Module,
    ModuleUse,
    Participant,
    ReliableChange,
    Score,
    Timepoint,
    Usage,
    Variable,
)
from .snapshot import Dataset, LeftAside, Meta

__all__ = [
    "POOLED",
    "Arm",
    "ArmFlow",
    "Attempt",
    "Coached",
    "Conduct",
    "Contact",
    "Dataset",
    "Digest",
    "Flow",
    "FlowDoesNotAddUp",
    "FollowUp",
    "Given",
    "Instrument",
    "IntercurrentEvent",
    "LeftAside",
    "Meta",
    "Module",
    "ModuleUse",
    "PartialTimepoint",
    "Participant",
    "Registration",
    "ReliableChange",
    "Score",
    "Timepoint",
    "Usage",
    "Variable",
    "check_flow",
    "count_flow",
]
