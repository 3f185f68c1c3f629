"""From a frame and a formula to a design: categories by level, numbers as they are. The frame has no missing values here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from . import formula as formulas

if TYPE_CHECKING:
    import pandas as pd


def design_of(
    frame: pd.DataFrame, formula: formulas.Formula, reference: Mapping[str, str]
) -> tuple[formulas.Design, dict[str, np.ndarray]]:
    """The design and the values from which it makes its matrix; a column with a level in `reference` is a category."""
    variables, values = {}, {}
    for name in formula.variables:
        if name in formula.categorical or name in reference or not formulas.is_number(frame[name]):
            levels, codes, _ = formulas.levels_of(name, frame[name], reference.get(name))
            variables[name], values[name] = formulas.Variable(name, levels), codes
        else:
            numbers = frame[name].to_numpy(dtype=float)
            variables[name], values[name] = formulas.Variable(name, mean=float(numbers.mean())), numbers
    return formulas.design(formula, variables), values
