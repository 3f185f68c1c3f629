from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from functools import partial

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import factories, made
from tests.api.clients import Client, a_key
from tests.api.test_pairs import a_zip, packed
from tests.conftest import SMALL
from trial import actors
from trial.actions import alerts, jobs
from trial.models import AuditEvent, ProtocolVersion, Study

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(staff):
    return Client(staff("researcher"))


def test_a_folder_with_mistakes_lists_every_one_by_file_and_line_and_stores_nothing(study, ada):
    packed = io.BytesIO()
    with zipfile.ZipFile(a_zip()) as good, zipfile.ZipFile(packed, "w") as broken:
        for name in good.namelist():
            text = good.read(name).decode()
            broken.writestr(
                name, text.replace("target: 40", "target: many").replace("ratio: {", "ratios: {")
            )
    answer = ada.upload("studies/", upload=SimpleUploadedFile("broken.zip", packed.getvalue()))

    assert (answer.status_code, answer.json()["code"]) == (422, "folder_errors")
    assert {each["file"] for each in answer.json()["errors"]} == {
        "study.yaml",
        "randomisation.yaml",
    }
    assert all(each["line"] > 0 and each["message"] for each in answer.json()["errors"])
    assert Study.objects.count() == ProtocolVersion.objects.count() == 1


def test_a_folder_is_loaded_once(study, ada):
    answer = ada.upload("studies/", upload=a_zip(), simulated="true")
    assert (answer.status_code, answer.json()["slug"], answer.json()["version"]) == (
        201,
        "other-study",
        1,
    )
    assert ada.upload("studies/", upload=a_zip()).json()["code"] == "already_loaded"
    assert ada.upload("studies/").status_code == 400
    assert [each["slug"] for each in ada.get("studies/").json()] == ["other-study", "small-study"]


def test_a_study_that_cannot_open_says_all_that_is_missing(study, ada):
    ada.upload("studies/", upload=a_zip())
    missing = ada.get("studies/other-study/").json()["missing"]
    answer = ada.post("studies/other-study/open/")
    assert (answer.status_code, answer.json()["code"], answer.json()["missing"]) == (
        409,
        "not_ready",
        missing,
    )
    assert len(missing) > 3


def test_an_open_live_study_takes_no_version_that_nobody_signed_off(study, ada):
    Study.objects.update(simulated=False)
    changed = {"study.yaml": (SMALL / "study.yaml").read_text().replace("0800-0113", "0800-9999")}
    upload = SimpleUploadedFile("new.zip", packed(changed).getvalue())
    answer = ada.upload("studies/", upload=upload)
    assert (answer.status_code, answer.json()["code"], len(answer.json()["missing"])) == (
        409,
        "pause_first",
        1,
    )
    ada.post(f"studies/{study.slug}/pause/", {"reason": "A new number"})
    upload.seek(0)
    assert ada.upload("studies/", upload=upload).status_code == 201
    assert len(ada.get(f"studies/{study.slug}/").json()["missing"]) == 1
    assert ada.post(f"studies/{study.slug}/resume/").json()["code"] == "not_ready"


def test_a_study_goes_through_its_states_and_each_key_has_one_effect(study, ada, staff):
    base, key = f"studies/{study.slug}/", a_key()
    first, again = (ada.post(f"{base}pause/", {"reason": "Holiday"}, key=key) for _ in range(2))
    assert (first.json()["state"], first.json()) == ("paused", again.json())
    assert ada.post(f"{base}pause/", {"reason": "Rest"}, key=key).json()["code"] == "key_reused"
    assert ada.post(f"{base}pause/", {"reason": "Holiday"}).json()["code"] == "not_allowed_now"
    assert ada.post(f"{base}resume/").json()["state"] == "open"
    assert ada.post(f"{base}close/", {"reason": "Full"}).json()["state"] == "closed"
    finn = Client(staff("statistician"))
    assert finn.post(f"{base}lock/", {"reason": "Clean"}).json()["state"] == "locked"
    assert AuditEvent.objects.filter(action="study paused").count() == 1


