"""The entries of reports in the lists of settings."""

from reports.actions.reports import make_due
from reports.sections import section

__all__ = ["make_due", "section"]
