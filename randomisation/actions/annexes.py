"""Giving out the sealed annex of a design is something that happens: it says who holds it."""

from __future__ import annotations

from datetime import datetime

from randomisation.queries import comparison
from trial import audit
from trial.actions.once import once
from trial.actors import Actor
from trial.models import ProtocolVersion, Study


class Concealed(Exception):
    """The study is open: its sealed annex is not given out before it is locked."""


@once
def give(*, study: Study, language: str, by: Actor, at: datetime) -> ProtocolVersion:
    """Record that somebody takes the annex; returns the version it belongs to. The event holds
    nothing of the annex.
    """
    locked = Study.held().get(pk=study.pk)  # against its opening at the same moment
    if not comparison.is_shown(locked):
        raise Concealed(locked.state)
    version = locked.current
    audit.record(
        locked,
        "sealed annex given",
        subject=f"version {version.number}",
        new={"language": language},
        by=by,
        at=at,
    )
    return version