def test_the_people_come_by_page_without_an_arm_and_with_a_flat_number_of_queries(study, ada, now):
    factories.a_screened_participant(study, now)
    with CaptureQueriesContext(
        connection,
    ) as one:
        answer = ada.get(f"studies/{study.slug}/participants/").json()
    for _ in range(2):
        factories.a_screened_participant(study, now)
    with CaptureQueriesContext(connection) as three:
        ada.get(f"studies/{study.slug}/participants/")

    assert (len(one), len(three)) == (4, 4)
    assert (answer["count"], answer["pages"]) == (1, 1)
    names = [
        "began_at",
        "code",
        "consented_at",
        "left_at",
        "randomised_at",
        "simulated",
        "site",
        "state",
    ]
    assert sorted(answer["results"][0]) == names


def test_the_dashboard_and_the_people_name_no_arm(study, ada, now):
    for arm in ("guided", "unguided"):
        factories.a_participant_in(study, arm, now)
    for path in ("", "participants/", "alerts/", "messages/", "reports/"):
        body = ada.get(f"studies/{study.slug}/{path}").content.decode().lower()
        assert '"guided' not in body, path
        assert "unguided" not in body, path


def test_an_alert_is_taken_and_closed_with_what_was_done(study, ada, staff, now):
    dan = factories.a_verified_participant(study, now)
    alert = alerts.raise_alert(
        study=study,
        participant=dan,
        kind="item9",
        subject_ref="pre",
        within_hours=24,
        by=actors.SYSTEM,
        at=now,
    )
    base = f"studies/{study.slug}/alerts/"
    [row] = ada.get(base).json()["results"]
    assert (row["number"], row["participant"], row["meaning"]) == (
        alert.pk,
        dan.code,
        "Thoughts of death or self-harm",
    )
    assert ada.post(f"{base}{alert.pk}/contact/").json()["code"] == "alert_not_taken"
    assert (
        ada.post(f"{base}{alert.pk}/close/", {"done": "Called"}).json()["code"] == "alert_not_taken"
    )

    taken = ada.post(f"{base}{alert.pk}/take/").json()
    assert (taken["state"], taken["taken_by"]) == ("taken", "Ada Visser")
    assert ada.post(f"{base}{alert.pk}/take/").json()["code"] == "alert_taken_meanwhile"
    assert (
        ada.post(f"{base}{alert.pk}/take/", {"holder": taken["holder"]}).json()["holder"]
        == taken["holder"]
    )
    assert ada.post(f"{base}{alert.pk}/contact/").json()["phone"] == dan.identity.phone
    eva = Client(staff("supervisor"))
    assert eva.post(f"{base}{alert.pk}/contact/").json()["code"] == "alert_not_taken"
    answer = eva.post(f"{base}{alert.pk}/close/", {"done": "Called"})
    assert (answer.status_code, answer.json()["code"]) == (409, "alert_not_taken")
    assert ada.post(f"{base}{alert.pk}/close/", {"done": ""}).status_code == 400
    closed = ada.post(f"{base}{alert.pk}/close/", {"done": "Called"}).json()
    assert (closed["state"], closed["closed_by"]) == ("closed", "Ada Visser")
    assert ada.post(f"{base}999/take/").status_code == 404


@pytest.mark.parametrize("name", ["participants", "alerts", "reports", "exports"])
def test_a_page_that_does_not_exist_is_not_the_first(name, study, ada):
    path = f"studies/{study.slug}/{name}/"
    assert (
        ada.get(path).json()
        == ada.get(path, page=1).json()
        == {"count": 0, "page": 1, "pages": 1, "results": []}
    )
    assert [ada.get(path, page=page).status_code for page in (2, -1, 0, "abc", "")] == [
        404,
        404,
        404,
        400,
        400,
    ]
    assert ada.get(path, page="abc").json()["fields"] == {"page": ["A page is a whole number."]}


def test_people_are_narrowed_by_what_exists_only(study, ada, now):
    dan = factories.a_randomised_participant(study, now)
    factories.a_screening_participant(study, now)
    path = f"studies/{study.slug}/participants/"
    assert [each["code"] for each in ada.get(path, state="randomised").json()["results"]] == [
        dan.code
    ]
    answer = ada.get(path, state="nonsense")
    assert (answer.status_code, list(answer.json()["fields"])) == (400, ["state"])


