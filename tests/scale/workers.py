"""How many mails a second one, two and four workers hand over, and whether any went twice or was
counted wrongly: to a host that answers at once, where all of them and the database share the cores
of this machine, and to one that takes as long over a mail as a host elsewhere does.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef

from outcomes.models import Assessment
from tests import smtp
from tests.scale.measures import Found, measure, times
from trial import hooks, worker
from trial.models import Journey, Message, Study

WORKERS = (1, 2, 4)
MOST = 2000  # mails for each number of workers
ROUNDS = 3  # without anything to do, after which a worker has done its work
ANSWERS = 4  # to a mail: sender, address, whether it may come, and that it was taken
ELSEWHERE = 0.020  # seconds that a host elsewhere takes over a mail, at least


@measure
def mails(study: Study, at: datetime) -> Iterator[Found]:
    yield from _mails(study, at, seconds=0.0)


@measure
def mails_elsewhere(study: Study, at: datetime) -> Iterator[Found]:
    yield from _mails(study, at, seconds=ELSEWHERE)


def _mails(study: Study, at: datetime, *, seconds: float) -> Iterator[Found]:
    """To a host that takes so many seconds over each."""
    Journey.objects.update(due_at=None)  # a round has nothing else to do
    Message.objects.filter(state="queued").update(state="cancelled")
    for workers in WORKERS[: times(len(WORKERS))]:
        numbers = _queue(study, at)
        with smtp.running() as host:
            host.delay = seconds / ANSWERS
            done = _work(workers, host.port)
        taken = max(ended for _, _, ended in done) - min(began for _, began, _ in done)
        sent = Message.objects.filter(pk__in=numbers, state="sent").count()
        name = f"{workers} {'worker' if workers == 1 else 'workers'}"
        yield name, "mails", sent
        yield name, "mails/s", sent / taken if sent else 0.0
        yield name, "doubled", len(host.taken) - sent
        yield name, "miscounted", sum(count for count, _, _ in done) - sent


def _queue(study: Study, at: datetime) -> list[int]:
    """What was sent about questionnaires that are open still goes again."""
    is_open = Assessment.objects.filter(
        participant=OuterRef("participant"),
        timepoint=OuterRef("subject_ref"),
        opens_at__lte=at,
        closes_at__gt=at,
        submitted_at=None,
    )
    again = Message.objects.filter(
        Exists(is_open), study=study, kind__startswith="assessment_", state="sent"
    )
    numbers = list(again.order_by("pk").values_list("pk", flat=True)[:MOST])
    due_at = at - timedelta(minutes=1)
    Message.objects.filter(pk__in=numbers).update(state="queued", due_at=due_at, attempts=0)
    return numbers


def _work(workers: int, port: int) -> list[tuple[int, float, float]]:
    """Of each worker how many mails it counted, when it began and when it ended."""
    command = [sys.executable, "-m", "tests.scale.beside", "work", str(port)]
    begun = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(workers)
    ]
    for each in begun:
        assert each.stdout is not None
        each.stdout.readline()  # until all are ready
    for each in begun:
        assert each.stdin is not None
        each.stdin.close()
    found = []
    for each in begun:
        assert each.stdout is not None
        found.append(tuple(json.loads(each.stdout.read())))
        each.wait()
    return found


def work(port: int, at: datetime) -> None:
    """Rounds of one worker, begun when standard input is closed, until there is nothing left."""
    smtp.use(settings, port)
    _compose_one(at)  # what a worker reads once in its life is no part of what a mail costs
    print("ready", flush=True)
    sys.stdin.read()
    count, idle, began = 0, 0, time.perf_counter()
    ended = began
    while idle < ROUNDS:
        sent = worker.tick(at, seal=False).messages
        count, idle = count + sent, 0 if sent else idle + 1
        ended = time.perf_counter() if sent else ended
    print(json.dumps([count, began, ended]))


def _compose_one(at: datetime) -> None:
    message = Message.objects.filter(state="queued").first()
    if message:
        hooks.MESSAGES[message.kind](message, at)
