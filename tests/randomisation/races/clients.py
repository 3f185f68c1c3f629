"""Many client processes at once, that crash and are killed, each asking the service for
allocations.

`python -m tests.randomisation.races.clients` reads a job and writes what everybody was told, both
as JSON:

    job     {"at": ISO time, "seed": whole number, "kills": whole number, "shares": [[send, ...],
            ...]}
    send    {"participant": row number, "key": request key, "crash": null | "raise" | "die" | "late"
            | "untold", "after": n}
    result  {"answers": [{"participant", "key", "answer"}, ...], "crashes": {kind: how often},
            "kills": n}

There is one process for each share, forked before any of them has a connection. `raise` and `die`
happen before statement `after` of the transaction, `late` when all is written and not committed,
`untold` after the commit and before the answer. What was not answered is sent again, with the same
key, by a process that takes the place of the one that died.
"""

from __future__ import annotations

import json
import os
import random
import selectors
import signal
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

CODES = {"die": 70, "late": 71, "untold": 72}


class Crashed(Exception):
    """The transaction is broken off."""


@dataclass
class Client:
    """One share of the work, and the process that is at it now."""

    share: list[dict[str, Any]]
    pid: int = 0
    pipe: int = -1
    heard: bytes = b""
    answered: int = 0


@dataclass
class Crowd:
    """All clients, forked, listened to and replaced when they die."""

    at: datetime
    clients: list[Client]
    kills: int
    generator: random.Random
    answers: list[dict[str, Any]] = field(default_factory=list)
    crashes: Counter[str] = field(default_factory=Counter)
    killed: int = 0
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def run(self) -> None:
        waiting, begin = os.pipe()
        for client in self.clients:
            self._fork(client, lambda: _wait(waiting, begin))
        os.close(waiting)
        os.close(begin)  # the last hand on it: everybody begins
        every = max(1, sum(len(client.share) for client in self.clients) // (self.kills + 1))
        while self.selector.get_map():
            for ready, _ in self.selector.select():
                self._listen(ready.data)
                if self.killed < min(self.kills, len(self.answers) // every):
                    self._kill()

    def _fork(self, client: Client, ready: Callable[[], object] = lambda: None) -> None:
        client.pipe, out = os.pipe()
        client.pid = os.fork()
        if client.pid == 0:
            ready()
            work(client.share[client.answered :], out, self.at)
        os.close(out)
        self.selector.register(client.pipe, selectors.EVENT_READ, client)

    def _listen(self, client: Client) -> None:
        said = os.read(client.pipe, 65536)
        if not said:
            self._gone(client)
            return
        *lines, client.heard = (client.heard + said).split(b"\n")
        for line in lines:
            answer = json.loads(line)
            if answer["answer"] == Crashed.__name__:
                self.crashes["raise"] += 1
            else:
                client.answered += 1
                self.answers.append(answer)

    def _gone(self, client: Client) -> None:
        self.selector.unregister(client.pipe)
        os.close(client.pipe)
        _, status = os.waitpid(client.pid, 0)
        client.heard = b""
        code = os.waitstatus_to_exitcode(status)
        for kind in (kind for kind, each in CODES.items() if each == code):
            self.crashes[kind] += 1
            client.share[client.answered]["crash"] = None
        if code not in {0, -signal.SIGKILL, *CODES.values()}:
            raise AssertionError(f"a client ended with code {code}")
        if code:
            self._fork(client)

    def _kill(self) -> None:
        living = [each.data for each in self.selector.get_map().values()]
        os.kill(
            self.generator.choice(living).pid, signal.SIGKILL
        )  # not waited for yet, so the number is still its own
        self.killed += 1


def _wait(waiting: int, begin: int) -> None:
    """Connected, and then held until everybody is."""
    from django.db import connection

    connection.ensure_connection()
    os.close(begin)
    os.read(waiting, 1)


def work(share: list[dict[str, Any]], out: int, at: datetime) -> None:
    """What a client does all its life; never returns."""
    try:
        for send in share:
            answer = ask(send, at)
            while answer == Crashed.__name__:
                _tell(out, send, answer)
                send["crash"] = None
                answer = ask(send, at)
            _tell(out, send, answer)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)


def _tell(out: int, send: dict[str, Any], answer: str) -> None:
    told = {"participant": send["participant"], "key": send["key"], "answer": answer}
    os.write(
        out, json.dumps(told).encode() + b"\n"
    )  # in one piece: it is shorter than a pipe's page


def ask(send: dict[str, Any], at: datetime) -> str:
    """The code of the person, or the name of the error."""
    from django.db import connection, transaction

    from randomisation.actions import allocations
    from randomisation.methods import ListExhausted
    from trial import actors
    from trial.models import Participant

    crash = send["crash"]
    person = Participant.objects.select_related("study", "version").get(pk=send["participant"])
    breaking = (
        connection.execute_wrapper(_Breaking(send)) if crash in {"raise", "die"} else nullcontext()
    )
    try:
        with transaction.atomic() if crash == "late" else nullcontext(), breaking:
            code = allocations.allocate(
                participant=person, key=send["key"], by=actors.SYSTEM, at=at
            )
            if crash in {"late", "untold"}:
                os._exit(CODES[crash])
            return code
    except (allocations.AlreadyRandomised, ListExhausted, Crashed) as error:
        return type(error).__name__


class _Breaking:
    """Breaks the transaction off before a statement of its own choice."""

    def __init__(self, send: dict[str, Any]) -> None:
        self.send, self.left = send, send["after"]

    def __call__(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        self.left -= 1
        if self.left < 0 and self.send["crash"] == "die":
            os._exit(CODES["die"])
        if self.left < 0:
            raise Crashed
        return execute(*arguments)


def main() -> None:
    import django

    django.setup()
    job = json.load(sys.stdin)
    clients = [Client(share) for share in job["shares"]]
    crowd = Crowd(
        datetime.fromisoformat(job["at"]), clients, job["kills"], random.Random(job["seed"])
    )
    crowd.run()
    json.dump(
        {"answers": crowd.answers, "crashes": crowd.crashes, "kills": crowd.killed}, sys.stdout
    )


if __name__ == "__main__":
    main()
