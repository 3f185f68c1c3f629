from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import Error, Tags, register
from django.db import connections

from trial import triggers


@register(Tags.database)
def append_only_tables_are_guarded(databases: Sequence[str] | None = None, **_: Any) -> list[Error]:
    """Every append-only table has its triggers (`manage.py check --database default`)."""
    return [
        Error(f"The trigger {name} is missing.", hint="Run manage.py migrate: it makes them anew.", id="trial.E001")
        for alias in databases or []
        for name in triggers.missing(connections[alias])
    ]
