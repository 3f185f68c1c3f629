from __future__ import annotations

import pytest
import time_machine
from django.core.cache import cache

from tests.conftest import NOW


@pytest.fixture(autouse=True)
def the_clock_stands_still(request: pytest.FixtureRequest):
    """Views take the clock; here it stands at NOW. The rate limits of one test are not those of the
    next.
    """
    with time_machine.travel(NOW, tick=False):
        if "db" in request.fixturenames or request.node.get_closest_marker("django_db"):
            request.getfixturevalue("db")
            cache.clear()
        yield
