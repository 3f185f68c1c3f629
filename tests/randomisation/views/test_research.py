"""The pages of exceptions: who may, one person, a second person, and nothing that tells an arm."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from randomisation.actions import code_breaks, exceptions, proposals, switches
from randomisation.models import Allocation, CodeBreak, Correction, ErrorMark, Impact, Switch
from randomisation.permissions import sees_point
from tests import factories
from tests.api.clients import Client as Api
from tests.conftest import NOW
from tests.randomisation import people
from tests.randomisation.test_points import STAGED, STAGES
from trial import actors, permissions, worker
from trial.actions import participants
from trial.models import Decision, Identity, Proposal, Study

pytestmark = pytest.mark.django_db
BY = actors.staff(1, "supervisor")
SLUG = "small-study"


@pytest.fixture(autouse=True)
def the_clock_stands_still():
    with time_machine.travel(NOW, tick=False):
        yield


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def ada(staff) -> Client:
    return signed_in(staff("researcher", "Ada Visser"))


@pytest.fixture
def eva(staff) -> Client:
    return signed_in(staff("supervisor", "Eva de Wit"))


def url(name: str, *args: object) -> str:
    return reverse(f"research:{name}", args=[SLUG, *args])


def send(client: Client, name: str, *args: object, status: int = 302, **typed: object):
    answer = client.post(url(name, *args), {"request_key": str(uuid4()), **typed})
    assert answer.status_code == status
    return answer


def text(answer) -> str:
    """The words of the page's main part, on one line."""
    body = re.search(r"(?s)<main.*</main>", answer.content.decode())[0]
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def page(client: Client, name: str, *args: object) -> str:
    answer = client.get(url(name, *args))
    assert answer.status_code == 200
    return text(answer)


def allocation_of(person) -> Allocation:
    return Allocation.objects.select_related("participant__version", "participant__study").get(
        participant=person
    )


def everything_about(person) -> None:
    """A correction, both marks, another treatment and a code-break, and a switch that is off
    again.
    """
    allocation = allocation_of(person)
    exceptions.correct(
        allocation=allocation, values={"sex": "m"}, reason="entered_wrongly", by=BY, at=NOW
    )
    exceptions.mark_ineligible(allocation=allocation, reason="criterion_overlooked", by=BY, at=NOW)
    exceptions.record_received(
        allocation=allocation, received="other", reason="system_fault", by=BY, at=NOW
    )
    proposal = proposals.propose_mark(allocation=allocation, reason="test_entry", by=BY, at=NOW)
    proposals.decide(proposal=proposal, is_agreed=True, by=actors.staff(2, "researcher"), at=NOW)
    code_breaks.break_at_once(allocation=allocation, reason="acute_danger", by=BY, at=NOW)


# Who may

PAGES = ["randomisation", "halt"]
OF_A_PERSON = ["exceptions", "settle"]
AT_A_POINT = ["correct", "mark", "ineligible"]
OF_WHO_KNOWS_ARMS = ["received", "break_code", "break_at_once"]


def statuses(client: Client, code: str) -> dict[str, int]:
    addresses = {name: url(name) for name in PAGES}
    addresses |= {name: url(name, code) for name in [*OF_A_PERSON, "force"]}
    addresses |= {name: url(name, code, "start") for name in AT_A_POINT + OF_WHO_KNOWS_ARMS}
    return {name: client.get(address).status_code for name, address in addresses.items()}


def test_a_researcher_and_a_supervisor_open_them_and_only_who_knows_arms_those_that_tell_one(
    ada, eva, dan
):
    shut = {"received", "break_code", "break_at_once", "force"}
    assert {name for name, status in statuses(ada, dan.code).items() if status != 200} == shut
    assert {status for name, status in statuses(ada, dan.code).items() if name in shut} == {403}
    assert set(statuses(eva, dan.code).values()) == {200}


@pytest.mark.parametrize(
    ("role", "status"), [("statistician", 403), ("coach", 404), ("assessor", 404)]
)
def test_nobody_who_assesses_analyses_or_only_coaches_opens_any_of_them(staff, dan, role, status):
    assert set(statuses(signed_in(staff(role)), dan.code).values()) == {status}


