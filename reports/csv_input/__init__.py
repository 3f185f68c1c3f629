"""Anybody's trial as one CSV with a row a person, and a plan that says what its columns are.

`read_plan` and `read_data` list every mistake at once: of the plan by file and line, of the data by
column and row.
"""

from .data import read_data
from .plan import CsvPlan, read_plan
from .text import BadInput

__all__ = ["BadInput", "CsvPlan", "read_data", "read_plan"]
