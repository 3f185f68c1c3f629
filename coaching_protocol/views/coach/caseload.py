"""Whom to call, what is due first: a page of its own, and the list beside every person."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from coaching_protocol.queries import caseload as reads
from coaching_protocol.queries.caseload import Row
from coaching_protocol.views.coach.finding import user
from trial.requests import PageRequest

GROUP_NAMES = {
    "log": gettext_lazy("Started, not logged"),
    "overdue": gettext_lazy("Overdue"),
    "today": gettext_lazy("Today"),
    "week": gettext_lazy("In the next 7 days"),
    "later": gettext_lazy("Later"),
    "finished": gettext_lazy("All calls over"),
}


@require_GET
def caseload(request: PageRequest) -> HttpResponse:
    found = reads.rows(user(request), timezone.now())
    context = {**desk(request, found), "teams": reads.teams(found)}
    return render(request, "coach/caseload.html", context)


def desk(request: PageRequest, found: Sequence[Row]) -> dict[str, Any]:
    """The list that stands beside everything: filtered by coach, in groups of what is due."""
    wanted = request.GET.get("coach", "")
    shown = reads.of_coach(found, wanted)
    grouped = sorted(shown, key=lambda row: reads.GROUPS.index(row.group))
    return {
        "groups": [
            (name, GROUP_NAMES[name], list(group))
            for name, group in groupby(grouped, key=lambda row: row.group)
        ],
        "following": next((row for row in shown if row.group != "finished"), None),
        "coaches": reads.coach_filter(found),
        "wanted": wanted,
        "several_studies": len({row.plan.study_id for row in found}) > 1,
        "total": len(shown),
    }
