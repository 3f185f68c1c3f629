"""When a page shows help first, and who left a number then."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import QuerySet

from outcomes.instruments import Instrument
from outcomes.queries import definitions
from trial.models import Alert, Participant, ProtocolVersion
from trial.rules import Facts, holds

SCREENING = (
    "screening"  # the occasion; with a number behind it for who was called and left a number again
)


def calls_for_help(
    version: ProtocolVersion, instrument: Instrument, answers: Mapping[str, int | None]
) -> bool:
    """A risk item above its lowest answer, or any rule of the study's alerts about single items."""
    items = {
        f"{instrument.code}.{code}": value for code, value in answers.items() if value is not None
    }
    facts = Facts(items=items)
    is_risky = any(
        (answers.get(code) or instrument.options[0]) > instrument.options[0]
        for code in instrument.risk_items
    )
    return is_risky or any(
        holds(alert.rule, facts) is True for alert in definitions.assessments(version).alerts
    )


def numbers_left(participant: Participant) -> QuerySet[Alert]:
    """Alerts of somebody who left a number at the screening."""
    return Alert.objects.filter(participant=participant, subject_ref__startswith=SCREENING)
