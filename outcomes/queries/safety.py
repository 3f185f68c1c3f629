"""When a page shows help first."""

from __future__ import annotations

from collections.abc import Mapping

from outcomes.instruments import Instrument
from outcomes.queries import definitions
from trial.models import ProtocolVersion
from trial.rules import Facts, holds


def calls_for_help(version: ProtocolVersion, instrument: Instrument, answers: Mapping[str, int | None]) -> bool:
    """A risk item above its lowest answer, or any rule of the study's alerts about single items."""
    items = {f"{instrument.code}.{code}": value for code, value in answers.items() if value is not None}
    facts = Facts(items=items)
    is_risky = any(
        (answers.get(code) or instrument.options[0]) > instrument.options[0] for code in instrument.risk_items
    )
    return is_risky or any(holds(alert.rule, facts) is True for alert in definitions.assessments(version).alerts)
