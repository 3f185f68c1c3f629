import io
import json
import zipfile

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from reports.actions import reports
from tests import factories, made
from trial import actors
from trial.actions import jobs
from trial.models import AuditEvent, Job, Study
from trial.queries import jobs as queries

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
    jobs.make_due(now)
    report = Job.objects.get()
    shown = client.get(url("report", study, report.pk)).content.decode()
    assert (report.snapshot_hash in shown, "Ada Visser" in shown, report.requested_by in shown) == (
        True,
        True,
        False,
    )
    pdf = client.get(url("report_pdf", study, report.pk))
    assert (pdf["Content-Type"], pdf.getvalue()[:5]) == ("application/pdf", b"%PDF-")
    results = json.loads(client.get(url("report_results", study, report.pk)).getvalue())
    assert results["meta"]["snapshot_sha256"] == report.snapshot_hash


def test_the_report_on_screen_runs_no_script_and_loads_nothing(study, dan, now, client_of):
    report = made.report(study, now)
    answer = client_of("researcher").get(url("report_on_screen", study, report.pk))
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
    assert answer.getvalue() == made.content(report, "report.html")
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


def test_an_export_is_asked_for_made_by_the_worker_and_downloaded(study, dan, now, client_of):
    client = client_of("researcher")
    answer = client.post(url("request_export", study), {"kind": "blinded", "request_key": "k"})
    assert (answer.status_code, answer.url) == (302, url("exports", study))
    assert "Waits for the worker" in client.get(url("exports", study)).content.decode()
    jobs.make_due(now)
    export = Job.objects.get()
    assert "Download" in client.get(url("exports", study)).content.decode()
    download = client.get(url("export", study, export.pk))
    assert (
        download["Content-Disposition"]
        == f'attachment; filename="small-study-export-{export.pk}.zip"'
    )
    content = download.getvalue()
    assert int(download["Content-Length"]) == len(content)
    with zipfile.ZipFile(io.BytesIO(content)) as bundle:
        assert bundle.testzip() is None


def test_what_is_damaged_is_said_and_not_served(study, dan, now, client_of):
    export = made.export(study, now)
    path = queries.folder(export) / export.files.get().place
    path.write_bytes(path.read_bytes()[:-1])
    answer = client_of("researcher").get(url("export", study, export.pk), follow=True)
    assert answer.redirect_chain == [(url("exports", study), 302)]
    assert "missing or damaged" in answer.content.decode()
    assert not AuditEvent.objects.filter(action="export downloaded").exists()


@pytest.mark.parametrize("product", ["report", "export"])
def test_what_is_removed_is_confirmed_first_and_then_gone(study, dan, now, client_of, product):
    client, job = client_of("researcher"), getattr(made, product)(study, now)
    page = url(f"remove_{product}", study, job.pk)
    assert f"Remove {product} {job.pk}" in client.get(page).content.decode()
    for _ in range(2):
        answer = client.post(page, {"request_key": "k"}, follow=True)
    assert "badge quiet" in answer.content.decode()
    assert AuditEvent.objects.filter(action=f"{product} removed").count() == 1
    assert client.get(url(product, study, job.pk)).status_code == 404
    assert client.get(page).status_code == 302
    assert "nothing to remove" in client.post(page, follow=True).content.decode()


@pytest.mark.parametrize(
    ("route", "given", "action"),
    [
        ("request_report", {"language": "en"}, "report requested"),
        ("request_export", {}, "export requested"),
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
    assert Job.objects.count() == 1
    assert AuditEvent.objects.filter(action=action).count() == 1
    other = client.post(url(route, study), {"kind": "by_arm", "request_key": "k", **given})
    assert other.status_code == 409


def test_what_was_not_chosen_is_said_beside_it_and_nothing_is_made(study, dan, client_of):
    client = client_of("researcher")
    answer = client.post(url("request_report", study), {"language": "en", "request_key": "k"})
    assert answer.status_code == 400
    assert list(answer.context["form"].errors) == ["kind"]
    assert client.post(url("request_export", study), {"kind": "everything"}).status_code == 400
    assert Job.objects.count() == 0


@pytest.mark.parametrize("product", ["report", "export"])
def test_what_was_asked_for_long_ago_is_still_to_be_found(study, dan, now, client_of, product):
    client, oldest = client_of("researcher"), getattr(made, product)(study, now)
    for _ in range(50):
        jobs.ask(study=study, product=product, kind=Job.BLINDED, by=made.ADA, at=now)
    link = url(f"remove_{product}" if product == "export" else product, study, oldest.pk)
    first = client.get(url(f"{product}s", study)).content.decode()
    second = client.get(url(f"{product}s", study), {"page": 2}).content.decode()
    assert ("Page 1 of 2" in first, link in first, link in second) == (True, False, True)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({}, "This takes from some seconds to several minutes."),  # made by an earlier version
        ({"seconds": "12"}, "The last one took less than a minute."),
        ({"seconds": "60"}, "The last one took about 1 minute."),
        ({"seconds": "121"}, "The last one took about 3 minutes."),
    ],
)
def test_whoever_asks_is_told_how_long_the_last_one_of_this_kind_took(
    study, dan, now, client_of, found, told
):
    Job.objects.filter(pk=made.export(study, now, Job.BY_ARM).pk).update(found=found)
    of_another_kind = made.export(study, now)
    Job.objects.filter(pk=of_another_kind.pk).update(found={"seconds": "3600"})
    given = {"kind": "by_arm", "request_key": "k"}
    answer = client_of("researcher").post(url("request_export", study), given, follow=True)
    assert f"also when you leave this page. {told}" in answer.content.decode()


