"""The stream of the installation: who of the staff signed in, what failed, and never a
participant.
"""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import time_machine
from allauth.account.adapter import get_adapter
from allauth.core.context import request_context
from allauth.mfa.totp.internal import auth as totp
from django.contrib.sessions.backends.db import SessionStore
from django.core import mail
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from tests import dump, factories, made
from tests.api.clients import Client as Program
from tests.api.clients import mailed_code
from tests.conftest import NOW
from trial import actors, audit, worker
from trial.actions import installation as actions
from trial.actions import staff as staff_actions
from trial.models import AuditEvent, FailedSignIns, User
from trial.queries import installation

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def the_clock_stands_still(db):
    with time_machine.travel(NOW, tick=False):
        cache.clear()
        yield


@pytest.fixture
def ada(study, staff):
    return staff("researcher")


def signed_in(user):
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def sign_in(user, password=factories.PASSWORD):
    client = Client()
    client.post(reverse("account_login"), {"login": user.email, "password": password})
    return client


def code_of(secret):
    return totp.format_hotp_value(
        totp.hotp_value(secret, next(iter(totp.yield_hotp_counters_from_time())))
    )


def noted():
    return [
        (each.action, each.subject, each.by) for each in installation.events().order_by("number")
    ]


def of_study(study, action):
    return list(
        AuditEvent.objects.filter(study=study.slug, action=action).values_list(
            "subject", "by", "new"
        )
    )


def test_a_sign_in_of_staff_is_an_event(ada):
    sign_in(ada)
    assert noted() == [("signed in", f"staff {ada.pk}", f"staff {ada.pk}")]
    assert audit.verify(installation.the_installation()) == []


def test_a_participants_sign_in_is_recorded_nowhere(study):
    dan = factories.a_verified_participant(study, NOW)
    before = AuditEvent.objects.count()
    browser = Client()
    browser.post(
        reverse("account_request_login_code"), {"email": dan.identity.email, "request_key": "k"}
    )
    answer = browser.post(reverse("account_confirm_login_code"), {"code": mailed_code()})
    assert answer.status_code == 302
    assert browser.get(reverse("participant:data")).status_code == 200
    assert AuditEvent.objects.count() == before


def test_sign_ins_that_fail_are_one_event_an_hour_without_an_address(study, ada):
    for _ in range(2):
        sign_in(ada, "wrong")
    Program().post("token/", {"email": "nobody@example.org", "password": "x" * 12, "name": "x"})
    with time_machine.travel(NOW + HOUR, tick=False):
        sign_in(ada, "wrong")
    worker.tick(NOW + HOUR, seal=False)
    worker.tick(NOW + HOUR, seal=False)
    (event,) = installation.events()
    assert (event.action, event.by) == ("sign-ins failed", "system worker")
    assert json.loads(event.new) == {"count": 3, "hour": "2026-03-02T10:00:00.000000+00:00"}
    assert FailedSignIns.objects.get(told_at=None).count == 1
    assert dump.found(["nobody@example.org"]) == []


def test_a_second_factor_is_recorded_when_it_is_set_and_removed_and_when_its_code_was_wrong(
    ada, django_capture_on_commit_callbacks
):
    browser = signed_in(ada)
    browser.post(reverse("account_reauthenticate"), {"password": factories.PASSWORD})
    page = browser.get(reverse("mfa_activate_totp"))
    secret = page.context["form"].secret
    with django_capture_on_commit_callbacks(execute=True):
        assert (
            browser.post(reverse("mfa_activate_totp"), {"code": code_of(secret)}).status_code == 302
        )
    again = sign_in(ada)
    again.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert FailedSignIns.objects.get().count == 1
    with time_machine.travel(NOW + timedelta(minutes=2), tick=False):  # a code works once
        assert again.post(reverse("mfa_authenticate"), {"code": code_of(secret)}).status_code == 302
        again.post(reverse("account_reauthenticate"), {"password": factories.PASSWORD})
        assert again.post(reverse("mfa_deactivate_totp")).url == reverse("mfa_index")
    assert [what for what, *_rest in noted()] == [
        "second factor set",
        "signed in",
        "second factor removed",
    ]


