"""Completeness on the dashboard and of one person, and the page of wordings."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from outcomes.queries.dashboard import panel, person_panel
from outcomes.queries.wordings import languages
from tests import factories
from tests.conftest import NOW
from trial import actors
from trial.actions import journey, participants
from trial.models import Study

LIVING_POSITIVE = Path(__file__).parents[3] / "trial" / "studies" / "living-positive"


def rows(study: Study, days: int) -> dict[str, list[str]]:
    """The numbers of the panel by timepoint and instrument, `days` after everybody came in."""
    shown = panel(study, None, NOW + timedelta(days=days))
    found, heading = {}, ""
    for row in shown.rows:
        if len(row) == 1:
            heading = row[0]
        else:
            found[f"{heading} {row[0]}"] = row[1:]
    return found


def concealed(study: Study) -> Study:
    """The same study as a live one: asked of the panels only, never saved."""
    study.simulated = False
    return study


def test_completeness_counts_each_person_in_one_column(study):
    first, second, third = [factories.a_randomised_participant(study, NOW) for _ in range(3)]
    later = NOW + timedelta(days=15)
    for person in (first, second, third):
        journey.advance(person, later)
    factories.fill_in(first, "week2", later)
    participants.withdraw(participant=second, by=actors.participant(second.code), at=later)
    # due, answered, declined, missed, withdrawn, open
    assert rows(study, 15)["Week 2 PHQ4"] == ["3", "1", "0", "0", "1", "1"]
    assert rows(study, 15)["Before the start PHQ9"] == ["3", "3", "0", "0", "0", "0"]
    assert rows(study, 30)["Week 2 PHQ4"] == ["3", "1", "0", "1", "1", "0"]


def test_a_past_date_gives_the_numbers_of_that_date(study):
    person = factories.a_randomised_participant(study, NOW)
    journey.advance(person, NOW + timedelta(days=15))
    factories.fill_in(person, "week2", NOW + timedelta(days=16))
    assert rows(study, 1)["Week 2 PHQ4"] == ["0", "0", "0", "0", "0", "0"]
    assert rows(study, 15)["Week 2 PHQ4"] == ["1", "0", "0", "0", "0", "1"]
    assert rows(study, 17)["Week 2 PHQ4"] == ["1", "1", "0", "0", "0", "0"]


def test_what_hangs_on_the_programme_is_counted_only_when_it_is_over_in_every_arm(study):
    person = factories.a_randomised_participant(study, NOW)
    journey.advance(person, NOW + timedelta(days=43))
    assert rows(study, 43)["After the programme PHQ9"] == ["1", "0", "0", "0", "0", "1"]
    assert rows(concealed(study), 43)["After the programme PHQ9"] == ["0", "0", "0", "0", "0", "0"]
    assert rows(concealed(study), 60)["After the programme PHQ9"] == ["1", "0", "0", "1", "0", "0"]


def test_a_timepoint_of_one_arm_is_left_out_and_named(db):
    study = factories.a_loaded_study(LIVING_POSITIVE, NOW, simulated=False)
    shown = panel(study, None, NOW)
    assert [row[0] for row in shown.rows if len(row) == 1] == [
        "Pretest",
        "Week 1",
        "Week 3",
        "Week 5",
        "Post-test 1",
        "Post-test 2",
    ]
    assert "since not every arm has it: followup6." in shown.note
    assert "the window is over in every arm: post1, post2." in shown.note


def test_a_person_is_shown_without_dates_that_tell_the_arm(study):
    person = factories.a_randomised_participant(study, NOW)
    journey.advance(person, NOW + timedelta(days=60))
    open_rows = [
        row[:2] for row in person_panel(person, concealed(study), NOW + timedelta(days=43)).rows
    ]
    assert open_rows == [
        ["Before the start", "PHQ9"],
        ["Before the start", "GAD7"],
        ["Week 2", "PHQ4"],
    ]
    over = person_panel(person, concealed(study), NOW + timedelta(days=60)).rows
    assert ["After the programme", "PHQ9", "missed", "–", "–", "–"] in over


@pytest.fixture
def client_of_living_positive(db):
    study = factories.a_loaded_study(LIVING_POSITIVE, NOW, simulated=False)
    client = Client()
    ada = factories.a_staff_member(study, "researcher", "", NOW)
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    return client, study


def test_each_language_says_why_it_is_not_offered(client_of_living_positive):
    _client, study = client_of_living_positive
    assert languages(study) == [
        ("en", []),
        ("nl", ["CESD: no wording in this language, paste the one you hold a licence for"]),
    ]


def test_every_wording_stands_there_in_full_with_its_status(
    client_of_living_positive, django_assert_num_queries
):
    client, study = client_of_living_positive
    address = reverse("research:wordings", args=[study.slug])
    with time_machine.travel(NOW, tick=False):
        client.get(address)
        with django_assert_num_queries(6):
            body = client.get(address).content.decode()
    statuses = re.findall(r"<summary>\s*(\w\w): (\w+)", body)
    assert len(statuses) == 9  # five instruments in English, four in Dutch
    assert ("nl", "derived") in statuses  # the Dutch PHQ-4 is assembled
    assert "Weinig interesse of plezier in activiteiten" in body
    assert "Little interest or pleasure in doing things" in body
    assert body.count("not signed off") == sum(
        status != "official" for _language, status in statuses
    )
