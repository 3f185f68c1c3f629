"""Every page that writes has an endpoint that does the same: both are run from the same state, and
the audit trail and the drafts that each leaves behind are compared.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client as Browser
from django.urls import URLResolver, get_resolver, reverse
from django.utils import timezone

from coaching_protocol.models import Attempt
from outcomes.instruments import LIBRARY
from outcomes.models import Assessment
from randomisation.actions import switches
from tests import factories, made
from tests.api import clients
from tests.api.clients import BASE, Client
from tests.conftest import NOW, SMALL
from trial import actors, audiences
from trial.actions import alerts, messages, studies, tokens
from trial.actions import staff as invitations
from trial.models import (
    AuditEvent,
    ExerciseAnswer,
    Identity,
    Message,
    Participant,
    Proposal,
    Study,
    User,
)

pytestmark = [pytest.mark.once, pytest.mark.django_db]

ROOMS = (
    "join",
    audiences.PARTICIPANT,
    audiences.COACH,
    audiences.ASSESSOR,
    audiences.RESEARCH,
    audiences.STAFF,
)
WITHOUT_AN_ENDPOINT = {
    "join:code_again": "asking for another code is the same endpoint as asking for the first, with "
    "another key",
    "join:consent_questions": "the questions about the letter are answered in the same request as "
    "the signature",
    "join:anew": "forgets what a browser holds, and a program holds its own",
}


@dataclass(frozen=True)
class Pair:
    """`does` is the event that both must leave behind; empty where the action keeps a draft, which
    is no event.
    """

    page: str
    endpoint: str
    does: str
    by_page: Callable[[Any], Any]
    by_api: Callable[[Any], Any]
    given: Callable[[Study], dict[str, Any]] = field(default=lambda study: {})

    def __str__(self) -> str:
        return self.page


def page(name: str, *args: Any) -> str:
    return reverse(name, args=args)


def signed_in(user: User) -> Browser:
    browser = Browser()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser


# The way in: both sides begin with nothing.

PUBLIC = "quiet-mornings"
BASICS = {"age": 41, "sex": "f", "site": "main"}
ADDRESS = {"name": "Dan Jansen", "email": "dan@example.org", "phone": "06 1234 5678"}


def way_in(upto: str, **items: int) -> Browser:
    """The pages of the way in, up to and including the one named."""
    browser = Browser()
    steps: list[tuple[str, Callable[[], Any]]] = [
        ("begin", lambda: browser.post(page("join:begin", PUBLIC))),
        ("basics", lambda: browser.post(page("join:screening", PUBLIC, "basics"), BASICS)),
        ("mood", lambda: browser.post(page("join:screening", PUBLIC, "mood"), typed_mood(**items))),
        ("contact", lambda: browser.post(page("join:contact", PUBLIC), ADDRESS)),
        ("code", lambda: browser.post(page("join:code", PUBLIC), {"code": clients.mailed_code()})),
    ]
    for name, take in steps:
        assert take().status_code == 302
        if name == upto:
            break
    return browser


def typed_mood(**items: int) -> dict[str, int]:
    return {f"item_{code}": 1 for code in range(1, 9)} | {"item_9": items.get("i9", 0)}


def corrected_by_page() -> Any:
    browser = way_in("begin")
    browser.post(page("join:screening", PUBLIC, "basics"), {**BASICS, "age": "14"})
    return browser.post(page("join:correct", PUBLIC))


def corrected_by_api() -> Any:
    client = way_in_by_api("begin")
    client.post(f"join/{PUBLIC}/questions/basics/", {"answers": {**BASICS, "age": 14}})
    return client.post(f"join/{PUBLIC}/correct/")


def way_in_by_api(upto: str, **items: int) -> Client:
    study = Study.objects.get(public_slug=PUBLIC)
    client = clients.begun(study)
    mood = {"answers": clients.mood(study, **items)}
    steps: list[tuple[str, Callable[[], Any]]] = [
        ("begin", lambda: client.get(f"join/{PUBLIC}/")),
        ("basics", lambda: client.post(f"join/{PUBLIC}/questions/basics/", {"answers": BASICS})),
        ("mood", lambda: client.post(f"join/{PUBLIC}/screening/mood/", mood)),
        ("contact", lambda: client.post(f"join/{PUBLIC}/contact/", ADDRESS)),
        ("code", lambda: client.post(f"join/{PUBLIC}/verify/", {"code": clients.mailed_code()})),
    ]
    for name, take in steps:
        assert take().status_code == 200
        if name == upto:
            break
    return client


def sign_by_page() -> Any:
    browser = way_in("code")
    browser.post(page("join:consent_questions", PUBLIC), {"stop": "b"})
    ticked = {"statement_voluntary": "on", "statement_data": "on", "signature": "Dan Jansen"}
    return browser.post(page("join:sign", PUBLIC), ticked)


def sign_by_api() -> Any:
    way_in_by_api("code")
    dan = Participant.objects.latest("pk")
    return clients.of(dan).post(f"join/{PUBLIC}/consent/", clients.signing(dan))


def consented(study: Study) -> dict[str, Any]:
    return person(factories.a_consented_participant(study, NOW))


def asked_for_questions(study: Study) -> dict[str, Any]:
    """Consented, with the baseline's own questions and call times still to answer."""
    from trial.actions import participants

    dan = factories.a_verified_participant(study, NOW)
    signing = clients.signing(dan)
    participants.sign_consent(
        participant=dan,
        language="en",
        statements=signing["statements"],
        comprehension={"stop": 1},
        signature=dan.identity.name,
        by=actors.participant(dan.code),
        at=NOW,
    )
    dan.refresh_from_db()
    return person(dan)


