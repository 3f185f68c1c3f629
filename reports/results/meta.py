"""results.json: `meta` alone holds times, hashes and versions; `numbers` are the same whenever the
snapshot is.
"""

import dataclasses
import hashlib
import json
from datetime import datetime
from functools import cache
from pathlib import Path

from ..dataset import Dataset, Given, LeftAside, Meta
from ..plan import AnalysisPlan
from .number import Results

VERSION = "0.1.0"
ROOT = Path(__file__).resolve().parents[2]
APPS = ("trial", "outcomes", "randomisation", "coaching_protocol", "reports")


@cache
def code_version() -> str:
    """The version and a hash of every module of the five apps and of the questionnaires they ship.

    All of them, since a number comes out of answers, scores, dates and grants as much as out of
    statistics; a narrower choice would have to be kept in step by hand. Migrations move data and
    compute nothing.
    """
    digest = hashlib.sha256()
    for path in sources():
        digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return f"{VERSION}+{digest.hexdigest()[:12]}"


def sources() -> list[Path]:
    """In a stable order."""
    modules = [
        path
        for app in APPS
        for path in (ROOT / app).rglob("*.py")
        if "migrations" not in path.parts
    ]
    return sorted([*modules, *(ROOT / "outcomes" / "library").glob("*.yaml")])


def results_json(results: Results, data: Dataset, plan: AnalysisPlan, made_at: datetime) -> str:
    meta = {
        "title": dict(data.meta.title),
        "study": data.meta.study,
        "source": dict(data.meta.source),
        "protocol_version": data.meta.protocol_version,
        "protocol_sha256": data.meta.protocol_sha256,
        "snapshot_sha256": data.snapshot_hash,
        "code_version": data.meta.code_version,
        "audit_seal": data.meta.audit_seal,
        "left_aside": _left_aside(data.meta.left_aside),
        "conduct": _conduct(data.meta),
        "simulated": data.meta.simulated,
        "notice": data.meta.notice,
        "pooled": data.arms is None,
        "randomised": len(data.participants),
        "not_possible": _not_possible(plan),
        "made_at": made_at.isoformat(),
    }
    numbers = [dataclasses.asdict(number) for number in results.numbers]
    return (
        json.dumps(
            {"meta": meta, "numbers": numbers}, indent=1, ensure_ascii=False, allow_nan=False
        )
        + "\n"
    )


def _conduct(meta: Meta) -> dict | None:
    """None: not recorded in this data set. A real day of registration is not held against made-up
    ones.
    """
    conduct = meta.conduct
    if conduct is None:
        return None
    registration = None
    if conduct.registration:
        registration = dataclasses.asdict(conduct.registration) | {
            "on": conduct.registration.on.isoformat(),
            "against_first_allocation": None if meta.simulated else conduct.registered,
        }
    return {
        "design_and_plan_locked_at": conduct.locked_at.isoformat(),
        "first_allocation_at": conduct.first_allocation_at.isoformat(),
        "locked_before_first_allocation": conduct.is_locked_before,
        "registration": registration,
        "timepoints_of_some_arms_only": [dataclasses.asdict(each) for each in conduct.partial],
        "roles_and_lock": [_given(each) for each in conduct.given],
    }


def _not_possible(plan: AnalysisPlan) -> dict[str, str]:
    """What this report does not hold, and why."""
    if not plan.cluster:
        return {}
    why = f"{plan.cluster} was randomised as a whole, not people, and no model here has clusters"
    return dict.fromkeys(("differences", "effects", "p_values", "intervals"), why)


def _left_aside(aside: LeftAside | None) -> dict | None:
    return dataclasses.asdict(aside) if aside else None


def _given(given: Given) -> dict:
    until = given.until.isoformat() if given.until else None
    return dataclasses.asdict(given) | {"since": given.since.isoformat(), "until": until}
