"""A page with help in a crisis is reachable from every page: whoever reads it, and also where
something went wrong.
"""

from __future__ import annotations

from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from tests import crawling, factories
from tests.conftest import NOW
from tests.test_every_post import SEEN_BY
from trial.models import Study

pytestmark = [pytest.mark.once, pytest.mark.django_db]

SLUG = "quiet-mornings"
ANYBODYS = reverse("help")
OF_THE_STUDY = reverse("join:help", args=[SLUG])


@pytest.fixture(autouse=True)
def the_clock_stands_still(db):
    with time_machine.travel(NOW, tick=False):
        cache.clear()
        yield


def leads_to_help(page: crawling.Reader) -> bool:
    paths = {urlsplit(link).path for link in page.links}
    return urlsplit(page.url).path in {ANYBODYS, OF_THE_STUDY} or bool(
        paths & {ANYBODYS, OF_THE_STUDY}
    )


@pytest.mark.parametrize("who", [*SEEN_BY, "a visitor who signs in"])
def test_help_is_one_step_away_on_every_page_that_anybody_sees(who, study):
    given, starts = SEEN_BY.get(
        who, (lambda study: {"browser": Client()}, [reverse("account_login")])
    )
    x = SimpleNamespace(**given(study))
    found = list(
        crawling.pages(
            x.browser, *(start if isinstance(start, str) else start(x) for start in starts)
        )
    )
    assert found
    assert [page.url for page in found if not leads_to_help(page)] == []


@pytest.mark.parametrize(
    "name", ["400", "403", "403_csrf", "404", "405", "409", "429", "500", "503"]
)
def test_every_page_about_an_error_leads_to_help_also_when_nothing_is_known(name):
    assert f'href="{ANYBODYS}"' in render_to_string(f"{name}.html")


def test_a_page_that_is_not_found_leads_a_participant_to_the_help_of_their_study(study, client):
    client.force_login(
        factories.a_verified_participant(study, NOW).user, settings.AUTHENTICATION_BACKENDS[0]
    )
    page = client.get(reverse("participant:lesson", args=["no-such-lesson"]), follow=True)
    assert f'href="{OF_THE_STUDY}"' in page.content.decode()
    page = client.get("/no/such/page/")
    assert f'href="{ANYBODYS}"' in page.content.decode()


def test_whoever_is_known_by_nobody_finds_the_lines_of_every_study_that_runs_here_once(
    study, client
):
    page = client.get(ANYBODYS, headers={"referer": f"http://testserver{reverse('account_login')}"})
    [line] = page.context["crisis_lines"]
    assert line.numbers[0] in page.content.decode()
    assert page.context["back_url"] == reverse("account_login")
    assert 'href="tel:112"' in page.content.decode()


def test_without_any_study_the_emergency_number_stands_there(client):
    page = client.get(ANYBODYS)
    assert (page.context["crisis_lines"], page.context["emergency_numbers"]) == ([], ["112"])


def test_a_study_that_is_over_or_not_yet_open_offers_no_lines(study, client):
    for state in ("draft", "locked"):
        Study.objects.update(state=state)
        assert client.get(ANYBODYS).context["crisis_lines"] == []


def test_whoever_takes_part_or_began_finds_the_lines_of_their_own_study(study, client):
    client.post(reverse("join:begin", args=[SLUG]))
    assert urlsplit(client.get(ANYBODYS).url).path == OF_THE_STUDY
    known = Client()
    known.force_login(
        factories.a_verified_participant(study, NOW).user, settings.AUTHENTICATION_BACKENDS[0]
    )
    answer = known.get(
        ANYBODYS, headers={"referer": f"http://testserver{reverse('account_logout')}"}, follow=True
    )
    assert answer.context["back_url"] == reverse("account_logout")


@pytest.mark.parametrize("address", ["/participant/", "/participant/lessons/welcome/"])
def test_a_participant_who_follows_the_link_of_a_mail_is_asked_for_their_address_and_never_for_a_password(  # noqa: E501
    address, study, client
):
    answer = client.get(address)
    assert answer.url == f"{reverse('account_request_login_code')}?next={address}"
    page = client.get(answer.url).content.decode()
    assert f'name="next" value="{address}"' in page


def test_staff_who_are_not_signed_in_are_asked_for_their_password(study, client):
    for address in ("/coach/", "/assessor/", "/research/"):
        assert client.get(address).url == f"{reverse('account_login')}?next={address}"
