"""Months that are over and not counted yet, what was planned and done in a month, and what is told
of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from django.db.models import QuerySet
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trial import hooks, months
from trial.entries import Panel
from trial.models import Message, ModuleUse, MonthlyShare, Study, User
from trial.prepared import prepared
from trial.queries import programme, studies

HEADS = {
    "calls": gettext_lazy("Calls held"),
    "lessons": gettext_lazy("Lessons begun"),
    "mails": gettext_lazy("Mails sent"),
}


def uncounted(at: datetime) -> Iterator[tuple[Study, date]]:
    """Of every running study the months since it opened that are over and not counted."""
    for study in studies.running():
        if study.opened_at is None:
            continue
        timezone = study.current.protocol.timezone
        counted = set(_counted(study.pk))
        for month in months.between(months.of(study.opened_at, timezone), months.of(at, timezone)):
            if month not in counted and months.after(month) <= months.of(at, timezone):
                yield study, month


@prepared
def _counted(study: int) -> QuerySet[MonthlyShare, date]:
    return MonthlyShare.objects.filter(study=study).values_list("month", flat=True)


def mails(study: Study, begins_at: datetime, ends_at: datetime) -> tuple[int, int]:
    """Entry of settings.MONTHLY: mails to participants that fell due and were still wanted, and
    those that went out.
    """
    due = Message.objects.filter(
        study=study, participant__isnull=False, due_at__gte=begins_at, due_at__lt=ends_at
    )
    due = due.exclude(kind="alert").exclude(state="cancelled")
    return due.filter(state="sent", settled_at__lt=ends_at).count(), due.count()


def lessons(study: Study, begins_at: datetime, ends_at: datetime) -> tuple[int, int]:
    """Entry of settings.MONTHLY: lessons whose planned day came, one after another from the opening
    of the programme, and those of them that were begun.
    """
    described = study.current.programme
    begun_at = {
        (person, module): moment
        for person, module, moment in ModuleUse.objects.filter(
            participant__study=study
        ).values_list("participant", "module", "begun_at")
    }
    planned = [
        (grant.participant_id, module.code)
        for grant in programme.opened(study, ends_at)
        for place, module in enumerate(described.modules)
        if grant.opens_at
        and begins_at <= grant.opens_at + timedelta(days=place * described.pacing.days) < ends_at
    ]
    begun = [begun_at[each] for each in planned if each in begun_at]
    return sum(moment < ends_at for moment in begun), len(planned)


def panel(study: Study, person: User, at: datetime) -> Panel | None:
    """Entry of settings.PANELS: for whoever may not know the arms, in the place of the figures that
    would tell them.
    """
    if studies.knows_arms(study, person):
        return None
    return Panel(
        title=_("By month"),
        head=[_("Month"), *(str(HEADS[what]) for what in hooks.MONTHLY)],
        rows=rows(study, at),
        note=_(
            "In percent of what was planned in the month, rounded to tens, all arms together, as "
            "counted when the month was "
            "over. A dash: fewer than %(enough)s people were randomised in that month, nothing was "
            "planned, or it is not "
            "over. Numbers of calls, lessons and mails are for whoever knows the arms."
        )
        % {"enough": months.ENOUGH},
    )


def rows(study: Study, at: datetime) -> list[list[str]]:
    """A line for every month since the opening, the running one too."""
    kept = MonthlyShare.objects.filter(study=study).values_list("month", "what", "percent")
    found = {(month, what): percent for month, what, percent in kept}
    timezone = study.current.protocol.timezone
    first = months.of(study.opened_at or at, timezone)
    return [
        [
            formats.date_format(month, "F Y"),
            *(_percent(found.get((month, what))) for what in hooks.MONTHLY),
        ]
        for month in months.between(first, months.of(at, timezone))
    ]


def _percent(share: int | None) -> str:
    return "–" if share is None else f"{share} %"
