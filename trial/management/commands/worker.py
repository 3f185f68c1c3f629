from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from trial import worker


class Command(BaseCommand):
    help = "Do what is due: messages, journeys, windows that close, reports. Any number of workers may run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="one round, then stop")
        parser.add_argument("--every", type=float, default=10.0, help="seconds between rounds (default: 10)")

    def handle(self, *args: Any, once: bool, every: float, **options: Any) -> None:
        while True:
            done = worker.tick(timezone.now())
            if options["verbosity"] > 1 or once:
                self.stdout.write(f"{done.journeys} journeys, {done.messages} messages, {done.seals} seals")
            if once:
                return
            time.sleep(every)
