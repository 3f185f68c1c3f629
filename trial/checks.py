"""What `manage.py check` looks at besides Django's own: guards in the database, and a proxy that is
not named.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import Error, Tags, Warning, register
from django.db import connections

from trial import triggers


@register(Tags.database)
def append_only_tables_are_guarded(databases: Sequence[str] | None = None, **_: Any) -> list[Error]:
    """Every append-only table has its triggers (`manage.py check --database default`)."""
    return [
        Error(
            f"The trigger {name} is missing.",
            hint="Run manage.py migrate: it makes them anew.",
            id="trial.E001",
        )
        for alias in databases or []
        for name in triggers.missing(connections[alias])
    ]


@register(Tags.security, deploy=True)
def proxies_are_named(app_configs: Any = None, **_: Any) -> list[Warning]:
    """Limits count addresses: behind a proxy that is not named everybody has the same."""
    if not settings.PROXIES:
        return [
            Warning(
                "HANDVAT_PROXIES is not set: behind a proxy everybody would be one address.",
                hint="Name the proxies that speak to this site, as addresses or networks. Without "
                "a proxy, silence this.",
                id="trial.W001",
            )
        ]
    if any(each.prefixlen == 0 for each in settings.PROXIES):
        return [
            Warning(
                "HANDVAT_PROXIES names every address: whoever asks could choose the address that "
                "is counted.",
                hint="Name the proxies alone.",
                id="trial.W002",
            )
        ]
    return []