def test_what_waits_comes_before_what_is_closed(study, ada, now):
    by, found = actors.staff(1, "researcher"), []
    for hours in (1, 3, 2, 4):
        alert = alerts.raise_alert(
            study=study,
            participant=None,
            kind="x",
            subject_ref=str(hours),
            within_hours=hours,
            by=by,
            at=now,
        )
        found.append(alert)
    for minutes, alert in enumerate(found[:2]):
        alerts.take(alert=alert, by=by, at=now)
        alerts.close(alert=alert, done="Looked", by=by, at=now + timedelta(minutes=minutes))
    listed = ada.get(f"studies/{study.slug}/alerts/").json()["results"]
    assert [each["number"] for each in listed] == [found[each].pk for each in (2, 3, 1, 0)]


@pytest.mark.parametrize("who", ["anonymous", "researcher"])
def test_an_address_that_nothing_answers_is_a_problem_and_no_page(who, study, ada):
    client = ada if who == "researcher" else Client()
    for answer in (
        client.get("nowhere/"),
        client.post("studies/small-study/nowhere/"),
        client.get("nowhere"),
    ):
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
        assert answer.json()["code"] == "not_found"


def test_roles_that_would_unblind_are_refused_or_asked_about(study, ada, staff):
    cleo, eva = staff("assessor"), staff("supervisor")
    Study.objects.update(simulated=False)
    path = f"studies/{study.slug}/staff/"
    answer = ada.post(path, {"email": cleo.email, "role": "coach", "knowingly": True})
    assert (answer.status_code, answer.json()["code"]) == (409, "would_unblind")
    answer = ada.post(path, {"email": eva.email, "role": "researcher"})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_knowingly")
    assert (
        ada.post(path, {"email": eva.email, "role": "researcher", "knowingly": True}).status_code
        == 201
    )


def test_the_trail_is_verified_by_the_worker_and_what_came_out_is_read(study, ada, staff, now):
    path = f"studies/{study.slug}/audit/verifications/"
    asked = ada.post(path)
    assert (asked.status_code, asked.json()["state"], asked.json()["places"]) == (
        202,
        "requested",
        None,
    )
    jobs.make_due(now)
    found = ada.get(f"{path}{asked.json()['number']}/").json()
    assert (found["state"], found["places"], found["failure"]) == ("made", 0, "")
    assert ada.get(path).json()["results"] == [found]

    assert ada.get(f"{path}0/").status_code == 404


def test_a_report_and_an_export_are_made_and_fetched(study, ada, staff, now):
    assert ada.post(f"studies/{study.slug}/reports/").json()["code"] == "nobody_randomised"
    for sex in ("f", "f", "m", "m"):
        factories.a_randomised_participant(study, now, sex=sex)
    asked = ada.post(f"studies/{study.slug}/reports/", {"language": "nl"})
    assert (asked.status_code, asked.json()["state"]) == (202, "requested")
    number = asked.json()["number"]
    assert ada.get(f"studies/{study.slug}/reports/{number}/report.pdf").status_code == 404
    assert ada.post(f"studies/{study.slug}/reports/", {"language": "xx"}).status_code == 400

    jobs.make_due(now)
    pdf = ada.get(f"studies/{study.slug}/reports/{number}/report.pdf")
    assert (pdf["Content-Type"], pdf.getvalue()[:5]) == ("application/pdf", b"%PDF-")
    html = ada.get(f"studies/{study.slug}/reports/{number}/report.html")
    assert (html["Content-Type"], html.getvalue()[:9].lower()) == ("text/html", b"<!doctype")
    results = ada.get(f"studies/{study.slug}/reports/{number}/results.json")
    assert sorted(json.loads(results.getvalue())) == ["meta", "numbers"]

    asked = ada.post(f"studies/{study.slug}/exports/")
    assert (asked.status_code, asked.json()["state"]) == (202, "requested")
    path = f"studies/{study.slug}/exports/{asked.json()['number']}/"
    jobs.make_due(now)
    archive = ada.get(f"{path}export.zip")
    body = archive.getvalue()
    assert int(archive["Content-Length"]) == len(body)
    assert ada.get(path).json()["state"] == "made"
    with zipfile.ZipFile(io.BytesIO(body)) as opened:
        names = opened.namelist()
        assert "codebook.csv" in names
        assert [name for name in names if "allocation" in name or "grant" in name] == []


