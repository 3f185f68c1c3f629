from __future__ import annotations

import argparse
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from trial import stamp, worker

logger = logging.getLogger(__name__)
LOOK_EVERY = 0.5  # seconds, whether it is to stop
PATIENCE = 10  # seconds, for a job that is to stop
HANDED_ON = ("settings", "pythonpath", "verbosity")  # options of Django's own


class Command(BaseCommand):
    help = (
        "Do what is due: messages, journeys, windows that close and, in a process of its own "
        "beside it, reports. Any number of workers may run, and share the work. Stops after what "
        "is in hand."
    )
    is_over = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="one round, then stop; an error if anything failed"
        )
        parser.add_argument(
            "--every",
            type=float,
            default=10.0,
            help="seconds until the next look once nothing is due (default: 10)",
        )
        # The process beside a worker: jobs alone, and no longer than the worker of this number.
        parser.add_argument("--jobs-of", type=int, help=argparse.SUPPRESS)

    def handle(
        self, *args: Any, once: bool, every: float, jobs_of: int | None, **options: Any
    ) -> None:
        stamp.open_once()
        is_told = once or options["verbosity"] > 1
        if once:
            self._check(self._told(worker.tick(timezone.now()), is_told))
        elif jobs_of:
            self._do_jobs(every, jobs_of)
        else:
            self._work(every, is_told, options)

    def _work(self, every: float, is_told: bool, options: Mapping[str, Any]) -> None:
        """What is in hand is finished and what was claimed is given back; a second signal changes
        nothing.
        """
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: setattr(self, "is_over", True))
        jobs = _begin_jobs(every, options)
        try:
            while not self.is_over:
                if not self._has_more(is_told):
                    self._pause(every)
                if jobs.poll() is not None and not self.is_over:
                    jobs = _begin_jobs(every, options)
        finally:
            _end_jobs(jobs)

    def _has_more(self, is_told: bool) -> bool:
        try:
            done = self._told(worker.turn(timezone.now, lambda: self.is_over), is_told)
        except DatabaseError as error:
            logger.error("the database did not answer: %s", type(error).__name__)
            return False
        if done.failed:
            close_old_connections()  # one that the database has dropped is made anew
        return done.has_more

    def _do_jobs(self, every: float, jobs_of: int) -> None:
        """A job that is to stop stops at once: it is made again."""
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: sys.exit(0))
        while os.getppid() == jobs_of:
            if worker.jobs(timezone.now):
                close_old_connections()
            self._pause(every)

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self.is_over and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, LOOK_EVERY))

    def _told(self, done: worker.Round, is_told: bool) -> worker.Round:
        if is_told:
            self.stdout.write(
                f"{done.journeys} journeys, {done.messages} messages, {done.seals} seals"
            )
            self.stdout.flush()
        return done

    def _check(self, done: worker.Round) -> None:
        if done.failed:
            things = "1 thing" if done.failed == 1 else f"{done.failed} things"
            raise CommandError(f"{things} failed: see the log. A next round tries again.")


def _begin_jobs(every: float, options: Mapping[str, Any]) -> subprocess.Popen[bytes]:
    """A job of minutes, or one that takes all memory, keeps no alert from going. What this process
    was started with is meant for that one too.
    """
    given = {name: options[name] for name in HANDED_ON if options.get(name) is not None}
    given |= {"jobs-of": os.getpid(), "every": every}
    warnings = [f"-W{each}" for each in sys.warnoptions]
    command = [sys.executable, *warnings, str(Path(settings.BASE_DIR) / "manage.py"), "worker"]
    return subprocess.Popen([*command, *(f"--{name}={value}" for name, value in given.items())])


def _end_jobs(jobs: subprocess.Popen[bytes]) -> None:
    jobs.terminate()
    try:
        jobs.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        jobs.kill()
        jobs.wait()
