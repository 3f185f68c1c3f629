"""One round of the worker does what is due, and a second at the same moment does nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from tests import factories, processes
from trial import actors, audit, rehearse, virtual, worker
from trial.actions import alerts, journey, participants
from trial.management.commands import serve
from trial.models import (
    Alert,
    AuditEvent,
    AuditHead,
    AuditSeal,
    Journey,
    Message,
    Participant,
    Study,
)

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
LIVING_POSITIVE = ROOT / "trial" / "studies" / "living-positive"
TYPED = "dan@example.org"


def test_a_second_round_at_the_same_moment_changes_nothing(study, now):
    factories.a_randomised_participant(study, now)
    at = now + timedelta(days=15)
    worker.tick(at)
    before = (AuditEvent.objects.count(), AuditSeal.objects.count())
    again = worker.tick(at)
    assert (again.messages, again.stopped, again.seals) == (0, 0, 0)
    assert (AuditEvent.objects.count(), AuditSeal.objects.count()) == before


def test_a_screening_left_alone_for_a_day_is_over(study, now):
    person = participants.begin(study=study, language="en", by=actors.visitor("new"), at=now)
    worker.tick(now + timedelta(hours=24))
    assert Participant.objects.get(pk=person.pk).state == "screening"
    worker.tick(now + timedelta(hours=24, seconds=1))
    person.refresh_from_db()
    assert (person.state, person.left_reason, person.left_stage) == (
        "excluded",
        "stopped",
        "screening",
    )


def test_whoever_gave_an_address_has_a_month_to_sign(study, now):
    person = factories.a_verified_participant(study, now)
    worker.tick(now + timedelta(days=30))
    assert Participant.objects.get(pk=person.pk).state == "screening"
    worker.tick(now + timedelta(days=30, seconds=1))
    person.refresh_from_db()
    assert (person.state, person.left_stage) == ("excluded", "consent")


def always_fails(participant, at):
    raise RuntimeError(f"no: {TYPED}")


def test_somebody_whose_step_fails_stops_nobody_else_and_is_tried_again(
    study, now, settings, caplog
):
    settings.JOURNEY = [*settings.JOURNEY[:7], f"{__name__}.always_fails", *settings.JOURNEY[7:]]
    dan = factories.a_randomised_participant(study, now)
    other = factories.a_verified_participant(study, now)
    worker.tick(now + timedelta(days=31))
    assert list(Alert.objects.filter(participant=dan).values_list("kind", flat=True)) == ["journey"]
    assert f"journey step tests.always_fails failed for {dan.code}: RuntimeError" in caplog.text
    assert TYPED not in caplog.text
    assert Participant.objects.get(pk=other.pk).state == "excluded"
    row = Journey.objects.get(participant=dan)
    assert row.failed_at == now + timedelta(days=31)

    settings.JOURNEY = [path for path in settings.JOURNEY if not path.endswith("always_fails")]
    worker.tick(now + timedelta(days=32))
    row.refresh_from_db()
    assert (row.failed_at, "outcomes.dating" in row.passed or row.due_at is not None) == (
        None,
        True,
    )
    assert audit.verify(study) == []


def test_a_step_that_still_fails_after_its_alert_was_closed_raises_another(study, now, settings):
    settings.JOURNEY = [*settings.JOURNEY[:7], f"{__name__}.always_fails", *settings.JOURNEY[7:]]
    dan = factories.a_randomised_participant(study, now)
    worker.tick(now + timedelta(hours=1))
    first = Alert.objects.get(participant=dan)
    eva = actors.staff(1, "supervisor")
    alerts.take(alert=first, by=eva, at=now)
    alerts.close(alert=first, done="looked", by=eva, at=now)
    for hours in (2, 3):
        worker.tick(now + timedelta(hours=hours))
    assert list(Alert.objects.order_by("pk").values_list("kind", "state", "raised_at")) == [
        ("journey", "closed", now),
        ("journey", "raised", now + timedelta(hours=2)),
    ]


@contextmanager
def with_entry(settings, setting: str, entry: str):
    """One more entry in a list of settings, before those that stand there."""
    before = getattr(settings, setting)
    setattr(settings, setting, [f"{__name__}.{entry}", *before])
    try:
        yield
    finally:
        setattr(settings, setting, before)


def erasing_fails_for_bad(participant, at):
    if participant.code == "QM-BAD99":
        raise RuntimeError(f"no: {TYPED}")


def never_works(at):
    raise RuntimeError(f"no: {TYPED}")


def a_person_named(code: str, study, at) -> Participant:
    return participants.begin(
        study=study, language="en", code=code, by=actors.visitor("new"), at=at
    )


def test_one_who_cannot_be_forgotten_stops_nobody_else_and_no_mail(study, now, settings, caplog):
    bad, good = (a_person_named(code, study, now) for code in ("QM-BAD99", "QM-GOOD9"))
    for person in (bad, good):
        participants.turn_away(
            participant=person, stage="basics", reason="age", by=actors.SYSTEM, at=now
        )
    at = now + timedelta(days=1)
    alerts.raise_alert(
        study=study,
        participant=None,
        kind="no_coach",
        subject_ref="x",
        within_hours=4,
        by=actors.SYSTEM,
        at=at,
    )
    with with_entry(settings, "ERASURE", "erasing_fails_for_bad"):
        first, second = worker.tick(at), worker.tick(at + timedelta(minutes=1))
    bad.refresh_from_db()
    good.refresh_from_db()

    assert (bad.erased_at, good.erased_at, first.messages, first.failed, second.failed) == (
        None,
        at,
        1,
        1,
        1,
    )
    waiting = Alert.objects.filter(kind="worker")
    assert [(each.participant, each.subject_ref) for each in waiting] == [(None, "forget QM-BAD99")]
    assert second.messages == 1  # the alert of it
    assert "forget QM-BAD99 failed: RuntimeError" in caplog.text
    assert TYPED not in caplog.text

    worker.tick(at + timedelta(minutes=2))
    bad.refresh_from_db()
    assert (bad.erased_at, audit.verify(study)) == (at + timedelta(minutes=2), [])
    eva = actors.staff(1, "supervisor")
    alerts.take(alert=waiting.get(), by=eva, at=at)
    assert alerts.close(alert=waiting.get(), done="looked", by=eva, at=at).state == "closed"


def test_one_who_cannot_be_stopped_stops_nobody_else(study, now, settings):
    for code in ("QM-BAD99", "QM-GOOD9"):
        a_person_named(code, study, now)
    with with_entry(settings, "ERASURE", "erasing_fails_for_bad"):
        done = worker.tick(now + timedelta(hours=25))
    assert dict(Participant.objects.values_list("code", "state")) == {
        "QM-BAD99": "screening",
        "QM-GOOD9": "excluded",
    }
    assert (done.stopped, done.failed) == (1, 1)
    assert list(Alert.objects.values_list("kind", "subject_ref")) == [("worker", "stop QM-BAD99")]


def test_a_part_that_fails_stops_no_other_part(study, now, settings, caplog):
    person = participants.begin(study=study, language="en", by=actors.visitor("new"), at=now)
    with with_entry(settings, "WORKER", "never_works"):
        done = worker.tick(now + timedelta(hours=25))
    person.refresh_from_db()
    assert (person.state, done.seals, done.failed) == ("excluded", 1, 1)
    assert "tests.never_works failed: RuntimeError" in caplog.text
    assert TYPED not in caplog.text


def test_a_study_that_cannot_be_sealed_keeps_no_other_from_being_sealed(study, now, caplog):
    other = factories.a_loaded_study(LIVING_POSITIVE, now)
    Study.objects.filter(pk=other.pk).update(state="open")
    worker.tick(now)
    for each in (study, other):
        participants.begin(study=each, language="en", by=actors.visitor("new"), at=now)
    # A seal that its head does not know of: the next one of this study has its key.
    chain = AuditHead.objects.get(stream=f"{study.slug}!seals")
    key = f"{study.slug}!{chain.number + 1}"
    AuditSeal.objects.create(
        key=key, study=study.slug, number=chain.number + 1, at=now, previous="", hash=""
    )

    done = worker.tick(now + timedelta(hours=1))

    assert (done.seals, done.failed) == (1, 1)
    assert AuditSeal.objects.filter(study=other.slug).count() == 2
    assert [(each.study, each.subject_ref) for each in Alert.objects.all()] == [
        (study, f"seal {study.slug}")
    ]
    assert f"seal {study.slug} failed: IntegrityError" in caplog.text


def test_a_message_left_behind_that_cannot_be_moved_keeps_no_other_back(study, now, caplog):
    other = factories.a_loaded_study(LIVING_POSITIVE, now)
    for each in (study, other):
        alerts.raise_alert(
            study=each,
            participant=None,
            kind="no_coach",
            subject_ref="x",
            within_hours=4,
            by=actors.SYSTEM,
            at=now,
        )
    Message.objects.update(state="sending", handed_over_at=now)
    AuditHead.objects.filter(stream=study.slug).update(
        number=0
    )  # so that this study takes no event any more

    worker.tick(now + timedelta(hours=1), seal=False)

    assert dict(Message.objects.values_list("study__slug", "state")) == {
        study.slug: "sending",
        other.slug: "sent",
    }
    assert "could not be moved on: IntegrityError" in caplog.text


def test_a_round_that_failed_in_part_ends_the_command_with_an_error(study, settings):
    with (
        with_entry(settings, "WORKER", "never_works"),
        pytest.raises(CommandError, match="1 thing failed"),
    ):
        call_command("worker", "--once")


def on_an_empty_database(directory: Path) -> dict[str, str]:
    return {
        "HANDVAT_DATABASE": str(directory / "empty.sqlite3"),
        "HANDVAT_KIND": "rehearsal",
        "DATABASE_URL": "",
    }


@pytest.mark.once  # in a process of its own, on a database of its own
def test_the_worker_goes_on_while_the_database_does_not_answer(tmp_path):
    environment = {**os.environ, **on_an_empty_database(tmp_path)}
    command = [sys.executable, "manage.py", "worker", "--every", "0.1", "--verbosity", "2"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        rounds = [running.stdout.readline() for _ in range(3)]
        went_on = running.poll() is None
        running.terminate()
        log = running.stderr.read()
    assert (went_on, [line[:10] for line in rounds]) == (True, ["0 journeys"] * 3)
    assert "journey failed: OperationalError" in log
    assert "Traceback" not in log


ELSEWHERE = """
from trial.settings import *
JOBS = ["elsewhere.note"]

