"""Lists of a fixed length: somebody is told in time, and at the end nobody is allocated by guess.

How far the list of a stage is used hangs on how many came to the stage, and so on arms: it is told
by mail, to whoever may know them, and raises no alert, whose number alone would say that something
was told.
"""

from __future__ import annotations

from datetime import datetime

from randomisation.models import FIRST, Allocation, Scope
from randomisation.queries import design, stage_lists
from trial.actions import alerts, messages
from trial.actors import Actor
from trial.models import Participant, Study
from trial.queries import studies


def warn_if_low(*, participant: Participant, point: str = FIRST, by: Actor, at: datetime) -> None:
    """Staff are told when this person's draw was the one that brought their list to four fifths. To
    be called once it stands.
    """
    length = design.rule(participant.version, point).length
    drawn = Allocation.objects.filter(participant=participant, point=point, kind="drawn").first()
    if length is None or drawn is None or drawn.draw_index is None:
        return
    part, whole = stage_lists.WARN_AT
    before, after = drawn.draw_index * whole, (drawn.draw_index + 1) * whole
    if before < length * part <= after:
        _tell(participant, "list_low", point, _list_of(drawn), 72, by, at)


def stop_at_end(*, participant: Participant, point: str = FIRST, by: Actor, at: datetime) -> None:
    """The list of this person's stratum is used up: nothing was consumed, the person waits, and
    staff are told.
    """
    _tell(participant, "list_exhausted", point, point, 24, by, at)


def _list_of(drawn: Allocation) -> str:
    """The list by its number: what it is called may say more than a mail may."""
    scope = Scope.objects.get(study=drawn.study_id, point=drawn.point, name=drawn.stratum)
    return f"{drawn.point} list {scope.pk}"[:60]


def _tell(
    participant: Participant,
    kind: str,
    point: str,
    occasion: str,
    hours: int,
    by: Actor,
    at: datetime,
) -> None:
    """About the study and not about the person, who has done nothing."""
    study = participant.study
    if point != FIRST and studies.is_concealed(study):
        _mail(study, kind, occasion, by, at)
        return
    alerts.raise_alert(
        study=study,
        participant=None,
        kind=kind,
        subject_ref=occasion,
        within_hours=hours,
        by=by,
        at=at,
    )


def _mail(study: Study, kind: str, occasion: str, by: Actor, at: datetime) -> None:
    """Once for each occasion, which is that of one study: a mail about nobody is kept by its
    occasion alone.
    """
    about = f"{kind.removeprefix('list_')} {study.pk} {occasion.rpartition(' ')[2]}"
    for person in stage_lists.to_tell(study):
        ref = f"{about} {person.pk}"
        messages.queue(
            study=study,
            participant=None,
            kind="stage_list",
            subject_ref=ref,
            due_at=at,
            at=at,
            by=by,
        )
