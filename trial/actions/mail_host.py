"""Whether the mail host lets us in. It is looked at by the clock and never because a mail waits:
when it is found away, and that it is told, does not hang on who is written to.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.cache import cache

from trial import mail
from trial.actions import alerts
from trial.actors import WORKER
from trial.models import MailHost, Study

EVERY = timedelta(minutes=5)
SOONEST, LATEST = (
    timedelta(minutes=1),
    timedelta(minutes=15),
)  # between two looks at a host that is away
TOLD_AFTER = timedelta(hours=1)


def away_since() -> datetime | None:
    """When the mail host was first found away; None while it answers."""
    return MailHost.objects.filter(pk=1).values_list("away_since", flat=True).first()


def is_known_away(at: datetime) -> bool:
    """Whether it was away at the last look. A look that is overdue says nothing: a worker that
    stands still shuts no door.
    """
    return MailHost.objects.filter(
        pk=1, away_since__isnull=False, next_look_at__gt=at - SOONEST
    ).exists()


def look(at: datetime) -> bool:
    """Whether mail can go out now, as far as is known: a look at the host if it is time for one."""
    host = MailHost.objects.filter(pk=1).first()
    if host and host.away_since:
        return _look_again(host, at)
    slot = at.replace(minute=at.minute - at.minute % 5, second=0, microsecond=0)
    if (
        cache.add(f"mail-host-looked-at:{slot:%Y-%m-%dT%H:%M}", True, int(EVERY.total_seconds()))
        and not _lets_us_in()
    ):
        MailHost.objects.update_or_create(
            pk=1, defaults={"away_since": at, "next_look_at": at + SOONEST, "told_at": None}
        )
        return False
    return True


def _look_again(host: MailHost, at: datetime) -> bool:
    assert host.away_since is not None
    assert host.next_look_at is not None
    if at < host.next_look_at:
        return False
    if _lets_us_in():
        MailHost.objects.filter(pk=host.pk).update(away_since=None, next_look_at=None, told_at=None)
        return True
    host.next_look_at = at + min(max(at - host.away_since, SOONEST), LATEST)
    host.save(update_fields=["next_look_at"])
    if host.told_at is None and at - host.away_since >= TOLD_AFTER:
        _tell(host, at)
    return False


def _lets_us_in() -> bool:
    try:
        with mail.door():
            return True
    except mail.DoorShut:
        return False


def _tell(host: MailHost, at: datetime) -> None:
    for study in Study.objects.filter(state__in=("open", "paused", "closed")).order_by("pk"):
        alerts.raise_alert(
            study=study,
            participant=None,
            kind="mail_host_away",
            subject_ref="",
            within_hours=24,
            by=WORKER,
            at=at,
        )
    MailHost.objects.filter(pk=host.pk, told_at=None).update(told_at=at)
