"""A design by the API: what the page shows to the same people at the same time."""

from __future__ import annotations

import json

import pytest

from tests import factories
from tests.api.clients import Client, a_key
from tests.conftest import NOW, SMALL
from trial.models import AuditEvent, Study

pytestmark = pytest.mark.django_db
NO_OTHERS = {"blocks": "", "tolerances": "", "limits": "", "coins": "", "minimisation": ""}


@pytest.fixture
def draft(db) -> Study:
    return factories.a_loaded_study(SMALL, NOW, simulated=False)


def client(study: Study, role: str) -> Client:
    return Client(factories.a_staff_member(study, role, "", NOW))


def path(study: Study, name: str = "assessment") -> str:
    return f"studies/{study.slug}/randomisation/{name}/"


def test_the_own_design_comes_with_its_figures_and_those_of_others(draft):
    body = (
        client(draft, "researcher")
        .get(path(draft), **{**NO_OTHERS, "n": 100, "tolerances": "3"})
        .json()
    )
    assert (body["sealed"], body["commitment"]) == (False, "")
    assert [(each["label"], each["own"]) for each in body["designs"]] == [
        ("blocks of 2 and 4", True),
        ("big stick, tolerance 3", False),
    ]
    own, stick = (each["characteristics"] for each in body["designs"])
    assert (own["n"], own["strata"], own["off_ratio"], own["steps"][0]) == (100, 2, 0.0, [0.5, 0.5])
    assert own["correct"]["error"] == 0
    assert stick["correct"]["value"] < own["correct"]["value"]
    assert [each["code"] for each in body["cautions"]] == ["predictable"]
    assert [(each["spirit"], each["consort"]) for each in body["protocol"]] == [
        ("21a", "17a"),
        ("21b", "17b"),
        ("22", "18"),
        ("23", "19"),
    ]


def test_what_an_address_does_not_say_stands_as_the_study_has_it(draft):
    ada = client(draft, "researcher")
    designs = ada.get(path(draft), blocks="").json()["designs"]
    assert designs[0]["characteristics"]["n"] == 40
    assert [each["method"] for each in designs] == [
        "permuted_blocks",
        *["big_stick"] * 3,
        "block_urn",
        "efron",
        "minimisation",
    ]


def test_what_cannot_be_is_a_400_that_names_the_field(draft):
    answer = client(draft, "researcher").get(path(draft), blocks="5", n="x")
    assert (answer.status_code, answer.json()["code"], sorted(answer.json()["fields"])) == (
        400,
        "invalid",
        ["blocks", "n"],
    )


def test_a_statistician_gets_sentences_and_no_figure(draft):
    body = client(draft, "statistician").get(path(draft)).json()
    assert (body["sealed"], body["designs"]) == (True, [])
    assert [each["code"] for each in body["cautions"]] == ["predictable"]
    assert not any(sign.isdigit() for sign in json.dumps(body["cautions"]))


def test_an_open_study_gives_its_commitment_and_nothing_that_is_sealed(study):
    Study.objects.update(simulated=False)
    ada = client(study, "researcher")
    body = ada.get(path(study), n=100).json()
    assert (body["sealed"], body["designs"], body["cautions"], len(body["commitment"])) == (
        True,
        [],
        [],
        64,
    )
    assert ada.post(path(study, "annex")).json()["code"] == "sealed"


def test_the_annex_is_given_once_under_one_key(draft):
    ada, key = client(draft, "researcher"), a_key()
    first, again = (ada.post(path(draft, "annex"), key=key).json() for _ in range(2))
    assert first == again
    assert "block_sizes: [2, 4]" in first["text"]
    assert AuditEvent.objects.filter(action="sealed annex given").count() == 1
