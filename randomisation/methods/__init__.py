"""How an allocation is drawn: from what was allocated before to the exact probability of each arm.

A rule is a pure function of a history: no hidden state, fractions throughout. Probabilities of
single steps are what `randomisation.stream` draws with; whole sequences are for simulation and for
inference by re-randomisation.
"""

from __future__ import annotations

from randomisation.methods.blocks import PermutedBlocks
from randomisation.methods.building import BESIDE, BUILDERS, build
from randomisation.methods.counted import Complete
from randomisation.methods.minimisation import FakeArms, Minimisation
from randomisation.methods.rule import (
    AcknowledgementMissing,
    BadParameter,
    BadProfile,
    Draws,
    History,
    HistoryTooLong,
    ImpossibleHistory,
    ListExhausted,
    Profile,
    Rule,
    UnknownMethod,
)

__all__ = [
    "BESIDE",
    "BUILDERS",
    "AcknowledgementMissing",
    "BadParameter",
    "BadProfile",
    "Complete",
    "Draws",
    "FakeArms",
    "History",
    "HistoryTooLong",
    "ImpossibleHistory",
    "ListExhausted",
    "Minimisation",
    "PermutedBlocks",
    "Profile",
    "Rule",
    "UnknownMethod",
    "build",
]