def test_by_arm_is_for_those_who_may(study, staff, now):
    factories.a_randomised_participant(study, now)
    Study.objects.update(simulated=False)
    ada = Client(staff("researcher"))
    assert (
        ada.post(f"studies/{study.slug}/reports/", {"kind": "by_arm"}).json()["code"]
        == "arms_concealed"
    )
    assert (
        ada.post(f"studies/{study.slug}/exports/", {"kind": "by_arm"}).json()["code"]
        == "arms_concealed"
    )
    Study.objects.update(state="locked")  # and then for those alone whose role it is
    assert ada.post(f"studies/{study.slug}/reports/", {"kind": "by_arm"}).status_code == 403
    assert ada.post(f"studies/{study.slug}/exports/", {"kind": "by_arm"}).status_code == 403


def test_an_export_by_arm_that_was_made_is_fetched_only_by_those_who_may(study, staff, now):
    factories.a_randomised_participant(study, now)
    export = made.export(study, now, "by_arm")
    path = f"studies/{study.slug}/exports/{export.pk}/export.zip"
    users = [staff("researcher"), staff("statistician")]
    Study.objects.update(simulated=False, state="locked")
    assert [Client(user).get(path).status_code for user in users] == [403, 200]
    Study.objects.update(state="open")
    assert [Client(user).get(path).status_code for user in users] == [403, 403]


def test_whoever_is_erased_keeps_only_the_code(study, ada, now):
    dan = factories.a_randomised_participant(study, now)
    path = f"studies/{study.slug}/participants/{dan.code}/erase/"
    assert ada.post(path).status_code == 400
    assert list(ada.post(path, {"reason": "Dan asked for it"}).json()["fields"]) == ["reason"]
    assert [ada.post(path, {"reason": "asked_by_participant"}).status_code for _ in range(2)] == [
        204,
        204,
    ]
    assert AuditEvent.objects.filter(action="identity erased").count() == 1
    assert (
        ada.post(f"studies/{study.slug}/participants/QM-XXXXX/erase/", {"reason": "x"}).status_code
        == 404
    )


@pytest.mark.parametrize(
    ("who", "state", "left_reason"),
    [
        (factories.a_screening_participant, "excluded", "erased"),
        (factories.a_consented_participant, "withdrawn", "erased"),
        (partial(factories.a_screening_participant, age=14), "excluded", "age"),
    ],
)
def test_whoever_is_erased_has_left_first_and_once(study, ada, now, who, state, left_reason):
    dan = who(study, now)
    path = f"studies/{study.slug}/participants/{dan.code}/erase/"
    assert ada.post(path, {"reason": "asked_by_participant"}).status_code == 204
    dan.refresh_from_db()
    assert (dan.state, dan.left_reason, dan.erased_at is None) == (state, left_reason, False)


def test_nobody_is_erased_while_an_alert_about_them_is_open(study, ada, now):
    dan = factories.a_randomised_participant(study, now)
    alert = alerts.raise_alert(
        study=study,
        participant=dan,
        kind="item9",
        subject_ref="pre",
        within_hours=24,
        by=actors.SYSTEM,
        at=now,
    )
    path = f"studies/{study.slug}/participants/{dan.code}/erase/"
    answer = ada.post(path, {"reason": "asked_by_participant"})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_here")
    ada.post(f"studies/{study.slug}/alerts/{alert.pk}/take/")
    ada.post(f"studies/{study.slug}/alerts/{alert.pk}/close/", {"done": "Called"})
    assert ada.post(path, {"reason": "asked_by_participant"}).status_code == 204


def test_nobody_ends_their_own_role_as_researcher(study, ada, staff):
    members = ada.get(f"studies/{study.slug}/staff/").json()
    own = next(each["id"] for each in members if each["role"] == "researcher")
    assert ada.post(f"studies/{study.slug}/staff/{own}/end/").status_code == 403
    assert (
        ada.post(
            f"studies/{study.slug}/staff/", {"email": "x@example.org", "role": "king"}
        ).status_code
        == 400
    )
