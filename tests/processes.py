"""The site and the worker as processes of their own, on the database of a test or another."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests import smtp

ROOT = Path(__file__).resolve().parent.parent
NO_ANSWER = 0
PATIENCE = 60  # seconds, of a busy machine


@contextmanager
def site(environ: Mapping[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """As `manage.py serve` runs it, and the port at which it answers."""
    from trial.management.commands import serve

    port = smtp.nobody_listens()
    with _running(serve.site(f"127.0.0.1:{port}"), environ) as process:
        until(lambda: ask(port, "GET", "/healthy", {}, None)[0] != NO_ANSWER)
        yield process, port


@contextmanager
def worker(environ: Mapping[str, str], mail_port: int) -> Iterator[subprocess.Popen[bytes]]:
    """`manage.py worker`, whose mail goes to the host at this port of the machine."""
    command = [sys.executable, "-m", "tests.processes", str(mail_port)]
    with _running(command, environ) as process:
        yield process


@contextmanager
def _running(
    command: Sequence[str], environ: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=dict(environ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):  # itself, and whatever it began
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.02)


def ask(
    port: int, method: str, path: str, headers: Mapping[str, str], body: object
) -> tuple[int, str | None]:
    """The status of the answer and when to come back; NO_ANSWER where there was none."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    told = {**headers, "Content-Type": "application/json"}
    try:
        line.request(method, path, json.dumps(body), told)
        answer = line.getresponse()
        answer.read()
    except (ConnectionError, http.client.HTTPException):
        return NO_ANSWER, None
    finally:
        line.close()
    return answer.status, answer.headers["Retry-After"]


def main() -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    smtp.use(settings, int(sys.argv[1]))
    call_command("worker", "--every", "0.2")


if __name__ == "__main__":
    main()
