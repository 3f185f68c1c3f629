"""What comes in before anything reads it: too large, not readable, NUL, HEAD."""

from __future__ import annotations

import io

import pytest
from django.conf import settings
from django.test import Client, RequestFactory
from django.urls import reverse

from tests import factories
from tests.api import clients
from tests.api import test_pairs as pairs
from tests.conftest import NOW
from trial import entrance, intake
from trial.models import Participant

pytestmark = pytest.mark.django_db


class Unread(io.BytesIO):
    """A body of which is known how much was read."""

    taken = 0

    def read(self, *size):
        chunk = super().read(*size)
        self.taken += len(chunk)
        return chunk


def sent(browser: Client, path: str, length: int, kind: str):
    """What is answered to a body of so many bytes, and how many of them were read; it begins as a
    form with a file.
    """
    begun = b'--x\r\nContent-Disposition: form-data; name="upload"; filename="a.zip"\r\n\r\n'
    body = Unread(begun + b"x" * 1000)
    answer = browser.generic(
        "POST", path, b"-", content_type=kind, **{"wsgi.input": body, "CONTENT_LENGTH": str(length)}
    )
    return answer, body.taken


def signed_in(user=None, **how) -> Client:
    browser = Client(raise_request_exception=False, **how)
    if user:
        browser.force_login(user, settings.AUTHENTICATION_BACKENDS[0])
    return browser


FILE, FORM = "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"
LOAD = "/research/load/"


@pytest.mark.parametrize("kind", [FILE, FORM, "application/json"])
@pytest.mark.parametrize(
    "path", [LOAD, "/account/login/", "/help/", "/api/v1/studies/", "/api/v1/token/", "/nowhere/"]
)
def test_a_body_of_200_mb_is_refused_unread(path, kind, study):
    answer, taken = sent(signed_in(enforce_csrf_checks=True), path, 200_000_000, kind)
    assert (answer.status_code, taken) == (413, 0)
    assert ("too_large" in answer.content.decode()) == path.startswith("/api/")


@pytest.mark.parametrize(
    "path", ["/account/login/", "/join/quiet-mornings/begin/", "/api/v1/token/"]
)
def test_a_body_as_large_as_a_study_folder_is_refused_unread_where_no_file_is_asked_for(
    path, study
):
    answer, taken = sent(signed_in(enforce_csrf_checks=True), path, intake.MOST_TYPED + 1, FILE)
    assert (answer.status_code, taken) == (413, 0)


def test_of_a_file_from_somebody_who_may_not_send_one_nothing_is_read(study, staff):
    dan = factories.a_verified_participant(study, NOW)
    for user, status in ((None, 302), (dan.user, 404), (staff("coach"), 404)):
        browser = signed_in(user, enforce_csrf_checks=True)
        browser.cookies["csrftoken"] = "a" * 32
        answer, taken = sent(browser, LOAD, 10_000_000, FILE)
        assert (answer.status_code, taken) == (status, 0)


def test_a_file_without_the_token_of_its_form_is_refused_and_not_a_fault(study, staff):
    browser = signed_in(staff("researcher"), enforce_csrf_checks=True)
    for path in (LOAD, "/api/v1/studies/"):
        assert browser.post(path, {"upload": pairs.a_zip()}).status_code == 403
        browser.cookies["csrftoken"] = "a" * 32
        assert browser.post(path, {"upload": pairs.a_zip()}).status_code == 403
        assert browser.post(path, b"--x", content_type=FILE).status_code == 403


@pytest.mark.parametrize("length", ["-1", "9" * 400, "ten", "1e9"])
def test_a_length_that_is_none_is_taken_for_too_much(length, study):
    answer = signed_in().generic("POST", "/help/", b"-", content_type=FORM, CONTENT_LENGTH=length)
    assert answer.status_code == 413


