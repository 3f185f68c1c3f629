from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    help = "Serve the site on this machine, with the worker beside it. Stops both on Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1:8000", help="address and port (default: 127.0.0.1:8000)")

    def handle(self, *args: Any, bind: str, **options: Any) -> None:
        site = [sys.executable, "-m", "gunicorn", "trial.wsgi", "--bind", bind, "--workers", "2", "--threads", "4"]
        worker = [sys.executable, "manage.py", "worker"]
        # A group of their own, so that one Ctrl-C here stops each of them once and in order.
        running = [subprocess.Popen(command, start_new_session=True) for command in (worker, site)]
        self.stdout.write(f"http://{bind}/  (Ctrl-C stops)")
        try:
            running[1].wait()
        except KeyboardInterrupt:
            self.stdout.write("")
        finally:
            for process in running:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGTERM)
            for process in running:
                process.wait(timeout=30)
