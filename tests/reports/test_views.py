import io
import zipfile

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from reports.actions import reports
from reports.models import Report
from tests import factories
from trial import actors
from trial.models import AuditEvent, Study

BY = {"by": actors.staff(1, "researcher")}


@pytest.fixture
def client_of(staff):
    def of(role):
        client = Client()
        client.force_login(staff(role), backend="django.contrib.auth.backends.ModelBackend")
        return client

    return of


def url(name, study, *more):
    return reverse(f"research:{name}", args=[study.slug, *more])


def a_made_report(study, now, kind=Report.BLINDED):
    asked = reports.request(study=study, kind=kind, language="en", **BY, at=now)
    reports.make_due(now)
    asked.refresh_from_db()
    return asked


def make_live(study, state="open"):
    Study.objects.filter(pk=study.pk).update(simulated=False, state=state)


@pytest.mark.parametrize(
    ("role", "reports_status", "exports_status"),
    [
        ("researcher", 200, 200),
        ("statistician", 200, 200),
        ("supervisor", 403, 403),
        ("assessor", 404, 404),
        ("coach", 404, 404),
    ],
)
def test_who_may_see_reports_and_exports(study, client_of, role, reports_status, exports_status):
    client = client_of(role)
    assert client.get(url("reports", study)).status_code == reports_status
    assert client.get(url("exports", study)).status_code == exports_status


def test_a_stranger_is_asked_to_sign_in(study):
    assert Client().get(url("reports", study)).status_code == 302


def test_the_empty_pages_say_what_will_stand_there(study, client_of):
    client = client_of("researcher")
    assert "Reports will stand here" in client.get(url("reports", study)).content.decode()
    assert "Exports will stand here" in client.get(url("exports", study)).content.decode()


