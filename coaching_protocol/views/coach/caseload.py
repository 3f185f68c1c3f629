"""Whom to call, what is due first: a page of its own, and the list beside every person."""

from __future__ import annotations

from datetime import datetime
from itertools import groupby
from typing import Any, cast
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from coaching_protocol.queries import caseload as reads
from coaching_protocol.queries.caseload import Caseload, Row
from coaching_protocol.queries.turns import GROUPS
from coaching_protocol.views.coach.finding import user
from trial.requests import PageRequest

ON_A_PAGE = 50
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
    found = _asked_for(request, timezone.now())
    context = {**_desk(found, request), "teams": reads.teams(found)}
    return render(request, "coach/caseload.html", context)


def desk(request: PageRequest, at: datetime) -> dict[str, Any]:
    """The list that stands beside everything: filtered by coach, in groups of what is due."""
    return _desk(_asked_for(request, at), request)


def _asked_for(request: PageRequest, at: datetime) -> Caseload:
    return reads.of(user(request), at, request.GET.get("coach", ""))


def _desk(found: Caseload, request: PageRequest) -> dict[str, Any]:
    page: Page[Row] = Paginator(cast(Any, found), ON_A_PAGE).get_page(request.GET.get("page"))
    grouped = sorted(page, key=lambda row: GROUPS.index(row.group))
    asked = {name: request.GET[name] for name in ("coach", "page") if request.GET.get(name)}
    return {
        "groups": [
            (name, GROUP_NAMES[name], found.groups[name], list(group))
            for name, group in groupby(grouped, key=lambda row: row.group)
        ],
        "page": page,
        # Whoever leafs through the list has seen who is next.
        "following": next(
            (row for row in page if page.number == 1 and row.group != "finished"), None
        ),
        "is_over": set(found.groups) == {"finished"},
        "coaches": found.coaches,
        "wanted": found.coach,
        "asked": f"?{urlencode(asked)}" if asked else "",
        "several_studies": len(found.studies) > 1,
    }
