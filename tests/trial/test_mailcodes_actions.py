"""Mailing the code: one mail for one request, whoever keeps what was asked."""

from __future__ import annotations

import pytest
from django.core import mail
from django.core.cache import cache

from tests import factories
from trial.actions import mailcodes
from trial.actions.once import KeyReused

pytestmark = pytest.mark.django_db
TYPED = {"name": "Dan Jansen", "email": "dan@example.org", "phone": "+31 6 1234 5678"}


@pytest.fixture
def person(study, now):
    cache.clear()
    return factories.a_screened_participant(study, now)


def ask(person, now, *, before=None, key="first", **changed):
    return mailcodes.ask(participant=person, typed={**TYPED, **changed}, language="en", before=before, key=key, at=now)


def test_a_repeat_mails_nothing_and_gives_the_same_code_with_or_without_what_was_asked(person, now):
    first = ask(person, now)
    tried = first.tried()
    assert ask(person, now) == first
    assert ask(person, now, before=tried) == tried  # the tries are not forgotten
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("changed", [{"email": "dan@example.net"}, {"phone": "+31 6 8765 4321"}, {"name": "Daniel"}])
def test_a_key_that_comes_with_other_content_is_refused_also_after_another_key(person, now, changed):
    first = ask(person, now)
    with pytest.raises(KeyReused):
        ask(person, now, before=first, **changed)
    second = ask(person, now, before=first, key="second")
    with pytest.raises(KeyReused):
        ask(person, now, before=second, **changed)
    assert len(mail.outbox) == 2


def test_a_repeat_of_a_request_that_was_one_too_many_is_refused_too(person, now):
    for number in range(mailcodes.MAILS_AN_HOUR):
        ask(person, now, key=f"{number}")
    for _ in range(2):
        with pytest.raises(mailcodes.TooManyCodes):
            ask(person, now, key="one too many")
    assert len(mail.outbox) == 5
