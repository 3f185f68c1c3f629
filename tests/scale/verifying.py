"""Whether everything still holds, and what it costs to find out."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime

from django.core.management import call_command

from tests.scale.measures import Found, measure, peak, timed
from trial.models import Study


@measure
def verify_audit(study: Study, at: datetime) -> Iterator[Found]:
    yield from _command("verify_audit", study)


@measure
def verify_randomisation(study: Study, at: datetime) -> Iterator[Found]:
    yield from _command("verify_randomisation", study)


def _command(name: str, study: Study) -> Iterator[Found]:
    """Fails where the command does."""
    yield "the command", "s", timed(lambda: call_command(name, study.slug, stdout=io.StringIO()))
    yield "the command", "MB", peak()
