"""The figures: plain values in, SVG text out. They know no study and no language; every word is
passed in.

Arms are told apart by marker and line style first, by colour (Okabe and Ito 2008) second.
"""

from .curves import Stay, survival_curves
from .flow import Box, Column, flow_diagram
from .forest import Interval, forest
from .funnel import Rung, funnel
from .means import Point, Series, means_plot

__all__ = [
    "Box",
    "Column",
    "Interval",
    "Point",
    "Rung",
    "Series",
    "Stay",
    "flow_diagram",
    "forest",
    "funnel",
    "means_plot",
    "survival_curves",
]
