"""The calls of a study on its dashboard: pooled over the arms, and never by person or coach. For
whoever knows the arms: numbers of calls from day to day tell, with the dates of allocation, who is
called. Others get shares by the month.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Avg, Case, Count, Exists, F, OuterRef, Q, QuerySet, Sum, Value, When
from django.utils import formats
from django.utils.translation import gettext as _

from coaching_protocol.models import Attempt, Contact
from trial.entries import Figure, Panel
from trial.models import Study, User
from trial.queries import studies

# A call that was cancelled before its day, since somebody left, was never due.
WAS_DUE = ~Q(state="cancelled") | Q(plan__ended_at__date__gte=F("due_on"))


def panel(study: Study, person: User, at: datetime) -> Panel | None:
    """Entry of settings.PANELS: None where nobody is called, and for whoever may not know the
    arms.
    """
    if not study.current.section("coaching")["protocols"] or not studies.knows_arms(study, person):
        return None
    counted = _planned_so_far(study, at).aggregate(
        planned=Count("pk"),
        attempted=Count("pk", filter=Q(was_tried=True)),
        held=Count("pk", filter=Q(state="held")),
    )
    talked = Attempt.objects.filter(
        contact__plan__study=study, outcome="reached", logged_at__lte=at
    )
    minutes = talked.aggregate(total=Sum("minutes"), mean=Avg("minutes"))
    return Panel(
        title=_("Calls"),
        figures=[
            Figure(
                _("Planned so far"),
                str(counted["planned"]),
                definition=_(
                    "Calls whose day has come while the person was still called, and calls tried "
                    "before their day."
                ),
            ),
            Figure(
                _("Attempted"),
                str(counted["attempted"]),
                of=_("of %(count)s planned") % {"count": counted["planned"]},
                definition=_(
                    "Of these, calls with at least one try that was logged, whatever came of it."
                ),
            ),
            Figure(
                _("Held"),
                str(counted["held"]),
                of=_("of %(count)s planned") % {"count": counted["planned"]},
                definition=_("Of these, calls in which the participant was reached and spoken to."),
            ),
            Figure(
                _("Minutes"),
                str(minutes["total"] or 0),
                of=_a_call(minutes["mean"]),
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


def _planned_so_far(study: Study, at: datetime) -> QuerySet[Contact]:
    today = at.astimezone(ZoneInfo(study.current.protocol.timezone)).date()
    tried = Exists(Attempt.objects.filter(contact=OuterRef("pk"), logged_at__lte=at))
    # Of a call that was held, as most are in the end, no try need be looked up.
    was_tried = Case(When(state="held", then=Value(True)), default=tried)
    contacts = Contact.objects.filter(plan__study=study).annotate(was_tried=was_tried)
    return contacts.filter(WAS_DUE & Q(due_on__lte=today) | Q(was_tried=True))


def _a_call(mean: float | None) -> str:
    # number_format cuts off, so round first
    return (
        ""
        if mean is None
        else _("%(mean)s a call") % {"mean": formats.number_format(round(mean, 1), 1)}
    )