def in_lessons(study: Study) -> dict[str, Any]:
    return person(factories.a_randomised_participant(study, NOW))


def asked_for_a_new_address(study: Study) -> dict[str, Any]:
    found = in_lessons(study)
    found["browser"].post(page("participant:address"), {"email": "d@example.net"})
    return found


def begun_lesson(study: Study) -> dict[str, Any]:
    found = in_lessons(study)
    found["api"].post("lessons/welcome/begin/")
    return found


def done_lesson(study: Study) -> dict[str, Any]:
    found = begun_lesson(study)
    found["api"].post("lessons/welcome/done/")
    return found


def drafted(study: Study) -> dict[str, Any]:
    found = consented(study)
    found["api"].put("assessments/pre/PHQ9/", clients.sheet(found["dan"], "pre", "PHQ9"))
    return found


def person(dan: Participant) -> dict[str, Any]:
    return {"dan": dan, "browser": signed_in(dan.user), "api": clients.of(dan)}


def an_exercise(study: Study) -> tuple[str, str]:
    """The first exercise of the first lesson, which is a text."""
    block = next(each for each in study.current.programme.modules[0].exercises)
    return str(block.code), str(block.exercise)


def staff(study: Study, role: str, **more: Any) -> dict[str, Any]:
    user = factories.a_staff_member(study, role, "", NOW)
    return {"user": user, "browser": signed_in(user), "api": Client(user), **more}


def researcher(study: Study) -> dict[str, Any]:
    return staff(study, "researcher")


def amended(study: Study) -> dict[str, Any]:
    """A version that was loaded while the study is paused: nobody put a name to what is new in it
    yet.
    """
    Study.objects.update(state="paused", simulated=False)
    changed = {
        "study.yaml": (SMALL / "study.yaml").read_text().replace("0800-0113", "0800-9999"),
        "instruments/PHQ9.yaml": (LIBRARY / "PHQ9.yaml")
        .read_text()
        .replace("status: secondary", "status: derived"),
    }
    studies.load(path=packed(changed), by=actors.SYSTEM, at=NOW)
    study.refresh_from_db()
    vars(study).pop("current", None)
    return researcher(study)


def draft_study(study: Study) -> dict[str, Any]:
    Study.objects.update(state="draft")
    return researcher(study)


def paused_study(study: Study) -> dict[str, Any]:
    Study.objects.update(state="paused")
    return researcher(study)


def closed_study(study: Study) -> dict[str, Any]:
    Study.objects.update(state="closed")
    return staff(study, "statistician")


def with_people(study: Study) -> dict[str, Any]:
    dan = factories.a_randomised_participant(study, NOW)
    return staff(study, "researcher", dan=dan)


def with_a_report(study: Study) -> dict[str, Any]:
    return with_people(study) | {"number": made.report(study, NOW).pk}


def with_an_export(study: Study) -> dict[str, Any]:
    return with_people(study) | {"number": made.export(study, NOW).pk}


def with_a_member(study: Study) -> dict[str, Any]:
    ben = factories.a_staff_member(study, "assessor", "", NOW)
    return staff(study, "researcher", number=ben.memberships.get().pk)


def with_an_invitation(study: Study) -> dict[str, Any]:
    invited = invitations.invite(
        study=study, email="new@example.org", role="coach", by=actors.SYSTEM, at=NOW
    )
    return staff(study, "researcher", number=invited.pk)


def asked_for_a_role(study: Study) -> dict[str, Any]:
    """Ada asks for a second coach of a live study; Eva was there before anybody was allocated."""
    Study.objects.update(simulated=False)
    study.refresh_from_db()
    ada = researcher(study)
    ada["api"].post(f"studies/{R}/staff/", {"email": "new@example.org", "role": "coach"})
    return {**staff(study, "supervisor"), "number": Proposal.objects.get().pk}


OTHER_ADDRESS = {"email": "dan.new@example.org", "reason": "mailbox_lost"}


def with_a_second_person(study: Study) -> dict[str, Any]:
    """Ada, and Eva who could agree, while nobody is allocated."""
    dan = factories.a_consented_participant(study, NOW)
    return staff(
        study, "researcher", dan=dan, eva=factories.a_staff_member(study, "supervisor", "", NOW)
    )


def asked_for_an_address(study: Study) -> dict[str, Any]:
    """Eva asks for another address for Dan; Ada may agree, or another supervisor."""
    given = with_a_second_person(study)
    Client(given["eva"]).post(
        f"studies/{R}/participants/{given['dan'].code}/address/", OTHER_ADDRESS
    )
    return {**given, "number": Proposal.objects.get().pk}


def looked_up_the_number(study: Study) -> dict[str, Any]:
    given = asked_for_an_address(study)
    given["api"].post(f"agreements/{given['number']}/number/")
    return given


def with_a_token(study: Study) -> dict[str, Any]:
    return with_tokens(researcher(study))


def joined_with_an_app(study: Study) -> dict[str, Any]:
    dan = factories.a_verified_participant(study, NOW)
    return with_tokens({"user": dan.user, "browser": signed_in(dan.user), "api": Client(dan.user)})


def with_tokens(found: dict[str, Any]) -> dict[str, Any]:
    made = tokens.make(user=found["user"], name="old", by=actors.SYSTEM, at=timezone.now())
    return {**found, "number": made.pk}


def due_to_an_assessor(study: Study) -> dict[str, Any]:
    return staff(study, "assessor", dan=factories.a_consented_participant(study, NOW))


def by_phone(dan: Participant) -> dict[str, Any]:
    return {"answers": factories.answers_to(dan.study, "PHQ9", 1), "mode": "phone"}


