"""A blinded assessor: whose questionnaires are due now, and entering one that was asked by phone or
filled in on paper.

Nothing here hangs on an arm: no opening, no history, and of dates the last day alone, which is the
same in every arm.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from outcomes.actions import assessments as actions
from outcomes.forms.items import Entry
from outcomes.models import Assessment
from outcomes.queries import assessments as reads
from outcomes.queries import definitions, safety
from trial.actions import journey
from trial.actors import Actor
from trial.models import Participant, Study
from trial.queries import studies
from trial.requests import PageRequest
from trial.views.posted import refuses_reused_keys, request_key
from trial.views.research.finding import study_for
from trial.words import text

ON_A_PAGE = 50


@require_GET
def due(request: PageRequest) -> HttpResponse:
    """Everybody whose questionnaires may be entered now, whoever has the fewest days left first."""
    roles = studies.roles_by_study(request.user)
    own = studies.by_slug([study for study, held in roles.items() if "assessor" in held])
    rows = reads.due_for_assessor([study.pk for study in own], timezone.now())
    page = Paginator(rows, ON_A_PAGE).get_page(request.GET.get("page"))
    lists = [{"study": study, "rows": _listed(study, page)} for study in own]
    return render(request, "assessor/due.html", {"lists": lists, "page": page})


def _listed(study: Study, page: Iterable[Assessment]) -> list[dict[str, Any]]:
    return [
        {"row": row, "title": _title(row), "last_day": reads.last_day(row)}
        for row in page
        if row.participant.study_id == study.pk
    ]


@require_http_methods(["GET", "POST"])
@refuses_reused_keys
def enter(
    request: PageRequest, slug: str, code: str, timepoint: str, instrument: str
) -> HttpResponse:
    """All questions on one page; a question without an answer is asked about once before it is
    handed in.
    """
    study, by = study_for(request, slug, "assess")
    at, key = timezone.now(), request_key(request) if request.method == "POST" else None
    row = reads.for_entry(study, code, timepoint, instrument, by=by, key=key, at=at)
    if row is None:
        return _not_due(request)
    definition = definitions.instrument(row.participant.version, row.instrument)
    data = request.POST if request.method == "POST" else None
    form = Entry(data, instrument=definition, language=row.participant.language)
    if not form.is_valid():
        return _ask(request, row, form, by, at)
    given = {
        "answers": form.answers,
        "mode": form.cleaned_data["mode"],
        "language": row.participant.language,
    }
    try:
        actions.submit(assessment=row, **given, key=key, by=by, at=at)
    except actions.NotOpenNow:  # by somebody else, a moment ago
        return _not_due(request)
    return _entered(request, row, form, at)


def _ask(
    request: PageRequest, row: Assessment, form: Entry, by: Actor, at: datetime
) -> HttpResponse:
    """What calls for help is kept at once, so that its alert does not wait for what was left open:
    the rest may never come.
    """
    if form.is_bound and _calls_for_help(row, form):
        try:
            actions.save_draft(assessment=row, answers=form.chosen, by=by, at=at)
        except actions.NotOpenNow:
            return _not_due(request)
    return render(
        request, "assessor/enter.html", _entry(row, form), status=400 if form.is_bound else 200
    )


def _not_due(request: PageRequest) -> HttpResponse:
    """One answer for whatever is not due now: whether it is answered, missed or never planned is
    not told.
    """
    messages.info(request, _("This is not due now. What you can enter stands in the list."))
    return redirect("assessor:due")


def _entered(request: PageRequest, row: Assessment, form: Entry, at: datetime) -> HttpResponse:
    participant = row.participant
    journey.advance(participant, at)
    said = _("Entered: %(questionnaire)s of %(code)s.")
    messages.success(request, said % {"questionnaire": _title(row), "code": participant.code})
    if _calls_for_help(row, form):
        return redirect("assessor:help", participant.study.slug, participant.code)
    return redirect("assessor:due")


@require_GET
def help_first(request: PageRequest, slug: str, code: str) -> HttpResponse:
    """What to say to the participant now, in their language, and who can help."""
    study, _by = study_for(request, slug, "assess")
    people = Participant.objects.select_related("version")
    person = get_object_or_404(
        people, study=study, code=code, state__in=("consented", "randomised", "completed")
    )
    return render(request, "assessor/help.html", _help(person))


def _help(person: Participant) -> dict[str, Any]:
    protocol = person.version.protocol
    return {
        "person": person,
        "crisis_lines": protocol.crisis_lines,
        "safety": protocol.contacts.safety,
    }


def _entry(row: Assessment, form: Entry) -> dict[str, Any]:
    person = row.participant
    definition = definitions.instrument(person.version, row.instrument)
    wording = definition.wordings.get(person.language)
    return {
        **_help(person),
        "row": row,
        "form": form,
        "title": _title(row),
        "last_day": reads.last_day(row),
        "wording": wording,
        "attribution": definition.attribution,
        "content_language": person.language if wording else "",
        "can_answer": wording is not None or person.simulated,
        "asks_about_risk": bool(definition.risk_items),
        "calls_for_help": _calls_for_help(row, form),
    }


def _calls_for_help(row: Assessment, form: Entry) -> bool:
    version = row.participant.version
    return safety.calls_for_help(
        version, definitions.instrument(version, row.instrument), form.chosen
    )


def _title(row: Assessment) -> str:
    return text(definitions.instrument(row.participant.version, row.instrument).title)
