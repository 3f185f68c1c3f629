"""Keys that are rotated: stopped and begun again, and nothing left behind under a key that is taken
out.
"""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection

from randomisation.models import Allocation, SealedSeed
from tests import factories
from trial import actors, audit, keys, stamp, vault
from trial.actions import alerts, sealing
from trial.models import Alert, Draft, Identity, PersonKey, Stamp
from trial.queries import sealing as reads

KEYS = reads.Place(PersonKey, "sealed_key")


@pytest.fixture
def rotated(settings):
    """Calling it puts a new key first; again, takes the older ones out."""
    old = list(settings.FIELD_KEYS)

    def rotate(*, is_over: bool = False) -> None:
        settings.FIELD_KEYS = settings.FIELD_KEYS[:1] if is_over else [Fernet.generate_key(), *old]
        vault._person_key.cache_clear()
        vault._person.cache_clear()

    yield rotate
    vault._person_key.cache_clear()
    vault._person.cache_clear()


@pytest.fixture
def people(study, now):
    return [
        factories.a_randomised_participant(study, now, name)
        for name in ("Dan Jansen", "Eve de Boer", "Fay Smit")
    ]


def said(capsys) -> list[str]:
    return capsys.readouterr().out.splitlines()


@pytest.mark.django_db
def test_a_rotation_that_was_stopped_after_a_batch_goes_on_where_it_was(people, rotated, capsys):
    rotated()
    stopped = sealing.seal_anew(KEYS, size=2)
    assert dict(next(stopped)) == {sealing.SEALED_ANEW: 2, sealing.CHANGED: 0}
    stopped.close()
    assert reads.standings(KEYS) == {reads.NEWEST: 2, reads.OLDER: 1}
    assert [person.unsealed(person.identity.name_sealed) for person in people] == [
        "Dan Jansen",
        "Eve de Boer",
        "Fay Smit",
    ]
    assert reads.is_rotated() is False

    call_command("rotate_keys")

    lines = said(capsys)
    assert "trial.personkey.sealed_key: 1 sealed anew, 2 under the newest key already" in lines
    assert (
        "randomisation.allocation.probabilities: 3 sealed anew, 0 under the newest key already"
        in lines
    )
    assert lines[-2] == "trial.stamp.marker_sealed: 1 sealed anew, 0 under the newest key already"
    assert lines[-1].startswith(
        "Everything opens with the newest key alone; older keys can be taken out"
    )
    assert reads.is_rotated() is True

    rotated(is_over=True)
    assert Identity.objects.get(participant=people[0]).name == "Dan Jansen"
    assert audit.verify(people[0].study) == []
    assert len(SealedSeed.objects.get().seed) == 32
    call_command("rotate_keys")
    assert all(" 0 sealed anew" in line for line in said(capsys)[1:-1])


@pytest.mark.django_db
def test_what_is_about_nobody_is_under_the_master_keys_and_is_not_missed(people, rotated, now):
    """Drafts and alerts are under the key of whom they are about, and under the master keys where
    that is nobody.
    """
    dan, eva = people[0], factories.a_staff_member(people[0].study, "supervisor", "Eva", now)
    by = actors.staff(eva.pk, "supervisor")
    for about in (dan, None):
        told = {"participant": about, "kind": "item9", "subject_ref": "post", "within_hours": 24}
        alert = alerts.raise_alert(study=dan.study, **told, by=actors.SYSTEM, at=now)
        alerts.take(alert=alert, by=by, at=now)
        alerts.close(alert=alert, done="rang the neighbour", by=by, at=now)
        sealed = about.sealed("half a sentence") if about else vault.seal("half a sentence")
        Draft.objects.create(
            owner=eva,
            about=about,
            place=f"of {about}",
            text_sealed=sealed,
            sequence=1,
            saved_at=now,
            request_key="x",
        )
    rotated()
    call_command("rotate_keys", verbosity=0)
    rotated(is_over=True)
    for model, name in ((Alert, "done_sealed"), (Draft, "text_sealed")):
        place = next(each for each in reads.places() if (each.model, each.name) == (model, name))
        assert reads.standings(place) == {reads.NEWEST: 1, reads.OF_A_PERSON: 1}
    assert {
        vault.unseal(row.text_sealed) if row.about is None else row.about.unsealed(row.text_sealed)
        for row in Draft.objects.all()
    } == {"half a sentence"}


