"""Alerts: raised once, listed by deadline, taken, closed with a note; contact details for whoever
took them.
"""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from outcomes.actions import screening
from tests import dump, factories
from tests.conftest import NOW, SMALL
from trial import actors, audit, lifecycles
from trial.actions import alerts, participants
from trial.contact_details import phone_in_words
from trial.models import Alert, AuditEvent, Message, Participant, User
from trial.queries import alerts as reads

SOON = NOW + timedelta(hours=1)
PHONE = "+31655551234"


@pytest.fixture(autouse=True)
def an_hour_later():
    with time_machine.travel(SOON, tick=False):
        yield


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def eva(staff) -> User:
    return staff("supervisor")


@pytest.fixture
def ada(staff) -> User:
    return staff("researcher")


def by(user: User, role: str = "supervisor") -> actors.Actor:
    return actors.staff(user.pk, role)


def raised(
    study,
    participant: Participant | None,
    *,
    within_hours: int = 24,
    occasion: str = "pre",
    **given,
) -> Alert:
    return alerts.raise_alert(
        study=study,
        participant=participant,
        kind="item9",
        subject_ref=occasion,
        within_hours=within_hours,
        by=actors.SYSTEM,
        at=NOW,
        **given,
    )


def url(name: str, *args: object) -> str:
    return reverse(f"research:{name}", args=args)


def key() -> dict[str, str]:
    return {"request_key": str(uuid4())}


def words(response) -> str:
    body = re.sub(r"(?s)<(head|script)\b.*?</\1>", " ", response.content.decode())
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def someone_who_left_a_phone(study) -> Alert:
    person = factories.a_screening_participant(study, NOW)
    screening.leave_phone(participant=person, phone=PHONE, by=actors.visitor(person.code), at=NOW)
    return Alert.objects.get(participant=person)


def leave(person, phone: str, key: str) -> None:
    by = actors.visitor(person.code)
    screening.leave_phone(participant=person, phone=phone, key=key, by=by, at=NOW)


def test_a_corrected_number_takes_the_place_of_the_first_and_stands_nowhere_in_clear(study, eva):
    alert = someone_who_left_a_phone(study)
    alerts.take(alert=alert, by=by(eva), at=SOON)
    for _ in range(2):
        leave(alert.participant, "+31 6 8888 7777", "corrected")
    leave(alert.participant, "+31 6 8888 7777", "the same again")
    assert alerts.show_contact(alert=alert, by=by(eva), at=SOON).phone == "+31688887777"
    event = AuditEvent.objects.get(action="phone number left again")
    assert event.subject == f"alert {alert.pk}"
    assert (
        dump.found([PHONE, "8888 7777", "88887777"]),
        Alert.objects.count(),
        audit.verify(study),
    ) == ([], 1, [])


def test_whoever_took_an_alert_reads_that_another_number_was_left_since(study, eva):
    alert = someone_who_left_a_phone(study)
    alerts.take(alert=alert, by=by(eva), at=NOW)
    page = url("alert", study.slug, alert.pk)
    assert "Another number" not in words(signed_in(eva).get(page))
    leave(alert.participant, "06 8765 4321", "again")
    said = words(signed_in(eva).get(page))
    assert "Another number" in said
    assert "call this one, also if you wrote the first down" in said
    assert "8765" not in said


def test_whoever_leaves_a_number_after_their_alert_was_closed_is_called_again(study, eva):
    alert = someone_who_left_a_phone(study)
    alerts.take(alert=alert, by=by(eva), at=SOON)
    alerts.close(alert=alert, done="Called", by=by(eva), at=SOON)
    leave(alert.participant, PHONE, "again")
    second = Alert.objects.exclude(pk=alert.pk).get()
    assert (second.state, second.participant.unsealed(second.phone_sealed)) == ("raised", PHONE)
    assert Message.objects.filter(kind="alert").count() == 2


# Raising and the list


def test_the_same_occasion_raises_one_alert_and_one_mail(study, dan):
    assert raised(study, dan) == raised(study, dan)
    assert (Alert.objects.count(), Message.objects.filter(kind="alert").count()) == (1, 1)


def test_the_list_has_the_oldest_deadline_first_and_marks_what_is_overdue(study, dan, eva):
    late = raised(study, dan, within_hours=1, occasion="week2")
    raised(study, dan, within_hours=48, occasion="post")
    soon = raised(study, dan, within_hours=2, occasion="pre")
    Alert.objects.filter(pk=late.pk).update(deadline_at=NOW)
    shown = words(signed_in(eva).get(url("alerts", study.slug)))
    assert re.findall(r"Alert (\d+) QM", shown) == [str(late.pk), str(soon.pk), str(soon.pk - 1)]
    assert shown.count("overdue") == 1
    assert "Thoughts of death or self-harm" in shown
    assert "owned by Eva de Wit (Supervisor), the same in every arm" in shown


