"""Every form that anybody sees, with something nasty in any of its fields: an answer, never a
fault.

The pages are crawled as in tests/test_every_post.py. The suite takes a few of the cast, `make fuzz`
all of them, again and again.
"""

from __future__ import annotations

import copy
import random
import time
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import strategies as st

from tests import crawling
from tests.conftest import NOW
from tests.fuzzing import is_over, nasty, rounds, try_all
from tests.test_every_post import SEEN_BY, taken_back
from trial.models import Study

pytestmark = pytest.mark.django_db
FEW = 5  # of the cast, in one round
CASES = 4  # of each form
ADDED = [
    "language",
    "next",
    "request_key",
    "owner",
    "was_",
    "to",
    "holder",
    "number_key",
    "attempt",
    "",
]


@pytest.fixture(autouse=True)
def the_clock_stands_still(db):
    with time_machine.travel(NOW, tick=False):
        cache.clear()
        yield


def test_no_form_has_a_fault_whatever_is_typed(study, record_property):
    begun, routes, cases = time.monotonic(), set(), 0
    for number in rounds():
        for who in random.Random(number).sample(sorted(SEEN_BY), FEW):
            if is_over(begun):
                break
            with taken_back():
                given, starts = SEEN_BY[who]
                x = SimpleNamespace(**given(Study.objects.get(pk=study.pk)))
                x.browser.raise_request_exception = x.browser.handler.raise_request_exception = (
                    False
                )
                for form in one_of_each(x, starts):
                    routes.add(form.route)
                    cases += fuzz(x.browser, form, who, number)
    record_property("figures", f"forms: {len(routes)} routes, {cases} cases, no fault")


def one_of_each(x: Any, starts: list[Any]) -> list[crawling.Form]:
    found = crawling.crawl(
        x.browser, *(start if isinstance(start, str) else start(x) for start in starts)
    )
    return list({(form.route, frozenset(form.names)): form for form in found}.values())


def fuzz(browser: Client, form: crawling.Form, who: str, number: int) -> int:
    faults: list[str] = []

    def send(typed: dict[str, Any]) -> None:
        with taken_back():
            own = copy.deepcopy(browser)
            own.raise_request_exception = own.handler.raise_request_exception = False
            answer = own.post(form.action, {**form.sent, **typed})
            if answer.status_code >= 500:
                faults.append(f"{who}: {form.action} {typed!r} -> {answer.status_code}")

    try_all(typed_into(form), send, CASES, number)
    assert faults == []
    return CASES


def typed_into(form: crawling.Form) -> st.SearchStrategy[dict[str, Any]]:
    names = sorted({*form.names, *ADDED} - {"csrfmiddlewaretoken"})
    whole = nasty.texts.map(
        lambda text: text.encode("utf-8", "replace").decode()
    )  # as a browser would send it
    value = st.one_of(whole, st.lists(whole, max_size=3), st.just(None).map(lambda _: a_file()))
    return st.dictionaries(st.sampled_from(names), value, min_size=1, max_size=3)


def a_file() -> SimpleUploadedFile:
    return SimpleUploadedFile("~$a\\b.zip", b"PK\x03\x04 not really", "application/zip")
