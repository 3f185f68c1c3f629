"""Shares of people, and what sets two of them apart: differences, ratios, tests and the number
needed to treat.
"""

from .association import Association, Fisher, MantelHaenszel, chi_squared, fisher, mantel_haenszel
from .differences import METHODS, RiskDifference, cohen_h, difference
from .number_needed import NumberNeeded, number_needed
from .ratios import Ratio, ZeroCell, odds_ratio, risk_ratio
from .shares import ImpossibleCount, Share, clopper_pearson, share

__all__ = [
    "METHODS",
    "Association",
    "Fisher",
    "ImpossibleCount",
    "MantelHaenszel",
    "NumberNeeded",
    "Ratio",
    "RiskDifference",
    "Share",
    "ZeroCell",
    "chi_squared",
    "clopper_pearson",
    "cohen_h",
    "difference",
    "fisher",
    "mantel_haenszel",
    "number_needed",
    "odds_ratio",
    "risk_ratio",
    "share",
]
