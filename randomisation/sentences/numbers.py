"""Figures as a reader of a language writes them."""

from __future__ import annotations

from django.utils.formats import number_format


def figure(value: float, places: int) -> str:
    """Rounded: Django's own number_format cuts off."""
    return str(number_format(round(value, places), places))


def per_cent(share: float, places: int = 1) -> str:
    return f"{figure(100 * share, places)}%"
