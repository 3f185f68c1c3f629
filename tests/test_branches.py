"""The gate behind `make test COVERAGE=1` shuts when an app falls short, and when too much is left
out.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests import branches


def an_app(taken: int, left_out: int = 0) -> Counter[str]:
    return Counter(branches=200, taken=taken, lines=1000, left_out=left_out)


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        (an_app(200), an_app(190), 0),
        (an_app(200), an_app(189), 1),
        (an_app(200, 10), an_app(200, 10), 0),
        (an_app(200), an_app(200, 21), 1),
    ],
)
def test_the_gate(first, second, code):
    assert branches.told({"trial": first, "reports": second}) == code


def test_files_count_for_the_app_that_they_are_in():
    summary = {"num_branches": 4, "covered_branches": 3, "num_statements": 10, "excluded_lines": 1}
    apps = branches.by_app(
        {"trial/a.py": {"summary": summary}, "trial/actions/b.py": {"summary": summary}}
    )
    assert apps == {"trial": Counter(branches=8, taken=6, lines=20, left_out=2)}
