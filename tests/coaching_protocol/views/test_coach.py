"""The coach's whole job through the client: Ben coaches, Eva supervises, Dan is called."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from functools import partial
from html.parser import HTMLParser
from uuid import uuid4

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from coaching_protocol.models import Attempt, CoachAssignment, CoachingPlan, Contact
from coaching_protocol.queries import caseload
from tests import factories
from tests.conftest import SMALL
from trial import actors
from trial.actions import drafts, own_details, participants
from trial.contact_details import phone_in_words
from trial.models import AuditEvent, Membership, Study, User
from trial.queries.drafts import Typed

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)  # a Monday; the first call is due on Thursday 5 March
THURSDAY = datetime(2026, 3, 5, 13, 0, tzinfo=UTC)


@pytest.fixture
def ben(study) -> User:
    return Membership.objects.get(study=study, role="coach").user


@pytest.fixture
def eva(staff) -> User:
    return staff("supervisor")


@pytest.fixture
def dan(study, ben):
    return factories.a_participant_in(study, "guided", NOW)


@pytest.fixture
def thursday():
    with time_machine.travel(THURSDAY, tick=False) as clock:
        yield clock


def at_the_desk(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def desk(ben, thursday) -> Client:
    return at_the_desk(ben)


def send(client: Client, url: str, key: str = "", **data):
    return client.post(url, {"request_key": key or str(uuid4()), **data})


def started(client: Client, dan, number: int = 1) -> Attempt:
    send(client, reverse("coach:start", args=[dan.code, number]))
    return Attempt.objects.get(contact__plan__participant=dan, logged_at=None)


def log_url(attempt: Attempt) -> str:
    return reverse("coach:attempt", args=[attempt.contact.plan.participant.code, attempt.pk])


def said(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def actions(code: str) -> list[str]:
    stream = AuditEvent.objects.filter(stream__endswith=f"/{code}").order_by("number")
    return list(stream.values_list("action", flat=True))


class Fields(HTMLParser):
    """What stands in the fields of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.values: list[tuple[str, str]] = []
        self.area = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes) -> None:
        given = dict(attributes)
        if tag == "input" and (
            given.get("type") not in {"radio", "checkbox"} or "checked" in given
        ):
            self.values.append((given.get("name", ""), given.get("value", "")))
        self.area = given["name"] if tag == "textarea" else ""

    def handle_data(self, data: str) -> None:
        if self.area:
            self.values.append((self.area, data.strip()))
            self.area = ""

    def of(self, *names: str) -> list[tuple[str, str]]:
        return [(name, value) for name, value in self.values if name in names]


def test_a_whole_afternoon_from_the_caseload_to_a_logged_call(desk, ben, dan):
    page = desk.get(reverse("coach:caseload"))
    assert [
        (name, [row.participant for row in rows])
        for name, _label, _people, rows in page.context["groups"]
    ] == [("today", [dan])]
    assert page.context["following"].contact.number == 1

    assert desk.get(reverse("coach:person", args=[dan.code])).status_code == 200
    shown = send(desk, reverse("coach:number", args=[dan.code]))
    assert shown.context["details"].name == "Dan Jansen"

    begun = send(desk, reverse("coach:start", args=[dan.code, 1]))
    attempt = Attempt.objects.get()
    assert begun.url == log_url(attempt)
    assert b"Tell the supervisor the same hour" in desk.get(begun.url).content

    logged = send(
        desk,
        begun.url,
        outcome="reached",
        minutes="14",
        steps_done=["greet", "next-step"],
        deviations=["therapy"],
        note="Walked twice",
        next_on="2026-03-12",
        next_time="19:30",
    )
    assert logged.url == reverse("coach:caseload")
    assert said(logged) == [f"Logged call 1 of {dan.code}: Reached."]

    attempt.refresh_from_db()
    assert (
        attempt.outcome,
        attempt.minutes,
        attempt.steps_done,
        attempt.deviations,
        attempt.logged_at,
    ) == (
        "reached",
        14,
        ["greet", "next-step"],
        ["therapy"],
        THURSDAY,
    )
    first, second, third = Contact.objects.filter(plan__participant=dan)
    assert (first.state, first.held_at) == ("held", THURSDAY)
    assert second.appointment_at == datetime(
        2026, 3, 12, 18, 30, tzinfo=UTC
    )  # half past seven in Amsterdam
    assert third.appointment_at is None
    page = desk.get(reverse("coach:person", args=[dan.code]))
    assert b"Walked twice" in page.content
    assert "Walked twice" not in attempt.note_sealed
    assert actions(dan.code)[-4:] == [
        "contact details shown",
        "call started",
        "call logged",
        "appointment made",
    ]


def test_the_number_is_shown_on_the_answer_to_a_post_alone_and_recorded(desk, ben, dan):
    phone = phone_in_words(dan.identity.phone)
    for name in ("person", "number"):
        page = desk.get(reverse(f"coach:{name}", args=[dan.code]), follow=True)
        assert phone not in page.content.decode()
        assert "Jansen" not in page.content.decode()
    shown = send(desk, reverse("coach:number", args=[dan.code])).content.decode()
    assert phone in shown
    assert 'href="tel:+3160000' in shown
    assert "Monday evening" in shown
    assert "English" in shown
    assert "Dan Jansen" in shown
    events = AuditEvent.objects.filter(action="contact details shown")
    assert [(event.by, event.role, event.at) for event in events] == [
        (f"staff {ben.pk}", "coach", THURSDAY)
    ]