def test_how_long_it_took_is_told_only_of_what_tells_the_arms_anyway(study, dan, now, client_of):
    """It grows with how much has happened, which hangs on the arms."""
    Job.objects.filter(pk=made.export(study, now).pk).update(found={"seconds": "121"})
    given = {"kind": "blinded", "request_key": "k"}
    answer = client_of("researcher").post(url("request_export", study), given, follow=True)
    assert "This takes from some seconds to several minutes." in answer.content.decode()
    assert "The last one took" not in answer.content.decode()


def test_before_the_first_allocation_the_page_says_so(study, client_of):
    client = client_of("researcher")
    answer = client.post(
        url("request_export", study), {"kind": "blinded", "request_key": "k"}, follow=True
    )
    assert "Nobody is randomised yet" in answer.content.decode()
    assert Job.objects.count() == 0


def test_a_researcher_of_a_live_study_never_gets_the_arms(study, dan, now, client_of):
    report = made.report(study, now, Job.BY_ARM)
    export = made.export(study, now, Job.BY_ARM)
    for state in ("open", "locked"):
        make_live(study, state)
        client = client_of("researcher")
        assert [
            k for k, _ in client.get(url("reports", study)).context["form"].fields["kind"].choices
        ] == ["blinded"]
        assert list(client.get(url("reports", study)).context["page"].object_list) == []
        assert list(client.get(url("exports", study)).context["page"].object_list) == []
        for name in ("report", "report_on_screen", "report_pdf", "report_results"):
            assert client.get(url(name, study, report.pk)).status_code == 403
        assert client.get(url("export", study, export.pk)).status_code == 403
        assert client.post(url("request_export", study), {"kind": "by_arm"}).status_code == 400


def test_the_statistician_gets_the_arms_once_the_study_is_locked(study, dan, now, client_of):
    report = made.report(study, now, Job.BY_ARM)
    client = client_of("statistician")
    make_live(study)
    assert client.get(url("report_pdf", study, report.pk)).status_code == 403
    make_live(study, "locked")
    assert client.get(url("report_pdf", study, report.pk)).status_code == 200
    assert (
        client.post(
            url("request_export", study), {"kind": "by_arm", "request_key": "k"}
        ).status_code
        == 302
    )


def test_a_report_of_another_study_is_not_found(study, dan, now, client_of):
    report = made.report(study, now)
    Job.objects.filter(pk=report.pk).update(state="requested")
    assert client_of("researcher").get(url("report", study, report.pk)).status_code == 404
    assert client_of("researcher").get(url("export", study, report.pk)).status_code == 404


def test_nothing_is_made_by_looking(study, client_of):
    client = client_of("researcher")
    assert client.get(url("request_report", study)).url == url("reports", study)
    assert client.get(url("request_export", study)).url == url("exports", study)


@pytest.mark.parametrize("page", ["reports", "exports"])
def test_lists_are_flat_as_they_grow(study, dan, now, client_of, page):
    client = client_of("researcher")
    seen = []
    for more in (1, 2):
        for _ in range(more):
            reports.request(study=study, kind=Job.BLINDED, language="en", **BY, at=now)
            made.export(study, now)
        client.get(url(page, study))
        with CaptureQueriesContext(connection) as queries:
            client.get(url(page, study))
        seen.append(len(queries))
    assert seen == ([7, 7] if page == "reports" else [8, 8])


def test_a_simulated_report_says_so_on_every_page(study, now, client_of):
    factories.a_randomised_participant(study, now)
    report = made.report(study, now)
    assert (
        "Simulated people. Not the published trial." in made.content(report, "report.html").decode()
    )
