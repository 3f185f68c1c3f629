"""Each endpoint refuses everybody it is not for: 401 without a sign-in, 404 for another audience,
403 in the wrong role.
"""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from django.urls import get_resolver, reverse

from tests import factories
from tests.api.clients import Client, of
from tests.api.test_pairs import routes
from trial import actors
from trial.actions import alerts

pytestmark = [pytest.mark.once, pytest.mark.django_db]

PUBLIC = {"schema", "docs", "token", "join"}
EVERYBODYS = {"tokens", "token_end"}  # of one's own account
WAY_IN = {
    "join_questions",
    "join_screening",
    "join_phone",
    "join_contact",
    "join_verify",
    "join_consent",
    "join_decline",
    "join_correct",
}
PARTICIPANT = {
    *(
        "today",
        "call_times",
        "language",
        "phone",
        "name",
        "address",
        "address_code",
        "zone",
        "withdraw",
        "stop_programme",
        "questions",
        "calls",
    ),
    *("lessons", "lesson", "lesson_begin", "lesson_done", "lesson_reopen", "exercise"),
    *("sittings", "sitting", "assessment", "assessment_start", "assessment_decline"),
}
COACH = {
    *(
        "caseload",
        "caseload_person",
        "show_number",
        "call_start",
        "call_log",
        "call_correct",
        "call_give_up",
    ),
    "call_take_back",
}
STAFF = ("researcher", "statistician", "coach", "supervisor", "assessor")
ROLES = {  # who may use what in a study; nobody else
    **{key: {"coach", "supervisor"} for key in COACH},
    **{key: {"supervisor"} for key in ("reassign", "coaches")},
    "studies": set(STAFF),
    **{
        key: {"researcher", "statistician"}
        for key in ("study", "people", "reports", "report", "report_pdf", "report_html")
    },
    **{
        key: {"researcher", "statistician"} for key in ("audit_verifications", "audit_verification")
    },
    "report_results": {"researcher", "statistician"},
    **{key: {"researcher", "statistician"} for key in ("exports", "export", "export_zip")},
    **{key: {"researcher"} for key in ("study_open", "study_pause", "study_resume", "study_close")},
    **{key: {"researcher"} for key in ("confirm_line", "confirm_wording", "person_erase")},
    **{key: {"researcher", "supervisor"} for key in ("person_address", "agreement_number")},
    **{key: {"researcher"} for key in ("staff", "staff_end", "invitations", "invitation_withdraw")},
    **{key: {"researcher", "supervisor"} for key in ("messages", "message_again", "mail_again")},
    "allocations": {"researcher"},
    **{
        key: {"researcher", "supervisor"}
        for key in ("switches", "corrections", "error_marks", "ineligible")
    },
    **{key: {"researcher", "supervisor"} for key in ("same_person", "decision", "impact")},
    **{
        key: {"supervisor"}
        for key in ("treatment_received", "forced_allocation", "code_break", "show_arm")
    },
    **{key: set(STAFF) for key in ("agreements", "agreement")},
    "study_lock": {"statistician"},
    **{
        key: {"statistician"}
        for key in ("randomisation_exports", "randomisation_export", "randomisation_export_json")
    },
    "randomisation_assessment": {"researcher", "statistician"},
    "randomisation_annex": {"researcher"},
    **{
        key: {"researcher", "supervisor"}
        for key in ("alerts", "alert_take", "alert_contact", "alert_close")
    },
    **{key: {"assessor"} for key in ("assessments_due", "assessment_enter")},
}
EVERYBODY = ("anonymous", "participant", *STAFF)


@pytest.fixture
def cast(study, now):
    return a_cast(study, now)


def a_cast(study, now) -> SimpleNamespace:
    """One of each, and Dan, who is guided and coached by Ben."""
    dan = factories.a_participant_in(study, "guided", now)
    alert = alerts.raise_alert(
        study=study,
        participant=dan,
        kind="item9",
        subject_ref="pre",
        within_hours=24,
        by=actors.SYSTEM,
        at=now,
    )
    people = {
        role: factories.a_staff_member(study, role, "", now)
        for role in EVERYBODY[2:]
        if role != "coach"
    }
    people["coach"] = study.memberships.get(role="coach").user
    clients = {role: Client(user) for role, user in people.items()}
    return SimpleNamespace(
        clients={**clients, "anonymous": Client(), "participant": of(dan)},
        dan=dan,
        alert=alert,
        study=study,
    )


