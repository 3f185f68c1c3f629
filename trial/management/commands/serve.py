from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from trial import environment, stamp

LOOK_EVERY = 0.5  # seconds


class Command(BaseCommand):
    help = "Serve the site on this machine, with the worker beside it. Stops both on Ctrl-C, and when either ends."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1:8000", help="address and port (default: 127.0.0.1:8000)")
        parser.add_argument("--directory", type=Path, help="of a demo or rehearsal, to serve that once more")

    def handle(self, *args: Any, bind: str, directory: Path | None, **options: Any) -> None:
        told = {**os.environ, **self._told(bind, directory)}
        # Whoever stops this by a signal means the site and the worker too.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        site = [sys.executable, "-m", "gunicorn", "trial.wsgi", "--bind", bind, "--workers", "2", "--threads", "4"]
        site += ["--forwarded-allow-ips", ""]  # whose word counts says HANDVAT_PROXIES alone
        worker = [sys.executable, "manage.py", "worker"]
        self.stdout.write(f"http://{bind}/  (Ctrl-C stops)")
        try:
            name, code = run_together({"worker": worker, "site": site}, told)
        except KeyboardInterrupt:
            self.stdout.write("")
        else:
            raise CommandError(f"The {name} ended by itself (code {code}), so everything was stopped.")

    def _told(self, bind: str, directory: Path | None) -> dict[str, str]:
        if directory is None:
            stamp.start()
            return environment.public_url(bind, os.environ)
        database = directory / environment.DATABASE
        if stamp.kind_of_file(database) != "rehearsal":
            raise CommandError(f"{database} is no database of a demo or rehearsal")
        return environment.of_rehearsal(directory, bind, os.environ)


def run_together(commands: Mapping[str, Sequence[str]], environ: Mapping[str, str]) -> tuple[str, int]:
    """Run all until the first ends, and stop the others: its name and exit code."""
    # A group of their own, so that one Ctrl-C here stops each of them once and in order.
    running = {
        name: subprocess.Popen(command, start_new_session=True, env=dict(environ)) for name, command in commands.items()
    }
    try:
        return _first_to_end(running)
    finally:
        _stop(running)


def _first_to_end(running: Mapping[str, subprocess.Popen[bytes]]) -> tuple[str, int]:
    while True:
        for name, process in running.items():
            if process.poll() is not None:
                return name, process.returncode
        time.sleep(LOOK_EVERY)


def _stop(running: Mapping[str, subprocess.Popen[bytes]]) -> None:
    for process in running.values():
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
    for process in running.values():
        process.wait(timeout=30)