@pytest.mark.parametrize("role", ["statistician", "coach", "assessor"])
def test_nor_by_the_api(staff, dan, role):
    api = Api(staff(role))
    one = f"studies/{SLUG}/participants/{dan.code}"
    paths = [
        f"{one}/{name}/"
        for name in ("corrections", "error-marks", "ineligible", "treatment-received")
    ]
    paths += [f"{one}/{name}/" for name in ("forced-allocation", "same-person", "code-break")]
    paths += [
        f"studies/{SLUG}/switches/",
        f"studies/{SLUG}/proposals/1/decision/",
        f"studies/{SLUG}/proposals/1/show/",
    ]
    assert {api.post(path, {}).status_code for path in paths} == {403}


def test_the_verbs_of_exceptions_belong_to_nobody_who_is_blinded():
    verbs = {"exceptions", "correct", "agree_exception", "switch", "break_code", "agree_code_break"}
    verbs |= {"received", "force", "agree_force", "stage_exceptions"}
    assert {role for role, may in permissions.MAY.items() if may & verbs} == {
        "researcher",
        "supervisor",
    }


def test_what_happened_at_a_stage_is_shown_to_whoever_knows_arms_until_none_is_concealed():
    live, locked = Study(state="open", simulated=False), Study(state="locked", simulated=False)
    assert [sees_point(live, point, {"exceptions"}) for point in ("start", "again")] == [
        True,
        False,
    ]
    assert sees_point(live, "again", {"exceptions", "stage_exceptions"})
    assert sees_point(locked, "again", {"exceptions"})


def test_what_is_asked_about_a_stage_is_opened_by_whoever_knows_arms_alone(tmp_path):
    study = people.a_study(tmp_path, NOW, randomisation=STAGED, stages=STAGES)
    idle = factories.a_participant_in(study, "unguided", NOW)
    worker.tick(NOW + timedelta(days=15))
    rows = Allocation.objects.select_related(
        "participant__study", "participant__key", "participant__version"
    )
    again = rows.get(participant=idle, point="step_up")
    asked = proposals.propose_code_break(allocation=again, reason="serious_event", by=BY, at=NOW)
    Study.objects.filter(pk=study.pk).update(simulated=False)
    ada, eva = (
        factories.a_staff_member(study, role, "", NOW) for role in ("researcher", "supervisor")
    )
    told = [
        (
            signed_in(user).get(url("decide", asked.pk)).status_code,
            signed_in(user)
            .get(url("randomisation"))
            .content.decode()
            .count(url("decide", asked.pk)),
            signed_in(user)
            .get(url("exceptions", idle.code))
            .content.decode()
            .count(url("decide", asked.pk)),
            Api(user)
            .post(f"studies/{SLUG}/proposals/{asked.pk}/decision/", {"agreed": False})
            .status_code,
        )
        for user in (ada, eva)
    ]
    assert told == [(404, 0, 0, 404), (200, 1, 1, 201)]


# The page of the study


def test_before_anything_departs_the_page_says_what_will_stand_there(ada, study):
    words = page(ada, "randomisation")
    assert "Nothing departed from the plan" in words
    assert (
        "Nothing. A mark, a code-break and a forced allocation stand here until somebody else "
        "agrees." in words
    )


@pytest.mark.parametrize(("people", "queries"), [(1, 16), (3, 16)])
def test_the_page_costs_the_same_with_one_person_and_with_three(
    ada, study, people, queries, django_assert_num_queries
):
    for _ in range(people):
        everything_about(factories.a_randomised_participant(study, NOW))
    page(ada, "randomisation")
    with django_assert_num_queries(queries):
        words = page(ada, "randomisation")
    assert words.count("made in error") == people


