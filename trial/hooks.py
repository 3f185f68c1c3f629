"""Resolves the lists in settings by which the bottom app reaches upward. Each entry is a plain function."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string


@cache
def entries(setting: str) -> tuple[Callable[..., Any], ...]:
    return tuple(import_string(path) for path in getattr(settings, setting))


@cache
def entry(setting: str, name: str) -> Callable[..., Any]:
    """One function of a setting that is a map."""
    return import_string(getattr(settings, setting)[name])


def code(function: Callable[..., Any]) -> str:
    """A stable name for an entry, fit to be stored: its app and its own name, not its path."""
    return f"{function.__module__.split('.')[0]}.{function.__name__}"
