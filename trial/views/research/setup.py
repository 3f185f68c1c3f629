"""What a study consists of, and what it needs before it opens."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from trial.actions import studies as actions
from trial.models import Confirmation
from trial.queries import staff, studies
from trial.requests import PageRequest
from trial.sections.study import CrisisLine
from trial.views.posted import posted_from
from trial.views.research.finding import conflict_if_reused, key, study_for

Line = tuple[CrisisLine, Confirmation | None, str]


@require_GET
def setup(request: PageRequest, slug: str) -> HttpResponse:
    study, _actor = study_for(request, slug, "dashboard")
    version = study.current
    confirmed = {each.subject: each for each in version.confirmations.filter(kind="crisis_line")}
    names = staff.names(each.confirmed_by for each in confirmed.values())
    return render(
        request,
        "research/setup.html",
        {
            "version": version,
            "protocol": version.protocol,
            "missing": actions.requirements(study) if study.state in ("draft", "paused") else [],
            "notes": request.session.get("notes", {}).get(slug, []),
            "lines": [_line(line, confirmed, names) for line in version.protocol.crisis_lines],
            "chosen_here": studies.chosen_here(version.document),
            "may_run": "run" in request.may,
        },
    )


@posted_from("research:setup", "slug")
@conflict_if_reused
def confirm_line(request: PageRequest, slug: str) -> HttpResponse:
    """Somebody called or opened a crisis line and puts their name to it."""
    study, actor = study_for(request, slug, "run")
    try:
        actions.confirm(
            version=study.current,
            kind="crisis_line",
            subject=request.POST.get("subject", ""),
            key=key(request),
            by=actor,
            at=timezone.now(),
        )
    except actions.NotInVersion:
        messages.error(request, _("This is not in the newest version of the study."))
    else:
        messages.success(request, _("Confirmed, with your name and the date."))
    return redirect("research:setup", slug=slug)


def _line(line: CrisisLine, confirmed: dict[str, Confirmation], names: dict[str, str]) -> Line:
    found = confirmed.get(line.name)
    return line, found, names.get(found.confirmed_by, found.confirmed_by) if found else ""
