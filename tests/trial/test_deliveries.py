"""What becomes of a message when the mail host is away, refuses, or breaks off: waits, failed, or
uncertain.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from outcomes.actions import assessments
from outcomes.models import Assessment, Schedule
from tests import factories, smtp
from trial import actors, audit, worker
from trial.actions import alerts, deliveries, mail_host, messages, staff
from trial.mail import Refused
from trial.models import Alert, AuditEvent, AuditHead, MailHost, Message, Participant, Study

pytestmark = pytest.mark.django_db
LIVING_POSITIVE = Path(__file__).resolve().parents[2] / "trial" / "studies" / "living-positive"


@pytest.fixture
def host(settings):
    with smtp.running() as running:
        smtp.use(settings, running.port)
        yield running


def an_invitation(study, at, to: str = "new@example.org") -> Message:
    made = staff.invite(study=study, email=to, role="coach", by=actors.SYSTEM, at=at)
    return Message.objects.get(kind="invitation", subject_ref=str(made.pk))


def state_of(message: Message) -> tuple[str, str]:
    message.refresh_from_db()
    return message.state, message.problem


def rounds(start: datetime, *minutes: float) -> None:
    for each in minutes:
        worker.tick(start + timedelta(minutes=each), seal=False)


def waiting() -> list[tuple[str, str | None]]:
    return list(Alert.objects.order_by("pk").values_list("kind", "participant__code"))


def invited_to_week_2(study, now) -> tuple[Participant, datetime, Message]:
    """Somebody whose questions of week 2 have opened, and the invitation that is due."""
    dan = factories.a_randomised_participant(study, now)
    worker.tick(now + timedelta(days=1))
    return (
        dan,
        now + timedelta(days=14),
        Message.objects.get(participant=dan, kind="assessment_invitation", subject_ref="week2"),
    )


ONCE_WRONG = {  # where the host fails, and what has become of the message after a round
    ("EHLO", "421 full"): ("queued", ""),
    ("AUTH", "535 wrong"): ("queued", ""),
    ("MAIL", smtp.CUT): ("queued", "host"),
    ("MAIL", "451 later"): ("queued", "sender"),
    ("MAIL", "550 no"): ("failed", "sender"),
    ("RCPT", "450 grey"): ("queued", "address"),
    ("RCPT", "550 nobody"): ("failed", "address"),
    ("DATA", "451 later"): ("queued", "words"),
    ("TEXT", "554 spam"): ("failed", "words"),
    ("TEXT", smtp.CUT): ("uncertain", ""),
    ("TEXT", smtp.TAKEN_AND_CUT): ("uncertain", ""),
}


@pytest.mark.parametrize(
    ("place", "became"), ONCE_WRONG.items(), ids=[" ".join(place) for place in ONCE_WRONG]
)
def test_a_message_waits_has_failed_or_is_uncertain_by_where_the_host_failed_and_only_what_waits_goes_by_itself(  # noqa: E501
    study, now, host, place, became
):
    message = an_invitation(study, now)
    host.answers[place[0]] = place[1]
    rounds(now, 0)
    assert state_of(message) == became

    host.answers.clear()
    taken = list(host.addressees)
    rounds(now, 3, 10, 60, 600)
    goes = became[0] == "queued"
    assert message.kind == "invitation"
    assert state_of(message)[0] == ("sent" if goes else became[0])
    assert host.addressees.count("new@example.org") == taken.count("new@example.org") + goes
    assert audit.verify(study) == []


def test_a_host_that_was_away_for_twenty_minutes_costs_no_mail(study, now, settings):
    five = [an_invitation(study, now, f"new{number}@example.org") for number in range(5)]
    port = smtp.nobody_listens()
    smtp.use(settings, port)
    rounds(now, 0, 5, 11, 20)
    assert {state_of(each) for each in five} == {("queued", "")}
    assert {each.attempts for each in five} == {0}
    with smtp.running(port=port) as host:
        rounds(now, 35, 40)
    assert sorted(host.addressees) == sorted(f"new{number}@example.org" for number in range(5))
    assert ({state_of(each)[0] for each in five}, waiting()) == ({"sent"}, [])


def test_what_is_no_longer_wanted_when_the_host_is_back_does_not_go(study, now, settings):
    dan, at, message = invited_to_week_2(study, now)
    smtp.use(settings, smtp.nobody_listens())
    rounds(at, 0, 30)
    factories.fill_in(dan, "week2", at + timedelta(minutes=40))
    with smtp.running() as host:
        smtp.use(settings, host.port)
        rounds(at, 60, 70)
    assert (state_of(message)[0], host.addressees) == ("cancelled", [])


def test_a_host_that_is_away_is_looked_at_at_growing_distances(study, now, host):
    host.answers["CONNECT"] = smtp.CUT
    looks = []
    for minute in range(60):
        rounds(now, minute)
        looks.append(MailHost.objects.get().next_look_at)
    gaps = [
        int((after - before).total_seconds() / 60)
        for before, after in pairwise(looks)
        if after > before
    ]
    assert gaps == [1, 2, 4, 8, 15, 15, 15]


def test_staff_are_told_once_of_a_host_that_is_away_for_an_hour_and_by_mail_when_it_is_back(
    study, now, host
):
    host.answers["AUTH"] = "535 wrong"
    rounds(now, *range(0, 59, 3))
    assert waiting() == []
    rounds(now, *range(60, 200, 5))
    assert (waiting(), mail_host.away_since()) == ([("mail_host_away", None)], now)
    host.answers.clear()
    rounds(now, 215)
    assert (host.addressees, mail_host.away_since()) == (["eva@example.org"], None)
    assert audit.verify(study) == []


def test_a_draft_hears_nothing_of_the_mail_host(study, now, host):
    Study.objects.filter(pk=study.pk).update(state="draft")
    host.answers["CONNECT"] = smtp.CUT
    rounds(now, 0, 70)
    assert waiting() == []


def test_after_a_day_a_mail_has_failed_and_one_of_an_alert_waits_on(study, now, host):
    host.answers["CONNECT"] = smtp.CUT
    message = an_invitation(study, now)
    rounds(now, *range(0, 24 * 60, 90))
    assert state_of(message) == ("queued", "")
    rounds(now, 24 * 60 + 1)
    assert state_of(message) == ("failed", "host")
    assert waiting() == [("mail_host_away", None), ("mail_stuck", None)]

    host.answers.clear()
    messages.send_again(
        message=message, by=actors.staff(1, "researcher"), at=now + timedelta(hours=25)
    )
    rounds(now, 26 * 60)
    assert sorted(host.addressees) == ["eva@example.org", "eva@example.org", "new@example.org"]


def test_an_address_that_is_put_off_is_tried_at_growing_distances_for_a_day(study, now, host):
    dan, at, message = invited_to_week_2(study, now)
    host.answers[dan.identity.email] = "450 grey"
    tries = []
    minutes = 0
    while state_of(message)[0] == "queued":
        rounds(at, minutes)
        message.refresh_from_db()
        if message.attempts > len(tries):
            tries.append(minutes)
        minutes = int((message.due_at - at).total_seconds() / 60)
    # From eleven in the morning to nine in the evening, and again from eight on.
    assert tries == [0, 2, 4, 8, 16, 32, 64, 128, 248, 368, 488, 1260, 1380, 1500]
    assert state_of(message) == ("failed", "address")
    assert waiting() == [("mail_unreached", dan.code)]
    assert AuditEvent.objects.filter(action="message put off").count() == 1


def test_staff_are_told_after_an_hour_that_mail_does_not_reach_somebody(study, now, host):
    dan, at, _ = invited_to_week_2(study, now)
    host.answers[dan.identity.email] = "450 grey"
    rounds(at, *range(0, 60, 2))
    assert waiting() == []
    rounds(at, 64)
    assert waiting() == [("mail_unreached", dan.code)]


def test_a_refused_address_is_told_at_once_and_not_tried_again(study, now, host):
    dan, at, message = invited_to_week_2(study, now)
    host.answers[dan.identity.email] = "550 nobody here"
    rounds(at, 0, 5, 60, 600)
    assert (state_of(message), message.attempts) == (("failed", "address"), 1)
    assert waiting() == [("mail_unreached", dan.code)]


def test_nobody_is_told_of_a_mail_that_one_arm_alone_gets(study, now, host):
    dan = factories.a_participant_in(study, "guided", now)
    for kind in ("check_number", "assessment_invitation"):
        messages.queue(
            study=study, participant=dan, kind=kind, subject_ref="nowhere", due_at=now, at=now
        )
    both = Message.objects.filter(participant=dan, subject_ref="nowhere")
    both.update(state="sending", handed_over_at=now)
    rounds(now, 20)
    assert dict(both.values_list("kind", "state")) == {
        "check_number": "cancelled",
        "assessment_invitation": "uncertain",
    }
    assert waiting() == []


def test_a_refused_mail_of_an_alert_is_told_without_end_of_telling(study, now, host):
    host.answers["eva@example.org"] = "550 nobody here"
    dan = factories.a_randomised_participant(study, now)
    alerts.raise_alert(
        study=study,
        participant=dan,
        kind="item9",
        subject_ref="post",
        within_hours=24,
        by=actors.SYSTEM,
        at=now,
    )
    rounds(now, 0, 1, 2, 60)
    assert waiting() == [("item9", dan.code), ("mail_stuck", None)]
    assert set(Message.objects.filter(kind="alert").values_list("state", flat=True)) == {"failed"}


def test_a_mail_that_cannot_be_made_is_tried_for_a_day(study, now, host):
    message = an_invitation(study, now)
    Message.objects.filter(pk=message.pk).update(subject_ref="987654")
    rounds(now, 0, 2, 62)
    assert (state_of(message), waiting()) == (("queued", "making"), [("mail_stuck", None)])
    rounds(now, 24 * 60 + 5)
    assert (state_of(message), message.attempts) == (("failed", "making"), 0)


def test_a_line_that_breaks_in_the_middle_leaves_the_others_waiting_and_none_is_sent_twice(
    study, now, host
):
    three = [an_invitation(study, now, f"new{number}@example.org") for number in range(3)]
    host.answers["new1@example.org"] = smtp.CUT
    rounds(now, 0)
    assert [state_of(each) for each in three] == [("sent", ""), ("queued", "host"), ("queued", "")]
    rounds(now, 1)
    assert host.addressees == ["new0@example.org", "new2@example.org"]
    host.answers.clear()
    rounds(now, 3)
    assert host.addressees == [f"new{number}@example.org" for number in (0, 2, 1)]


# By day, on the clock of whoever gets it

ELSEWHERE = "America/New_York"


def when_sent(participant: Participant, kind: str) -> datetime:
    found = Message.objects.get(participant=participant, kind=kind, subject_ref="pre")
    assert found.settled_at is not None
    return found.settled_at.astimezone(ZoneInfo(participant.timezone))


@pytest.mark.parametrize("zone", ["Europe/Amsterdam", ELSEWHERE])
def test_mail_to_a_participant_comes_by_day_on_their_clock(study, zone, host):
    late = datetime(
        2026, 3, 2, 23, 30, tzinfo=UTC
    )  # half past midnight in Amsterdam, half past six in New York
    dan = factories.a_consented_participant(study, late)
    Participant.objects.filter(pk=dan.pk).update(timezone=zone)
    dan.refresh_from_db()
    for hours in range(0, 24 * 5):
        worker.tick(late + timedelta(hours=hours, minutes=5), seal=False)
    hours = [when_sent(dan, kind).hour for kind in ("assessment_invitation", "assessment_reminder")]
    assert hours == [8, 8]


def test_an_alert_at_three_in_the_night_is_mailed_in_that_round(study, host):
    night = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)
    dan = factories.a_consented_participant(study, night)
    row = Assessment.objects.get(participant=dan, timepoint="pre", instrument="PHQ9")
    answers = {**factories.answers_to(study, "PHQ9", 1), "9": 2}
    assessments.submit(
        assessment=row, answers=answers, language="en", by=actors.participant(dan.code), at=night
    )
    worker.tick(night)
    assert host.addressees == ["eva@example.org"]


@pytest.mark.parametrize(
    "start", [datetime(2026, 3, 13, 10, tzinfo=UTC), datetime(2026, 10, 9, 10, tzinfo=UTC)]
)
def test_a_change_of_the_clocks_shifts_no_window_and_no_reminder(study, start, host):
    dan = factories.a_randomised_participant(study, start)
    zone = ZoneInfo("Europe/Amsterdam")
    worker.tick(start + timedelta(days=1), seal=False)
    week_2 = Schedule.objects.get(participant=dan, timepoint="week2")
    opens, closes = week_2.opens_at.astimezone(zone), week_2.closes_at.astimezone(zone)
    assert (
        (opens.date() - start.date()).days,
        (closes.date() - opens.date()).days,
        opens.hour,
        closes.hour,
    ) == (
        14,
        6,
        6,
        23,
    )
    for hour in range(24 * 13, 24 * 19):
        worker.tick(start + timedelta(hours=hour), seal=False)
    sent = [
        message.settled_at.astimezone(zone)
        for message in Message.objects.filter(
            participant=dan, subject_ref="week2", state="sent"
        ).order_by("due_at")
    ]
    assert [((each.date() - opens.date()).days, each.hour) for each in sent] == [(0, 8), (3, 8)]


def test_after_a_standstill_of_five_days_one_mail_comes_and_the_reminder_its_days_later(
    study, now, host
):
    dan = factories.a_randomised_participant(study, now)
    worker.tick(now + timedelta(days=13), seal=False)
    for day in (18, 19, 20):
        worker.tick(now + timedelta(days=day), seal=False)
    assert host.addressees == [dan.identity.email]
    worker.tick(now + timedelta(days=21), seal=False)  # the window closed on day 20
    states = dict(
        Message.objects.filter(participant=dan, subject_ref="week2").values_list("kind", "state")
    )
    assert (states, host.addressees) == (
        {"assessment_invitation": "sent", "assessment_reminder": "cancelled"},
        [dan.identity.email],
    )


def test_a_reminder_waits_for_an_invitation_that_has_not_gone(study, now, host):
    dan, at, invitation = invited_to_week_2(study, now)
    host.answers[dan.identity.email] = "450 grey"
    rounds(at, *range(0, 24 * 60, 120), 24 * 60 + 60)
    assert state_of(invitation)[0] == "failed"
    host.answers.clear()
    rounds(at, 4 * 24 * 60)
    assert host.addressees == ["eva@example.org"]  # the alert; no reminder of what nobody got
    messages.send_all_again(
        participant=dan, knows_arm=False, by=actors.staff(1), at=at + timedelta(days=4, hours=1)
    )
    rounds(at, 4 * 24 * 60 + 61, 7 * 24 * 60)
    assert host.addressees == ["eva@example.org", dan.identity.email]


def test_a_mail_names_the_last_day_and_replies_reach_the_team(study, now, host):
    _dan, at, _ = invited_to_week_2(study, now)
    rounds(at, 0)
    (sent,) = host.letters()
    assert "The last day for this is Sunday 22 March." in sent.get_content()
    assert (sent["Reply-To"], sent["Auto-Submitted"]) == ("team@example.org", "auto-generated")


def test_a_last_day_that_ends_during_the_day_elsewhere_has_its_time(study, now, host):
    dan, at, _ = invited_to_week_2(study, now)
    Participant.objects.filter(pk=dan.pk).update(timezone=ELSEWHERE)
    rounds(at, 240)
    (sent,) = host.letters()
    assert "You can do this until Sunday 22 March, 18:59." in sent.get_content()


class Elsewhere:
    """A door at which, while a letter is handed over, another worker moves its row on."""

    def __init__(self, message: Message, state: str, answers: Exception | None) -> None:
        self.message, self.state, self.answers = message, state, answers

    def hand_over(self, letter) -> None:
        Message.objects.filter(pk=self.message.pk).update(state=self.state)
        if self.answers:
            raise self.answers


@pytest.mark.parametrize(
    ("state", "answers", "told"),
    [
        ("uncertain", None, []),
        ("uncertain", Refused("address"), ["mail_unreached"]),
        ("sent", Refused("address"), []),
        ("queued", OSError("cut"), []),
    ],
)
def test_what_another_worker_moved_on_meanwhile_stays_as_it_is_and_nobody_is_told_of_mail_that_went(
    study, now, state, answers, told
):
    _, at, message = invited_to_week_2(study, now)
    assert deliveries.deliver(message, Elsewhere(message, state, answers), at) == (answers is None)
    assert state_of(message)[0] == state
    assert [kind for kind, _ in waiting()] == told
    assert audit.verify(study) == []


def test_what_another_worker_has_in_hand_is_not_handed_over_a_second_time(study, now):
    _, at, message = invited_to_week_2(study, now)
    Message.objects.filter(pk=message.pk).update(state="sending", handed_over_at=at)
    door = Elsewhere(message, "sent", None)
    assert not deliveries.deliver(message, door, at)
    assert state_of(message)[0] == "sending"


def test_what_was_sent_while_the_host_was_given_up_is_not_told_as_stuck(study, now):
    stale = an_invitation(study, now)
    Message.objects.filter(pk=stale.pk).update(state="sent")
    assert not deliveries._ended(stale, "give up", now, problem="host")
    assert (state_of(stale), waiting()) == (("sent", ""), [])


def test_one_that_cannot_be_given_up_keeps_no_other_from_it(study, now):
    other = factories.a_loaded_study(LIVING_POSITIVE, now)
    stuck, free = (an_invitation(each, now, f"{each.slug}@example.org") for each in (study, other))
    AuditHead.objects.filter(stream=study.slug).update(number=0)  # it takes no event any more
    assert deliveries.give_up(now, now + timedelta(hours=25)) == 1
    assert (state_of(stuck), state_of(free)) == (("queued", ""), ("failed", "host"))


def test_an_invitation_to_start_an_installation_that_is_refused_has_failed_and_is_in_no_trail(
    db, now, host
):
    staff.invite(study=None, email="new@example.org", role="researcher", by=actors.SYSTEM, at=now)
    host.answers["new@example.org"] = "550 nobody here"
    rounds(now, 0)
    assert state_of(Message.objects.get()) == ("failed", "address")
    assert (waiting(), AuditEvent.objects.filter(action__startswith="message").count()) == ([], 0)