def note(at):
    import sys
    from pathlib import Path
    Path(__file__ + ".made").write_text(str(sys.warnoptions))
    return 0
"""


@pytest.mark.once  # in a process of its own, on a database of its own
def test_the_process_for_jobs_is_started_with_the_same_options(tmp_path):
    """Settings that lie elsewhere, in a folder that only this command was told."""
    (tmp_path / "elsewhere.py").write_text(ELSEWHERE)
    options = ["--settings", "elsewhere", "--pythonpath", str(tmp_path), "--every", "0.1"]
    with subprocess.Popen(
        [sys.executable, "-Werror::UserWarning", "manage.py", "worker", *options],
        cwd=ROOT,
        env={**os.environ, **on_an_empty_database(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        processes.until((tmp_path / "elsewhere.py.made").exists)
        running.terminate()
        assert "Traceback" not in running.stderr.read()
    assert "error::UserWarning" in (tmp_path / "elsewhere.py.made").read_text()


@pytest.mark.parametrize("ends", ["worker", "site"])
def test_the_site_and_the_worker_stop_together_whichever_ends_first(ends):
    sleeps, stops = (
        [sys.executable, "-c", code]
        for code in ("import time; time.sleep(60)", "raise SystemExit(3)")
    )
    began = time.monotonic()
    ended = serve.run_together(
        {name: stops if name == ends else sleeps for name in ("worker", "site")}, os.environ
    )
    assert ended == (ends, 3)
    assert time.monotonic() - began < 30


@pytest.mark.once  # in a process of its own, on a database of its own
def test_serving_ends_with_an_error_when_the_site_cannot_begin(tmp_path):
    environment = {**os.environ, **on_an_empty_database(tmp_path)}
    command = [sys.executable, "manage.py", "serve", "--bind", "256.0.0.1:1"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 1
    assert "The site ended by itself" in done.stderr


def test_the_trail_is_sealed_once_an_hour_whether_anything_happened_or_not(study, now):
    """Seals that came with what happens would tell a concealed role when something did."""
    dan = factories.a_randomised_participant(study, now)
    assert worker.tick(now).seals == 1
    participants.withdraw(participant=dan, by=actors.participant(dan.code), at=now)
    assert worker.tick(now + timedelta(minutes=59)).seals == 0
    assert [worker.tick(now + timedelta(hours=hours)).seals for hours in (1, 2)] == [1, 1]
    assert AuditSeal.objects.filter(study=study.slug).count() == 3


def test_a_journey_that_one_worker_has_claimed_is_none_of_anothers(study, now):
    dan = factories.a_consented_participant(study, now)
    at = now + timedelta(hours=1)
    Journey.objects.filter(participant=dan).update(due_at=at)
    assert [journey.claim(at), journey.claim(at)] == [[dan.pk], []]


def test_one_round_says_what_it_did_and_fails_where_something_did(study, settings, capsys):
    call_command("worker", "--once")
    assert capsys.readouterr().out == "0 journeys, 0 messages, 1 seals\n"
    with (
        with_entry(settings, "WORKER", "never_works"),
        pytest.raises(CommandError, match="1 thing failed: see the log"),
    ):
        call_command("worker", "--once")


def test_a_rehearsal_is_not_gone_on_with_after_something_failed(study, settings, now):
    assert rehearse._round(now).failed == 0
    with (
        with_entry(settings, "WORKER", "never_works"),
        pytest.raises(rehearse.RoundFailed, match="1 of what the worker"),
    ):
        rehearse._round(now)


@pytest.mark.parametrize(
    ("early", "late", "dropout", "leaves"),
    [
        (0.1, 0.9, 0.2, "before"),
        (0.9, 0.0, 0.2, "after"),
        (0.9, 0.9, 0.2, "never"),
        (0.9, 0.0, 0.0, "never"),
    ],
)
def test_a_virtual_person_leaves_before_or_after_the_first_post_test_or_never(
    early, late, dropout, leaves
):
    drawn = SimpleNamespace(
        generator=SimpleNamespace(random=lambda _: (early, late, 0.5, 0.9, 0.9, 0.5, 0.9))
    )
    fate = virtual.draw_fate(drawn, dropout=dropout, first_post_day=90, lessons=3, programme_stop=0)
    leaves_on = fate.leaves_on
    assert leaves == (
        "never" if leaves_on is None else "before" if 2 <= leaves_on < 90 else "after"
    )
