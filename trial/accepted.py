"""Values that an action does not take, told by the name of each: the same to a page, to the API
and to whatever else calls the action."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class NotAccepted(Exception):
    """`fields`: by the name of a value, what is wrong with it, in words for whoever gave it."""

    def __init__(self, fields: Mapping[str, Sequence[Any]]) -> None:
        super().__init__(", ".join(sorted(fields)))
        self.fields = {name: list(words) for name, words in fields.items()}


def check(faults: Mapping[str, Any]) -> None:
    """Raises NotAccepted where a value has a fault; a value without one stands there as None."""
    found = {name: [words] for name, words in faults.items() if words is not None}
    if found:
        raise NotAccepted(found)
