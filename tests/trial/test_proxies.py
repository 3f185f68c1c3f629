"""Who asks where a proxy stands in front. Addresses of documentation (RFC 5737, RFC 3849) stand for
people.
"""

from __future__ import annotations

import pytest
from django.core.checks import run_checks
from django.test import Client, RequestFactory, override_settings

from trial import environment, proxies

PROXY, LAST, ANN, EVE = "10.0.0.1", "10.0.0.2", "198.51.100.7", "203.0.113.9"
NAMED = environment.proxies({"HANDVAT_PROXIES": "10.0.0.0/24, 2001:db8::1"})


@pytest.mark.parametrize(
    ("here", "forwarded", "client"),
    [
        (ANN, "", ANN),
        (PROXY, "", PROXY),
        (PROXY, ANN, ANN),
        (PROXY, f"{ANN}, {LAST}", ANN),
        (PROXY, f" {ANN} ,{LAST}", ANN),
        (PROXY, f"{EVE}, {ANN}", ANN),  # Ann wrote the first herself
        (PROXY, f"{EVE}, {ANN}, {LAST}", ANN),
        (PROXY, f"{LAST}, {ANN}", ANN),
        (PROXY, LAST, LAST),
        (PROXY, f"{ANN}, nonsense", PROXY),
        (PROXY, f"nonsense, {ANN}", ANN),
        (PROXY, f"{ANN}:4711", ANN),
        (PROXY, "[2001:db8::7]:4711", "2001:db8::7"),
        (f"::ffff:{PROXY}", f"::ffff:{ANN}", ANN),
        ("2001:db8::1", "2001:db8::7", "2001:db8::7"),
        ("", ANN, ANN),  # a socket of this machine
        (EVE, ANN, EVE),
        (EVE, f"{ANN}, {PROXY}", EVE),
        (PROXY, ",".join([ANN] * 5000), ANN),
        (PROXY, "," * 5000, PROXY),
    ],
)
def test_the_client_is_the_first_address_from_the_right_that_is_no_named_proxy(
    here, forwarded, client
):
    assert proxies.client(here, forwarded, NAMED) == client


def test_without_named_proxies_nobody_vouches_for_anybody():
    assert proxies.client(PROXY, ANN, ()) == PROXY
    assert proxies.client("", ANN, ()) == ""


def seen(**headers: str):
    """The request as everything after the first middleware sees it."""
    return proxies.Forwarded(lambda request: request)(RequestFactory().get("/", **headers))


@override_settings(PROXIES=NAMED, SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"))
def test_what_a_stranger_says_of_address_and_scheme_counts_for_nothing():
    request = seen(
        REMOTE_ADDR=EVE,
        HTTP_X_FORWARDED_FOR=ANN,
        HTTP_X_FORWARDED_PROTO="https",
        HTTP_FORWARDED=f"for={ANN}",
    )
    assert (request.META["REMOTE_ADDR"], request.is_secure()) == (EVE, False)
    assert [name for name in request.META if "FORWARDED" in name] == []


@override_settings(PROXIES=NAMED, SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"))
@pytest.mark.parametrize(
    ("said", "is_secure"), [("https", True), ("http", False), ("https, http", False), ("", False)]
)
def test_what_a_named_proxy_says_counts(said, is_secure):
    request = seen(REMOTE_ADDR=PROXY, HTTP_X_FORWARDED_FOR=ANN, HTTP_X_FORWARDED_PROTO=said)
    assert (request.META["REMOTE_ADDR"], request.is_secure()) == (ANN, is_secure)


@override_settings(
    SECURE_SSL_REDIRECT=True, SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")
)
def test_only_a_named_proxy_keeps_somebody_from_being_sent_to_https(db):
    browser = Client(REMOTE_ADDR=PROXY, HTTP_X_FORWARDED_PROTO="https")
    assert browser.get("/help/").status_code == 301
    with override_settings(PROXIES=NAMED):
        assert browser.get("/help/").status_code == 200


@pytest.mark.parametrize("said", ["proxy", "10.0.0.0/33", "10.0.0.1/8"])
def test_what_is_neither_an_address_nor_a_network_is_refused_at_the_start(said):
    with pytest.raises(environment.MalformedProxy, match="HANDVAT_PROXIES"):
        environment.proxies({"HANDVAT_PROXIES": said})


def warned(named: str) -> list[str]:
    with override_settings(PROXIES=environment.proxies({"HANDVAT_PROXIES": named})):
        return [
            each.id
            for each in run_checks(include_deployment_checks=True)
            if each.id.startswith("trial.W")
        ]


def test_a_check_before_deployment_says_who_would_be_one_address_and_who_could_choose_one():
    assert warned("") == ["trial.W001"]
    assert warned("10.0.0.1") == []
    assert warned("0.0.0.0/0") == ["trial.W002"]
    assert warned("10.0.0.1,::/0") == ["trial.W002"]