@pytest.mark.parametrize("charset", ["hex", "utf-7", "utf-16", "nothing", "unicode_escape"])
def test_a_form_or_a_question_in_another_charset_than_the_pages_is_refused(charset, study):
    for kind in (FORM, FILE, "application/json"):
        assert asked("POST", f"{kind}; charset={charset}") == 400
        assert asked("GET", f"{kind}; charset={charset}") == 400
    assert asked("GET", f"{FORM}; charset=UTF-8") == 200


def asked(method: str, kind: str) -> int:
    """By the server's own kind of request, which reads the address before any middleware does."""
    application = entrance.Entrance()
    environ = {
        **RequestFactory().generic(method, "/help/?back=%2F", b"a=1").environ,
        "CONTENT_TYPE": kind,
    }
    return application.get_response(entrance.Utf8Request(environ)).status_code


def test_nul_in_an_address_leads_nowhere(study, staff):
    ada = signed_in(staff("researcher"))
    for path in (
        "/research/a%00/",
        "/research/small-study/people/QM%00/",
        "/join/a%00/",
        "/invitation/a%00/",
    ):
        assert ada.get(path).status_code == 404
    assert clients.Client(staff("coach")).get("caseload/a%00/").status_code == 404


def test_nul_in_a_question_or_a_cookie_is_left_out(study, staff):
    ada = signed_in(staff("researcher"))
    for path in ("people/?state=a%00&page=%00", "randomisation/?code=QM%00", "people/?%00=1"):
        assert ada.get(f"/research/small-study/{path}").status_code == 200
    stranger = signed_in()
    for name in (
        settings.SESSION_COOKIE_NAME,
        settings.CSRF_COOKIE_NAME,
        settings.LANGUAGE_COOKIE_NAME,
    ):
        stranger.cookies[name] = 'a"\\000b'
        assert stranger.get("/research/").status_code == 302
        assert stranger.get("/help/", headers={"Cookie": f'{name}="a\\000b"'}).status_code == 200


def test_of_what_was_pasted_nul_is_left_out_and_the_words_are_kept(study):
    browser = pairs.way_in("mood")
    typed = {**pairs.ADDRESS, "name": "D\x00an Jansen", "request_key": "a\x00b"}
    assert browser.post(reverse("join:contact", args=[pairs.PUBLIC]), typed).status_code == 302
    browser.post(reverse("join:code", args=[pairs.PUBLIC]), {"code": clients.mailed_code()})
    assert Participant.objects.get(verified_at__isnull=False).identity.name == "Dan Jansen"


def test_every_page_that_is_opened_can_be_asked_for_its_head(study):
    browser = Client()
    for path in (
        "/",
        "/help/",
        "/account/login/",
        "/join/quiet-mornings/",
        "/join/quiet-mornings/help/",
    ):
        whole, head = browser.get(path), browser.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head["Content-Length"] == str(len(whole.content))
    assert browser.head("/api/v1/token/").status_code == 401  # as a GET of it
    assert browser.head("/nowhere/").status_code == 404


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"note": "x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)}, 413, "too_large"),
        (
            {f"field{number}": "x" for number in range(settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1)},
            400,
            "bad_request",
        ),
    ],
    ids=["a field as long as a folder", "more fields than any form has"],
)
def test_what_comes_beside_a_study_folder_is_as_little_as_in_any_other_form(
    study, staff, sent, status, code
):
    ada = staff("researcher")
    answer = clients.Client(ada).upload("studies/", **sent)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert signed_in(ada).post(LOAD, sent).status_code == status


def test_nul_in_a_header_is_left_out(study):
    answer = signed_in().get(
        "/help/", headers={"Accept-Language": "nl\x00", "User-Agent": "a\x00b"}
    )
    assert (answer.status_code, answer["Content-Language"]) == (200, "en")


def test_the_api_answers_what_it_cannot_read_in_its_own_shape(study):
    answer = signed_in().generic(
        "POST", "/api/v1/token/", b"x" * (intake.MOST_TYPED + 1), "application/json"
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    answer = signed_in().generic("POST", "/api/v1/token/", b"{}", "application/json; charset=hex")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