def typed_by_phone() -> dict[str, Any]:
    return {f"item_{code}": "1" for code in range(1, 10)} | {"mode": "phone"}


def with_a_message(study: Study) -> dict[str, Any]:
    message = messages.queue(
        study=study,
        participant=None,
        kind="alert",
        subject_ref="0",
        due_at=NOW,
        at=NOW,
        by=actors.WORKER,
    )
    type(message).objects.filter(pk=message.pk).update(state="uncertain")
    return staff(study, "researcher", message=message.handle)


def with_failed_mail(study: Study) -> dict[str, Any]:
    dan = factories.a_consented_participant(study, NOW)
    Message.objects.filter(participant=dan, kind="assessment_invitation").update(
        state="failed", problem="address"
    )
    return staff(study, "researcher", dan=dan)


def with_an_alert(study: Study) -> dict[str, Any]:
    dan = factories.a_verified_participant(study, NOW)
    alert = alerts.raise_alert(
        study=study,
        participant=dan,
        kind="item9",
        subject_ref="pre",
        within_hours=24,
        by=actors.SYSTEM,
        at=NOW,
    )
    return staff(study, "supervisor", dan=dan, number=alert.pk)


def with_a_taken_alert(study: Study) -> dict[str, Any]:
    found = with_an_alert(study)
    found["api"].post(f"studies/small-study/alerts/{found['number']}/take/")
    return found


def coached(study: Study) -> dict[str, Any]:
    dan = factories.a_participant_in(study, "guided", NOW)
    ben = study.memberships.get(role="coach").user
    return {"dan": dan, "ben": ben, "browser": signed_in(ben), "api": Client(ben)}


def in_a_call(study: Study) -> dict[str, Any]:
    found = coached(study)
    found["api"].post(f"caseload/{found['dan'].code}/contacts/1/start/")
    return {**found, "attempt": Attempt.objects.get().pk}


def in_a_logged_call(study: Study) -> dict[str, Any]:
    found = in_a_call(study)
    found["api"].post(f"caseload/{found['dan'].code}/contacts/1/log/", {"outcome": "no_answer"})
    return found


def two_coaches(study: Study) -> dict[str, Any]:
    found = coached(study)
    other = factories.a_staff_member(study, "coach", "Bea Bos", NOW)
    return {**found, **staff(study, "supervisor"), "other": other.pk}


# Exceptions to a randomisation: Eva asks, Ada is the second person.


def supervised(study: Study) -> dict[str, Any]:
    return staff(study, "supervisor", dan=factories.a_randomised_participant(study, NOW))


def to_be_forced(study: Study) -> dict[str, Any]:
    """Somebody who waits, in a study that allows a few arms to be given by hand."""
    Study.objects.update(state="draft")
    text = (SMALL / "randomisation.yaml").read_text() + "forced: {study: 3, site: 2}\n"
    studies.load(
        path=packed({"randomisation.yaml": text}), simulated=True, by=actors.SYSTEM, at=NOW
    )
    Study.objects.update(state="open")
    study.refresh_from_db()
    vars(study).pop("current", None)
    return staff(study, "supervisor", dan=factories.a_consented_participant(study, NOW))


def came_twice(study: Study) -> dict[str, Any]:
    """Somebody who waits because Dan, who is allocated, has the same number."""
    first = factories.a_randomised_participant(study, NOW)
    second = factories.a_consented_participant(study, NOW)
    Identity.objects.filter(participant=second).update(phone_hash=first.identity.phone_hash)
    factories.fill_in(second, "pre", NOW)
    return staff(study, "researcher", dan=second)


def halted(study: Study) -> dict[str, Any]:
    switches.halt(study=study, level="study", reason="coaches_full", by=actors.SYSTEM, at=NOW)
    return researcher(study)


def asked_to_mark(study: Study) -> dict[str, Any]:
    found = supervised(study)
    answer = found["api"].post(
        f"{ONE.format(found['dan'].code)}/error-marks/", {"reason": "test_entry"}
    )
    return {**found, **researcher(study), "number": answer.json()["number"]}


def asked_to_force(study: Study) -> dict[str, Any]:
    found = to_be_forced(study)
    body = {"arm": "guided", "reason": "fallback_list"}
    answer = found["api"].post(f"{ONE.format(found['dan'].code)}/forced-allocation/", body)
    return {**found, **staff(study, "supervisor"), "number": answer.json()["number"]}


def agreed_to_break(study: Study) -> dict[str, Any]:
    found = supervised(study)
    answer = found["api"].post(
        f"{ONE.format(found['dan'].code)}/code-break/", {"reason": "serious_event"}
    )
    number = answer.json()["proposal"]["number"]
    researcher(study)["api"].post(f"studies/{R}/proposals/{number}/decision/", {"agreed": True})
    return {**found, "number": number}


def broken(study: Study) -> dict[str, Any]:
    found = supervised(study)
    body = {"reason": "acute_danger", "emergency": True}
    answer = found["api"].post(f"{ONE.format(found['dan'].code)}/code-break/", body)
    return {**found, "number": answer.json()["revealed"]["code_break"]["number"]}


def a_zip() -> SimpleUploadedFile:
    """The small study under other names."""
    text = (SMALL / "study.yaml").read_text()
    for old, new in (
        ("small-study", "other-study"),
        (PUBLIC, "other-mornings"),
        ("prefix: QM", "prefix: QN"),
    ):
        text = text.replace(old, new)
    return SimpleUploadedFile(
        "other.zip", packed({"study.yaml": text}).getvalue(), "application/zip"
    )


