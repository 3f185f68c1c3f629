"""Calls in numbers: the dashboard's panel and the export tables, checked against a week written out
by hand.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from coaching_protocol.actions import calls, plans
from coaching_protocol.models import Attempt, CoachingPlan, Contact
from coaching_protocol.queries.dashboard import panel
from coaching_protocol.queries.tables import coach_codes, tables
from tests import factories
from trial import actors
from trial.actions import participants, staff
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

    contacts, attempts = (table_of(study, name) for name in ("contacts", "attempts"))
    called = list(contacts.rows)
    assert tuple(contacts.names) == (
        *("participant", "number", "protocol", "medium", "opens_on", "planned_on", "closes_on"),
        *("state", "attempts", "held_on", "minutes", "coach"),
    )
    of = {
        code: [row[1:] for row in called if row[0] == code]
        for code in (one.code, two.code, three_.code)
    }
    support = ("support", "phone")
    assert of[one.code] == [
        [1, *support, "2026-03-05", "2026-03-05", "2026-03-08", "held", 2, "2026-03-06", 12, "C1"],
        [2, *support, "2026-03-12", "2026-03-12", "2026-03-15", "planned", 0, None, None, None],
        [3, *support, "2026-03-19", "2026-03-19", "2026-03-22", "planned", 0, None, None, None],
    ]
    assert [row[6:8] for row in of[two.code]] == [["planned", 0]] * 3
    assert [row[6:8] for row in of[three_.code]] == [["cancelled", 0]] * 3
    assert len(called) == 9

    assert tuple(attempts.names) == (
        *("participant", "contact", "attempt", "coach", "started_at", "outcome", "minutes"),
        *("protocol", "protocol_version", "steps_done", "steps_required", "steps", "deviations"),
        "corrections",
    )
    by = ("support", "1.0")
    first, second = "2026-03-05T20:30:00+00:00", "2026-03-05T23:30:00+00:00"
    done = ("greet look-back", "therapy")
    expected = [
        [one.code, 1, 1, "C1", first, "no_answer", None, *by, 0, 3, None, None, 0],
        [one.code, 1, 2, "C1", second, "reached", 12, *by, 2, 3, *done, 0],
        [two.code, 1, 1, "C1", second, None, None, *by, None, 3, None, None, 0],
    ]
    assert list(attempts.rows) == expected  # in order of arrival, then of starting


def table_of(study, name: str):
    return next(table for table in tables(study, ADA, NOW, arms=True) if table.name == name)


def test_a_coach_has_a_code_that_stays_whoever_joins_and_a_history_of_people(study, ben, three):
    friday = NOW + timedelta(days=4)
    cleo = factories.a_staff_member(study, "coach", "Cleo", friday)
    plan = CoachingPlan.objects.get(participant=three[0])
    plans.reassign(plan=plan, coach=cleo, reason="language", by=ADA, at=friday)
    assert coach_codes(study) == {ben.pk: "C1", cleo.pk: "C2"}
    of_one = [
        row[1:]
        for row in table_of(study, "coach_assignments").rows
        if row[0] == plan.participant.code
    ]
    assert of_one == [
        ["C1", NOW.date(), friday.date(), None],
        ["C2", friday.date(), None, "language"],
    ]
    bens = Membership.objects.get(study=study, user=ben, role="coach")
    staff.end_role(membership=bens, by=ADA, at=friday)
    dora = factories.a_staff_member(study, "supervisor", "Dora", friday)
    assert coach_codes(study) == {ben.pk: "C1", cleo.pk: "C2", dora.pk: "C3"}
    assert [list(row) for row in table_of(study, "coaches").rows] == [
        ["C1", bens.since_at.date(), friday.date()],
        ["C2", friday.date(), None],
    ]


def test_what_a_log_said_before_it_was_corrected_is_told_with_who_and_why(study, ben, three):
    call(three[0], 1, ben, NOW, "reached", minutes=12, steps_done=["greet"], deviations=["therapy"])
    attempt = Attempt.objects.get()
    calls.correct(attempt=attempt, coach=ben, reason="slip", outcome="no_answer", by=COACH, at=NOW)
    call(three[0], 1, ben, NOW - timedelta(hours=1), "no_answer")  # the try before, logged later
    assert [list(row) for row in table_of(study, "call_corrections").rows] == [
        [
            *(three[0].code, 1, 2, "C1", NOW.isoformat(), "slip"),
            *(NOW.isoformat(), "reached", 12, "greet", "therapy"),
        ]
    ]
    tries = [(row[2], row[5], row[-1]) for row in table_of(study, "attempts").rows]
    assert tries == [(1, "no_answer", 0), (2, "no_answer", 1)]
    held = [row[-1] for row in table_of(study, "contacts").rows]
    assert held == [None] * 9  # nobody held a call that turned out not to be one


def test_no_table_needs_more_queries_for_more_people(
    study, ben, three, django_assert_max_num_queries
):
    call(three[0], 1, ben, NOW, "no_answer")
    for table in tables(study, ADA, NOW, arms=True):
        # Calls, their tries and what was corrected; versions once.
        with django_assert_max_num_queries(4):
            assert list(table.rows) or table.name == "call_corrections"
