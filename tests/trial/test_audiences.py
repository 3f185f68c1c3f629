"""A study's address in capitals opens; no page is kept by whatever stands between."""

from __future__ import annotations

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("typed", "opens"),
    [
        ("/join/Quiet-Mornings/", "/join/quiet-mornings/"),
        ("/JOIN/QUIET-MORNINGS/", "/join/quiet-mornings/"),
        ("/JOIN/QUIET-MORNINGS", "/join/quiet-mornings/"),
        ("/join/QUIET-MORNINGS/help/?from=Poster", "/join/quiet-mornings/help/?from=Poster"),
        ("/join/No-Such-Study/", "/join/no-such-study/"),
        ("/research/Small-Study/messages/", "/research/small-study/messages/"),
        ("/api/v1/join/Quiet-Mornings/", "/api/v1/join/quiet-mornings/"),
    ],
)
def test_an_address_in_capitals_leads_to_the_one_in_small_letters(study, typed, opens):
    answer = Client().get(typed)
    assert (answer.status_code, answer.headers["Location"]) == (302, opens)
    assert Client().head(typed).headers["Location"] == opens


def test_a_study_opens_from_its_address_in_capitals(study):
    assert "Quiet mornings" in Client().get("/JOIN/QUIET-MORNINGS/", follow=True).content.decode()


@pytest.mark.parametrize(
    "path", ["/research/small-study/people/QM-7K3QX/", "/ACCOUNT/LOGIN/", "/Nowhere/"]
)
def test_other_capitals_stay_as_they_are(study, path):
    answer = Client().get(path)
    assert path.lower() not in answer.headers.get("Location", "").partition("?")[0]


@pytest.mark.parametrize("path", ["/", "/join/quiet-mornings/", "/nowhere/", "/static/nowhere.css"])
def test_no_page_is_kept_and_neither_is_that_there_is_none(study, path):
    assert Client().get(path).headers["Cache-Control"] == "no-store"


def test_what_is_sent_is_never_led_elsewhere(study):
    assert Client().post("/join/Quiet-Mornings/begin/").status_code == 404
