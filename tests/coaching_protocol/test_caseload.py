"""What is due, and in which order: the participant's own day decides."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from coaching_protocol.actions import calls, plans, summaries
from coaching_protocol.models import CoachingPlan, Contact
from coaching_protocol.queries import caseload
from tests import factories
from trial import actors
from trial.actions import participants, programme
from trial.models import Membership

NOW = datetime(
    2026, 3, 2, 10, 0, tzinfo=UTC
)  # a Monday; the first call may be held from Thursday 5 to Sunday 8 March
COACH = actors.staff(1, "coach")


@pytest.fixture
def ben(study):
    return Membership.objects.get(study=study, role="coach").user


@pytest.fixture
def dan(study, ben):
    return factories.a_participant_in(study, "guided", NOW)


def first(participant) -> Contact:
    return Contact.objects.get(plan__participant=participant, number=1)


def change(contact: Contact, **values) -> None:
    Contact.objects.filter(pk=contact.pk).update(**values)
    summaries.renew(contact.plan)


def groups(user, at: datetime) -> list[tuple[str, str]]:
    return [(row.participant.code, row.group) for row in caseload.of(user, at)]


def try_once(participant, ben, at: datetime, outcome: str = "no_answer", **logged) -> None:
    attempt = calls.start(contact=first(participant), coach=ben, by=COACH, at=at)
    calls.log(attempt=attempt, outcome=outcome, by=COACH, at=at, **logged)


@pytest.mark.parametrize(
    ("at", "group"),
    [
        (datetime(2026, 2, 25, 22, 59, tzinfo=UTC), "later"),  # 8 days before, in Amsterdam
        (datetime(2026, 2, 25, 23, 1, tzinfo=UTC), "week"),
        (datetime(2026, 3, 4, 22, 59, tzinfo=UTC), "week"),
        (datetime(2026, 3, 4, 23, 1, tzinfo=UTC), "today"),  # Thursday has begun in Amsterdam
        (datetime(2026, 3, 8, 22, 59, tzinfo=UTC), "today"),
        (datetime(2026, 3, 8, 23, 1, tzinfo=UTC), "overdue"),
    ],
)
def test_a_call_without_an_appointment_is_due_in_its_window_counted_in_the_participants_days(
    ben, dan, at, group
):
    assert groups(ben, at) == [(dan.code, group)]


@pytest.mark.parametrize(
    ("at", "group"),
    [
        (datetime(2026, 3, 6, 9, 0, tzinfo=UTC), "week"),
        (datetime(2026, 3, 12, 9, 0, tzinfo=UTC), "today"),
        (datetime(2026, 3, 12, 20, 0, tzinfo=UTC), "today"),  # passed an hour ago, still today
        (datetime(2026, 3, 13, 9, 0, tzinfo=UTC), "overdue"),
    ],
)
def test_an_appointment_goes_before_the_window(ben, dan, at, group):
    change(first(dan), appointment_at=datetime(2026, 3, 12, 19, 0, tzinfo=UTC))
    assert groups(ben, at) == [(dan.code, group)]


def test_an_appointment_at_which_nobody_answered_is_used_up(ben, dan):
    agreed = datetime(2026, 3, 5, 14, 0, tzinfo=UTC)
    try_once(dan, ben, agreed - timedelta(hours=2), "call_back", next_at=agreed)
    [row] = caseload.of(ben, agreed)
    assert (row.appointment_at, row.contact.tries) == (agreed, 1)
    try_once(dan, ben, agreed + timedelta(minutes=1))
    [row] = caseload.of(ben, agreed + timedelta(days=1))
    assert (row.appointment_at, row.contact.tries, row.group) == (None, 2, "today")


def test_what_is_due_is_sorted_by_urgency_then_appointment_then_the_end_of_the_window(study, ben):
    early = factories.a_participant_in(study, "guided", NOW - timedelta(days=2))
    late = factories.a_participant_in(study, "guided", NOW - timedelta(days=9))
    today = factories.a_participant_in(study, "guided", NOW - timedelta(days=1))
    evening, morning = (factories.a_participant_in(study, "guided", NOW) for _ in range(2))
    begun = factories.a_participant_in(study, "guided", NOW)
    wanted = {each.code for each in (early, late, today, evening, morning, begun)}
    thursday = datetime(2026, 3, 5, 8, 0, tzinfo=UTC)
    for person, hour in ((evening, 19), (morning, 9)):
        change(first(person), appointment_at=thursday.replace(hour=hour))
    calls.start(contact=first(begun), coach=ben, by=COACH, at=thursday)
    assert [each for each in groups(ben, thursday) if each[0] in wanted] == [
        (begun.code, "log"),
        (late.code, "overdue"),
        (morning.code, "today"),
        (evening.code, "today"),
        (early.code, "today"),
        (today.code, "today"),
    ]


def test_somebody_without_a_coach_is_in_nobodys_caseload_but_the_supervisors(
    study, staff, ben, dan
):
    plans.leave(study=study, coach=ben, by=actors.SYSTEM, at=NOW)
    eva = staff("supervisor")
    assert groups(ben, NOW) == []
    [row] = caseload.of(eva, NOW)
    assert (row.participant, row.plan.coach_pk, row.plan.supervised) == (dan, None, True)
    assert list(caseload.of(eva, NOW, "none")) == [row]
    assert list(caseload.of(eva, NOW, str(ben.pk))) == []
    assert caseload.of(eva, NOW).coaches == [("none", "")]


def test_whoever_has_completed_the_study_stays_until_the_last_call_is_over(ben, dan):
    participants.complete(participant=dan, by=actors.SYSTEM, at=NOW)
    assert groups(ben, NOW) == [(dan.code, "week")]
    for each in Contact.objects.filter(plan__participant=dan):
        change(each, state="held", held_at=NOW)
    assert groups(ben, NOW) == []


def test_coaches_are_listed_with_how_many_people_they_have(study, staff, ben, dan):
    gijs = staff("coach", "Gijs")
    count = CoachingPlan.objects.count()
    assert [(each.user, each.people) for each in caseload.coaches(study)] == [
        (ben, count),
        (gijs, 0),
    ]
    participants.withdraw(participant=dan, by=actors.SYSTEM, at=NOW)
    assert [each.people for each in caseload.coaches(study)] == [count - 1, 0]


def test_progress_says_that_and_when_modules_were_used(ben, dan):
    module = dan.version.programme.modules[0]
    by = actors.participant(dan.code)
    assert (caseload.progress(dan).begun, caseload.progress(dan).last_used_at) == (0, None)
    programme.begin_module(participant=dan, module=module.code, by=by, at=NOW)
    programme.finish_module(participant=dan, module=module.code, by=by, at=NOW + timedelta(hours=1))
    progress = caseload.progress(dan)
    assert (progress.begun, progress.done, len(progress.modules), progress.last_used_at) == (
        1,
        1,
        3,
        NOW + timedelta(hours=1),
    )


def test_a_person_has_every_planned_call_with_its_tries(ben, dan):
    try_once(dan, ben, NOW, note="Rang twice")
    try_once(
        dan,
        ben,
        NOW + timedelta(hours=1),
        "reached",
        minutes=8,
        steps_done=["greet"],
        deviations=["therapy"],
    )
    [row] = caseload.of(ben, NOW)
    listed = caseload.calls(row)
    assert [(call.contact.number, call.contact.opens_on, len(call.tries)) for call in listed] == [
        (1, date(2026, 3, 5), 2),
        (2, date(2026, 3, 12), 0),
        (3, date(2026, 3, 19), 0),
    ]
    assert [(t.note, t.steps_required, [d["en"] for d in t.not_kept]) for t in listed[0].tries] == [
        ("Rang twice", 3, []),
        ("", 3, ["Give no therapy"]),
    ]


def test_whoever_was_tried_today_comes_after_everybody_else_who_is_due(study, ben):
    overdue, ann, bob = (
        factories.a_participant_in(study, "guided", NOW - timedelta(days=d)) for d in (9, 1, 0)
    )
    week = factories.a_participant_in(study, "guided", NOW)
    thursday = datetime(2026, 3, 5, 8, 0, tzinfo=UTC)
    change(first(week), opens_on=date(2026, 3, 9), closes_on=date(2026, 3, 9))
    wanted = {overdue.code: "overdue", ann.code: "ann", bob.code: "bob", week.code: "week"}

    def order(at: datetime) -> list[str]:
        return [wanted[code] for code, _group in groups(ben, at) if code in wanted]

    assert order(thursday) == ["overdue", "ann", "bob", "week"]
    try_once(overdue, ben, thursday)
    assert order(thursday) == ["ann", "bob", "overdue", "week"]
    try_once(ann, ben, thursday + timedelta(hours=1), "voicemail")
    try_once(bob, ben, thursday + timedelta(hours=2))
    assert order(thursday + timedelta(hours=2)) == [
        "overdue",
        "ann",
        "bob",
        "week",
    ]  # the longest ago first
    try_once(overdue, ben, thursday + timedelta(hours=3))
    assert order(thursday + timedelta(hours=3)) == ["ann", "bob", "overdue", "week"]


def test_tries_of_yesterday_do_not_count_where_the_participant_is(study, ben, dan):
    try_once(dan, ben, datetime(2026, 3, 5, 22, 59, tzinfo=UTC))  # 23:59 in Amsterdam

    def was_tried(at: datetime) -> bool:
        return next(
            row for row in caseload.of(ben, at) if row.participant == dan
        ).turn.was_tried_today

    assert was_tried(datetime(2026, 3, 5, 22, 59, 59, tzinfo=UTC))
    assert not was_tried(datetime(2026, 3, 5, 23, 0, tzinfo=UTC))


def test_an_appointment_later_today_waits_until_its_time(study, ben):
    dan, ann = (factories.a_participant_in(study, "guided", NOW) for _ in range(2))
    thursday = datetime(2026, 3, 5, 8, 0, tzinfo=UTC)
    at_three = thursday.replace(hour=15)
    try_once(dan, ben, thursday, "call_back", next_at=at_three)

    def order(at: datetime) -> list[str]:
        return [code for code, _group in groups(ben, at) if code in {dan.code, ann.code}]

    assert order(at_three - timedelta(seconds=1)) == [ann.code, dan.code]
    assert order(at_three) == [dan.code, ann.code]