@pytest.mark.parametrize("times", [1, 3])
def test_a_persons_page_costs_the_same_with_one_correction_and_with_three(
    ada, dan, times, django_assert_num_queries
):
    for value in ("m", "f", "m")[:times]:
        exceptions.correct(
            allocation=allocation_of(dan),
            values={"sex": value},
            reason="entered_wrongly",
            by=BY,
            at=NOW,
        )
    page(ada, "exceptions", dan.code)
    with django_assert_num_queries(13):
        words = page(ada, "exceptions", dan.code)
    assert words.count("put right, sex") == times


def test_somebody_is_found_by_code(ada, study, dan):
    found = ada.get(url("randomisation"), {"code": dan.code.lower()})
    assert found.url == url("exceptions", dan.code)
    lost = ada.get(url("randomisation"), {"code": "QM-00000"})
    assert "Nobody in this study has the code QM-00000." in text(lost)


def test_halting_and_going_on_say_what_stands_still_and_why(ada, study):
    send(ada, "halt", part="arm:guided", reason="coaches_full")
    words = page(ada, "randomisation")
    assert "One arm guided Coaches are full; Ada Visser, researcher" in words
    switch = Switch.objects.get()
    send(ada, "go_on", level="arm", point=switch.point, target="guided", reason="coaches_free")
    assert "Halted now" not in page(ada, "randomisation")
    assert list(Switch.objects.order_by("pk").values_list("is_halted", flat=True)) == [True, False]


def test_halting_asks_what_and_why_and_says_when_it_stands_still_already(ada, study):
    assert text(send(ada, "halt", status=400)).count("Choose an answer") == 3
    send(ada, "halt", part="study:", reason="safety")
    assert "This stands so already." in text(
        send(ada, "halt", status=409, part="study:", reason="safety")
    )
    send(ada, "go_on", level="study")
    assert Switch.objects.count() == 1  # without a reason it stands still


# One person


def test_a_correction_shows_what_was_used_beside_what_is_right(ada, dan):
    send(
        ada,
        "correct",
        dan.code,
        "start",
        value_sex="m",
        reason="entered_wrongly",
        note="Asked again",
    )
    words = page(ada, "exceptions", dan.code)
    assert "Used at allocation sex = f Right value sex = m" in words
    assert "put right, sex = m (Entered wrongly), by Ada Visser" in words
    row = Correction.objects.get()
    assert (row.role, dan.unsealed(row.note_sealed)) == ("researcher", "Asked again")


def test_a_correction_that_corrects_nothing_keeps_what_was_typed(ada, dan):
    answer = send(
        ada,
        "correct",
        dan.code,
        "start",
        status=409,
        value_sex="f",
        reason="entered_wrongly",
        note="Typed before",
    )
    assert "This says what stands there already" in text(answer)
    assert "Typed before" in answer.content.decode()


def test_another_reason_is_said_in_words(ada, dan):
    answer = send(ada, "ineligible", dan.code, "start", status=400, reason="other")
    assert "Say in your words why" in text(answer)
    assert ErrorMark.objects.count() == 0


def test_a_mark_is_asked_by_one_and_made_by_another(ada, eva, dan):
    send(eva, "mark", dan.code, "start", reason="randomised_twice", sure="on", note="Same voice")
    number = proposals.Proposal.objects.get().pk
    assert "Waits for somebody else" in page(eva, "decide", number)
    assert "cannot agree as well" in text(send(eva, "decide", number, status=409, is_agreed="yes"))
    words = page(ada, "decide", number)
    assert (
        "The same person was randomised before, under another code In their words Same voice"
        in words
    )
    send(ada, "decide", number, is_agreed="yes")
    assert "made in error" in page(ada, "exceptions", dan.code)
    assert "This was decided already, or its time is over." in text(
        send(ada, "decide", number, status=409, is_agreed="no")
    )


def test_of_somebody_who_is_not_allocated_there_is_nothing_to_put_right(ada, study):
    person = factories.a_consented_participant(study, NOW)
    assert "Not allocated" in page(ada, "exceptions", person.code)
    assert ada.get(url("correct", person.code, "start")).status_code == 404
    assert ada.get(url("exceptions", "QM-00000")).status_code == 404