def test_a_page_with_the_number_that_is_sent_again_later_does_not_show_it(desk, dan, thursday):
    url, key = reverse("coach:number", args=[dan.code]), str(uuid4())
    assert send(desk, url, key).status_code == 200
    assert send(desk, url, key).status_code == 200  # a double click
    thursday.shift(timedelta(minutes=3))
    again = send(desk, url, key)
    assert again.url == reverse("coach:person", args=[dan.code])
    assert said(again) == ["The number is shown once. Press “Show number” to see it again."]
    assert AuditEvent.objects.filter(action="contact details shown").count() == 1


def test_the_list_beside_the_number_is_leafed_through_as_it_was_filtered(desk, ben, dan):
    url = reverse("coach:number", args=[dan.code])
    leafed = desk.get(f"{url}?coach={ben.pk}&page=2")
    assert leafed.url == f"{reverse('coach:person', args=[dan.code])}?coach={ben.pk}&page=2"


def test_asking_for_the_number_in_the_middle_of_a_call_loses_nothing_that_was_typed(desk, dan):
    attempt = started(desk, dan)
    key = str(uuid4())
    typed = {
        "outcome": "reached",
        "minutes": "abc",
        "steps_done": ["greet"],
        "note": "In the",
        "next_on": "2026-03-12",
    }
    page = send(
        desk,
        reverse("coach:number", args=[dan.code]),
        key,
        attempt=attempt.pk,
        number_key=str(uuid4()),
        **typed,
    )
    assert page.context["details"].phone == dan.identity.phone
    found = Fields(page.content.decode())
    assert found.of("outcome", "minutes", "steps_done", "note", "next_on", "request_key") == [
        ("request_key", key),
        ("outcome", "reached"),
        ("minutes", "abc"),
        ("steps_done", "greet"),
        ("note", "In the"),
        ("next_on", "2026-03-12"),
    ]
    assert page.context["form"].errors == {}
    assert (
        send(
            desk, log_url(attempt), key, **{**typed, "minutes": "9", "next_time": "10:00"}
        ).status_code
        == 302
    )


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
def test_each_outcome_leaves_the_planned_call_where_it_belongs(desk, dan, outcome, state):
    attempt = started(desk, dan)
    assert send(desk, log_url(attempt), outcome=outcome, minutes="3").status_code == 302
    attempt.refresh_from_db()
    assert (attempt.outcome, attempt.contact.state) == (outcome, state)
    row = desk.get(reverse("coach:caseload")).context["following"]
    assert row.contact.number == (1 if state == "planned" else 2)


def test_an_error_keeps_the_page_and_everything_on_it(desk, dan):
    attempt = started(desk, dan)
    typed = {
        "outcome": "reached",
        "steps_done": ["greet"],
        "note": "A long talk",
        "next_time": "10:00",
    }
    page = send(desk, log_url(attempt), **typed)
    assert page.status_code == 200
    assert page.context["form"].errors == {
        "minutes": ["Write how many minutes you spoke, at least 1"],
        "next_on": ["Add the day, or leave the time empty too"],
    }
    assert Fields(page.content.decode()).of("outcome", "steps_done", "note", "next_time") == [
        ("outcome", "reached"),
        ("steps_done", "greet"),
        ("note", "A long talk"),
        ("next_time", "10:00"),
    ]
    attempt.refresh_from_db()
    assert attempt.logged_at is None