def packed(changed: dict[str, str]) -> io.BytesIO:
    """The small study as a zip, with these files changed or added."""
    files = {str(path.relative_to(SMALL)): path.read_text() for path in sorted(SMALL.rglob("*.*"))}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        for name, text in (files | changed).items():
            opened.writestr(name, text)
    return archive


CORRECTION = {
    "outcome": "reached",
    "minutes": 9,
    "steps_done": ["greet"],
    "note": "It was Dan.",
    "reason": "slip",
}
LOG = {"outcome": "reached", "minutes": 12, "steps_done": ["greet"], "note": "Went well."}
R = "small-study"
ONE = f"studies/{R}/participants/{{}}"


def one(name: str, *more: Any) -> Callable[[Any], str]:
    """The page of that name about Dan."""
    return lambda x: page(f"research:{name}", R, x.dan.code, *more)


PAIRS = [
    Pair(
        "join:begin",
        "join",
        "agreed to be screened",
        lambda x: way_in("begin"),
        lambda x: way_in_by_api("begin"),
    ),
    Pair(
        "join:screening",
        "join_questions",
        "questions answered",
        lambda x: way_in("basics"),
        lambda x: way_in_by_api("basics"),
    ),
    Pair(
        "join:screening",
        "join_screening",
        "screening answered",
        lambda x: way_in("mood"),
        lambda x: way_in_by_api("mood"),
    ),
    Pair(
        "join:leave_phone",
        "join_phone",
        "alert raised",
        lambda x: way_in("mood", i9=1).post(
            page("join:leave_phone", PUBLIC), {"phone": "06 1234 5678"}
        ),
        lambda x: way_in_by_api("mood", i9=1).post(
            f"join/{PUBLIC}/phone/", {"phone": "06 1234 5678"}
        ),
    ),
    Pair(
        "join:contact",
        "join_contact",
        "",
        lambda x: way_in("contact"),
        lambda x: way_in_by_api("contact"),
    ),
    Pair(
        "join:code",
        "join_verify",
        "address verified",
        lambda x: way_in("code"),
        lambda x: way_in_by_api("code"),
    ),
    Pair(
        "join:sign",
        "join_consent",
        "consent signed",
        lambda x: sign_by_page(),
        lambda x: sign_by_api(),
    ),
    Pair(
        "join:correct",
        "join_correct",
        "screening corrected",
        lambda x: corrected_by_page(),
        lambda x: corrected_by_api(),
    ),
    Pair(
        "join:decline",
        "join_decline",
        "stopped",
        lambda x: way_in("basics").post(page("join:decline", PUBLIC)),
        lambda x: way_in_by_api("basics").post(f"join/{PUBLIC}/decline/"),
    ),
    Pair(
        "participant:language",
        "language",
        "language chosen",
        lambda x: x.browser.post(page("participant:language"), {"language": "nl"}),
        lambda x: x.api.put("language/", {"language": "nl"}),
        in_lessons,
    ),
    Pair(
        "participant:zone",
        "zone",
        "time zone chosen",
        lambda x: x.browser.post(page("participant:zone"), {"timezone": "America/Paramaribo"}),
        lambda x: x.api.put("time-zone/", {"timezone": "America/Paramaribo"}),
        in_lessons,
    ),
    Pair(
        "participant:name",
        "name",
        "name corrected",
        lambda x: x.browser.post(page("participant:name"), {"name": "Daniel"}),
        lambda x: x.api.put("name/", {"name": "Daniel"}),
        in_lessons,
    ),
    Pair(
        "participant:address",
        "address",
        "",
        lambda x: x.browser.post(page("participant:address"), {"email": "d@example.net"}),
        lambda x: x.api.post("address/", {"email": "d@example.net"}),
        in_lessons,
    ),
    Pair(
        "participant:address_code",
        "address_code",
        "e-mail address changed",
        lambda x: x.browser.post(page("participant:address_code"), {"code": clients.mailed_code()}),
        lambda x: x.api.post(
            "address/code/", {"email": "d@example.net", "code": clients.mailed_code()}
        ),
        asked_for_a_new_address,
    ),
    Pair(
        "participant:phone",
        "phone",
        "phone number corrected",
        lambda x: x.browser.post(page("participant:phone"), {"phone": "06 8765 4321"}),
        lambda x: x.api.put("phone/", {"phone": "06 8765 4321"}),
        in_lessons,
    ),
    Pair(
        "participant:call_times",
        "call_times",
        "preferred call times given",
        lambda x: x.browser.post(page("participant:call_times"), {"mon": ["evening"]}),
        lambda x: x.api.put("call-times/", {"times": ["mon-evening"]}),
        asked_for_questions,
    ),
    Pair(
        "participant:questions",
        "questions",
        "questions answered",
        lambda x: x.browser.post(page("participant:questions"), {"helped": "no"}),
        lambda x: x.api.post("questions/", {"answers": {"helped": "no"}}),
        asked_for_questions,
    ),
    Pair(
        "participant:start",
        "assessment_start",
        "assessment started",
        lambda x: x.browser.post(page("participant:start", "pre", "PHQ9")),
        lambda x: x.api.post("assessments/pre/PHQ9/start/"),
        consented,
    ),
    Pair(
        "participant:item",
        "assessment",
        "",
        lambda x: x.browser.post(
            page("participant:item", "pre", "PHQ9") + "?item=1", {"answer": "2"}
        ),
        lambda x: x.api.put("assessments/pre/PHQ9/", {"answers": {"1": 2}}),
        consented,
    ),
    Pair(
        "participant:submit",
        "assessment",
        "assessment submitted",
        lambda x: x.browser.post(page("participant:submit", "pre", "PHQ9")),
        lambda x: x.api.post("assessments/pre/PHQ9/", clients.sheet(x.dan, "pre", "PHQ9")),
        drafted,
    ),
    Pair(
        "participant:skip",
        "assessment_decline",
        "assessment declined",
        lambda x: x.browser.post(page("participant:skip", "pre", "PHQ9")),
        lambda x: x.api.post("assessments/pre/PHQ9/decline/"),
        consented,
    ),
    Pair(
        "participant:lesson_begin",
        "lesson_begin",
        "module begun",
        lambda x: x.browser.post(page("participant:lesson_begin", "welcome")),
        lambda x: x.api.post("lessons/welcome/begin/"),
        in_lessons,
    ),
    Pair(
        "participant:lesson_save",
        "exercise",
        "",
        lambda x: x.browser.post(
            page("participant:lesson_save", "welcome"), {x.exercise: "A walk"}
        ),
        lambda x: x.api.put(f"lessons/welcome/exercises/{x.exercise}/", {"value": "A walk"}),
        lambda study: {**begun_lesson(study), "exercise": an_exercise(study)[0]},
    ),
    Pair(
        "participant:lesson_done",
        "lesson_done",
        "module done",
        lambda x: x.browser.post(page("participant:lesson_done", "welcome")),
        lambda x: x.api.post("lessons/welcome/done/"),
        begun_lesson,
    ),
    Pair(
        "participant:lesson_reopen",
        "lesson_reopen",
        "module reopened",
        lambda x: x.browser.post(page("participant:lesson_reopen", "welcome")),
        lambda x: x.api.post("lessons/welcome/reopen/"),
        done_lesson,
    ),
    Pair(
        "participant:stop_programme",
        "stop_programme",
        "programme stopped",
        lambda x: x.browser.post(page("participant:stop_programme"), {"reason": "no_time"}),
        lambda x: x.api.post("programme/stop/", {"reason": "no_time"}),
        in_lessons,
    ),
    Pair(
        "participant:withdraw",
        "withdraw",
        "withdrawn",
        lambda x: x.browser.post(page("participant:withdraw"), {"reason": "other"}),
        lambda x: x.api.post("withdraw/", {"reason": "other"}),
        in_lessons,
    ),
    Pair(
        "coach:number",
        "show_number",
        "contact details shown",
        lambda x: x.browser.post(page("coach:number", x.dan.code)),
        lambda x: x.api.post(f"caseload/{x.dan.code}/show-number/"),
        coached,
    ),
    Pair(
        "coach:start",
        "call_start",
        "call started",
        lambda x: x.browser.post(page("coach:start", x.dan.code, 1)),
        lambda x: x.api.post(f"caseload/{x.dan.code}/contacts/1/start/"),
        coached,
    ),
    Pair(
        "coach:attempt",
        "call_log",
        "call logged",
        lambda x: x.browser.post(
            page("coach:attempt", x.dan.code, x.attempt),
            {**LOG, "next_on": "2026-03-10", "next_time": "14:30"},
        ),
        lambda x: x.api.post(
            f"caseload/{x.dan.code}/contacts/1/log/", {**LOG, "next_at": "2026-03-10T13:30:00Z"}
        ),
        in_a_call,
    ),
    Pair(
        "coach:take_back",
        "call_take_back",
        "call taken back",
        lambda x: x.browser.post(page("coach:take_back", x.dan.code, x.attempt)),
        lambda x: x.api.post(f"caseload/{x.dan.code}/contacts/1/take-back/"),
        in_a_call,
    ),
    Pair(
        "coach:correct",
        "call_correct",
        "call log corrected",
        lambda x: x.browser.post(page("coach:correct", x.dan.code, x.attempt), CORRECTION),
        lambda x: x.api.post(f"caseload/{x.dan.code}/tries/{x.attempt}/correct/", CORRECTION),
        in_a_logged_call,
    ),
    Pair(
        "coach:give_up",
        "call_give_up",
        "contact not held",
        lambda x: x.browser.post(page("coach:give_up", x.dan.code, 1), {"reason": "away"}),
        lambda x: x.api.post(f"caseload/{x.dan.code}/contacts/1/give-up/", {"reason": "away"}),
        coached,
    ),
    Pair(
        "coach:reassign",
        "reassign",
        "coach assigned",
        lambda x: x.browser.post(
            page("coach:reassign", x.dan.code), {"coach": x.other, "reason": "workload"}
        ),
        lambda x: x.api.post(
            f"caseload/{x.dan.code}/reassign/", {"coach": x.other, "reason": "workload"}
        ),
        two_coaches,
    ),
    Pair(
        "research:load",
        "studies",
        "protocol version stored",
        lambda x: x.browser.post(page("research:load"), {"upload": a_zip(), "simulated": "on"}),
        lambda x: x.api.upload("studies/", upload=a_zip(), simulated="true"),
        researcher,
    ),
    Pair(
        "research:open",
        "study_open",
        "study opened",
        lambda x: x.browser.post(page("research:open", R), {"sure": "on"}),
        lambda x: x.api.post(f"studies/{R}/open/"),
        draft_study,
    ),
    *(
        Pair(
            f"research:{verb}",
            f"study_{verb}",
            f"study {after}",
            lambda x, verb=verb: x.browser.post(
                page(f"research:{verb}", R), {"reason": "Because", "sure": "on"}
            ),
            lambda x, verb=verb: x.api.post(f"studies/{R}/{verb}/", {"reason": "Because"}),
            given,
        )
        for verb, after, given in (
            ("pause", "paused", researcher),
            ("resume", "open", paused_study),
            ("close", "closed", researcher),
            ("lock", "locked", closed_study),
        )
    ),
    Pair(
        "research:confirm_line",
        "confirm_line",
        "crisis_line confirmed",
        lambda x: x.browser.post(
            page("research:confirm_line", R), {"subject": "113 Zelfmoordpreventie"}
        ),
        lambda x: x.api.post(
            f"studies/{R}/crisis-lines/confirm/", {"subject": "113 Zelfmoordpreventie"}
        ),
        amended,
    ),
    Pair(
        "research:confirm_wording",
        "confirm_wording",
        "wording confirmed",
        lambda x: x.browser.post(page("research:confirm_wording", R), {"subject": "PHQ9:nl"}),
        lambda x: x.api.post(f"studies/{R}/wordings/confirm/", {"subject": "PHQ9:nl"}),
        amended,
    ),
    Pair(
        "research:erase",
        "person_erase",
        "identity erased",
        lambda x: x.browser.post(
            page("research:erase", R, x.dan.code), {"reason": "asked_by_participant", "sure": "on"}
        ),
        lambda x: x.api.post(
            f"studies/{R}/participants/{x.dan.code}/erase/", {"reason": "asked_by_participant"}
        ),
        with_people,
    ),
    Pair(
        "research:invite",
        "staff",
        "staff invited",
        lambda x: x.browser.post(
            page("research:invite", R), {"email": "new@example.org", "role": "coach"}
        ),
        lambda x: x.api.post(f"studies/{R}/staff/", {"email": "new@example.org", "role": "coach"}),
        researcher,
    ),
    Pair(
        "research:withdraw_invitation",
        "invitation_withdraw",
        "invitation withdrawn",
        lambda x: x.browser.post(page("research:withdraw_invitation", R, x.number)),
        lambda x: x.api.post(f"studies/{R}/invitations/{x.number}/withdraw/"),
        with_an_invitation,
    ),
    Pair(
        "staff:agreement",
        "agreement",
        "second person agreed",
        lambda x: x.browser.post(page("staff:agreement", x.number), {"is_agreed": "yes"}),
        lambda x: x.api.post(f"agreements/{x.number}/", {"agreed": True}),
        asked_for_a_role,
    ),
    Pair(
        "research:lost_mailbox",
        "person_address",
        "second person asked",
        lambda x: x.browser.post(page("research:lost_mailbox", R, x.dan.code), OTHER_ADDRESS),
        lambda x: x.api.post(f"studies/{R}/participants/{x.dan.code}/address/", OTHER_ADDRESS),
        with_a_second_person,
    ),
    Pair(
        "staff:show_number",
        "agreement_number",
        "contact details shown",
        lambda x: x.browser.post(page("staff:show_number", x.number)),
        lambda x: x.api.post(f"agreements/{x.number}/number/"),
        asked_for_an_address,
    ),
    Pair(
        "staff:agreement",
        "agreement",
        "second person agreed",
        lambda x: x.browser.post(
            page("staff:agreement", x.number),
            {"is_agreed": "yes", "called": "on", "email": OTHER_ADDRESS["email"]},
        ),
        lambda x: x.api.post(
            f"agreements/{x.number}/",
            {"agreed": True, "called": True, "email": OTHER_ADDRESS["email"]},
        ),
        looked_up_the_number,
    ),
    Pair(
        "staff:tokens",
        "token",
        "token made",
        lambda x: x.browser.post(
            page("staff:tokens"),
            {"name": "a notebook", "days": "9", "password": factories.PASSWORD},
        ),
        lambda x: Client().post(
            "token/",
            {
                "name": "a notebook",
                "days": 9,
                "email": x.user.email,
                "password": factories.PASSWORD,
            },
        ),
        researcher,
    ),
    Pair(
        "staff:end_token",
        "token_end",
        "token ended",
        lambda x: x.browser.post(page("staff:end_token", x.number)),
        lambda x: x.api.post(f"tokens/{x.number}/end/"),
        with_a_token,
    ),
    Pair(
        "participant:end_token",
        "token_end",
        "token ended",
        lambda x: x.browser.post(page("participant:end_token", x.number)),
        lambda x: x.api.post(f"tokens/{x.number}/end/"),
        joined_with_an_app,
    ),
    Pair(
        "research:end_role",
        "staff_end",
        "role ended",
        lambda x: x.browser.post(page("research:end_role", R, x.number)),
        lambda x: x.api.post(f"studies/{R}/staff/{x.number}/end/"),
        with_a_member,
    ),
    Pair(
        "assessor:enter",
        "assessment_enter",
        "assessment submitted",
        lambda x: x.browser.post(
            page("assessor:enter", R, x.dan.code, "pre", "PHQ9"), typed_by_phone()
        ),
        lambda x: x.api.post(
            f"studies/{R}/participants/{x.dan.code}/assessments/pre/PHQ9/", by_phone(x.dan)
        ),
        due_to_an_assessor,
    ),
    Pair(
        "research:send_again",
        "message_again",
        "message queued again",
        lambda x: x.browser.post(page("research:send_again", R, x.message)),
        lambda x: x.api.post(f"studies/{R}/messages/{x.message}/again/"),
        with_a_message,
    ),
    Pair(
        "research:send_all_again",
        "mail_again",
        "message queued again",
        lambda x: x.browser.post(page("research:send_all_again", R, x.dan.code)),
        lambda x: x.api.post(f"studies/{R}/messages/{x.dan.code}/all-again/"),
        with_failed_mail,
    ),
    Pair(
        "research:take_alert",
        "alert_take",
        "alert taken",
        lambda x: x.browser.post(page("research:take_alert", R, x.number)),
        lambda x: x.api.post(f"studies/{R}/alerts/{x.number}/take/"),
        with_an_alert,
    ),
    Pair(
        "research:alert_contact",
        "alert_contact",
        "contact details shown",
        lambda x: x.browser.post(page("research:alert_contact", R, x.number)),
        lambda x: x.api.post(f"studies/{R}/alerts/{x.number}/contact/"),
        with_a_taken_alert,
    ),
    Pair(
        "research:close_alert",
        "alert_close",
        "alert closed",
        lambda x: x.browser.post(page("research:close_alert", R, x.number), {"done": "Called."}),
        lambda x: x.api.post(f"studies/{R}/alerts/{x.number}/close/", {"done": "Called."}),
        with_a_taken_alert,
    ),
    Pair(
        "research:design_annex",
        "randomisation_annex",
        "sealed annex given",
        lambda x: x.browser.post(page("research:design_annex", R)),
        lambda x: x.api.post(f"studies/{R}/randomisation/annex/"),
        draft_study,
    ),
    Pair(
        "research:halt",
        "switches",
        "randomisation halted",
        lambda x: x.browser.post(
            page("research:halt", R), {"part": "arm:guided", "reason": "coaches_full"}
        ),
        lambda x: x.api.post(
            f"studies/{R}/switches/",
            {"level": "arm", "target": "guided", "halted": True, "reason": "coaches_full"},
        ),
        researcher,
    ),
    Pair(
        "research:go_on",
        "switches",
        "randomisation goes on",
        lambda x: x.browser.post(
            page("research:go_on", R), {"level": "study", "reason": "coaches_free"}
        ),
        lambda x: x.api.post(
            f"studies/{R}/switches/", {"level": "study", "halted": False, "reason": "coaches_free"}
        ),
        halted,
    ),
    Pair(
        "research:correct",
        "corrections",
        "covariate of an allocation corrected",
        lambda x: x.browser.post(
            one("correct", "start")(x), {"value_sex": "m", "reason": "entered_wrongly"}
        ),
        lambda x: x.api.post(
            f"{ONE.format(x.dan.code)}/corrections/",
            {"values": {"sex": "m"}, "reason": "entered_wrongly"},
        ),
        supervised,
    ),
    Pair(
        "research:mark",
        "error_marks",
        "second person asked",
        lambda x: x.browser.post(one("mark", "start")(x), {"reason": "test_entry", "sure": "on"}),
        lambda x: x.api.post(f"{ONE.format(x.dan.code)}/error-marks/", {"reason": "test_entry"}),
        supervised,
    ),
    Pair(
        "research:ineligible",
        "ineligible",
        "found ineligible after allocation",
        lambda x: x.browser.post(one("ineligible", "start")(x), {"reason": "criterion_overlooked"}),
        lambda x: x.api.post(
            f"{ONE.format(x.dan.code)}/ineligible/", {"reason": "criterion_overlooked"}
        ),
        supervised,
    ),
    Pair(
        "research:received",
        "treatment_received",
        "another treatment received",
        lambda x: x.browser.post(
            one("received", "start")(x), {"received": "guided", "reason": "staff_mistake"}
        ),
        lambda x: x.api.post(
            f"{ONE.format(x.dan.code)}/treatment-received/",
            {"received": "guided", "reason": "staff_mistake"},
        ),
        supervised,
    ),
    Pair(
        "research:force",
        "forced_allocation",
        "second person asked",
        lambda x: x.browser.post(one("force")(x), {"arm": "guided", "reason": "fallback_list"}),
        lambda x: x.api.post(
            f"{ONE.format(x.dan.code)}/forced-allocation/",
            {"arm": "guided", "reason": "fallback_list"},
        ),
        to_be_forced,
    ),
    Pair(
        "research:settle",
        "same_person",
        "looked into as a possible duplicate",
        lambda x: x.browser.post(one("settle")(x), {"verdict": "same_person"}),
        lambda x: x.api.post(f"{ONE.format(x.dan.code)}/same-person/", {"verdict": "same_person"}),
        came_twice,
    ),
    Pair(
        "research:break_code",
        "code_break",
        "second person asked",
        lambda x: x.browser.post(one("break_code", "start")(x), {"reason": "serious_event"}),
        lambda x: x.api.post(f"{ONE.format(x.dan.code)}/code-break/", {"reason": "serious_event"}),
        supervised,
    ),
    Pair(
        "research:break_at_once",
        "code_break",
        "code broken",
        lambda x: x.browser.post(one("break_at_once", "start")(x), {"reason": "acute_danger"}),
        lambda x: x.api.post(
            f"{ONE.format(x.dan.code)}/code-break/", {"reason": "acute_danger", "emergency": True}
        ),
        supervised,
    ),
    Pair(
        "research:decide",
        "decision",
        "marked as made in error",
        lambda x: x.browser.post(page("research:decide", R, x.number), {"is_agreed": "yes"}),
        lambda x: x.api.post(f"studies/{R}/proposals/{x.number}/decision/", {"agreed": True}),
        asked_to_mark,
    ),
    Pair(
        "research:decide",
        "decision",
        "allocation forced",
        lambda x: x.browser.post(page("research:decide", R, x.number), {"is_agreed": "yes"}),
        lambda x: x.api.post(f"studies/{R}/proposals/{x.number}/decision/", {"agreed": True}),
        asked_to_force,
    ),
    Pair(
        "research:show_arm",
        "show_arm",
        "code broken",
        lambda x: x.browser.post(page("research:show_arm", R, x.number)),
        lambda x: x.api.post(f"studies/{R}/proposals/{x.number}/show/"),
        agreed_to_break,
    ),
    Pair(
        "research:impact",
        "impact",
        "impact of a code-break assessed",
        lambda x: x.browser.post(
            page("research:impact", R, x.number), {"text": "Nobody who assesses knows."}
        ),
        lambda x: x.api.post(
            f"studies/{R}/code-breaks/{x.number}/impact/", {"text": "Nobody who assesses knows."}
        ),
        broken,
    ),
    Pair(
        "research:verify",
        "audit_verifications",
        "audit verification requested",
        lambda x: x.browser.post(page("research:verify", R)),
        lambda x: x.api.post(f"studies/{R}/audit/verifications/"),
        with_people,
    ),
    Pair(
        "research:request_report",
        "reports",
        "report requested",
        lambda x: x.browser.post(
            page("research:request_report", R), {"kind": "blinded", "language": "en"}
        ),
        lambda x: x.api.post(f"studies/{R}/reports/", {"kind": "blinded", "language": "en"}),
        with_people,
    ),
    Pair(
        "research:remove_report",
        "report",
        "report removed",
        lambda x: x.browser.post(page("research:remove_report", R, x.number)),
        lambda x: x.api.delete(f"studies/{R}/reports/{x.number}/"),
        with_a_report,
    ),
    Pair(
        "research:remove_export",
        "export",
        "export removed",
        lambda x: x.browser.post(page("research:remove_export", R, x.number)),
        lambda x: x.api.delete(f"studies/{R}/exports/{x.number}/"),
        with_an_export,
    ),
    Pair(
        "research:request_export",
        "exports",
        "export requested",
        lambda x: x.browser.post(page("research:request_export", R), {"kind": "blinded"}),
        lambda x: x.api.post(f"studies/{R}/exports/", {"kind": "blinded"}),
        with_people,
    ),
]


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_a_page_and_its_endpoint_leave_the_same_behind(pair, study):
    given = SimpleNamespace(**pair.given(study))

    by_page = left_behind(lambda: pair.by_page(given))
    by_api = left_behind(lambda: pair.by_api(given))

    assert by_api == by_page
    if pair.does:
        assert pair.does in [action for action, *_rest in by_page["events"]]
    elif pair.page not in {
        "join:contact",
        "participant:address",
    }:  # a code is mailed, and nothing is known yet
        assert by_page["drafts"] != []