def test_an_empty_list_says_what_will_stand_there(study, eva):
    assert "No open alert When an answer asks for somebody's attention" in words(
        signed_in(eva).get(url("alerts", study.slug))
    ).replace("&#x27;", "'")


def test_the_list_costs_the_same_with_one_alert_and_with_three(
    study, dan, eva, django_assert_num_queries
):
    client, address = signed_in(eva), url("alerts", study.slug)
    first = raised(study, dan)
    alerts.take(alert=first, by=by(eva), at=SOON)
    client.get(address)
    with django_assert_num_queries(9):
        client.get(address)
    for occasion in ("week2", "post"):
        alerts.take(alert=raised(study, dan, occasion=occasion), by=by(eva), at=SOON)
    with django_assert_num_queries(9):
        client.get(address)


def test_all_studies_in_one_list_for_whoever_handles_them(study, dan, eva, staff):
    raised(study, dan)
    assert "item9" not in words(signed_in(eva).get(url("all_alerts")))
    assert dan.code in words(signed_in(eva).get(url("all_alerts")))
    assert "You handle alerts in no study" in words(
        signed_in(staff("statistician")).get(url("all_alerts"))
    )


def test_each_alert_of_all_studies_is_on_the_clock_of_its_study(study, dan, eva):
    raised(study, dan)
    assert "Mon 2 Mar, 11:00" in words(signed_in(eva).get(url("all_alerts")))  # raised at 10:00 UTC
    assert "Europe/Amsterdam" in words(signed_in(eva).get(url("all_alerts")))


@pytest.mark.parametrize(
    ("role", "status"),
    [("researcher", 200), ("supervisor", 200), ("statistician", 403), ("assessor", 404)],
)
def test_only_researchers_and_supervisors_handle_alerts(role, status, study, dan, staff):
    alert = raised(study, dan)
    client = signed_in(staff(role))
    assert client.get(url("alert", study.slug, alert.pk)).status_code == status
    answers = {
        client.post(url(name, study.slug, alert.pk), key()).status_code
        for name in ("take_alert", "alert_contact")
    }
    assert answers == ({302, 200} if status == 200 else {status})


def test_an_alert_of_another_study_is_not_found(study, dan, eva):
    assert (
        signed_in(eva).get(url("alert", study.slug, raised(study, dan).pk + 1)).status_code == 404
    )


# Taking over and closing


def test_take_over_note_close_each_sent_twice_has_one_effect(study, dan, eva):
    alert, client = raised(study, dan), signed_in(eva)
    take, close = key(), {"done": "Called, spoke for ten minutes, agreed on the GP.", **key()}
    for _ in range(2):
        assert client.post(url("take_alert", study.slug, alert.pk), take).status_code == 302
    for _ in range(2):
        assert client.post(url("close_alert", study.slug, alert.pk), close).status_code == 302
    alert.refresh_from_db()
    assert (alert.state, alert.taken_by, alert.closed_by) == (
        "closed",
        f"staff {eva.pk}",
        f"staff {eva.pk}",
    )
    events = (
        AuditEvent.objects.filter(subject=f"alert {alert.pk}")
        .order_by("number")
        .values_list("action", "role")
    )
    assert list(events) == [
        ("alert raised", ""),
        ("alert taken", "supervisor"),
        ("alert closed", "supervisor"),
    ]
    shown = words(client.get(url("alert", study.slug, alert.pk)))
    assert "Called, spoke for ten minutes, agreed on the GP." in shown
    assert "Closed, the newest first" in words(client.get(url("alerts", study.slug)))


def test_an_alert_is_not_closed_without_a_note_nor_before_it_is_taken(study, dan, eva):
    alert, client = raised(study, dan), signed_in(eva)
    response = client.post(url("close_alert", study.slug, alert.pk), {"done": "Called", **key()})
    assert response.status_code == 409
    assert "Nobody has taken this alert over yet." in words(response)
    assert "What you wrote Called This is not kept." in words(response)
    client.post(url("take_alert", study.slug, alert.pk), key())
    response = client.post(url("close_alert", study.slug, alert.pk), {"done": "  ", **key()})
    assert response.status_code == 400
    assert "Say what was done; an alert is not closed without it." in words(response)
    with pytest.raises(alerts.NothingDone):
        alerts.close(alert=alert, done=" ", by=by(eva), at=SOON)
    alert.refresh_from_db()
    assert alert.state == "taken"


