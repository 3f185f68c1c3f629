"""The calls of a study on its dashboard: pooled over the arms, and never by person or coach. For
whoever knows the arms: numbers of calls from day to day tell, with the dates of allocation, who is
called. Others get shares by the month.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Exists, F, OuterRef, Q, Sum
from django.utils import formats
from django.utils.translation import gettext as _

from coaching_protocol.models import Attempt, CallSummary, Contact
from trial.entries import Figure, Panel
from trial.models import Study, User
from trial.queries import studies

SUMMED = ("tried", "held", "conversations", "minutes", "cancelled_late")
# A call that was cancelled before its day, since somebody left, was never due.
WAS_DUE = ~Q(state="cancelled") | Q(plan__ended_at__date__gte=F("due_on"))


def panel(study: Study, person: User, at: datetime) -> Panel | None:
    """Entry of settings.PANELS: None where nobody is called, and for whoever may not know the
    arms.
    """
    if not study.current.section("coaching")["protocols"] or not studies.knows_arms(study, person):
        return None
    sums = CallSummary.objects.filter(study=study).aggregate(
        **{name: Sum(name, default=0) for name in SUMMED}
    )
    planned = _planned_so_far(study, at) + sums["cancelled_late"]
    return Panel(
        title=_("Calls"),
        figures=[
            Figure(
                _("Planned so far"),
                str(planned),
                definition=_(
                    "Calls whose day has come while the person was still called, and calls tried "
                    "before their day."
                ),
            ),
            Figure(
                _("Attempted"),
                str(sums["tried"]),
                of=_("of %(count)s planned") % {"count": planned},
                definition=_(
                    "Of these, calls with at least one try that was logged, whatever came of it."
                ),
            ),
            Figure(
                _("Held"),
                str(sums["held"]),
                of=_("of %(count)s planned") % {"count": planned},
                definition=_("Of these, calls in which the participant was reached and spoken to."),
            ),
            Figure(
                _("Minutes"),
                str(sums["minutes"]),
                of=_a_call(sums["minutes"], sums["conversations"]),
                definition=_(
                    "Minutes on the phone in calls that were held, as coaches logged them: sum and "
                    "mean."
                ),
            ),
        ],
        note=_("Pooled over all arms that are called."),
        tells_arm=True,
    )


def monthly(study: Study, begins_at: datetime, ends_at: datetime) -> tuple[int, int]:
    """Entry of settings.MONTHLY: calls whose planned day came while the person was still called,
    and those held by then.
    """
    first, end = begins_at.date(), ends_at.date()
    due = Contact.objects.filter(WAS_DUE, plan__study=study, due_on__gte=first, due_on__lt=end)
    return due.filter(state="held", held_at__lt=ends_at).count(), due.count()


def _planned_so_far(study: Study, at: datetime) -> int:
    """Calls that stand: whose day has come, and others that were tried already, which are looked
    for among the few people of whom a call was tried whose day is still to come.
    """
    today = at.astimezone(ZoneInfo(study.current.protocol.timezone)).date()
    standing = Contact.objects.filter(study=study).exclude(state="cancelled")
    has_try = Exists(Attempt.objects.filter(contact=OuterRef("pk"), logged_at__isnull=False))
    soon = CallSummary.objects.filter(study=study, tried_until__gt=today).values("plan")
    early = standing.filter(Q(state="held") | Q(has_try), plan__in=soon, due_on__gt=today)
    return standing.filter(due_on__lte=today).count() + early.count()


def _a_call(minutes: int, conversations: int) -> str:
    if not conversations:
        return ""
    # number_format cuts off, so round first
    mean = formats.number_format(round(minutes / conversations, 1), 1)
    return _("%(mean)s a call") % {"mean": mean}