def left_behind(do: Callable[[], Any]) -> dict[str, list[Any]]:
    """What an act leaves behind, and then the database is as it was."""
    saved = transaction.savepoint()
    before = list(AuditEvent.objects.values_list("pk", flat=True))
    drafts = list(found_drafts())
    answer = do()
    assert getattr(answer, "status_code", 200) < 400, getattr(answer, "content", b"")[:500]
    new = AuditEvent.objects.exclude(pk__in=before).order_by("stream", "number")
    result = {
        "events": [
            (each.action, plain(each.subject), plain(each.by), each.role, each.reason)
            for each in new
        ],
        "drafts": [each for each in found_drafts() if each not in drafts],
    }
    transaction.savepoint_rollback(saved)
    return result


def found_drafts() -> Iterator[Any]:
    for exercise in ExerciseAnswer.objects.select_related("participant__key").order_by("pk"):
        yield exercise.exercise, exercise.participant.unsealed(exercise.value_sealed)
    for row in (
        Assessment.objects.filter(submitted_at__isnull=True).exclude(answers={}).order_by("pk")
    ):
        yield row.timepoint, row.instrument, row.answers


def plain(text: str) -> str:
    """Without what differs from one person to the next: code and numbers of rows."""
    return re.sub(r"\d+", "#", re.sub(r"\bQM-\w+", "CODE", text))