def test_another_treatment_is_recorded_and_never_shown(eva, dan):
    arm = factories.arm(dan)
    send(eva, "received", dan.code, "start", received=arm, reason="staff_mistake")
    words = page(eva, "exceptions", dan.code)
    assert (
        "another treatment received (Given by mistake), recorded by Eva de Wit; which one is sealed"
        in words
    )
    assert arm not in words


# Code-breaks


def test_the_arm_is_shown_to_whoever_asked_once_after_another_agreed(ada, eva, dan):
    send(eva, "break_code", dan.code, "start", reason="serious_event")
    number = proposals.Proposal.objects.get().pk
    assert ada.get(url("show_arm", number)).url == url("decide", number)
    assert ada.post(url("show_arm", number)).status_code == 403  # who agrees is shown nothing
    send(ada, "decide", number, is_agreed="yes")
    answer = send(eva, "show_arm", number, status=200)
    name = dan.version.protocol.arm(factories.arm(dan)).name["en"]
    assert name in text(answer)
    assert answer["Cache-Control"] == "no-store"
    send(eva, "show_arm", number)
    assert "The arm was shown already." in page(eva, "decide", number)
    assert CodeBreak.objects.count() == 1


def test_in_an_emergency_the_arm_is_on_the_answer_and_every_room_tells_that_it_was_seen(
    ada, eva, dan
):
    answer = send(eva, "break_at_once", dan.code, "start", status=200, reason="acute_danger")
    name = dan.version.protocol.arm(factories.arm(dan)).name["en"]
    assert name in text(answer)
    alerts = text(ada.get(reverse("research:alerts", args=[SLUG])))
    assert "The code of one person was broken" in alerts
    dashboard = text(ada.get(reverse("research:dashboard", args=[SLUG])))
    row = (
        f"{dan.code} 2 Mar 2026, 11:00 Acute danger Eva de Wit, supervisor – alone, in an emergency"
    )
    assert row in dashboard
    assert row.replace("2 Mar", "Mon 2 Mar") in page(ada, "randomisation")


def test_a_drill_shows_no_arm(eva, dan):
    answer = send(
        eva, "break_at_once", dan.code, "start", status=200, reason="acute_danger", is_drill="on"
    )
    assert "This was a drill" in text(answer)
    assert dan.version.protocol.arm(factories.arm(dan)).name["en"] not in text(answer)


def test_what_is_asked_already_is_not_asked_again_and_the_page_says_so(eva, dan):
    send(eva, "break_code", dan.code, "start", reason="serious_event")
    again = text(send(eva, "break_code", dan.code, "start", status=409, reason="serious_event"))
    assert Proposal.objects.count() == 1
    assert "waits for a second person" in again or "already" in again


def test_whoever_says_neither_yes_nor_no_is_asked_again_and_nothing_is_decided(ada, eva, dan):
    send(eva, "break_code", dan.code, "start", reason="serious_event")
    number = Proposal.objects.get().pk
    send(ada, "decide", number, status=400)
    assert Decision.objects.count() == 0


def test_of_somebody_erased_neither_an_arm_in_words_nor_an_impact_is_kept(ada, eva, dan):
    send(eva, "break_at_once", dan.code, "start", status=200, reason="acute_danger")
    number = CodeBreak.objects.get().pk
    participants.erase(
        participant=dan, reason="asked_by_participant", by=actors.staff(1, "researcher"), at=NOW
    )
    send(ada, "impact", number, status=409, text="Nobody who assesses knows.")
    send(
        eva,
        "break_at_once",
        dan.code,
        "start",
        status=409,
        reason="other",
        note="A call from the hospital.",
    )
    assert (Impact.objects.count(), CodeBreak.objects.count()) == (0, 1)


def test_an_arm_by_hand_is_refused_where_the_protocol_allows_none(eva, study):
    person = factories.a_consented_participant(study, NOW)
    send(eva, "force", person.code, status=409, arm="guided", reason="fallback_list")
    assert Proposal.objects.count() == 0


