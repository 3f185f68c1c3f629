"""How many people a trial of two arms needs; the power of so many; the difference that so many can
detect.

A design is a frozen value with `power(n)`, `size(power)` and `detectable(n, power)`; n counts the
first arm, the second has n / ratio. Sizes are exact numbers, not rounded: `Size.whole` rounds up.
Two-sided tests count rejections in the direction of the difference alone, as R's power.t.test does
by default.

    sample_size.means(0.5, sd=1).size(0.8).whole            # (64, 64)
    sample_size.ancova(0.5, sd=1, correlation=0.6).power(50)
"""

from .designs import Design, NoSize, SequentialSize, Size, sequential
from .events import LogRank, Proportions, log_rank, non_inferior_proportions, proportions
from .means import (
    Means,
    PartiallyNested,
    ancova,
    clusters,
    design_effect,
    means,
    non_inferiority,
    repeated_measures,
    repeated_measures_factor,
)

__all__ = [
    "Design",
    "LogRank",
    "Means",
    "NoSize",
    "PartiallyNested",
    "Proportions",
    "SequentialSize",
    "Size",
    "ancova",
    "clusters",
    "design_effect",
    "log_rank",
    "means",
    "non_inferior_proportions",
    "non_inferiority",
    "proportions",
    "repeated_measures",
    "repeated_measures_factor",
    "sequential",
]