def test_every_page_that_writes_has_an_endpoint():
    paired = {pair.page for pair in PAIRS}
    assert sorted(writing_pages()) == sorted(paired | set(WITHOUT_AN_ENDPOINT))


def test_every_endpoint_that_writes_has_a_page():
    alone = {
        "randomisation_exports": "for programs; at a desk it is `manage.py verify_randomisation "
        "STUDY --export FILE`",
        "randomisation_export": "the same",
        "allocations": "for a study that registers its people elsewhere; here the journey "
        "allocates by itself",
    }
    paired = {pair.endpoint for pair in PAIRS}
    assert sorted(writing_endpoints()) == sorted(paired | set(alone))


def writing_pages() -> set[str]:
    found = set()
    for resolver in get_resolver().url_patterns:
        if isinstance(resolver, URLResolver) and resolver.namespace in ROOMS:
            found |= {
                f"{resolver.namespace}:{each.name}"
                for each in routes(resolver)
                if "POST" in methods(each.callback)
            }
    return found


def writing_endpoints() -> set[str]:
    resolver = next(
        each for each in get_resolver().url_patterns if str(each.pattern) == f"{BASE[1:]}/"
    )
    return {
        each.name for each in routes(resolver) if {"post", "put", "delete"} & set(vars_of(each))
    }


def vars_of(route: Any) -> list[str]:
    return [name for name in ("post", "put", "delete") if hasattr(route.callback.view_class, name)]


def routes(resolver: URLResolver) -> Iterator[Any]:
    for each in resolver.url_patterns:
        yield from routes(each) if isinstance(each, URLResolver) else [each]


def methods(view: Any) -> set[str]:
    """What a view's require_... decorators allow, however deep they stand."""
    allowed: set[str] = set()
    while view is not None:
        names = getattr(getattr(view, "__code__", None), "co_freevars", ())
        if "request_method_list" in names:
            allowed |= set(view.__closure__[names.index("request_method_list")].cell_contents)
        view = getattr(view, "__wrapped__", None)
    assert allowed, "a view says which methods it allows"
    return allowed
