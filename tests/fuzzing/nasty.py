"""Values that broke something once, somewhere; and a valid body with one of them in a place of
it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

DEEP: Any = []
for _ in range(60):
    DEEP = [DEEP]

TEXTS = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "\ud83d",
    "\U0001f600",
    "\u202eabc",
    "\ufeff",
    "e\u0301" * 50,
    "x" * 10_000,
    "9" * 400,
    "9" * 5_000,
    "-1",
    "1e400",
    "NaN",
    "٣",
    "½",
    "²",
    "2026-02-30",
    "0000-01-01",
    "9999-12-31T23:59:60Z",
    "../../etc/passwd",
    "' OR 1=1 --",
    "<script>",
    "{{ 7 }}",
    "%s%n",
    "a@b",
    "a@" + "b" * 300 + ".nl",
    "=1+1",
    "\r\nBcc: a@example.org",
]
NUMBERS = [
    0,
    -1,
    1,
    2**31,
    2**63 - 1,
    2**63,
    -(2**63) - 1,
    10**18 - 1,
    10**400,
    0.5,
    -0.0,
    1e308,
    1e-320,
]
OTHERS = [None, True, False, [], {}, [[]], [{}], {"": ""}, {"a": {"a": {}}}, DEEP]

texts = st.one_of(st.sampled_from(TEXTS), st.text(max_size=20))
values = st.one_of(
    st.sampled_from([*TEXTS, *NUMBERS, *OTHERS]),
    st.text(max_size=20),
    st.integers(),
    st.lists(st.one_of(texts, st.integers()), max_size=3),
)


def places(found: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    inside = (
        found.items()
        if isinstance(found, dict)
        else enumerate(found)
        if isinstance(found, list)
        else ()
    )
    for key, value in inside:
        yield from places(value, (*at, key))


def put(found: Any, at: tuple[Any, ...], value: Any) -> Any:
    if not at:
        return value
    changed = copy.deepcopy(found)
    inside = changed
    for key in at[:-1]:
        inside = inside[key]
    inside[at[-1]] = value
    return changed


def changed(valid: Any) -> st.SearchStrategy[Any]:
    """What is valid, with another value in one of its places."""
    return st.builds(
        lambda at, value: put(valid, at, value), st.sampled_from(list(places(valid))), values
    )
