"""The export of a study as whoever gets it reads it."""

from __future__ import annotations

import json
from typing import Any

from randomisation import exports
from trial.models import Study


def export_of(study: Study, *, reveal: bool = True) -> dict[str, Any]:
    return json.loads("".join(exports.export(study, reveal=reveal)))
