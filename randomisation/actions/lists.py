"""Lists of a fixed length: somebody is told in time, and at the end nobody is allocated by guess."""

from __future__ import annotations

from datetime import datetime

from randomisation.models import FIRST, Allocation, Scope
from randomisation.queries import design
from trial.actions import alerts
from trial.actors import Actor
from trial.models import Alert, Participant

WARN_AT = (4, 5)  # four of five of a list, or of a cap


def warn_if_low(*, participant: Participant, point: str = FIRST, by: Actor, at: datetime) -> Alert | None:
    """An alert when this person's draw was the one that brought their list to four fifths. To be called once it stands."""
    length = design.rule(participant.version, point).length
    drawn = Allocation.objects.filter(participant=participant, point=point, kind="drawn").first()
    if length is None or drawn is None or drawn.draw_index is None:
        return None
    part, whole = WARN_AT
    before, after = drawn.draw_index * whole, (drawn.draw_index + 1) * whole
    if not before < length * part <= after:
        return None
    return _tell(participant, "list_low", _list_of(drawn), 72, by, at)


def stop_at_end(*, participant: Participant, point: str = FIRST, by: Actor, at: datetime) -> Alert:
    """The list of this person's stratum is used up: nothing was consumed, the person waits, and staff are told."""
    return _tell(participant, "list_exhausted", point, 24, by, at)


def _list_of(drawn: Allocation) -> str:
    """The list by its number: what it is called may say more than a mail may."""
    scope = Scope.objects.get(study=drawn.study_id, point=drawn.point, name=drawn.stratum)
    return f"{drawn.point} list {scope.pk}"[:60]


def _tell(participant: Participant, kind: str, occasion: str, hours: int, by: Actor, at: datetime) -> Alert:
    """About the study and not about the person, who has done nothing."""
    return alerts.raise_alert(
        study=participant.study, participant=None, kind=kind, subject_ref=occasion, within_hours=hours, by=by, at=at
    )
