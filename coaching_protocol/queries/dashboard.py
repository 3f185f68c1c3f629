"""The calls of a study on the researcher's dashboard: pooled over the arms, and never by person or coach."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Avg, Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.utils import formats
from django.utils.translation import gettext as _

from coaching_protocol.models import Attempt, Contact
from trial.entries import Figure, Panel
from trial.models import Study, User


def panel(study: Study, person: User, at: datetime) -> Panel | None:
    """Entry of settings.PANELS: None where nobody is called."""
    if not study.current.section("coaching")["protocols"]:
        return None
    counted = _planned_so_far(study, at).aggregate(
        planned=Count("pk"), attempted=Count("pk", filter=Q(was_tried=True)), held=Count("pk", filter=Q(state="held"))
    )
    talked = Attempt.objects.filter(contact__plan__study=study, outcome="reached", logged_at__lte=at)
    minutes = talked.aggregate(total=Sum("minutes"), mean=Avg("minutes"))
    return Panel(
        title=_("Calls"),
        figures=[
            Figure(
                _("Planned so far"),
                str(counted["planned"]),
                definition=_(
                    "Calls whose day has come while the person was still called, and calls tried before their day."
                ),
            ),
            Figure(
                _("Attempted"),
                str(counted["attempted"]),
                of=_("of %(count)s planned") % {"count": counted["planned"]},
                definition=_("Of these, calls with at least one try that was logged, whatever came of it."),
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
                definition=_("Minutes on the phone in calls that were held, as coaches logged them: sum and mean."),
            ),
        ],
        note=_("Pooled over all arms that are called."),
    )


def _planned_so_far(study: Study, at: datetime) -> QuerySet[Contact]:
    """A call that was cancelled before its day, since somebody left, was never due."""
    today = at.astimezone(ZoneInfo(study.current.protocol.timezone)).date()
    was_due = Q(due_on__lte=today) & (~Q(state="cancelled") | Q(plan__ended_at__date__gte=F("due_on")))
    tried = Attempt.objects.filter(contact=OuterRef("pk"), logged_at__lte=at)
    return (
        Contact.objects.filter(plan__study=study).annotate(was_tried=Exists(tried)).filter(was_due | Q(was_tried=True))
    )


def _a_call(mean: float | None) -> str:
    # number_format cuts off, so round first
    return "" if mean is None else _("%(mean)s a call") % {"mean": formats.number_format(round(mean, 1), 1)}