def path_of(name: str, pattern: str, cast) -> str:
    values = {
        "slug": cast.study.public_slug if "join" in name else cast.study.slug,
        "page": "basics" if name == "join_questions" else "mood",
        "code": cast.dan.code,
        "module": "welcome",
        "exercise": "first",
        "timepoint": "pre",
        "instrument": "PHQ9",
        "number": cast.alert.pk if "alert" in name else 1,
        "membership": 0,  # nobody: a role that ended would take the tokens of this cast with it
        "invitation": 1,
        "message": 1,
        "attempt": 1,
        "point": "start",
    }
    wanted = {key: value for key, value in values.items() if f":{key}>" in pattern}
    return reverse(f"api:{name}", kwargs=wanted).removeprefix("/api/v1/")


def all_routes():
    resolver = next(each for each in get_resolver().url_patterns if str(each.pattern) == "api/v1/")
    return {each.name: each for each in routes(resolver)}


def test_every_endpoint_says_here_whom_it_is_for():
    assert sorted(all_routes()) == sorted(PUBLIC | EVERYBODYS | WAY_IN | PARTICIPANT | set(ROLES))


def test_every_endpoint_refuses_everybody_else(cast):
    for name, route in all_routes().items():
        if name in PUBLIC | EVERYBODYS:
            continue
        path = path_of(name, str(route.pattern), cast)
        for who, client in cast.clients.items():
            for method in (
                each for each in ("get", "post", "put") if hasattr(route.callback.view_class, each)
            ):
                answer = client.get(path) if method == "get" else getattr(client, method)(path, {})
                if not belongs(name, who, method):
                    expected = {401} if who == "anonymous" or name == "join_verify" else {403, 404}
                    assert answer.status_code in expected, (name, who, method, answer.status_code)


def belongs(name: str, who: str, method: str) -> bool:
    if name in WAY_IN | PARTICIPANT:
        return who == "participant"
    if name == "studies" and method == "post":
        return who == "researcher"
    return who in ROLES[name]


def test_the_right_person_is_let_in_to_read(cast):
    for name, route in all_routes().items():
        if name in PUBLIC | EVERYBODYS | WAY_IN or not hasattr(route.callback.view_class, "get"):
            continue
        if re.fullmatch(
            "report(_pdf|_html|_results)?|(randomisation_)?export(_zip|_json)?|audit_verification",
            name,
        ):
            continue  # nothing is asked for yet: tests/api/test_staff.py
        for who in ["participant"] if name in PARTICIPANT else ROLES[name]:
            path = path_of(name, str(route.pattern), cast)
            answer = cast.clients[who].get(path)
            if name == "assessment_enter":  # nothing is due: it does not exist
                assert answer.status_code == 404
            else:
                assert answer.status_code == 200, (name, who, answer.content)


def test_whoever_is_not_coached_gets_404_on_everything_that_is_coaching(study, now):
    unguided = factories.a_participant_in(study, "unguided", now)
    client = of(unguided)
    assert client.get("calls/").status_code == 404
    assert "call" not in client.get("today/").json()

    ben = Client(study.memberships.get(role="coach").user)
    assert ben.get(f"caseload/{unguided.code}/").status_code == 404
    assert ben.post(f"caseload/{unguided.code}/show-number/").status_code == 404


def test_staff_of_another_study_are_told_nothing(study, now):
    from trial.models import User

    stranger = Client(User.objects.create_user(username="stranger", is_staff=True))
    assert stranger.get(f"studies/{study.slug}/").status_code == 404
    assert stranger.post(f"studies/{study.slug}/pause/", {"reason": "x"}).status_code == 404


def test_a_withdrawn_participant_has_no_lessons_or_questionnaires(study, now):
    client = of(factories.a_randomised_participant(study, now))
    assert client.post("withdraw/").json()["state"] == "withdrawn"
    for path in ("lessons/", "assessments/", "calls/", "call-times/"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (409, "not_here"), path
    assert client.get("today/").json()["state"] == "withdrawn"