def test_somebody_else_can_take_an_alert_over_and_the_trail_says_from_whom(study, dan, eva, ada):
    alert = raised(study, dan)
    alerts.take(alert=alert, by=by(eva), at=SOON)
    alerts.take(alert=alert, holder=f"staff {eva.pk}", by=by(ada, "researcher"), at=SOON)
    assert [row.taken_by for row in reads.rows(reads.unclosed([study]), SOON, {})] == ["Ada Visser"]
    second = AuditEvent.objects.filter(action="alert taken").order_by("-number").first()
    assert f"staff {eva.pk}" in second.old
    assert audit.verify(study) == []


def test_only_whoever_took_it_closes_an_alert_and_the_note_of_another_is_given_back(
    study, dan, eva, ada
):
    alert = raised(study, dan)
    alerts.take(alert=alert, by=by(eva), at=SOON)
    note = {"done": "Called at ten, agreed on the GP"}
    shown = signed_in(ada).post(url("close_alert", study.slug, alert.pk), {**note, **key()})
    alert.refresh_from_db()
    assert (shown.status_code, alert.state, alert.taken_by) == (409, "taken", f"staff {eva.pk}")
    assert "What you wrote Called at ten, agreed on the GP This is not kept." in words(shown)
    assert (
        signed_in(eva).post(url("close_alert", study.slug, alert.pk), {**note, **key()}).status_code
        == 302
    )


SOON_SAID = "Mon 2 Mar, 12:00"  # an hour after NOW, on the clock of the study


def test_a_page_that_is_old_takes_an_alert_from_nobody_unseen(study, dan, eva, ada):
    """Both open the page while nobody has the alert; Eva is first. Ada is told, and may then take
    it over knowingly.
    """
    alert = raised(study, dan)
    seen = {"holder": alert.taken_by}
    signed_in(eva).post(url("take_alert", study.slug, alert.pk), {**seen, **key()})
    shown = signed_in(ada).post(url("take_alert", study.slug, alert.pk), {**seen, **key()})
    alert.refresh_from_db()
    assert (shown.status_code, alert.taken_by) == (409, f"staff {eva.pk}")
    assert f"Eva de Wit took this alert over on {SOON_SAID}." in words(shown)
    assert f'name="holder" value="staff {eva.pk}"' in shown.content.decode()
    assert "Take over from Eva de Wit" in words(shown)
    knowingly = {"holder": alert.taken_by, **key()}
    assert (
        signed_in(ada).post(url("take_alert", study.slug, alert.pk), knowingly).status_code == 302
    )
    hers = signed_in(eva).get(url("alert", study.slug, alert.pk))
    assert "(from Eva de Wit)" in words(hers)
    assert "Ada Visser, Mon 2 Mar 2026, 12:00" in words(hers)
    shown = signed_in(eva).post(url("alert_contact", study.slug, alert.pk), key())
    assert (
        shown.status_code,
        f"Ada Visser took this alert over on {SOON_SAID}." in words(shown),
    ) == (409, True)


@pytest.mark.parametrize(("note", "kept"), [("Called at ten", True), ("", False)])
def test_whoever_closes_an_alert_that_another_took_is_told_who_has_it(
    note, kept, study, dan, eva, ada
):
    alert = raised(study, dan)
    alerts.take(alert=alert, by=by(eva), at=SOON)
    shown = signed_in(ada).post(url("close_alert", study.slug, alert.pk), {"done": note, **key()})
    assert shown.status_code == 409
    assert f"Eva de Wit took this alert over on {SOON_SAID}." in words(shown)
    assert (f"What you wrote {note} This is not kept." in words(shown)) is kept


def test_the_note_of_whoever_closes_a_moment_too_late_is_given_back(study, dan, eva, ada):
    alert = raised(study, dan)
    alerts.take(alert=alert, by=by(eva), at=SOON)
    alerts.take(alert=alert, holder=f"staff {eva.pk}", by=by(ada), at=SOON)
    alerts.close(alert=alert, done="Called", by=by(ada), at=SOON)
    note = {"done": "Called at ten, agreed on the GP"}
    shown = signed_in(eva).post(url("close_alert", study.slug, alert.pk), {**note, **key()})
    assert shown.status_code == 409
    assert f"Ada Visser closed this alert on {SOON_SAID}." in words(shown)
    assert "What you wrote Called at ten, agreed on the GP This is not kept." in words(shown)
    assert "What was done Called" in words(shown)