@pytest.mark.parametrize(
    ("given", "errors"),
    [
        ({}, {"outcome": ["This field is required."]}),
        (
            {"outcome": "voicemail", "steps_done": ["greet"]},
            {
                "steps_done": [
                    "Nobody was reached: untick the steps, or choose another outcome above"
                ]
            },
        ),
        (
            {
                "outcome": "no_answer",
                "next_on": "2026-03-05",
                "next_time": "13:59",
            },  # it is 14:00 in Amsterdam
            {"next_on": ["Choose a moment that is still to come, within a year"]},
        ),
        (
            {"outcome": "no_answer", "next_on": "2028-03-05", "next_time": "10:00"},
            {"next_on": ["Choose a moment that is still to come, within a year"]},
        ),
        (
            {
                "outcome": "no_answer",
                "next_on": "2026-03-29",
                "next_time": "02:30",
            },  # the night summer time begins
            {"next_time": ["The clock skips this time on that day: choose another"]},
        ),
        (
            {"outcome": "no_answer", "next_on": "soon", "next_time": "late"},
            {
                "next_on": ["Write the day as year-month-day, such as 2026-11-30"],
                "next_time": ["Write the time as hours and minutes, such as 14:30"],
            },
        ),
        (
            {"outcome": "reached", "minutes": "-1"},
            {"minutes": ["Write how many minutes you spoke, at least 1"]},
        ),
        (
            {"outcome": "reached", "minutes": "a few"},
            {"minutes": ["Write whole minutes, such as 12"]},
        ),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(desk, dan, given, errors):
    assert send(desk, log_url(started(desk, dan)), **given).context["form"].errors == errors


def test_after_the_last_call_there_is_nothing_to_make_an_appointment_for(desk, dan):
    Contact.objects.filter(plan__participant=dan, number__lt=3).update(state="held", held_at=NOW)
    attempt = started(desk, dan, number=3)
    typed = {"outcome": "reached", "minutes": "5", "next_on": "2026-03-20", "next_time": "10:00"}
    page = send(desk, log_url(attempt), **typed)
    assert page.context["form"].errors == {
        "next_on": ["This was the last planned call: leave the appointment empty"]
    }
    assert send(desk, log_url(attempt), outcome="reached", minutes="5").status_code == 302
    groups = desk.get(reverse("coach:caseload")).context["groups"]
    assert [
        (name, [row.participant for row in rows]) for name, _label, _people, rows in groups
    ] == [("finished", [dan])]


def test_a_log_that_is_sent_twice_counts_once(desk, dan):
    attempt, key = started(desk, dan), str(uuid4())
    typed = {"outcome": "reached", "minutes": "14", "next_on": "2026-03-12", "next_time": "19:30"}
    first = send(desk, log_url(attempt), key, **typed)
    before = actions(dan.code)
    second = send(desk, log_url(attempt), key, **typed)
    assert (first.url, second.url) == (reverse("coach:caseload"), reverse("coach:caseload"))
    assert actions(dan.code) == before
    assert Contact.objects.filter(state="held").count() == 1


def test_the_key_of_a_log_with_other_content_is_refused(desk, dan):
    attempt, key = started(desk, dan), str(uuid4())
    send(desk, log_url(attempt), key, outcome="reached", minutes="14")
    assert send(desk, log_url(attempt), key, outcome="refused").status_code == 409


def test_a_logged_call_is_not_logged_anew(desk, dan):
    attempt = started(desk, dan)
    send(desk, log_url(attempt), outcome="no_answer")
    again = send(desk, log_url(attempt), outcome="reached", minutes="9")
    assert again.status_code == 409
    attempt.refresh_from_db()
    assert attempt.outcome == "no_answer"
    assert desk.get(log_url(attempt)).url == reverse("coach:person", args=[dan.code])


def correct_url(attempt: Attempt) -> str:
    return reverse("coach:correct", args=[attempt.contact.plan.participant.code, attempt.pk])


@pytest.mark.parametrize("minutes", ["12", "abc"])
def test_a_log_typed_in_another_window_is_shown_again_beside_what_is_stored(desk, dan, minutes):
    attempt = started(desk, dan)
    send(desk, log_url(attempt), outcome="no_answer", note="Rang twice")
    typed = {
        "outcome": "reached",
        "minutes": minutes,
        "steps_done": ["greet"],
        "note": "Walked twice",
    }
    late = send(desk, log_url(attempt), **typed)
    assert late.status_code == 409
    page = late.content.decode()
    assert "This call was logged before, perhaps in another window." in page
    assert "<blockquote>Rang twice</blockquote>" in page
    assert Fields(page).of("outcome", "minutes", "steps_done", "note", "reason") == [
        ("outcome", "reached"),
        ("minutes", minutes),
        ("steps_done", "greet"),
        ("note", "Rang twice\n\nWalked twice"),
        ("reason", "logged_twice"),
    ]
    assert f'action="{correct_url(attempt)}"' in page


def test_a_wrong_log_is_corrected_and_what_stood_there_stays_visible(desk, ben, dan):
    attempt = started(desk, dan)
    send(desk, log_url(attempt), outcome="no_answer", note="Rang twice")
    assert (
        correct_url(attempt) in desk.get(reverse("coach:person", args=[dan.code])).content.decode()
    )
    page = desk.get(correct_url(attempt)).content.decode()
    assert Fields(page).of("outcome", "note") == [("outcome", "no_answer"), ("note", "Rang twice")]
    typed = {
        "outcome": "reached",
        "minutes": "12",
        "steps_done": ["greet"],
        "note": "Walked twice",
        "reason": "slip",
    }
    done = send(desk, correct_url(attempt), **typed)
    assert done.url == reverse("coach:person", args=[dan.code])
    assert said(done)[-1] == f"Corrected call 1 of {dan.code}."
    page = desk.get(done.url).content.decode()
    assert [text in page for text in ("Walked twice", "Rang twice", "Corrected once")] == [True] * 3
    attempt.refresh_from_db()
    assert (attempt.outcome, attempt.minutes, attempt.contact.state) == ("reached", 12, "held")


def test_what_a_correction_needs(desk, dan):
    attempt = started(desk, dan)
    assert desk.get(correct_url(attempt)).url == log_url(attempt)
    send(desk, log_url(attempt), outcome="no_answer")
    form = send(desk, correct_url(attempt), outcome="reached").context["form"]
    assert form.errors == {
        "minutes": ["Write how many minutes you spoke, at least 1"],
        "reason": ["This field is required."],
    }
    same = send(desk, correct_url(attempt), outcome="no_answer", reason="slip").context["form"]
    assert same.errors == {
        "__all__": ["This says what stands there already: change something, or go back."]
    }


def test_a_log_is_found_under_its_own_person_alone(desk, study, dan):
    attempt = started(desk, dan)
    send(desk, log_url(attempt), outcome="no_answer")
    other = factories.a_participant_in(study, "guided", NOW, name="Another Person")
    assert desk.get(reverse("coach:correct", args=[other.code, attempt.pk])).status_code == 404


def test_a_correction_can_make_the_next_appointment(desk, dan):
    attempt = started(desk, dan)
    send(desk, log_url(attempt), outcome="no_answer")
    typed = {
        "outcome": "call_back",
        "reason": "slip",
        "next_on": "2026-03-06",
        "next_time": "14:00",
    }
    done = send(desk, correct_url(attempt), **typed)
    assert done.url == reverse("coach:person", args=[dan.code])
    assert Contact.objects.get(plan__participant=dan, number=1).appointment_at == datetime(
        2026, 3, 6, 13, tzinfo=UTC
    )


def test_of_somebody_who_was_erased_no_number_is_left_to_show(desk, dan):
    participants.erase(participant=dan, reason="asked", by=actors.SYSTEM, at=THURSDAY)
    CoachingPlan.objects.filter(participant=dan).update(ended_at=None)
    page = send(desk, reverse("coach:number", args=[dan.code]))
    assert page.status_code == 200
    assert (page.context["details"].name, page.context["details"].phone) == ("", "")


def test_a_protocol_that_forbids_nothing_asks_of_nothing_that_was_done_against_it(
    db, tmp_path, thursday
):
    folder = tmp_path / "small_study"
    shutil.copytree(SMALL, folder)
    text = (folder / "coaching.yaml").read_text()
    begin, end = text.index("    must_not:"), text.index("    escalation:")
    (folder / "coaching.yaml").write_text(text[:begin] + text[end:])
    study = factories.an_open_study(folder, NOW)
    dan = factories.a_participant_in(study, "guided", NOW)
    client = at_the_desk(Membership.objects.get(study=study, role="coach").user)
    page = client.get(log_url(started(client, dan)))
    assert (
        "steps_done" in page.context["form"].fields,
        "deviations" in page.context["form"].fields,
    ) == (True, False)


def test_another_coach_corrects_no_log_and_a_supervisor_does(desk, eva, staff, dan):
    attempt = started(desk, dan)
    send(desk, log_url(attempt), outcome="no_answer")
    gijs = staff("coach", "Gijs")
    CoachAssignment.objects.filter(plan__participant=dan).update(coach=gijs)
    assert at_the_desk(gijs).get(correct_url(attempt)).status_code == 403
    assert desk.get(correct_url(attempt)).status_code == 404
    assert at_the_desk(eva).get(correct_url(attempt)).status_code == 200


def test_a_call_that_is_started_twice_is_one_try(desk, dan):
    url, key = reverse("coach:start", args=[dan.code, 1]), str(uuid4())
    answers = [send(desk, url, key), send(desk, url, key), send(desk, url)]
    attempt = Attempt.objects.get()
    assert [answer.url for answer in answers] == [log_url(attempt)] * 3
    assert actions(dan.code).count("call started") == 1


def test_a_call_that_was_started_and_forgotten_comes_first(desk, study, dan):
    started(desk, dan)
    factories.a_participant_in(study, "guided", NOW - timedelta(days=9))
    page = desk.get(reverse("coach:caseload"))
    assert [name for name, *_rest in page.context["groups"]] == ["log", "overdue"]
    assert page.context["following"].participant == dan


def test_a_call_is_given_up_with_a_reason_and_the_next_one_stays(desk, dan):
    url, key = reverse("coach:give_up", args=[dan.code, 1]), str(uuid4())
    assert desk.get(url).status_code == 200
    assert send(desk, url).context["form"].errors == {"reason": ["This field is required."]}
    answers = [send(desk, url, key, reason="away"), send(desk, url, key, reason="away")]
    assert [answer.url for answer in answers] == [reverse("coach:caseload")] * 2
    assert list(Contact.objects.filter(plan__participant=dan).values_list("state", flat=True)) == [
        "not_held",
        "planned",
        "planned",
    ]
    events = AuditEvent.objects.filter(action="contact not held")
    assert [(event.subject, event.reason) for event in events] == [("contact 1", "away")]
    assert said(send(desk, url, reason="away"))[-1] == "Call 1 is over already."
    assert (
        said(send(desk, reverse("coach:start", args=[dan.code, 1])))[-1]
        == "Call 1 is over already."
    )


def test_a_call_on_the_line_is_logged_and_not_given_up(desk, dan):
    started(desk, dan)
    url = reverse("coach:give_up", args=[dan.code, 1])
    assert said(send(desk, url, reason="away")) == ["This call was started: log it first."]
    assert Contact.objects.filter(state="not_held").count() == 0


def routes(dan, attempt: Attempt) -> list[tuple[str, str]]:
    code = dan.code
    return [
        ("get", reverse("coach:person", args=[code])),
        ("post", reverse("coach:number", args=[code])),
        ("post", reverse("coach:start", args=[code, 1])),
        ("get", log_url(attempt)),
        ("post", log_url(attempt)),
        ("get", reverse("coach:give_up", args=[code, 1])),
        ("post", reverse("coach:give_up", args=[code, 1])),
        ("get", reverse("coach:reassign", args=[code])),
        ("post", reverse("coach:reassign", args=[code])),
        ("get", correct_url(attempt)),
        ("post", correct_url(attempt)),
    ]


def answers(client: Client, dan, attempt: Attempt) -> list[int]:
    return [getattr(client, method)(url).status_code for method, url in routes(dan, attempt)]


def test_for_another_coach_the_person_does_not_exist(desk, staff, dan):
    attempt = started(desk, dan)
    other = at_the_desk(staff("coach", "Gijs"))
    before = actions(dan.code)
    assert answers(other, dan, attempt) == [404] * 11
    assert other.get(reverse("coach:caseload")).context["groups"] == []
    assert actions(dan.code) == before


def test_a_coach_whose_role_ended_has_no_caseload_left(desk, study, ben, staff, dan):
    staff("coach", "Gijs")
    attempt = started(desk, dan)
    Membership.objects.filter(user=ben, study=study).update(ended_at=NOW)
    assert answers(desk, dan, attempt) == [404] * 11


@pytest.mark.parametrize("role", ["researcher", "statistician", "assessor"])
def test_the_desk_is_shut_for_other_staff(staff, dan, thursday, role):
    assert at_the_desk(staff(role)).get(reverse("coach:caseload")).status_code == 404


def test_a_participant_has_no_desk(dan, thursday):
    assert at_the_desk(dan.user).get(reverse("coach:caseload")).status_code == 404


def test_whoever_withdraws_leaves_the_caseload(desk, dan):
    participants.withdraw(participant=dan, by=actors.participant(dan.code), at=THURSDAY)
    assert desk.get(reverse("coach:caseload")).context["groups"] == []
    assert desk.get(reverse("coach:person", args=[dan.code])).status_code == 404
    assert send(desk, reverse("coach:number", args=[dan.code])).status_code == 404


def test_a_call_during_which_somebody_withdraws_is_still_a_call_that_was_held(desk, dan):
    attempt = started(desk, dan)
    participants.withdraw(participant=dan, by=actors.participant(dan.code), at=THURSDAY)
    send(desk, log_url(attempt), outcome="reached", minutes="4", note="Told me to stop")
    attempt.refresh_from_db()
    assert (attempt.outcome, attempt.minutes, attempt.contact.state) == ("reached", 4, "held")


def test_no_page_of_the_desk_tells_the_arm_or_a_score(desk, study, dan):
    attempt = started(desk, dan)
    arms = [name for arm in study.current.protocol.arms for name in (arm.code, *arm.name.values())]
    for method, url in routes(dan, attempt)[:6]:
        page = getattr(desk, method)(url, follow=True).content.decode()
        assert [word for word in (*arms, "PHQ", "GAD", "score") if word in page] == []


def test_a_supervisor_sees_everybody_and_filters_by_coach(study, staff, eva, ben, dan, thursday):
    gijs = staff("coach", "Gijs")
    desk = at_the_desk(eva)
    other = factories.a_participant_in(study, "guided", NOW)
    CoachAssignment.objects.filter(plan__participant=other).update(coach=gijs)

    def listed(query: str = "") -> list:
        page = desk.get(reverse("coach:caseload") + query)
        return [row.participant for *_group, rows in page.context["groups"] for row in rows]

    everybody = {plan.participant for plan in CoachingPlan.objects.all()}
    assert set(listed()) == everybody
    assert other in listed(f"?coach={gijs.pk}")
    assert dan in listed(f"?coach={ben.pk}")
    assert {*listed(f"?coach={gijs.pk}"), *listed(f"?coach={ben.pk}")} == everybody
    assert not {*listed(f"?coach={gijs.pk}")} & {*listed(f"?coach={ben.pk}")}
    assert listed("?coach=none") == []
    assert desk.get(reverse("coach:person", args=[dan.code])).status_code == 200


def test_a_supervisor_gives_a_participant_another_coach_and_the_history_stays(
    desk, staff, eva, ben, dan
):
    gijs = staff("coach", "Gijs")
    url, key = reverse("coach:reassign", args=[dan.code]), str(uuid4())
    supervisor = at_the_desk(eva)
    same = send(supervisor, url, coach=ben.pk, reason="absent")
    assert same.context["form"].errors == {
        "coach": ["This is the coach they have now: choose another"]
    }
    for _ in range(2):
        assert send(supervisor, url, key, coach=gijs.pk, reason="absent").status_code == 302
    history = CoachAssignment.objects.filter(plan__participant=dan).order_by("pk")
    assert [(each.coach, each.since_at, each.ended_at, each.reason) for each in history] == [
        (ben, NOW, THURSDAY, ""),
        (gijs, THURSDAY, None, "absent"),
    ]
    event = (
        AuditEvent.objects.filter(action="coach assigned", stream__endswith=dan.code)
        .order_by("number")
        .last()
    )
    assert (event.subject, event.old, event.reason, event.role) == (
        f"staff {gijs.pk}",
        f'{{"coach":{ben.pk}}}',
        "absent",
        "supervisor",
    )
    page = supervisor.get(url).content.decode()
    assert [
        name in page for name in ("Ben Smit", "Gijs", "The coach is away or ill", "by turn")
    ] == [True] * 4
    assert desk.get(reverse("coach:person", args=[dan.code])).status_code == 404
    assert at_the_desk(gijs).get(reverse("coach:person", args=[dan.code])).status_code == 200


def test_a_coach_does_not_reassign(desk, staff, dan):
    gijs = staff("coach", "Gijs")
    assert desk.get(reverse("coach:reassign", args=[dan.code])).status_code == 403
    assert (
        send(
            desk, reverse("coach:reassign", args=[dan.code]), coach=gijs.pk, reason="left"
        ).status_code
        == 403
    )


def test_a_supervisor_of_another_study_sees_nobody(db, dan, thursday, eva):
    """A role counts in its own study alone."""
    other = Study.objects.create(slug="other", public_slug="other", code_prefix="OT", loaded_at=NOW)
    Membership.objects.filter(user=eva).update(study=other)
    assert at_the_desk(eva).get(reverse("coach:caseload")).context["groups"] == []


@pytest.mark.parametrize("people", [1, 3])
def test_the_pages_stay_flat_as_people_are_added(
    study, ben, eva, thursday, django_assert_num_queries, people
):
    coached = [factories.a_participant_in(study, "guided", NOW) for _ in range(people)]
    dan = coached[0]
    for each in coached:
        send(at_the_desk(ben), log_url(started(at_the_desk(ben), each)), outcome="no_answer")
    attempt = started(at_the_desk(ben), dan)
    counts = {
        reverse("coach:caseload"): 10,
        reverse("coach:person", args=[dan.code]): 17,
        log_url(attempt): 6,
    }
    for user in (ben, eva):
        client = at_the_desk(user)
        for url, count in counts.items():
            client.get(url)  # what is parsed once per version is parsed
            # A supervisor's list can be narrowed to one coach; alone it also says how many people
            # each has, and how many calls were taken back.
            coaches = {reverse("coach:caseload"): 6, log_url(attempt): 0}.get(url, 1)
            coaches = coaches if user == eva else 0
            with django_assert_num_queries(count + coaches):
                client.get(url)


def test_a_call_before_its_days_says_so_and_is_not_refused(desk, dan, thursday):
    thursday.move_to(NOW)
    words = "before its days (Thu 5 Mar to Sun 8 Mar)"
    person = reverse("coach:person", args=[dan.code])
    assert words in squeezed(desk.get(person))
    attempt = started(desk, dan)
    assert words in squeezed(desk.get(log_url(attempt)))
    send(desk, log_url(attempt), outcome="no_answer")
    thursday.move_to(THURSDAY)
    assert squeezed(desk.get(person)).count(words) == 1  # the try, no longer the day


def test_an_appointment_outside_the_days_of_its_call_says_so(desk, dan):
    attempt = started(desk, dan)
    logged = send(
        desk, log_url(attempt), outcome="call_back", next_on="2026-03-09", next_time="10:00"
    )
    assert (
        said(logged)[-1]
        == "The appointment lies outside the days of call 1 (Thu 5 Mar to Sun 8 Mar)."
    )
    words = "after its days (Thu 5 Mar to Sun 8 Mar)"
    for page in (reverse("coach:caseload"), reverse("coach:person", args=[dan.code])):
        assert words in squeezed(desk.get(page))


@pytest.mark.parametrize(
    ("clock", "is_night"), [("07:59", True), ("08:00", False), ("22:00", False), ("22:01", True)]
)
def test_an_appointment_at_night_is_refused(desk, dan, clock, is_night):
    answer = send(
        desk,
        log_url(started(desk, dan)),
        outcome="call_back",
        next_on="2026-03-06",
        next_time=clock,
    )
    words = "This is night where they are: choose a time between 8:00 and 22:00"
    assert (answer.context and answer.context["form"].errors) == (
        {"next_time": [words]} if is_night else None
    )


def test_a_wrong_number_is_flagged_to_coach_and_supervisor_until_a_try_goes_right(desk, eva, dan):
    send(desk, log_url(started(desk, dan)), outcome="wrong_number")
    pages = (reverse("coach:caseload"), reverse("coach:person", args=[dan.code]))
    for client in (desk, at_the_desk(eva)):
        assert [">Wrong number</span>" in squeezed(client.get(page)) for page in pages] == [
            True,
            True,
        ]
    assert "The number was wrong at the last try." in squeezed(desk.get(pages[1]))
    send(desk, log_url(started(desk, dan, 2)), outcome="voicemail")
    assert [">Wrong number</span>" in squeezed(desk.get(page)) for page in pages] == [False, False]


def test_a_number_that_the_person_corrected_after_the_try_is_wrong_no_more(desk, dan):
    pages = (reverse("coach:caseload"), reverse("coach:person", args=[dan.code]))
    give = partial(own_details.correct_contact, participant=dan, by=actors.participant(dan.code))
    give(phone="06 1111 2222", at=THURSDAY - timedelta(hours=1))
    send(desk, log_url(started(desk, dan)), outcome="wrong_number")
    assert [">Wrong number</span>" in squeezed(desk.get(page)) for page in pages] == [True, True]
    give(phone="06 8765 4321", at=THURSDAY + timedelta(hours=1))
    assert [">Wrong number</span>" in squeezed(desk.get(page)) for page in pages] == [False, False]
    assert "The number was wrong" not in squeezed(desk.get(pages[1]))


def squeezed(response) -> str:
    return " ".join(response.content.decode().split())


@pytest.mark.parametrize(
    ("now", "day", "clock", "utc", "group"),
    [  # Amsterdam: the clock goes forward on 29 March and back on 25 October 2026
        (
            datetime(2026, 3, 28, 12, tzinfo=UTC),
            "2026-03-29",
            "09:00",
            datetime(2026, 3, 29, 7, tzinfo=UTC),
            "week",
        ),
        (
            datetime(2026, 3, 28, 23, 30, tzinfo=UTC),
            "2026-03-29",
            "20:00",
            datetime(2026, 3, 29, 18, tzinfo=UTC),
            "today",
        ),
        (
            datetime(2026, 10, 24, 12, tzinfo=UTC),
            "2026-10-25",
            "09:00",
            datetime(2026, 10, 25, 8, tzinfo=UTC),
            "week",
        ),
        (
            datetime(2026, 10, 24, 22, 30, tzinfo=UTC),
            "2026-10-25",
            "20:00",
            datetime(2026, 10, 25, 19, tzinfo=UTC),
            "today",
        ),
    ],
)
def test_an_appointment_is_at_the_clock_of_the_participant_on_both_sides_of_summer_time(
    study, ben, now, day, clock, utc, group
):
    dan = factories.a_participant_in(study, "guided", now - timedelta(days=3))
    with time_machine.travel(now, tick=False):
        desk = at_the_desk(ben)
        send(desk, log_url(started(desk, dan)), outcome="call_back", next_on=day, next_time=clock)
        page = desk.get(reverse("coach:caseload"))
    assert Contact.objects.get(plan__participant=dan, number=1).appointment_at == utc
    assert [name for name, *_rest in page.context["groups"]] == [group]
    assert f"Sun {int(day[-2:])} {'Mar' if '-03-' in day else 'Oct'}, {clock}" in squeezed(page)


def test_a_call_of_yesterday_evening_is_logged_on_its_own_day(desk, ben, dan, thursday):
    attempt = started(desk, dan)
    shown = dict(Fields(desk.get(log_url(attempt)).content.decode()).of("called_on", "called_time"))
    assert shown == {"called_on": "2026-03-05", "called_time": "14:00"}
    thursday.shift(timedelta(days=4))  # Monday: the window closed on Sunday
    given = {
        "outcome": "reached",
        "minutes": "12",
        "called_on": "2026-03-08",
        "called_time": "23:50",
    }
    assert said(send(at_the_desk(ben), log_url(attempt), **given)) == [
        f"Logged call 1 of {dan.code}: Reached."
    ]
    contact = Contact.objects.get(plan__participant=dan, number=1)
    assert (contact.held_at, contact.place(contact.held_at, dan.timezone)) == (
        datetime(2026, 3, 8, 22, 50, tzinfo=UTC),
        "within",
    )
    # Where they are since then moves no call: the desk says what the export says.
    by = actors.participant(dan.code)
    own_details.choose_zone(
        participant=dan, timezone="Asia/Tokyo", by=by, at=datetime(2026, 3, 10, tzinfo=UTC)
    )
    page = at_the_desk(ben).get(reverse("coach:person", args=[dan.code]))
    assert [each.place for call in page.context["calls"] for each in call.tries] == ["within"]


@pytest.mark.parametrize(
    ("day", "clock", "field", "words"),
    [
        (
            "2026-03-05",
            "14:01",
            "called_on",
            "A call that is logged has begun: choose a moment before now",
        ),
        (
            "2026-03-02",
            "10:59",
            "called_on",
            "Nobody was to call this person yet: choose a later moment",
        ),
        ("2026-03-05", "", "called_time", "Add the time, or leave the day empty too"),
        ("", "13:00", "called_on", "Add the day, or leave the time empty too"),
        ("5 March", "13:00", "called_on", "Write the day as year-month-day, such as 2026-11-30"),
        ("0001-01-01", "00:05", "called_on", "Choose a day nearer to today"),
    ],
)
def test_a_call_cannot_have_begun_later_than_now_or_before_it_was_planned(
    desk, dan, day, clock, field, words
):
    attempt = started(desk, dan)
    page = send(desk, log_url(attempt), outcome="no_answer", called_on=day, called_time=clock)
    assert page.context["form"].errors[field] == [words]
    attempt.refresh_from_db()
    assert attempt.logged_at is None


def test_the_minute_that_stands_in_the_form_is_the_second_at_which_the_call_was_started(
    desk, dan, thursday
):
    thursday.shift(timedelta(seconds=42))
    attempt = started(desk, dan)
    send(desk, log_url(attempt), outcome="no_answer", called_on="2026-03-05", called_time="14:00")
    attempt.refresh_from_db()
    assert attempt.started_at == THURSDAY + timedelta(seconds=42)


def test_a_call_begun_by_mistake_is_taken_back_and_the_supervisor_sees_how_often(
    desk, dan, ben, eva
):
    attempt = started(desk, dan)
    address = reverse("coach:take_back", args=[dan.code, attempt.pk])
    assert address.encode() in desk.get(log_url(attempt)).content
    assert b"I did not call" in desk.get(address).content
    taken = send(desk, address, key="k")
    assert (taken.url, said(taken)) == (
        reverse("coach:person", args=[dan.code]),
        ["This call was taken back."],
    )
    assert said(send(desk, address, key="k"))[1:] == ["This call was taken back."]  # a double click
    assert (Attempt.objects.count(), actions(dan.code).count("call taken back")) == (0, 1)
    [(_study, coaches)] = at_the_desk(eva).get(reverse("coach:caseload")).context["teams"]
    assert [(each.user, each.taken_back) for each in coaches] == [(ben, 1)]
    assert desk.get(reverse("coach:caseload")).context["teams"] == []


@pytest.mark.parametrize("sent_to", ["attempt", "number"])
def test_a_log_of_a_call_that_was_taken_back_meanwhile_is_shown_again(desk, dan, sent_to):
    attempt = started(desk, dan)
    log = log_url(attempt)
    send(desk, reverse("coach:take_back", args=[dan.code, attempt.pk]))
    assert desk.get(log).url == reverse("coach:person", args=[dan.code])
    address = {"attempt": log, "number": reverse("coach:number", args=[dan.code])}[sent_to]
    page = send(desk, address, attempt=str(attempt.pk), outcome="no_answer", note="Likes violets")
    assert (page.status_code, [str(said) for _label, said in page.context["rows"]]) == (
        409,
        ["No answer", "Likes violets"],
    )
    assert b"Likes violets" in page.content
    assert "number shown" not in str(actions(dan.code))


def test_what_is_typed_about_a_call_after_it_was_taken_back_is_shown_when_it_is_looked_up(
    desk, dan, ben
):
    attempt = started(desk, dan)
    log = log_url(attempt)
    send(desk, reverse("coach:take_back", args=[dan.code, attempt.pk]))
    fields = {
        "note": {"was": [""], "value": ["Likes violets"]},
        "steps_done": {"was": ["a"], "value": []},
    }
    typed = Typed(caseload.log_form(dan.code, attempt.pk), "Call 1", fields)
    drafts.keep(owner=ben, about=dan, typed=typed, request_key="k", sequence=1, at=THURSDAY)
    assert [said for _label, said in desk.get(log).context["rows"]] == ["Likes violets"]
    assert (
        desk.get(log_url(attempt).replace(str(attempt.pk), str(attempt.pk + 1))).status_code == 302
    )


def test_a_call_that_is_logged_is_not_taken_back(desk, dan):
    attempt = started(desk, dan)
    send(desk, log_url(attempt), outcome="no_answer")
    taken = send(desk, reverse("coach:take_back", args=[dan.code, attempt.pk]))
    assert (said(taken)[1:], Attempt.objects.count()) == (["This call is logged."], 1)


def in_words(response) -> str:
    """The page as it is read out, on one line."""
    return " ".join(Texts(response.content.decode()).read.split())


class Texts(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.read = ""
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.read += f" {data}"


@pytest.mark.parametrize(
    ("language", "rule", "said_of_it"),
    [
        (
            "en",
            "Give no therapy",
            {
                "Rules of this call {}": 2,
                "Rules that were not kept (you may leave this empty) Tick a rule only where the "
                "call went against it. "
                "It helps to know; it is no fault. {}": 2,
                "Rule not kept: “{}”": 3,
            },
        ),
        (
            "nl",
            "Geef geen therapie",
            {
                "Regels voor dit gesprek {}": 2,
                "Regels die niet zijn aangehouden (dit mag leeg blijven) Vink een regel alleen aan "
                "als het gesprek ervan "
                "afweek. Het helpt om dat te weten; het is geen fout. {}": 2,
                "Regel niet aangehouden: “{}”": 3,
            },
        ),
    ],
)
def test_a_rule_is_never_read_as_what_happened(desk, ben, dan, language, rule, said_of_it):
    """Must-nots are written in the negative: wherever one stands, the words before it say what it
    is.
    """
    desk.cookies["django_language"] = language
    attempt = started(desk, dan)
    pages = [in_words(desk.get(log_url(attempt)))]
    logged = {"outcome": "reached", "minutes": "12", "steps_done": ["greet"]}
    send(desk, log_url(attempt), deviations=["therapy"], **logged)
    pages.append(in_words(desk.get(reverse("coach:person", args=[dan.code]))))
    pages.append(in_words(desk.get(correct_url(attempt))))
    send(desk, correct_url(attempt), reason="slip", **logged)  # the rule was kept after all
    pages.append(in_words(desk.get(reverse("coach:person", args=[dan.code]))))
    everywhere = " ".join(pages)
    found = {words: everywhere.count(words.format(rule)) for words in said_of_it}
    assert found == said_of_it
    assert everywhere.count(rule) == sum(found.values())
