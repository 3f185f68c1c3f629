"""Letting others see that the randomisation was what it promised to be: the export, and the replay
of it.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from randomisation import exports, verifier
from trial import audit
from trial.actors import Actor
from trial.models import Study


class ListsConcealed(Exception):
    """The export holds arms, the seed and the plan: it is for rehearsals and for studies that their
    statistician locked.
    """


@dataclass(frozen=True)
class Replayed:
    """What the verifier said, and its exit code: 0 where everything is equal."""

    code: int
    sentences: tuple[str, ...]


@transaction.atomic
def export(*, study: Study, by: Actor, at: datetime) -> dict[str, Any]:
    """What a third party verifies, with every arm in it. Raises ListsConcealed."""
    if not may_reveal(study):
        raise ListsConcealed(study.state)
    audit.record(study, "randomisation exported", subject=study.slug, by=by, at=at)
    return exports.export(study, reveal=True)


@transaction.atomic
def replay(*, study: Study, by: Actor, at: datetime) -> Replayed:
    """Replay every draw from the seed and the log. While the study is not locked nothing that is
    said holds an arm.
    """
    said: list[str] = []
    text = io.StringIO(json.dumps(exports.export(study, reveal=True)))
    arguments = ["-"] if may_reveal(study) else ["-", "--conceal"]
    code = verifier.main(arguments, text, said.append)
    audit.record(
        study,
        "randomisation replayed",
        subject=study.slug,
        new={"equal": "yes" if code == 0 else "no"},
        by=by,
        at=at,
    )
    return Replayed(code, tuple(said))


def may_reveal(study: Study) -> bool:
    return study.simulated or study.state == "locked"