def test_a_closed_alert_is_not_taken_again(study, dan, eva):
    alert = raised(study, dan)
    alerts.take(alert=alert, by=by(eva), at=SOON)
    alerts.close(alert=alert, done="Called", by=by(eva), at=SOON)
    with pytest.raises(lifecycles.NotAllowedNow):
        alerts.take(alert=alert, by=by(eva), at=SOON)


def test_the_note_is_nowhere_in_clear(study, dan, eva):
    alert = raised(study, dan)
    alerts.take(alert=alert, by=by(eva), at=SOON)
    alerts.close(alert=alert, done="Agreed on the GP", by=by(eva), at=SOON)
    alert.refresh_from_db()
    assert "Agreed" not in alert.done_sealed
    assert not AuditEvent.objects.filter(new__contains="Agreed").exists()


# Contact details


def test_the_number_left_at_the_screening_is_shown_to_whoever_took_the_alert_and_to_nobody_else(
    study, eva, ada
):
    alert = someone_who_left_a_phone(study)
    taker, other = signed_in(eva), signed_in(ada)
    address = url("alert_contact", study.slug, alert.pk)
    assert taker.post(address, key()).status_code == 409  # not taken yet
    taker.post(url("take_alert", study.slug, alert.pk), key())
    assert other.post(address, key()).status_code == 409
    assert AuditEvent.objects.filter(action="contact details shown").count() == 0
    shown = taker.post(address, key())
    assert 'href="tel:+31655551234"' in shown.content.decode()
    assert "a number was left at the screening" in words(shown)
    event = AuditEvent.objects.get(action="contact details shown")
    assert (event.subject, event.by, event.at) == (f"alert {alert.pk}", f"staff {eva.pk}", SOON)


def test_a_page_that_is_only_opened_never_shows_the_number(study, eva):
    alert, client = someone_who_left_a_phone(study), signed_in(eva)
    client.post(url("take_alert", study.slug, alert.pk), key())
    assert client.get(url("alert_contact", study.slug, alert.pk)).url == url(
        "alert", study.slug, alert.pk
    )
    assert phone_in_words(PHONE) not in words(client.get(url("alert", study.slug, alert.pk)))


def test_of_somebody_who_is_known_name_and_number_are_shown(study, dan, eva):
    alert, client = raised(study, dan), signed_in(eva)
    client.post(url("take_alert", study.slug, alert.pk), key())
    shown = words(client.post(url("alert_contact", study.slug, alert.pk), key()))
    assert f"Name Dan Jansen Phone {phone_in_words(dan.identity.phone)} Language English" in shown


def test_a_person_with_an_open_alert_is_not_erased(study, dan, ada, eva):
    alert, client = raised(study, dan), signed_in(ada)
    given = {"reason": "asked_by_participant", "sure": "on"}
    assert client.post(url("erase", study.slug, dan.code), {**given, **key()}).status_code == 400
    alerts.take(alert=alert, by=by(eva), at=SOON)
    alerts.close(alert=alert, done="Called", by=by(eva), at=SOON)
    assert client.post(url("erase", study.slug, dan.code), {**given, **key()}).status_code == 302
    shown = words(client.get(url("alert", study.slug, alert.pk)))
    assert "The note went with the person it was about, who is erased." in shown


def test_the_number_is_gone_once_the_person_is_erased(study, eva):
    alert = someone_who_left_a_phone(study)
    alerts.take(alert=alert, by=by(eva), at=SOON)
    participants.erase(participant=alert.participant, reason="asked", by=actors.SYSTEM, at=SOON)
    assert alerts.show_contact(alert=alert, by=by(eva), at=SOON) == alerts.Reached()
    shown = words(signed_in(eva).post(url("alert_contact", study.slug, alert.pk), key()))
    assert "There is no number" in shown


def test_a_simulated_study_says_that_nobody_needs_help(study, dan, eva):
    assert study.simulated
    assert "Simulated people. Nobody needs help." in words(
        signed_in(eva).get(url("alert", study.slug, raised(study, dan).pk))
    )


def test_an_alert_of_a_live_study_does_not_tell_the_occasion(db):
    study = factories.a_loaded_study(SMALL, NOW, simulated=False)
    eva = factories.a_staff_member(study, "supervisor", "", NOW)
    alert = raised(study, None, occasion="post")
    assert "Occasion" not in words(signed_in(eva).get(url("alert", study.slug, alert.pk)))
