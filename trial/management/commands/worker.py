from __future__ import annotations

import logging
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from trial import stamp, worker

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Do what is due: messages, journeys, windows that close, reports. Any number of workers "
        "may run."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="one round, then stop; an error if anything failed"
        )
        parser.add_argument(
            "--every", type=float, default=10.0, help="seconds between rounds (default: 10)"
        )

    def handle(self, *args: Any, once: bool, every: float, **options: Any) -> None:
        stamp.open_once()
        is_told = once or options["verbosity"] > 1
        if once:
            self._check(self._round(is_told))
            return
        while True:
            try:
                if self._round(is_told).failed:
                    close_old_connections()  # one that the database has dropped is made anew
            except DatabaseError as error:
                logger.error("the database did not answer: %s", type(error).__name__)
            time.sleep(every)

    def _round(self, is_told: bool) -> worker.Round:
        done = worker.tick(timezone.now())
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
