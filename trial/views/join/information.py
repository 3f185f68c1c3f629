"""The letter, and the agreement to be screened."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from trial import actors, lessons, limits
from trial.actions import participants
from trial.models import Participant, Study
from trial.requests import PageRequest
from trial.views.join import arrival
from trial.views.posted import posted_from, refuses_reused_keys, request_key
from trial.words import spoken

CLOSED = "closed"  # said by drafts.js: the tab in which somebody typed is gone


@login_not_required
@require_GET
def information(request: PageRequest, slug: str) -> HttpResponse:
    study = arrival.find_study(request, slug)
    person = arrival.person_of(request, study)
    if person is None and not study.is_recruiting:
        return render(request, "join/closed.html", {"protocol": study.current.protocol})
    if spoken() not in study.open_languages:
        return render(request, "join/language.html", {"open_languages": study.open_languages})
    if CLOSED in request.GET:
        arrival.forget_typed(request, study)
    letter = study.current.consent.letters[spoken()]
    context = {"letter": lessons.to_html(letter.body), "minutes": letter.minutes, "person": person}
    return render(request, "join/information.html", context)


@login_not_required
@posted_from("join:information", "slug")
@refuses_reused_keys
def begin(request: PageRequest, slug: str) -> HttpResponse:
    study = arrival.find_study(request, slug)
    person = arrival.person_of(request, study)
    at = timezone.now()
    if person is not None and person.state != "excluded":
        return arrival.onward(person, at)
    if spoken() not in study.open_languages:
        return redirect("join:information", slug)
    try:
        limits.check(request, "screening")
        person = participants.begin(
            study=study,
            language=spoken(),
            key=request_key(request),
            by=actors.visitor("new"),
            at=at,
        )
    except participants.NotRecruiting:
        return redirect("join:information", slug)
    except limits.TooOften:
        return _too_often(request)
    arrival.forget(request, study)
    arrival.keep(request, study, code=person.code)
    return arrival.onward(person, at)


def _too_often(request: PageRequest) -> HttpResponse:
    page = render(request, "429.html", status=429)
    page.headers["Retry-After"] = str(limits.A_MINUTE)
    return page


@login_not_required
@posted_from("join:information", "slug")
def anew(request: PageRequest, slug: str) -> HttpResponse:
    """Whoever began on this device was somebody else: the session knows nothing of them any more.
    What they answered goes as it does for everybody who does not go on.
    """
    arrival.forget(request, arrival.find_study(request, slug))
    return redirect("join:information", slug)


@require_GET
@arrival.for_newcomers
def onward(request: PageRequest, study: Study, person: Participant) -> HttpResponse:
    """Go on where one was."""
    return arrival.onward(person, timezone.now())


@require_GET
@arrival.for_newcomers
def held_up(request: PageRequest, study: Study, person: Participant) -> HttpResponse:
    """A step failed on our side; staff were alerted and the worker tries again."""
    return render(request, "join/held_up.html")
