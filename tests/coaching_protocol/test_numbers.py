"""Calls in numbers: the dashboard's panel and the export tables, checked against a week written out
by hand.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from coaching_protocol.actions import calls
from coaching_protocol.models import CoachingPlan, Contact
from coaching_protocol.queries.dashboard import panel
from coaching_protocol.queries.tables import tables
from tests import factories
from trial import actors
from trial.actions import participants
from trial.models import Membership, ProtocolVersion

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
COACH = actors.staff(1, "coach")
ADA = actors.staff(2, "researcher")


@pytest.fixture
def ben(study):
    return Membership.objects.get(study=study, role="coach").user


@pytest.fixture
def three(study, ben):
    """Exactly three people who are called, all allocated now: calls on 5, 12 and 19 March."""
    while CoachingPlan.objects.count() < 3:
        factories.a_randomised_participant(study, NOW)
    return [
        plan.participant
        for plan in CoachingPlan.objects.order_by("pk").select_related("participant")
    ]


def call(participant, number: int, ben, at: datetime, outcome: str, **logged) -> None:
    contact = Contact.objects.get(plan__participant=participant, number=number)
    attempt = calls.start(contact=contact, coach=ben, by=COACH, at=at)
    calls.log(attempt=attempt, outcome=outcome, by=COACH, at=at, **logged)


def figures(study, at: datetime) -> dict[str, tuple[str, str]]:
    return {figure.label: (figure.value, figure.of) for figure in panel(study, None, at).figures}


def test_the_panel_counts_planned_attempted_held_and_minutes(study, ben, three):
    one, two, _three = three
    assert figures(study, NOW) == {
        "Planned so far": ("0", ""),
        "Attempted": ("0", "of 0 planned"),
        "Held": ("0", "of 0 planned"),
        "Minutes": ("0", ""),
    }
    friday = NOW + timedelta(days=4)
    call(one, 1, ben, friday, "no_answer")
    call(one, 1, ben, friday, "reached", minutes=12)
    call(one, 2, ben, friday, "reached", minutes=5)  # a week before its day
    call(two, 1, ben, friday, "voicemail")
    assert figures(study, friday) == {
        "Planned so far": ("4", ""),
        "Attempted": ("3", "of 4 planned"),
        "Held": ("2", "of 4 planned"),
        "Minutes": ("17", "8.5 a call"),
    }


def test_a_mean_is_rounded_and_written_as_the_reader_writes_it(study, ben, three):
    friday = NOW + timedelta(days=4)
    for participant, minutes in zip(three, (5, 6, 9), strict=True):
        call(participant, 1, ben, friday, "reached", minutes=minutes)
    assert figures(study, friday)["Minutes"] == ("20", "6.7 a call")
    with translation.override("nl"):
        assert figures(study, friday)["Minuten"] == ("20", "6,7 per gesprek")


def test_calls_after_somebody_left_were_never_due(study, ben, three):
    tuesday = NOW + timedelta(days=8)
    participants.withdraw(participant=three[0], by=actors.SYSTEM, at=tuesday)
    assert figures(study, tuesday)["Planned so far"] == ("3", "")
    assert figures(study, NOW + timedelta(days=30))["Planned so far"] == (
        "7",
        "",
    )  # 1 and two times 3


def test_every_figure_has_a_definition_and_none_an_arm(study, three):
    made = panel(study, None, NOW)
    assert [bool(figure.definition) for figure in made.figures] == [True] * 4
    assert (made.rows, made.note) == ((), "Pooled over all arms that are called.")


def test_a_study_in_which_nobody_is_called_has_no_panel(study, monkeypatch):
    document = {**study.current.document, "coaching": {"protocols": {}}}
    monkeypatch.setattr(ProtocolVersion, "document", property(lambda self: document))
    assert panel(study, None, NOW) is None


def test_without_the_arms_there_is_no_table_of_contacts(study, three):
    assert tables(study, ADA, NOW, arms=False) == []


def test_the_tables_hold_every_contact_and_every_try(study, ben, three):
    one, two, three_ = three
    late = datetime(2026, 3, 5, 23, 30, tzinfo=UTC)  # the 6th in Amsterdam
    call(one, 1, ben, late - timedelta(hours=3), "no_answer")
    call(
        one,
        1,
        ben,
        late,
        "reached",
        minutes=12,
        steps_done=["greet", "look-back"],
        deviations=["therapy"],
    )
    calls.start(
        contact=Contact.objects.get(plan__participant=two, number=1), coach=ben, by=COACH, at=late
    )
    participants.withdraw(participant=three_, by=actors.SYSTEM, at=NOW)

    contacts, attempts = tables(study, ADA, NOW, arms=True)
    called = list(contacts.rows)
    assert [column.name for column in contacts.columns] == (
        [
            "participant",
            "number",
            "protocol",
            "planned_on",
            "closes_on",
            "state",
            "attempts",
            "held_on",
            "minutes",
        ]
    )
    of = {
        code: [row[1:] for row in called if row[0] == code]
        for code in (one.code, two.code, three_.code)
    }
    assert of[one.code] == [
        [1, "support", "2026-03-05", "2026-03-08", "held", 2, "2026-03-06", 12],
        [2, "support", "2026-03-12", "2026-03-15", "planned", 0, None, None],
        [3, "support", "2026-03-19", "2026-03-22", "planned", 0, None, None],
    ]
    assert [row[4:6] for row in of[two.code]] == [["planned", 0]] * 3
    assert [row[4:6] for row in of[three_.code]] == [["cancelled", 0]] * 3
    assert len(called) == 9

    assert [column.name for column in attempts.columns] == (
        [
            "participant",
            "contact",
            "started_at",
            "outcome",
            "minutes",
            "steps_done",
            "steps_required",
            "deviations",
        ]
    )
    expected = [
        [one.code, 1, "2026-03-05T20:30:00+00:00", "no_answer", None, 0, 3, None],
        [one.code, 1, "2026-03-05T23:30:00+00:00", "reached", 12, 2, 3, "therapy"],
        [two.code, 1, "2026-03-05T23:30:00+00:00", None, None, None, 3, None],
    ]
    assert list(attempts.rows) == expected  # in order of arrival, then of starting


def test_the_tables_need_three_queries_each_however_many_people(
    study, ben, three, django_assert_num_queries
):
    call(three[0], 1, ben, NOW, "no_answer")
    for table in tables(study, ADA, NOW, arms=True):  # calls and their tries; versions once
        with django_assert_num_queries(3):
            assert len(list(table.rows)) >= 1
