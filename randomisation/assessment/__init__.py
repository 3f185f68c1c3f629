"""What a rule does in a study of one's own size: how well it can be guessed, how far the arms drift
apart, what that costs, and whether everybody has the ratio's chance. Worked out where it can be,
simulated where it cannot.
"""

from __future__ import annotations

from randomisation.assessment.cautions import Caution, cautions
from randomisation.assessment.chains import TooManyStates
from randomisation.assessment.characteristics import DRAWS, Characteristics, Estimate, assess
from randomisation.assessment.comparing import Choices, Compared, alternatives, compare
from randomisation.assessment.population import Factor
from randomisation.assessment.steps import first_steps

__all__ = [
    "DRAWS",
    "Caution",
    "Characteristics",
    "Choices",
    "Compared",
    "Estimate",
    "Factor",
    "TooManyStates",
    "alternatives",
    "assess",
    "cautions",
    "compare",
    "first_steps",
]
