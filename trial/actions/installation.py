"""What is recorded of the installation itself: staff signing in, what signs them in, and sign-ins
that failed.

Never a participant's sign-in: who uses the programme tells the arm. Never an address: whoever fails
to sign in may have typed somebody else's.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet

from trial import audit
from trial.actors import WORKER, Actor
from trial.models import FailedSignIns, Participant, User
from trial.prepared import prepared
from trial.queries.installation import the_installation

HOUR = timedelta(hours=1)


@transaction.atomic
def note(*, user: User, what: str, subject: str = "", by: Actor, at: datetime) -> None:
    """Something about the account of one of the staff. Of a participant's nothing is recorded."""
    if not Participant.objects.filter(user=user).exists():
        audit.record(the_installation(), what, subject=subject or f"staff {user.pk}", by=by, at=at)


@transaction.atomic
def sign_in_failed(*, at: datetime) -> None:
    """Counted by the hour, without anything that was typed."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    FailedSignIns.objects.get_or_create(hour=hour)
    FailedSignIns.objects.filter(hour=hour).update(count=F("count") + 1)


def tell_failures(at: datetime) -> int:
    """One event for each hour that is over and in which signing in failed."""
    return sum(_told(each.pk, at) for each in _untold(at - HOUR))


@prepared
def _untold(until: datetime) -> QuerySet[FailedSignIns]:
    return FailedSignIns.objects.filter(told_at=None, hour__lte=until)


@transaction.atomic
def _told(number: int, at: datetime) -> bool:
    row = FailedSignIns.objects.select_for_update().filter(pk=number, told_at=None).first()
    if row is None:
        return False
    row.told_at = at
    row.save(update_fields=["told_at"])
    new = {"hour": row.hour, "count": row.count}
    audit.record(
        the_installation(), "sign-ins failed", subject=f"hour {row.pk}", new=new, by=WORKER, at=at
    )
    return True


def keep(at: datetime) -> int:
    """What the worker does for this stream: tell what failed, and seal it."""
    return tell_failures(at) + (audit.seal(the_installation(), at, hourly=True) is not None)
