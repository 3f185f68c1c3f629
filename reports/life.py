"""The entries of reports in the lists of settings."""

from reports.sections import section

__all__ = ["section"]
