"""`manage.py lifecycles`: writes docs/life-cycles.md from the tables in trial/lifecycles.py."""

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from trial import lifecycles

HEAD = """# Life cycles

Made by `manage.py lifecycles` from `trial/lifecycles.py`; a test compares the two. An action that
asks for a step that is not drawn here is refused (`NotAllowedNow`), and nothing has changed.
"""
WHAT = {
    "study": "Whether people are taken in. Opening locks the design and the analysis plan; locking "
    "lets the arms be compared.",
    "participant": "One person, from the first screening answer. Leaving the programme is not "
    "leaving the study.",
    "assessment": "One person, timepoint and instrument. Not stored: worked out from dates for any "
    "moment (`outcomes.schedules`).",
    "contact": "A planned call. Each contact may have several tries, and each try has an outcome "
    "of its own.",
    "message": "A mail. What was not handed over waits and is tried again; what the host refused, "
    "or did not take for a day, has "
    "failed; of what may have been handed over it is uncertain, and a person decides.",
    "job": "A report or an export, or whatever else the worker makes because somebody asked. What "
    "failed is asked for again; of what is removed the files are gone and the row stays.",
    "alert": "Something a person must look at before a deadline. Taking over from somebody else is "
    "allowed.",
}


class Command(BaseCommand):
    help = "Write docs/life-cycles.md."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--to", type=Path, default=settings.BASE_DIR / "docs" / "life-cycles.md", metavar="FILE"
        )
        parser.add_argument(
            "--check",
            action="store_true",
            help="write nothing; exit status 1 when the page is out of date",
        )

    def handle(self, *args: Any, to: Path, check: bool, **options: Any) -> None:
        text = page()
        if not check:
            to.write_text(text)
        elif not to.exists() or to.read_text() != text:
            self.stderr.write(f"{to} is out of date: run manage.py lifecycles")
            sys.exit(1)


def page() -> str:
    return "\n".join([HEAD, *(_section(name) for name in lifecycles.ALL)])


def _section(name: str) -> str:
    return (
        f"## {name.capitalize()}\n\n{WHAT[name]}\n\n```mermaid\n{lifecycles.diagram(name)}\n```\n"
    )
