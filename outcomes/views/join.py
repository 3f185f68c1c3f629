"""The screening, page by page, and help at once for whoever says that things are very dark."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from outcomes.actions import screening as actions
from outcomes.forms.items import AllItems, Phone
from outcomes.forms.questions import Questions
from outcomes.queries import definitions, safety
from trial.actions import journey, participants
from trial.actions.once import KeyReused
from trial.models import Participant, PersonKey, Study
from trial.requests import PageRequest
from trial.sections.study import Page
from trial.views.join import arrival
from trial.views.posted import posted_from, refuses_reused_keys, request_key


@require_http_methods(["GET", "POST"])
@arrival.for_newcomers
@refuses_reused_keys
def screening(request: PageRequest, study: Study, person: Participant, page: str) -> HttpResponse:
    found = next((each for each in person.version.protocol.screening if each.code == page), None)
    if found is None:
        raise Http404
    is_asked = definitions.may_answer(person, found)
    if request.method == "GET" and not is_asked:
        return arrival.onward(person, timezone.now())
    if found.instrument:
        return _instrument(request, person, found, is_asked)
    return _questions(request, person, found, is_asked)


def _form(person: Participant, page: Page, **given: Any) -> Questions | AllItems:
    given["initial"] = definitions.given_answers(person, page)
    if page.instrument:
        instrument = definitions.instrument(person.version, page.instrument)
        return AllItems(**given, instrument=instrument, language=person.language)
    return Questions(
        **given, protocol=person.version.protocol, codes=page.questions, language=person.language
    )


def _questions(
    request: PageRequest, person: Participant, page: Page, is_asked: bool
) -> HttpResponse:
    form = _form(person, page, data=request.POST or None)
    if request.method == "POST" and form.is_valid():
        at = timezone.now()
        if is_asked:
            _answer_questions(request, person, form, at)
        return arrival.onward(person, at)
    return render(
        request, "outcomes/join/questions.html", {"form": form, **_progress(person, page)}
    )


def _answer_questions(
    request: PageRequest, person: Participant, form: Questions | AllItems, at: datetime
) -> None:
    with suppress(
        participants.NotAskedNow
    ):  # stopped in another tab meanwhile: the way onward says so
        participants.answer_questions(
            participant=person,
            answers=form.answers,
            key=request_key(request),
            by=arrival.actor_of(person),
            at=at,
        )


def _instrument(
    request: PageRequest, person: Participant, page: Page, is_asked: bool
) -> HttpResponse:
    instrument = definitions.instrument(person.version, page.instrument or "")
    form = _form(person, page, data=request.POST or None)
    if request.method == "POST" and form.is_valid():
        at = timezone.now()
        if is_asked:
            _answer(request, person, instrument.code, form.answers, at)
        # Judged from what was posted: whoever is turned away in this step has no stored answers any
        # more.
        if safety.calls_for_help(person.version, instrument, form.answers):
            journey.advance(person, at)
            return redirect("join:talk", person.study.public_slug)
        return arrival.onward(person, at)
    context = {
        "form": form,
        "instrument": instrument,
        "wording": instrument.wordings.get(person.language),
        "can_answer": person.simulated or person.language in instrument.wordings,
        **_progress(person, page),
    }
    return render(request, "outcomes/join/instrument.html", context)


def _answer(
    request: PageRequest,
    person: Participant,
    instrument: str,
    answers: dict[str, int],
    at: datetime,
) -> None:
    with suppress(actions.NotScreening):  # stopped in another tab meanwhile: the way onward says so
        actions.answer_instrument(
            participant=person,
            instrument=instrument,
            answers=answers,
            key=request_key(request),
            by=arrival.actor_of(person),
            at=at,
        )


def _progress(person: Participant, page: Page) -> dict[str, Any]:
    pages = list(person.version.protocol.screening)
    number = pages.index(page)
    before = (
        reverse("join:screening", args=[person.study.public_slug, pages[number - 1].code])
        if number
        else ""
    )
    return {"number": number + 1, "total": len(pages), "before": before}


@require_GET
@arrival.for_newcomers
def talk(request: PageRequest, study: Study, person: Participant) -> HttpResponse:
    return _talk(request, person, Phone(country=person.version.protocol.country))


@posted_from("join:talk", "slug")
@arrival.for_newcomers
def leave_phone(request: PageRequest, study: Study, person: Participant) -> HttpResponse:
    """Nobody is known yet: staff hear of it only when a number is left. Also for somebody who did
    not get in.
    """
    form = Phone(request.POST, country=person.version.protocol.country)
    if not form.is_valid():
        return _talk(request, person, form)
    try:
        actions.leave_phone(
            participant=person,
            phone=form.cleaned_data["phone"],
            key=request_key(request) or "",
            by=arrival.actor_of(person),
            at=timezone.now(),
        )
    except PersonKey.DoesNotExist:  # erased since; the numbers on the page remain
        return redirect("join:help", study.public_slug)
    except (
        KeyReused
    ):  # a page from the browser's history, with a corrected number: it gets a new key
        form = Phone(form.cleaned_data, country=person.version.protocol.country)
        form.add_error(
            None,
            _("This page was sent before, with something else. Look it over, then send it again."),
        )
        return _talk(request, person, form, status=409)
    return redirect("join:talk", study.public_slug)


def _talk(
    request: PageRequest, person: Participant, form: Phone, status: int = 200
) -> HttpResponse:
    protocol = person.version.protocol
    alerts = definitions.assessments(person.version).alerts
    context = {
        "form": form,
        "is_left": safety.numbers_left(person).exclude(state="closed").exists(),
        "hours": min((alert.within_hours for alert in alerts), default=24),
        "crisis_lines": protocol.crisis_lines,
        "safety": protocol.contacts.safety,
    }
    return render(request, "outcomes/join/talk.html", context, status=status)
