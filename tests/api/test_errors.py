from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest
from django.utils.module_loading import import_string

from tests.api.clients import Client
from trial.api.catalogue import CATALOGUE, find

APPS = (
    "trial",
    "outcomes",
    "coaching_protocol",
    "reports",
)  # errors of randomisation end in the journey, as alerts


def of_actions() -> list[type[Exception]]:
    found = []
    for app in APPS:
        package = importlib.import_module(f"{app}.actions")
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            members = inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
            found += [
                each
                for _, each in members
                if issubclass(each, Exception) and each.__module__ == module.name
            ]
    return found


def test_every_error_of_the_catalogue_exists():
    assert all(issubclass(import_string(name), Exception) for name in CATALOGUE)


def test_every_error_that_an_action_names_is_in_the_catalogue():
    named = of_actions()
    assert len(named) > 20
    missing = [error.__qualname__ for error in named if find(error.__new__(error)) is None]
    assert missing == []


def test_codes_of_errors_are_not_used_twice():
    codes = [named.code for named in CATALOGUE.values()]
    assert sorted(codes) == sorted(set(codes))


@pytest.mark.django_db
def test_problems_of_the_framework_have_the_same_shape(study, staff):
    ada = Client(staff("researcher"))
    cases = [
        (Client().get("today/"), 401, "not_authenticated"),
        (ada.get("studies/nothing/"), 404, "not_found"),
        (ada.post("studies/small-study/lock/", {"reason": "x"}), 403, "permission_denied"),
        (ada.post("studies/small-study/participants/"), 405, "method_not_allowed"),
        (ada.post("studies/small-study/pause/"), 400, "invalid"),
    ]
    for answer, status, code in cases:
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert sorted(answer.json()) == ["code", "detail", "fields"]
        assert answer["Content-Type"] == "application/problem+json"
    assert cases[0][0]["WWW-Authenticate"] == "Token"


@pytest.mark.django_db
def test_a_session_needs_the_csrf_token_and_a_token_does_not(study, staff):
    from rest_framework.test import APIClient

    ada = staff("researcher")
    browser = APIClient(enforce_csrf_checks=True)
    browser.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    path = "/api/v1/studies/small-study/pause/"
    assert browser.get("/api/v1/studies/").status_code == 200
    assert browser.post(path, {"reason": "x"}, format="json").status_code == 403
    assert Client(ada).post("studies/small-study/pause/", {"reason": "x"}).status_code == 200