def test_what_it_means_for_the_blinding_is_written_later(ada, eva, dan):
    send(eva, "break_at_once", dan.code, "start", status=200, reason="acute_danger")
    number = CodeBreak.objects.get().pk
    assert "Not written down yet." in page(ada, "impact", number)
    assert "Fill this in" in text(send(ada, "impact", number, status=400))
    send(ada, "impact", number, text="Nobody who assesses knows.")
    assert "Nobody who assesses knows." in page(ada, "impact", number)


# Whoever came before


@pytest.fixture
def twin(study, dan):
    found = factories.a_consented_participant(study, NOW)
    Identity.objects.filter(participant=found).update(phone_hash=dan.identity.phone_hash)
    factories.fill_in(found, "pre", NOW)
    return found


def test_whoever_came_before_is_listed_and_somebody_says_who_it_is(ada, dan, twin):
    assert f"{twin.code} has the phone number of somebody who is allocated" in page(
        ada, "randomisation"
    )
    assert f"{dan.code} is allocated and has the same phone number." in page(
        ada, "settle", twin.code
    )
    send(ada, "settle", twin.code, verdict="household")
    assert "Nothing to decide" in page(ada, "settle", twin.code)
    assert "Nothing to decide" in text(
        send(ada, "settle", twin.code, status=409, verdict="same_person")
    )


def test_whoever_waits_is_told_calmly_that_somebody_looks(twin):
    words = text(signed_in(twin.user).get(reverse("participant:home")))
    assert "Somebody of the team looks at your details first, and may call you." in words


def test_whoever_waits_for_what_is_halted_reads_that_there_is_a_break(study):
    switches.halt(study=study, level="site", target="main", reason="safety", by=BY, at=NOW)
    dan = factories.a_randomised_participant(study, NOW)  # as far as they come
    words = text(signed_in(dan.user).get(reverse("participant:home")))
    assert (
        "The study has a break. You do not have to do anything; you hear from us when it goes on."
        in words
    )


# Nothing that tells an arm


def test_the_pages_are_the_same_for_two_people_who_differ_only_in_arm(ada, eva, study):
    guided, unguided = (
        factories.a_participant_in(study, arm, NOW) for arm in ("guided", "unguided")
    )
    for person in (guided, unguided):
        everything_about(person)
    for client in (ada, eva):
        for name, args in (("exceptions", ()), ("correct", ("start",)), ("mark", ("start",))):
            one, other = (_alike(client, name, person.code, *args) for person in (guided, unguided))
            assert one == other


def _alike(client: Client, name: str, code: str, *args: object) -> str:
    """A page without what is anybody's own: code, numbers of rows, keys of forms."""
    body = _nobodys(client.get(url(name, code, *args)).content.decode(), code)
    return re.sub(r"(code-breaks|asked)/\d+/", r"\1/N/", body)


def _nobodys(body: str, code: str) -> str:
    body = re.sub(
        r'name="(csrfmiddlewaretoken|request_key)" value="[^"]+"', "", body.replace(code, "CODE")
    )
    return re.sub(r'data-about="CODE:[0-9a-f]{32}"', "", body)  # a keyed hash of this person's code


def test_nothing_that_a_statistician_reads_names_an_arm_or_changes_with_one(staff, study):
    finn = signed_in(staff("statistician"))
    guided, unguided = (
        factories.a_participant_in(study, arm, NOW) for arm in ("guided", "unguided")
    )
    Study.objects.update(simulated=False)
    for person in (guided, unguided):
        everything_about(person)
    seen = []
    for person in (guided, unguided):
        body = finn.get(reverse("research:person", args=[SLUG, person.code])).content.decode()
        seen.append(re.sub(r"(alert|Alert) \d+", "alert N", _nobodys(body, person.code)))
    assert seen[0] == seen[1]
    dashboard = text(finn.get(reverse("research:dashboard", args=[SLUG])))
    rows = [
        dashboard.split(person.code)[1].partition("in an emergency")[0]
        for person in (guided, unguided)
    ]
    assert rows[0] == rows[1]
