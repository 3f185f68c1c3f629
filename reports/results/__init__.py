"""The numbers of a report: `analyse(dataset, plan)` gives every one of them, each with a readable,
stable id.
"""

from .analysis import analyse
from .curves import curve, tick_name, ticks
from .meta import code_version, results_json
from .number import Number, Results, ident, pair_of

__all__ = [
    "Number",
    "Results",
    "analyse",
    "code_version",
    "curve",
    "ident",
    "pair_of",
    "results_json",
    "tick_name",
    "ticks",
]
