"""Alerts: raised by a rule or by a fault, owned by the study's safety contact, the same in every
arm.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from trial import audit, lifecycles, vault
from trial.actions import messages
from trial.actions.once import once
from trial.actors import Actor
from trial.models import Alert, Identity, Participant, Study


class NothingDone(Exception):
    """An alert is closed with a note of what was done."""


class NotTaken(Exception):
    """Seeing contact details and closing are for whoever took the alert."""


class TakenMeanwhile(Exception):
    """Somebody else has the alert than whoever wants to take it over saw."""


@dataclass(frozen=True)
class Reached:
    """How to reach the person whom an alert is about; all empty once they are erased."""

    name: str = ""
    phone: str = ""
    language: str = ""


def raise_alert(
    *,
    study: Study,
    participant: Participant | None,
    kind: str,
    subject_ref: str,
    within_hours: int,
    phone: str = "",
    by: Actor,
    at: datetime,
) -> Alert:
    """Raise an alert, or give back the one that waits on this occasion; the owner is told through
    the ledger.

    An alert that was closed does not count: what comes back after somebody dealt with it is told
    again. A number that is left again while it waits replaces the one before it.
    """
    occasion: dict[str, Any] = {
        "study": study,
        "participant": participant,
        "kind": kind,
        "subject_ref": subject_ref,
    }
    waiting = Alert.objects.filter(**occasion).exclude(state="closed")
    found = waiting.first()
    if found and (not phone or _correct_phone(found, phone, by=by, at=at)):
        return found
    try:
        return _raise(occasion, within_hours, phone, by=by, at=at)
    except IntegrityError:
        if not waiting.exists():
            raise
        # Raised at the same moment by someone else.
        return raise_alert(**occasion, within_hours=within_hours, phone=phone, by=by, at=at)


@transaction.atomic
def _raise(
    occasion: dict[str, Any], within_hours: int, phone: str, *, by: Actor, at: datetime
) -> Alert:
    study, participant = occasion["study"], occasion["participant"]
    alert = Alert.objects.create(
        raised_at=at,
        deadline_at=at + timedelta(hours=within_hours),
        phone_sealed=participant.sealed(phone) if participant and phone else "",
        **occasion,
    )
    audit.record(
        participant or study,
        "alert raised",
        subject=f"alert {alert.pk}",
        new={"kind": alert.kind, "occasion": alert.subject_ref, "deadline_at": alert.deadline_at},
        by=by,
        at=at,
    )
    messages.queue(
        study=study,
        participant=participant,
        kind="alert",
        subject_ref=str(alert.pk),
        due_at=at,
        at=at,
    )
    return alert


@transaction.atomic
def _correct_phone(alert: Alert, phone: str, *, by: Actor, at: datetime) -> bool:
    """False where the alert is closed by now, so that the number is left for nobody to call."""
    alert.refresh_from_db(from_queryset=Alert.objects.select_for_update())
    participant, old = alert.participant, alert.phone_sealed
    if alert.state == "closed":
        return False
    if participant is None or participant.unsealed(old) == phone:
        return True
    alert.phone_sealed = participant.sealed(phone)
    alert.save(update_fields=["phone_sealed"])
    audit.record(
        participant,
        "phone number left again",
        subject=f"alert {alert.pk}",
        old={"sealed": old},
        new={"sealed": alert.phone_sealed},
        by=by,
        at=at,
    )
    return True


@once
def take(*, alert: Alert, holder: str = "", by: Actor, at: datetime) -> Alert:
    """Someone of the staff takes the alert over from `holder`, who had it as they saw it: nobody,
    or `staff 3`.

    Raises TakenMeanwhile where somebody else has it, so that nobody takes an alert from another
    without knowing.
    """
    alert = Alert.objects.select_for_update().get(pk=alert.pk)
    old = {"state": alert.state, "taken_by": alert.taken_by}
    alert.state = lifecycles.step("alert", alert.state, "take")
    if alert.taken_by != holder:
        raise TakenMeanwhile
    alert.taken_by, alert.taken_at = str(by), at
    alert.save(update_fields=["state", "taken_by", "taken_at"])
    _record(alert, "alert taken", old=old, by=by, at=at)
    return alert


def show_contact(*, alert: Alert, key: str | None = None, by: Actor, at: datetime) -> Reached:
    """Name and number for whoever took the alert: recorded once for each request key, and each time
    without one.

    A number left at the screening goes before others. Raises NotTaken for anybody else, and once
    the alert is closed.
    """
    alert = _shown(alert=alert, key=key, by=by, at=at)
    _check_taken(alert, by)  # a repeat of the request looks again at the alert as it is now
    participant = alert.participant
    if participant is None or not hasattr(participant, "key"):
        return Reached()
    identity = (
        Identity.objects.filter(participant=participant).select_related("participant__key").first()
    )
    return Reached(
        name=identity.name if identity else "",
        phone=participant.unsealed(alert.phone_sealed) or (identity.phone if identity else ""),
        language=participant.language,
    )


@once
def _shown(*, alert: Alert, by: Actor, at: datetime) -> Alert:
    """Apart from `show_contact`, because the result of an action is kept with its key, and name and
    number may not be.
    """
    alert = Alert.objects.select_for_update().get(pk=alert.pk)
    _check_taken(alert, by)
    if alert.participant and hasattr(alert.participant, "key"):
        audit.record(
            alert.participant, "contact details shown", subject=f"alert {alert.pk}", by=by, at=at
        )
    return alert


def _check_taken(alert: Alert, by: Actor) -> None:
    if alert.state != "taken" or alert.taken_by != str(by):
        raise NotTaken


@once
def close(*, alert: Alert, done: str, by: Actor, at: datetime) -> Alert:
    """Close with a note of what was done; raises NothingDone without one, and NotTaken for anybody
    but who took it.
    """
    if not done.strip():
        raise NothingDone
    alert = Alert.objects.select_for_update().get(pk=alert.pk)
    if alert.state != "closed":  # of a closed one the life cycle says that it is over
        _check_taken(alert, by)
    old = {"state": alert.state}
    alert.state = lifecycles.step("alert", alert.state, "close")
    alert.closed_by, alert.closed_at = str(by), at
    alert.done_sealed = alert.participant.sealed(done) if alert.participant else vault.seal(done)
    alert.save(update_fields=["state", "closed_by", "closed_at", "done_sealed"])
    _record(alert, "alert closed", old=old, by=by, at=at)
    return alert


def _record(alert: Alert, action: str, *, old: dict[str, str], by: Actor, at: datetime) -> None:
    audit.record(
        alert.participant or alert.study,
        action,
        subject=f"alert {alert.pk}",
        old=old,
        new={"state": alert.state},
        by=by,
        at=at,
    )
