"""What somebody of the staff was shown or took along, for the trail of the study."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from trial import audit
from trial.actions.once import once
from trial.actors import Actor
from trial.models import Study


def contacts_listed(*, study: Study, what: str, by: Actor, at: datetime) -> None:
    """A list of names and addresses was opened: recorded once an hour for each person and list."""
    _listed(study=study, what=what, key=f"{study.pk} {what} {at:%Y-%m-%dT%H}", by=by, at=at)


@once
def _listed(*, study: Study, what: str, by: Actor, at: datetime) -> None:
    audit.record(study, "contact details listed", subject=what, by=by, at=at)


@transaction.atomic
def downloaded(
    *, study: Study, product: str, number: int, kind: str, by: Actor, at: datetime
) -> None:
    """A `product` (report, export), or a report on the screen, was taken in one format (`kind`)."""
    audit.record(
        study,
        f"{product} downloaded",
        subject=f"{product} {number}",
        new={"kind": kind},
        by=by,
        at=at,
    )