def test_tokens_and_a_changed_password_are_events_of_the_account(ada):
    browser = signed_in(ada)
    made = {"name": "a notebook", "days": "9", "password": factories.PASSWORD}
    browser.post(reverse("staff:tokens"), made)
    new = "another quiet morning walk"
    changed = {"oldpassword": factories.PASSWORD, "password1": new, "password2": new}
    browser.post(reverse("account_change_password"), changed)
    assert [what for what, *_rest in noted()] == ["token made", "tokens ended", "password changed"]


def test_a_download_of_an_export_or_a_report_is_an_event_of_the_study(study, ada, dan):
    by = actors.staff(ada.pk, "researcher")
    export = made.export(study, NOW, by=by)
    assert (
        signed_in(ada).get(reverse("research:export", args=[study.slug, export.pk])).status_code
        == 200
    )
    assert (
        Program(ada).get(f"studies/{study.slug}/exports/{export.pk}/export.zip").status_code == 200
    )
    assert (
        of_study(study, "export downloaded")
        == [(f"export {export.pk}", str(by), '{"kind":"zip"}')] * 2
    )


def test_a_look_at_the_list_of_addresses_is_an_event_once_an_hour(study, ada):
    browser, page = signed_in(ada), reverse("research:staff", args=[study.slug])
    for _ in range(2):
        browser.get(page)
    with time_machine.travel(NOW + HOUR, tick=False):
        browser.get(page)
    assert of_study(study, "contact details listed") == [("staff", f"staff {ada.pk}", "")] * 2


def test_the_stream_is_sealed_by_the_worker_and_checked_by_the_command(ada, capsys):
    sign_in(ada)
    worker.tick(NOW + HOUR, seal=False)
    call_command("verify_audit")
    seal = audit.newest_seal(installation.the_installation())
    assert f"!installation: holds together; newest seal {seal}" in capsys.readouterr().out


def test_who_let_whom_in_to_load_studies_is_recorded(db):
    sent = staff_actions.invite(
        study=None,
        email="ada@example.org",
        role="researcher",
        by=actors.Actor("system", "invite"),
        at=NOW,
    )
    token = staff_actions.token_of(sent)
    ada = staff_actions.accept(
        token=token, full_name="Ada", password="a quiet walk", by=actors.SYSTEM, at=NOW
    )
    assert noted() == [
        ("staff invited", f"invitation {sent.pk}", "system invite"),
        ("may load studies", f"staff {ada.pk}", "system"),
    ]


def test_the_page_is_for_whoever_may_load_studies(ada):
    page = reverse("staff:installation")
    assert signed_in(ada).get(page).status_code == 404
    User.objects.filter(pk=ada.pk).update(is_staff=True)
    ada.refresh_from_db()
    assert "Nobody signed in yet" in signed_in(ada).get(page).content.decode()
    assert "Ada Visser" in sign_in(ada).get(page).content.decode()


def test_whatever_way_a_participant_signs_in_it_is_recorded_nowhere(rf, study, ada):
    """Their own pages do not come by here; should allauth ever sign one in, that is no event and no
    machine is known.
    """
    dan = factories.a_verified_participant(study, NOW)
    given = {
        "email_verification": "none",
        "signal_kwargs": None,
        "email": None,
        "signup": False,
        "redirect_url": None,
    }
    before = AuditEvent.objects.count()
    answers = []
    for user in (dan.user, ada):
        request = rf.get("/")
        request.session = SessionStore()
        with request_context(request):
            answers.append(get_adapter().post_login(request, user, **given))
    assert [answer.url for answer in answers] == [reverse("door")] * 2
    assert [len(answer.cookies) for answer in answers] == [0, 1]
    assert AuditEvent.objects.count() == before + 1
    assert noted() == [("signed in", f"staff {ada.pk}", f"staff {ada.pk}")]


def test_only_what_changes_how_somebody_signs_in_is_recorded(ada):
    for prefix in ("account/email/email_changed", "mfa/email/recovery_codes_generated"):
        get_adapter().send_notification_mail(prefix, ada)
    assert [what for what, *_ in noted()] == ["recovery codes made"]
    assert mail.outbox == []


def test_an_hour_of_failed_sign_ins_is_told_once_whoever_comes_to_it(ada):
    sign_in(ada, "wrong")
    row = FailedSignIns.objects.get()
    assert [actions._told(row.pk, NOW + HOUR) for _ in range(2)] == [True, False]
    assert [what for what, *_ in noted()] == ["sign-ins failed"]
