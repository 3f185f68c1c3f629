from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.management.commands import collectstatic
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from whitenoise.storage import CompressedManifestStaticFilesStorage

from trial import environment, stamp

LOOK_EVERY = 0.5  # seconds
# Longer than the site has for answers in flight (gunicorn's 30 seconds), and the worker for what
# it has in hand.
STOPPED_WITHIN = 60
ROOT = Path(settings.BASE_DIR)
UNUSED = ["*rest_framework*", "*redoc*"]  # of packages: pages that are not served here


class Command(BaseCommand):
    help = (
        "Serve the site on this machine, with the worker beside it. Stops both on Ctrl-C, and when "
        "either ends."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--bind", default="127.0.0.1:8000", help="address and port (default: 127.0.0.1:8000)"
        )
        parser.add_argument(
            "--directory", type=Path, help="of a demo or rehearsal, to serve that once more"
        )

    def handle(self, *args: Any, bind: str, directory: Path | None, **options: Any) -> None:
        told = {**os.environ, **self._told(bind, directory), **_collected(ROOT / "staticfiles")}
        # Whoever stops this by a signal means the site and the worker too.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        worker = [sys.executable, str(ROOT / "manage.py"), "worker"]
        self.stdout.write(f"http://{bind}/  (answers within seconds; Ctrl-C stops)")
        try:
            name, code = run_together({"worker": worker, "site": site(bind)}, told)
        except KeyboardInterrupt:
            self.stdout.write("")
        else:
            raise CommandError(
                f"The {name} ended by itself (code {code}), so everything was stopped."
            )

    def _told(self, bind: str, directory: Path | None) -> dict[str, str]:
        if directory is None:
            stamp.start()
            return environment.public_url(bind, os.environ)
        database = directory / environment.DATABASE
        if stamp.kind_of_file(database) != "rehearsal":
            raise CommandError(f"{database} is no database of a demo or rehearsal")
        return environment.of_rehearsal(directory, bind, os.environ)


def site(bind: str) -> list[str]:
    """The command that answers people. On SIGTERM it takes nobody in any more and answers whoever
    is in.
    """
    # Found from whatever folder this is called in, which stays the one that relative paths are
    # read from.
    command = [sys.executable, "-m", "gunicorn", "trial.wsgi", "--pythonpath", str(ROOT)]
    command += ["--bind", bind, "--workers", "2", "--threads", "4"]
    # It would lie at one place for all installations of a user, and nobody asks anything there.
    command += ["--no-control-socket"]
    command += ["--preload"]  # once for both workers, and before the port answers
    command += ["--forwarded-allow-ips", ""]  # whose word counts says HANDVAT_PROXIES alone
    return command


def _collected(where: Path) -> dict[str, str]:
    """What the site is told of its static files: nothing where they cannot be collected, and then
    it serves them from where they lie.
    """
    try:
        collect(where)
    except OSError:
        return {"HANDVAT_STATIC": ""}
    return {"HANDVAT_STATIC": str(where)}


def collect(where: Path) -> None:
    """Every static file, compressed and under a name that tells its content; nothing is done where
    they stand already.
    """
    made_from = where / "made-from.txt"
    sources = _sources()
    if made_from.is_file() and made_from.read_text("utf-8") == sources:
        return
    command = collectstatic.Command()
    command.storage = CompressedManifestStaticFilesStorage(
        location=where, base_url=settings.STATIC_URL
    )
    call_command(command, interactive=False, clear=True, ignore_patterns=UNUSED, verbosity=0)
    made_from.write_text(sources, "utf-8")


def _sources() -> str:
    """A digest of which files there are, and of when and how large each was last written. It is
    served like the rest, so it names none.
    """
    found = {
        storage.path(name) for finder in finders.get_finders() for name, storage in finder.list([])
    }
    told = ((path, os.stat(path)) for path in sorted(found))
    lines = (f"{path} {each.st_size} {each.st_mtime_ns}" for path, each in told)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def run_together(
    commands: Mapping[str, Sequence[str]], environ: Mapping[str, str]
) -> tuple[str, int]:
    """Run all until the first ends, and stop the others: its name and exit code."""
    # A group of their own, so that one Ctrl-C here stops each of them once and in order.
    running = {
        name: subprocess.Popen(command, start_new_session=True, env=dict(environ))
        for name, command in commands.items()
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
        process.wait(timeout=STOPPED_WITHIN)
