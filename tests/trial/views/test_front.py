"""The front page, as whoever watches whether the site is up asks for it."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db


def test_the_front_page_answers_to_head():
    answer = Client().head(reverse("front"))
    assert (answer.status_code, answer.content) == (200, b"")
