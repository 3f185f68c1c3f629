"""The instruments of a study: their wordings in full, and a name under each that is not
official.
"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from outcomes.queries import definitions, wordings
from outcomes.sections import notes
from trial.actions import studies as actions
from trial.requests import PageRequest
from trial.views.posted import posted_from
from trial.views.research.finding import conflict_if_reused, key, study_for


@require_GET
def show_wordings(request: PageRequest, slug: str) -> HttpResponse:
    study, _actor = study_for(request, slug, "dashboard")
    return render(
        request,
        "research/wordings.html",
        {
            "described": wordings.described(study.current),
            "languages": wordings.languages(study),
            "not_included": definitions.assessments(study.current).not_included,
            "notes": notes(study.current.document),
            "version": study.current,
            "may_run": "run" in request.may,
        },
    )


@posted_from("research:wordings", "slug")
@conflict_if_reused
def confirm_wording(request: PageRequest, slug: str) -> HttpResponse:
    study, actor = study_for(request, slug, "run")
    subject = request.POST.get("subject", "")
    try:
        actions.confirm(
            version=study.current,
            kind="wording",
            subject=subject,
            key=key(request),
            by=actor,
            at=timezone.now(),
        )
    except actions.NotInVersion:
        messages.error(request, _("This wording is not in the newest version of the study."))
    else:
        messages.success(
            request,
            _("%(subject)s is signed off, with your name and the date.") % {"subject": subject},
        )
    return redirect("research:wordings", slug=slug)
