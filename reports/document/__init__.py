"""The report as a document: the same spans become PDF and HTML, so that neither can hold a number
without its id.
"""

from .report import compose
from .write import Written, put, render, write

__all__ = ["Written", "compose", "put", "render", "write"]