def test_a_report_is_asked_for_made_by_the_worker_and_fetched(study, dan, now, client_of):
    client = client_of("researcher")
    answer = client.post(
        url("request_report", study), {"kind": "blinded", "language": "en", "request_key": "k"}
    )
    assert (answer.status_code, answer.url) == (302, url("reports", study))
    assert "Waits for the worker" in client.get(url("reports", study)).content.decode()
    reports.make_due(now)
    made = Report.objects.get()
    shown = client.get(url("report", study, made.pk)).content.decode()
    assert (made.snapshot_hash in shown, "Ada Visser" in shown, made.requested_by in shown) == (
        True,
        True,
        False,
    )
    pdf = client.get(url("report_pdf", study, made.pk))
    assert (pdf["Content-Type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    results = client.get(url("report_results", study, made.pk)).json()
    assert results["meta"]["snapshot_sha256"] == made.snapshot_hash


def test_the_report_on_screen_runs_no_script_and_loads_nothing(study, dan, now, client_of):
    made = a_made_report(study, now)
    answer = client_of("researcher").get(url("report_on_screen", study, made.pk))
    policy = dict(
        part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";")
    )
    assert (
        policy["script-src"],
        policy["style-src"],
        policy["img-src"],
        policy["default-src"],
    ) == (
        "'none'",
        "'unsafe-inline'",
        "data:",
        "'none'",
    )
    assert answer.content == bytes(made.html)
    assert (
        "unsafe-inline"
        not in client_of("researcher").get(url("reports", study))["Content-Security-Policy"]
    )


@pytest.mark.parametrize("language", ["en", "nl"])
def test_a_report_is_offered_in_the_language_of_the_page(study, client_of, language):
    client = client_of("researcher")
    client.cookies["django_language"] = language
    form = client.get(url("reports", study)).context["form"]
    assert form["language"].value() == language


def test_an_export_is_made_and_downloaded(study, dan, client_of):
    client = client_of("researcher")
    answer = client.post(url("make_export", study), {"kind": "blinded", "request_key": "k"})
    assert (answer.status_code, answer.url) == (302, url("exports", study))
    made = Report.objects.get()
    download = client.get(url("export", study, made.pk))
    assert (
        download["Content-Disposition"]
        == f'attachment; filename="small-study-export-{made.pk}.zip"'
    )
    with zipfile.ZipFile(io.BytesIO(download.content)) as bundle:
        assert bundle.testzip() is None


@pytest.mark.parametrize(
    ("route", "given", "action"),
    [
        ("request_report", {"language": "en"}, "report requested"),
        ("make_export", {}, "export made"),
    ],
)
def test_a_double_click_has_one_effect(study, dan, client_of, route, given, action):
    client = client_of("researcher")
    for _ in range(2):
        assert (
            client.post(
                url(route, study), {"kind": "blinded", "request_key": "k", **given}
            ).status_code
            == 302
        )
    assert Report.objects.count() == 1
    assert AuditEvent.objects.filter(action=action).count() == 1
    other = client.post(url(route, study), {"kind": "by_arm", "request_key": "k", **given})
    assert other.status_code == 409


def test_what_was_not_chosen_is_said_beside_it_and_nothing_is_made(study, dan, client_of):
    client = client_of("researcher")
    answer = client.post(url("request_report", study), {"language": "en", "request_key": "k"})
    assert answer.status_code == 400
    assert list(answer.context["form"].errors) == ["kind"]
    assert client.post(url("make_export", study), {"kind": "everything"}).status_code == 400
    assert Report.objects.count() == 0


def test_before_the_first_allocation_the_page_says_so(study, client_of):
    client = client_of("researcher")
    answer = client.post(
        url("make_export", study), {"kind": "blinded", "request_key": "k"}, follow=True
    )
    assert "Nobody is randomised yet" in answer.content.decode()
    assert Report.objects.count() == 0


def test_a_researcher_of_a_live_study_never_gets_the_arms(study, dan, now, client_of):
    made = a_made_report(study, now, Report.BY_ARM)
    export = reports.export(study=study, kind=Report.BY_ARM, **BY, at=now)
    for state in ("open", "locked"):
        make_live(study, state)
        client = client_of("researcher")
        assert [
            k for k, _ in client.get(url("reports", study)).context["form"].fields["kind"].choices
        ] == ["blinded"]
        assert list(client.get(url("reports", study)).context["reports"]) == []
        assert list(client.get(url("exports", study)).context["exports"]) == []
        for name in ("report", "report_on_screen", "report_pdf", "report_results"):
            assert client.get(url(name, study, made.pk)).status_code == 403
        assert client.get(url("export", study, export.pk)).status_code == 403
        assert client.post(url("make_export", study), {"kind": "by_arm"}).status_code == 400


def test_the_statistician_gets_the_arms_once_the_study_is_locked(study, dan, now, client_of):
    made = a_made_report(study, now, Report.BY_ARM)
    client = client_of("statistician")
    make_live(study)
    assert client.get(url("report_pdf", study, made.pk)).status_code == 403
    make_live(study, "locked")
    assert client.get(url("report_pdf", study, made.pk)).status_code == 200
    assert (
        client.post(url("make_export", study), {"kind": "by_arm", "request_key": "k"}).status_code
        == 302
    )


def test_a_report_of_another_study_is_not_found(study, dan, now, client_of):
    made = a_made_report(study, now)
    Report.objects.filter(pk=made.pk).update(state="requested")
    assert client_of("researcher").get(url("report", study, made.pk)).status_code == 404
    assert client_of("researcher").get(url("export", study, made.pk)).status_code == 404


def test_nothing_is_made_by_looking(study, client_of):
    client = client_of("researcher")
    assert client.get(url("request_report", study)).url == url("reports", study)
    assert client.get(url("make_export", study)).url == url("exports", study)


@pytest.mark.parametrize("page", ["reports", "exports"])
def test_lists_are_flat_as_they_grow(study, dan, now, client_of, page):
    client = client_of("researcher")
    seen = []
    for more in (1, 2):
        for _ in range(more):
            reports.request(study=study, kind=Report.BLINDED, language="en", **BY, at=now)
            reports.export(study=study, kind=Report.BLINDED, **BY, at=now)
        client.get(url(page, study))
        with CaptureQueriesContext(connection) as queries:
            client.get(url(page, study))
        seen.append(len(queries))
    assert seen == [6, 6]


def test_a_simulated_report_says_so_on_every_page(study, now, client_of):
    factories.a_randomised_participant(study, now)
    made = a_made_report(study, now)
    assert "Simulated people. Not the published trial." in bytes(made.html).decode()
