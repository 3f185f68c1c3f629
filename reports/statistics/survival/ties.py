"""Times that differ by rounding alone are one time: 0.1 + 0.2 months and 0.3 months, or days and
seconds in years.

As `aeqSurv` of the R package survival, which its functions apply unless told otherwise (`timefix`):
sorted, two times that follow each other by at most the square root of the machine's precision
(1.5e-8) times the mean of the different times are tied, and all of a run of ties are the first of
them. R also ties what lies within 1.5e-8 of the unit, whichever that is; here the unit does not
matter.
"""

from __future__ import annotations

import numpy as np

TIED = float(np.sqrt(np.finfo(float).eps))


def tied(time: np.ndarray) -> np.ndarray:
    """(n,) the same times, those of a run of ties made equal to its first; `time` is finite and at
    least 0.
    """
    different = np.unique(time)
    apart = np.diff(different) > slack(different)
    first = different[np.concatenate([[True], apart])]
    return first[np.searchsorted(first, time, side="right") - 1]


def slack(different: np.ndarray) -> float:
    """How far apart two of these different times may lie and still be one."""
    return TIED * float(different.mean())
