"""Making a call and logging it against the protocol."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.urls import reverse

from coaching_protocol.actions import calls, plans
from coaching_protocol.models import Attempt, CoachAssignment, Contact
from coaching_protocol.queries import caseload
from tests import factories
from trial import actors, audit, worker
from trial.accepted import NotAccepted
from trial.actions import deliveries, drafts, own_details, participants
from trial.actions.participants import NotACode
from trial.lifecycles import NotAllowedNow
from trial.models import AuditEvent, Message, Study
from trial.queries import drafts as reads
from trial.queries.drafts import Typed

pytestmark = pytest.mark.django_db


@pytest.fixture
def dan(study, now):
    return factories.a_participant_in(study, "guided", now)


@pytest.fixture
def ben(dan):
    return CoachAssignment.objects.get(plan__participant=dan).coach


def by(coach):
    return actors.staff(coach.pk, "coach")


def contact_of(person, number=1):
    return Contact.objects.get(plan__participant=person, number=number)


def called(person, coach, at, outcome="reached", **more):
    """A call from start to log."""
    attempt = calls.start(contact=contact_of(person), coach=coach, by=by(coach), at=at)
    minutes = more.pop("minutes", 12 if outcome == "reached" else None)
    return calls.log(attempt=attempt, outcome=outcome, minutes=minutes, by=by(coach), at=at, **more)


def test_contacts_are_planned_as_the_protocol_says(dan, now):
    rows = Contact.objects.filter(plan__participant=dan).values_list(
        "number", "due_on", "closes_on"
    )
    day = now.date()
    assert list(rows) == [
        (
            number,
            day + timedelta(days=3 + 7 * (number - 1)),
            day + timedelta(days=6 + 7 * (number - 1)),
        )
        for number in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        ("reached", "held"),
        ("no_answer", "planned"),
        ("voicemail", "planned"),
        ("call_back", "planned"),
        ("refused", "not_held"),
        ("wrong_number", "not_held"),
    ],
)
def test_what_an_outcome_does_to_the_contact(dan, ben, now, outcome, state):
    called(dan, ben, now, outcome)
    contact = contact_of(dan)
    assert (contact.state, contact.held_at) == (state, now if state == "held" else None)


def test_a_logged_call_keeps_steps_minutes_protocol_version_and_a_sealed_note(dan, ben, now):
    logged = called(
        dan,
        ben,
        now,
        steps_done=["next-step", "greet"],
        deviations=["therapy"],
        note="about the dog",
    )
    assert (logged.steps_done, logged.deviations, logged.minutes, logged.protocol_version) == (
        ["greet", "next-step"],
        ["therapy"],
        12,
        "1.0",
    )
    assert dan.unsealed(logged.note_sealed) == "about the dog"
    assert "dog" not in AuditEvent.objects.get(action="call logged").new


def test_a_call_that_was_begun_is_gone_on_with_and_logged_once(dan, ben, now):
    first = calls.start(contact=contact_of(dan), coach=ben, by=by(ben), at=now)
    assert calls.start(contact=contact_of(dan), coach=ben, by=by(ben), at=now) == first
    calls.log(attempt=first, outcome="no_answer", by=by(ben), at=now)
    with pytest.raises(calls.NotStarted):
        calls.log(attempt=first, outcome="reached", minutes=5, by=by(ben), at=now)
    assert Attempt.objects.count() == 1


def test_what_cannot_be_logged(dan, ben, now):
    attempt = calls.start(contact=contact_of(dan), coach=ben, by=by(ben), at=now)
    log = {"attempt": attempt, "by": by(ben), "at": now}
    for given, said in (
        ({"outcome": "happy"}, {"outcome": ["There is no such outcome."]}),
        ({"outcome": "reached"}, {"minutes": ["Write how many minutes you spoke, at least 1"]}),
        ({"outcome": "reached", "minutes": 601}, {"minutes": ["Write whole minutes, such as 12"]}),
        (
            {"outcome": "reached", "minutes": 5, "steps_done": ["dance"], "deviations": ["sing"]},
            {
                "steps_done": ["The protocol has no such step: dance"],
                "deviations": ["The protocol has no such step: sing"],
            },
        ),
        ({"outcome": "no_answer", "note": "x" * 4001}, {"note": ["The note is too long."]}),
    ):
        with pytest.raises(NotAccepted) as refused:
            calls.log(**given, **log)
        assert refused.value.fields == said
    attempt.refresh_from_db()
    assert (attempt.logged_at, contact_of(dan).state) == (None, "planned")


def test_a_contact_that_is_over_is_not_called_again(dan, ben, now):
    called(dan, ben, now)
    with pytest.raises(calls.ContactOver):
        calls.start(contact=contact_of(dan), coach=ben, by=by(ben), at=now)
    with pytest.raises(NotAllowedNow):
        calls.give_up(contact=contact_of(dan), reason="away", by=by(ben), at=now)


def test_why_a_call_is_given_up_is_a_code_because_it_is_kept_in_clear(dan, ben, now):
    with pytest.raises(NotACode):
        calls.give_up(contact=contact_of(dan), reason="Dan is in hospital", by=by(ben), at=now)
    assert contact_of(dan).state == "planned"


def test_an_appointment_is_for_the_next_contact_that_is_still_planned(dan, ben, now):
    when = now + timedelta(days=9)
    called(dan, ben, now, next_at=when)
    assert [contact_of(dan, number).appointment_at for number in (1, 2, 3)] == [None, when, None]


def test_an_appointment_after_no_answer_is_for_the_same_contact(dan, ben, now):
    when = now + timedelta(days=1)
    called(dan, ben, now, "call_back", next_at=when)
    assert contact_of(dan).appointment_at == when


def test_a_coach_calls_the_own_people_and_a_supervisor_everybody(study, dan, ben, now, staff):
    gijs, eva = staff("coach", "Gijs"), staff("supervisor")
    for action in (calls.start, calls.show_number):
        target = {"contact": contact_of(dan)} if action is calls.start else {"participant": dan}
        with pytest.raises(PermissionDenied):
            action(**target, coach=gijs, by=by(gijs), at=now)
    assert calls.start(contact=contact_of(dan), coach=eva, by=by(eva), at=now).coach == eva


def test_each_look_at_a_number_is_recorded(dan, ben, now):
    for minutes in (0, 5):
        calls.show_number(
            participant=dan, coach=ben, by=by(ben), at=now + timedelta(minutes=minutes)
        )
    assert AuditEvent.objects.filter(action="contact details shown").count() == 2


def test_a_reassigned_person_is_the_new_coach_s_and_the_history_stays(study, dan, ben, now, staff):
    gijs = staff("coach", "Gijs")
    plan = contact_of(dan).plan
    plans.reassign(plan=plan, coach=gijs, reason="absent", by=actors.staff(1, "supervisor"), at=now)
    with pytest.raises(PermissionDenied):
        calls.start(contact=contact_of(dan), coach=ben, by=by(ben), at=now)
    history = (
        CoachAssignment.objects.filter(plan=plan).order_by("pk").values_list("coach", "ended_at")
    )
    assert list(history) == [(ben.pk, now), (gijs.pk, None)]


def test_withdrawal_cancels_what_is_planned_and_keeps_what_was_held(study, dan, ben, now):
    called(dan, ben, now)
    participants.withdraw(participant=dan, by=actors.participant(dan.code), at=now)
    assert [contact_of(dan, number).state for number in (1, 2, 3)] == [
        "held",
        "cancelled",
        "cancelled",
    ]
    with pytest.raises(calls.ContactOver):
        calls.start(contact=contact_of(dan, 2), coach=ben, by=by(ben), at=now)


def test_a_call_during_which_somebody_left_is_still_a_call_that_was_held(study, dan, ben, now):
    attempt = calls.start(contact=contact_of(dan), coach=ben, by=by(ben), at=now)
    participants.withdraw(participant=dan, by=actors.participant(dan.code), at=now)
    calls.log(attempt=attempt, outcome="reached", minutes=3, by=by(ben), at=now)
    attempt.refresh_from_db()
    assert (attempt.logged_at, contact_of(dan).state, audit.verify(study)) == (now, "held", [])


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_reassignments_at_the_same_moment_leave_one_coach(study, now, staff):
    dan = factories.a_participant_in(study, "guided", now)
    plan = contact_of(dan).plan
    coaches = [staff("coach", name) for name in ("Gijs", "Hana")]
    barrier = Barrier(2, timeout=20)

    def reassign(coach):
        barrier.wait()
        try:
            plans.reassign(plan=plan, coach=coach, reason="absent", by=actors.staff(1), at=now)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(reassign, coaches))

    assert CoachAssignment.objects.filter(plan=plan, ended_at=None).count() == 1
    assert CoachAssignment.objects.filter(plan=plan).count() == 3


def corrected(attempt, coach, at, outcome, reason="slip", **more):
    minutes = more.pop("minutes", 12 if outcome == "reached" else None)
    return calls.correct(
        attempt=attempt,
        coach=coach,
        reason=reason,
        outcome=outcome,
        minutes=minutes,
        by=by(coach),
        at=at,
        **more,
    )


OUTCOME_STATES = {"reached": "held", "no_answer": "planned", "refused": "not_held"}


@pytest.mark.parametrize("was", OUTCOME_STATES)
@pytest.mark.parametrize("becomes", OUTCOME_STATES)
def test_the_planned_call_follows_a_corrected_outcome(study, dan, ben, now, was, becomes):
    attempt = called(dan, ben, now, was)
    later = now + timedelta(hours=1)
    corrected(attempt, ben, later, becomes, note="so it was")
    contact = contact_of(dan)
    assert (contact.state, contact.held_at) == (
        OUTCOME_STATES[becomes],
        now if becomes == "reached" else None,
    )
    assert audit.verify(study) == []


def test_a_correction_keeps_what_stood_there_and_says_why(dan, ben, now):
    attempt = called(dan, ben, now, "no_answer", note="about the cat")
    corrected(
        attempt,
        ben,
        now,
        "reached",
        reason="later_known",
        steps_done=["greet"],
        note="about the dog",
    )
    attempt.refresh_from_db()
    assert (attempt.outcome, attempt.minutes, attempt.steps_done) == ("reached", 12, ["greet"])
    earlier = attempt.corrections.get()
    assert (earlier.outcome, earlier.minutes, earlier.steps_done, earlier.reason) == (
        "no_answer",
        None,
        [],
        "later_known",
    )
    assert [dan.unsealed(each.note_sealed) for each in (earlier, attempt)] == [
        "about the cat",
        "about the dog",
    ]
    event = AuditEvent.objects.get(action="call log corrected")
    old, new = json.loads(event.old), json.loads(event.new)
    assert [(each["outcome"], dan.unsealed(each["sealed"])) for each in (old, new)] == [
        ("no_answer", "about the cat"),
        ("reached", "about the dog"),
    ]
    assert (event.reason, event.subject) == ("later_known", "contact 1")
    assert "about" not in event.old + event.new


def test_a_call_that_was_given_up_stays_so_whatever_way_nobody_was_reached(dan, ben, now):
    attempt = called(dan, ben, now, "no_answer")
    calls.give_up(contact=contact_of(dan), reason="away", by=by(ben), at=now)
    corrected(attempt, ben, now, "voicemail")
    assert contact_of(dan).state == "not_held"
    corrected(attempt, ben, now, "reached")
    assert contact_of(dan).state == "held"


def test_a_later_try_that_reached_them_holds_the_call_whatever_is_corrected_before_it(
    dan, ben, now
):
    first = called(dan, ben, now, "no_answer")
    called(dan, ben, now + timedelta(hours=1))
    corrected(first, ben, now + timedelta(hours=2), "refused")
    assert (contact_of(dan).state, contact_of(dan).held_at) == ("held", now + timedelta(hours=1))


def test_a_log_is_corrected_after_somebody_left(study, dan, ben, now):
    attempt = called(dan, ben, now)
    participants.withdraw(participant=dan, by=actors.participant(dan.code), at=now)
    corrected(attempt, ben, now, "no_answer")
    assert contact_of(dan).state == "cancelled"
    corrected(attempt, ben, now, "refused")
    assert contact_of(dan).state == "cancelled"
    corrected(attempt, ben, now, "reached")
    assert contact_of(dan).state == "held"


def test_an_appointment_of_a_correction_is_of_the_next_call_that_is_still_planned(dan, ben, now):
    attempt = called(dan, ben, now)
    when = now + timedelta(days=8)
    corrected(attempt, ben, now, "reached", next_at=when)  # nothing else changes
    assert (
        dict(Contact.objects.filter(plan__participant=dan).values_list("number", "appointment_at"))[
            2
        ]
        == when
    )
    assert AuditEvent.objects.get(action="appointment made").subject == "contact 2"


def test_after_the_last_call_there_is_nothing_to_appoint(dan, ben, now):
    attempt = called(dan, ben, now, "no_answer")
    Contact.objects.filter(plan__participant=dan).update(state="not_held")
    corrected(attempt, ben, now, "voicemail", next_at=now + timedelta(days=8))
    assert not AuditEvent.objects.filter(action="appointment made").exists()


def test_what_cannot_be_corrected(study, dan, ben, now, staff):
    attempt = calls.start(contact=contact_of(dan), coach=ben, by=by(ben), at=now)
    with pytest.raises(calls.NotLogged):
        corrected(attempt, ben, now, "reached")
    calls.log(attempt=attempt, outcome="no_answer", by=by(ben), at=now)
    with pytest.raises(calls.NothingCorrected):
        corrected(attempt, ben, now, "no_answer")
    with pytest.raises(NotAccepted):
        corrected(attempt, ben, now, "reached", minutes=None)
    with pytest.raises(PermissionDenied):
        corrected(attempt, staff("coach", "Gijs"), now, "reached")
    Study.objects.filter(pk=study.pk).update(state="locked")
    with pytest.raises(NotAllowedNow):
        corrected(attempt, ben, now, "reached")
    assert not attempt.corrections.exists()


def test_erasing_somebody_takes_the_earlier_notes_with_it(study, dan, ben, now):
    attempt = called(dan, ben, now, "no_answer", note="about the cat")
    corrected(attempt, ben, now, "reached", note="about the dog")
    participants.erase(participant=dan, reason="asked", by=actors.SYSTEM, at=now)
    attempt.refresh_from_db()
    assert [attempt.note_sealed, attempt.corrections.get().note_sealed] == ["", ""]


def asked_for_number(person) -> list[tuple[str, str]]:
    rows = Message.objects.filter(participant=person, kind="check_number").order_by("pk")
    return list(rows.values_list("subject_ref", "state"))


def test_whoever_was_not_behind_the_number_is_asked_once_by_mail_to_check_it(dan, ben, now):
    attempt = called(dan, ben, now, "wrong_number")
    for minutes in (1, 2):
        worker.tick(now + timedelta(minutes=minutes))

    (sent,) = mail.outbox
    assert sent.to == [dan.identity.email]
    assert "/participant/phone/" in sent.body
    for telling in ("coach", "call", "guided", "lesson", "depress", dan.code, dan.identity.phone):
        assert telling not in f"{sent.subject} {sent.body} {sent.from_email}".lower()
    assert asked_for_number(dan) == [(f"try {attempt.pk}", "sent")]
    assert audit.verify(dan.study) == []


@pytest.mark.parametrize("outcome", ["reached", "no_answer", "refused"])
def test_nobody_else_is_asked_for_their_number(dan, ben, now, outcome):
    called(dan, ben, now, outcome)
    assert asked_for_number(dan) == []


def test_a_log_that_is_corrected_to_a_wrong_number_asks_too_and_only_once(dan, ben, now):
    attempt = called(dan, ben, now, "no_answer")
    corrected(attempt, ben, now, "wrong_number")
    corrected(attempt, ben, now, "wrong_number", note="It was a shop.")
    assert asked_for_number(dan) == [(f"try {attempt.pk}", "queued")]


def test_nobody_is_asked_once_the_log_was_put_right_or_they_left_or_gave_another_number(
    study, ben, dan, now
):
    put_right = called(dan, ben, now, "wrong_number")
    corrected(put_right, ben, now, "no_answer")
    left, gave = (factories.a_participant_in(study, "guided", now) for _ in range(2))
    for person in (left, gave):
        called(person, ben, now, "wrong_number")
    participants.withdraw(participant=left, by=actors.participant(left.code), at=now)
    own_details.correct_contact(
        participant=gave, phone="06 8765 4321", by=actors.participant(gave.code), at=now
    )
    worker.tick(now + timedelta(minutes=1))

    assert mail.outbox == []
    assert {state for person in (dan, left, gave) for _ref, state in asked_for_number(person)} == {
        "cancelled"
    }


def test_a_mail_about_a_number_is_never_listed_as_uncertain_for_that_would_tell_who_is_called(
    dan, ben, now
):
    called(dan, ben, now, "wrong_number")
    Message.objects.filter(kind="check_number").update(state="sending", handed_over_at=now)
    deliveries.after_crash(now + timedelta(hours=1))
    assert [state for _ref, state in asked_for_number(dan)] == ["queued"]


LAST_EVENING = timedelta(
    days=6, hours=12, minutes=50
)  # 23:50 in Amsterdam on the last day of the first call
PAST_MIDNIGHT = LAST_EVENING + timedelta(minutes=25)


def place_of(dan):
    contact = contact_of(dan)
    return contact.place(contact.held_at, dan.timezone)


def test_a_call_counts_on_the_day_on_which_it_began_however_late_it_is_logged(dan, ben, now):
    attempt = calls.start(contact=contact_of(dan), coach=ben, by=by(ben), at=now + LAST_EVENING)
    calls.log(attempt=attempt, outcome="reached", minutes=20, by=by(ben), at=now + PAST_MIDNIGHT)
    assert (contact_of(dan).held_at, place_of(dan)) == (now + LAST_EVENING, "within")


@pytest.mark.parametrize(
    ("minutes", "place"), [(-1, "within"), (9, "within"), (10, "after")]
)  # of 23:50: the day ends at midnight where the participant is
def test_the_last_minute_of_the_last_day_is_the_last_in_which_a_call_can_begin(
    dan, ben, now, minutes, place
):
    began_at = now + LAST_EVENING + timedelta(minutes=minutes)
    attempt = calls.start(contact=contact_of(dan), coach=ben, by=by(ben), at=began_at)
    calls.log(attempt=attempt, outcome="reached", minutes=20, by=by(ben), at=began_at)
    assert place_of(dan) == place


def test_a_call_of_yesterday_is_dated_by_what_its_coach_says(dan, ben, now):
    attempt = calls.start(
        contact=contact_of(dan), coach=ben, by=by(ben), at=now + timedelta(days=7)
    )
    began_at = now + LAST_EVENING
    calls.log(
        attempt=attempt,
        outcome="reached",
        minutes=20,
        began_at=began_at,
        by=by(ben),
        at=now + timedelta(days=7),
    )
    attempt.refresh_from_db()
    assert (attempt.started_at, contact_of(dan).held_at, place_of(dan)) == (
        began_at,
        began_at,
        "within",
    )
    logged = json.loads(AuditEvent.objects.get(action="call logged").new)
    assert logged["started_at"] == "2026-03-08T22:50:00.000000+00:00"


def test_a_call_begins_between_its_planning_and_its_log(dan, ben, now):
    planned_at = contact_of(dan).plan.planned_at
    attempt = calls.start(
        contact=contact_of(dan), coach=ben, by=by(ben), at=now + timedelta(days=3)
    )
    second = timedelta(seconds=1)
    for began_at in (planned_at - second, now + timedelta(days=4) + second):
        with pytest.raises(NotAccepted, match=r"^began_at$"):
            calls.log(
                attempt=attempt,
                outcome="no_answer",
                began_at=began_at,
                by=by(ben),
                at=now + timedelta(days=4),
            )
    calls.log(
        attempt=attempt,
        outcome="no_answer",
        began_at=planned_at,
        by=by(ben),
        at=now + timedelta(days=4),
    )
    attempt.refresh_from_db()
    assert attempt.started_at == planned_at


def test_a_corrected_beginning_moves_the_day_on_which_the_call_was_held_and_the_old_one_stays(
    dan, ben, now
):
    attempt = called(dan, ben, now + PAST_MIDNIGHT)
    assert place_of(dan) == "after"
    corrected(attempt, ben, now + timedelta(days=8), "reached", began_at=now + LAST_EVENING)
    assert (contact_of(dan).held_at, place_of(dan)) == (now + LAST_EVENING, "within")
    assert attempt.corrections.get().started_at == now + PAST_MIDNIGHT


def test_a_call_begun_by_mistake_is_no_try_and_counted_for_its_coach(study, staff, dan, ben, now):
    eva = staff("supervisor")
    attempt = calls.start(contact=contact_of(dan), coach=ben, by=by(ben), at=now)
    calls.take_back(attempt=attempt, coach=eva, by=actors.staff(eva.pk, "supervisor"), at=now)
    assert (Attempt.objects.count(), contact_of(dan).state, audit.verify(study)) == (
        0,
        "planned",
        [],
    )
    [event] = AuditEvent.objects.filter(action="call taken back")
    assert (event.subject, event.by) == (f"staff {ben.pk}", f"staff {eva.pk}")
    assert [(each.user, each.taken_back) for each in caseload.coaches(study)] == [(ben, 1)]
    assert called(dan, ben, now).outcome == "reached"


def test_what_was_logged_or_begun_by_another_coach_is_not_taken_back(study, staff, dan, ben, now):
    gijs = staff("coach", "Gijs")
    attempt = calls.start(contact=contact_of(dan), coach=ben, by=by(ben), at=now)
    plans.reassign(plan=attempt.contact.plan, coach=gijs, reason="workload", by=by(ben), at=now)
    with pytest.raises(PermissionDenied):
        calls.take_back(attempt=attempt, coach=gijs, by=by(gijs), at=now)
    calls.log(attempt=attempt, outcome="no_answer", by=by(ben), at=now)
    plans.reassign(plan=attempt.contact.plan, coach=ben, reason="workload", by=by(ben), at=now)
    with pytest.raises(calls.AlreadyLogged):
        calls.take_back(attempt=attempt, coach=ben, by=by(ben), at=now)
    assert Attempt.objects.count() == 1


def test_what_was_typed_of_a_call_that_is_taken_back_goes_with_it(dan, ben, now):
    attempt = calls.start(contact=contact_of(dan), coach=ben, by=by(ben), at=now)
    log = f"{reverse('coach:attempt', args=[dan.code, attempt.pk])}#attempt={attempt.pk}"
    for form in (log, reverse("coach:reassign", args=[dan.code])):
        typed = Typed(form, "QM", {"note": {"was": [""], "value": ["half a"]}})
        drafts.keep(
            owner=ben, about=dan, typed=typed, request_key=str(len(form)), sequence=1, at=now
        )
    calls.take_back(attempt=attempt, coach=ben, by=by(ben), at=now)
    assert [reads.read(draft).form for draft in reads.of(ben)] == [form]  # the other form's stays
