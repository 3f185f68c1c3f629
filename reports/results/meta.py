"""results.json: `meta` alone holds times, hashes and versions; `numbers` are the same whenever the snapshot is."""

import dataclasses
import hashlib
import json
from datetime import datetime
from functools import cache
from pathlib import Path

from ..dataset import Conduct, Dataset
from ..dataset.tables import SIMULATED
from .number import Results

VERSION = "0.1.0"


@cache
def code_version() -> str:
    """The version and a hash of every source file that a number passes through."""
    here = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for path in sorted(here.rglob("*.py")):
        name = path.relative_to(here)
        if name.parts[0] not in ("document", "figures", "migrations", "management", "views"):
            digest.update(name.as_posix().encode() + path.read_bytes())
    return f"{VERSION}+{digest.hexdigest()[:12]}"


def results_json(results: Results, data: Dataset, made_at: datetime) -> str:
    meta = {
        "title": dict(data.meta.title),
        "study": data.meta.study,
        "source": dict(data.meta.source),
        "protocol_version": data.meta.protocol_version,
        "protocol_sha256": data.meta.protocol_sha256,
        "snapshot_sha256": data.snapshot_hash,
        "code_version": data.meta.code_version,
        "audit_seal": data.meta.audit_seal,
        "conduct": _conduct(data.meta.conduct),
        "simulated": data.meta.simulated,
        "notice": SIMULATED if data.meta.simulated else "",
        "pooled": data.arms is None,
        "randomised": len(data.participants),
        "made_at": made_at.isoformat(),
    }
    numbers = [dataclasses.asdict(number) for number in results.numbers]
    return json.dumps({"meta": meta, "numbers": numbers}, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _conduct(conduct: Conduct | None) -> dict | None:
    """None: not recorded in this data set."""
    if conduct is None:
        return None
    registration = None
    if conduct.registration:
        registration = dataclasses.asdict(conduct.registration) | {
            "on": conduct.registration.on.isoformat(),
            "against_first_allocation": conduct.registered,
        }
    return {
        "design_and_plan_locked_at": conduct.locked_at.isoformat(),
        "first_allocation_at": conduct.first_allocation_at.isoformat(),
        "locked_before_first_allocation": conduct.is_locked_before,
        "registration": registration,
        "timepoints_of_some_arms_only": [dataclasses.asdict(each) for each in conduct.partial],
    }
