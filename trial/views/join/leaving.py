"""Not getting in, not wanting to, and help at any moment."""

from __future__ import annotations

from contextlib import suppress

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from trial.actions import participants
from trial.lifecycles import NotAllowedNow
from trial.models import Participant, Study
from trial.requests import PageRequest
from trial.views import crisis
from trial.views.join import arrival
from trial.views.posted import posted_from, refuses_reused_keys, request_key

DECLINED, STOPPED = "declined", "stopped"


@login_not_required
@require_GET
def help_now(request: PageRequest, slug: str) -> HttpResponse:
    """The crisis lines of the study's country, for everybody, signed in or not."""
    study = arrival.find_study(request, slug)
    protocol = study.current.protocol
    context = {
        **crisis.shown(request, [study]),
        "help": protocol.help,
        "team": protocol.contacts.team,
    }
    return render(request, "join/help.html", context)


@require_GET
@arrival.for_newcomers
def turned_away(request: PageRequest, study: Study, person: Participant) -> HttpResponse:
    """Why, in the study's own kind words; who can help now; the crisis lines. Never a score or a
    limit.
    """
    if person.state != "excluded":
        return arrival.onward(person, timezone.now())
    arrival.forget_typed(request, study)
    protocol = person.version.protocol
    criterion = protocol.criterion(person.left_reason)
    context = {
        "words": criterion and criterion.turned_away,
        "may_correct": bool(person.correctable),
        "help": protocol.help,
        "crisis_lines": protocol.crisis_lines,
    }
    return render(request, "join/turned_away.html", context)


@posted_from("join:turned_away", "slug")
@arrival.for_newcomers
@refuses_reused_keys
def correct(request: PageRequest, study: Study, person: Participant) -> HttpResponse:
    """Somebody made a slip in the answer that turned them away: back to that question, once, in the
    same session.
    """
    at = timezone.now()
    with suppress(
        participants.NotCorrectable
    ):  # corrected in another window, or too late: the way onward says so
        participants.correct_screening(
            participant=person, key=request_key(request), by=arrival.actor_of(person), at=at
        )
    person.refresh_from_db()
    return arrival.onward(person, at)


@require_http_methods(["GET", "POST"])
@arrival.for_newcomers
@refuses_reused_keys
def decline(request: PageRequest, study: Study, person: Participant) -> HttpResponse:
    """Somebody would rather not take part after all."""
    if person.state != "screening":
        return arrival.onward(person, timezone.now())
    if request.method == "GET":
        return render(request, "join/decline.html")
    _decline(request, person)
    arrival.forget_typed(request, study)
    return redirect("join:turned_away", study.public_slug)


def _decline(request: PageRequest, person: Participant) -> None:
    is_verified = person.verified_at is not None
    try:
        participants.turn_away(
            participant=person,
            stage="consent" if is_verified else "screening",
            reason=DECLINED if is_verified else STOPPED,
            stopped=True,
            key=request_key(request),
            by=arrival.actor_of(person),
            at=timezone.now(),
        )
    except NotAllowedNow:
        return  # decided in another window