@pytest.mark.django_db
def test_sessions_go_on_and_those_that_are_over_or_open_with_no_key_are_ended(
    db, rotated, settings, capsys
):
    def a_session(age: int = 3600) -> str:
        store = SessionStore()
        store["code"] = "P-0001"
        store.set_expiry(age)
        store.save()
        return store.session_key

    kept, _over = a_session(), a_session(-1)
    settings.FIELD_KEYS, ours = [Fernet.generate_key()], settings.FIELD_KEYS
    shut = a_session()
    settings.FIELD_KEYS = ours
    signed_elsewhere = a_session()
    Session.objects.filter(pk=signed_elsewhere).update(session_data="not:signed:here")
    rotated()
    call_command("rotate_keys")
    assert "sessions ended: 3" in said(capsys)
    rotated(is_over=True)
    assert list(Session.objects.values_list("pk", flat=True)) == [kept]
    assert SessionStore(kept)["code"] == "P-0001"
    assert shut


@pytest.mark.django_db
def test_rows_that_open_with_no_key_are_counted_by_table_and_the_keys_are_to_be_kept(
    people, rotated, settings
):
    lost = vault.seal("x" * 44)
    settings.FIELD_KEYS = [Fernet.generate_key()]
    PersonKey.objects.filter(participant__in=people[:2]).update(sealed_key=vault.seal("x" * 44))
    assert vault.opens(lost) is False
    rotated()
    with pytest.raises(CommandError) as failed:
        call_command("rotate_keys", verbosity=0)
    assert str(failed.value).splitlines() == [
        "trial.personkey.sealed_key: 2 rows open with no key",
        "Keep every key, and run rotate_keys again.",
    ]
    assert (reads.standings(KEYS), reads.is_rotated()) == (
        {reads.NEWEST: 1, reads.NO_KEY: 2},
        False,
    )


@pytest.mark.django_db
def test_what_somebody_writes_meanwhile_stays_as_they_wrote_it(people, rotated):
    rotated()
    number, stored, _ = next(KEYS.batches())[0]
    PersonKey.objects.filter(pk=number).update(sealed_key="written meanwhile")
    assert sealing._write(KEYS, [(vault.seal_anew(stored), number, stored)]) == 0
    assert PersonKey.objects.get(pk=number).sealed_key == "written meanwhile"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "table", ["randomisation_allocation.probabilities", "randomisation_sealedseed.ciphertext"]
)
def test_another_content_that_is_put_in_place_of_what_is_sealed_is_named(people, table):
    """The triggers let a sealed value be sealed anew and cannot open it: the digests of opened
    values can.
    """
    name, column = table.split(".")
    row = (Allocation if "allocation" in table else SealedSeed)._base_manager.order_by("pk")[0]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {name} WHERE id = %s", [row.pk])
        opened = vault.unseal(cursor.fetchone()[0])
        another = opened.translate(str.maketrans("0123456789", "1234567890"))
        cursor.execute(
            f"UPDATE {name} SET {column} = %s WHERE id = %s", [vault.seal(another), row.pk]
        )
    (place,) = audit.verify(people[0].study)
    assert f": {row._meta.label_lower} {row.pk} is not what it was after this event" in place


@pytest.mark.django_db
def test_a_key_is_added_to_the_file_and_no_second_before_everything_is_under_the_first(
    rotated, settings, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("HANDVAT_KEYS_FILE", str(tmp_path / "keys.env"))
    for name in ("HANDVAT_FIELD_KEYS", "HANDVAT_AUDIT_KEYS", "HANDVAT_KIND"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(CommandError, match="is not read from a file here"):
        call_command("rotate_keys", "--new-key")
    path = keys.make({"HANDVAT_KEYS_FILE": str(tmp_path / "keys.env")}, "/nowhere/handvat.sqlite3")
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", "/nowhere/handvat.sqlite3")
    call_command("rotate_keys", "--new-key")
    assert said(capsys)[-1].startswith(
        "Start the site and the worker again, so that they know it; then run rotate_keys"
    )
    call_command("rotate_keys", "--new-audit-key")
    assert "Older audit keys stay" in said(capsys)[-1]
    before = path.read_text()
    rotated()
    with pytest.raises(CommandError, match="Not everything is under the newest key yet"):
        call_command("rotate_keys", "--new-key")
    assert path.read_text() == before


@pytest.mark.django_db
def test_a_database_that_was_made_with_other_keys_says_so_when_it_is_opened(
    rotated, settings, monkeypatch
):
    opened = {**stamp._known_kinds}
    monkeypatch.setattr(stamp, "_known_kinds", {})
    stamp.check_keys(None, connection)
    monkeypatch.setattr(stamp, "_known_kinds", {})
    monkeypatch.setattr(
        connection, "close", lambda: opened
    )  # the test itself stands in this connection
    settings.FIELD_KEYS = [Fernet.generate_key()]
    with pytest.raises(stamp.OtherKeys, match="made with other keys"):
        stamp.check_keys(None, connection)
    with pytest.raises(InvalidToken):
        vault.unseal(Stamp.objects.get().marker_sealed)
