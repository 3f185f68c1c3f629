"""Not getting in, not wanting to, and help at any moment."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods

from trial.actions import participants
from trial.lifecycles import NotAllowedNow
from trial.models import Participant, Study
from trial.views.join import arrival
from trial.views.posted import refuses_reused_keys, request_key

DECLINED, STOPPED = "declined", "stopped"
EMERGENCY = {"US": "911", "CA": "911", "AU": "000", "NZ": "111", "GB": "999"}  # 112 elsewhere


@login_not_required
@require_GET
def help_now(request: HttpRequest, slug: str) -> HttpResponse:
    """The crisis lines of the study's country, for everybody, signed in or not."""
    study = arrival.find_study(request, slug)
    protocol, back_url = study.current.protocol, _back_url(request)
    context = {
        "crisis_lines": protocol.crisis_lines,
        "help": protocol.help,
        "emergency_number": EMERGENCY.get(protocol.country, "112"),
        "team": protocol.contacts.team,
        "back_url": back_url,
        "here": f"{request.path}?{urlencode({'back': back_url})}" if back_url else request.path,
    }
    return render(request, "join/help.html", context)


def _back_url(request: HttpRequest) -> str:
    """Where the person came from, if that was a page of this site."""
    came_from = request.GET.get("back") or request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(came_from, {request.get_host()}, request.is_secure())
    parts = urlsplit(came_from)
    return (
        f"{parts.path}{'?' * bool(parts.query)}{parts.query}" if is_ours and _is_elsewhere(request, parts.path) else ""
    )


def _is_elsewhere(request: HttpRequest, path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return path != request.path


@require_GET
@arrival.for_newcomers
def turned_away(request: HttpRequest, study: Study, person: Participant) -> HttpResponse:
    """Why, in the study's own kind words; who can help now; the crisis lines. Never a score or a limit."""
    if person.state != "excluded":
        return arrival.onward(person, timezone.now())
    protocol = person.version.protocol
    words = next((each.turned_away for each in protocol.eligibility if each.code == person.left_reason), None)
    context = {"words": words, "help": protocol.help, "crisis_lines": protocol.crisis_lines}
    return render(request, "join/turned_away.html", context)


@require_http_methods(["GET", "POST"])
@arrival.for_newcomers
@refuses_reused_keys
def decline(request: HttpRequest, study: Study, person: Participant) -> HttpResponse:
    """Somebody would rather not take part after all."""
    if person.state != "screening":
        return arrival.onward(person, timezone.now())
    if request.method == "GET":
        return render(request, "join/decline.html")
    _decline(request, person)
    return redirect("join:turned_away", study.public_slug)


def _decline(request: HttpRequest, person: Participant) -> None:
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
