"""The report as a document: the same spans become PDF and HTML, so that neither can hold a number
without its id.
"""

from .report import compose
from .write import Written, write

__all__ = ["Written", "compose", "write"]
