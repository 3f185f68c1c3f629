"""The door of each audience: closed unless the person belongs there. Runs after sign-in was
checked.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.urls import Resolver404, is_valid_path, resolve, reverse
from django.utils import timezone, translation

from trial import busy, vault
from trial.api import errors
from trial.models import Membership, Participant, Study, User
from trial.permissions import ROLES
from trial.queries import drafts
from trial.requests import PageRequest
from trial.words import spoken

PARTICIPANT = "participant"
COACH = "coach"
ASSESSOR = "assessor"
RESEARCH = "research"
STAFF = "staff"
ACCOUNT = "account"
NOT_THIS_METHOD = 405
# An address comes with an invitation or is checked on the way in; nobody adds or changes one among
# the account pages.
SHUT = {
    "account_email",
    "account_email_verification_sent",
    "account_confirm_email",
    "account_set_password",
}
# Participants sign in by code: they have no password, no second factor and no address that these
# pages could show.
OF_PARTICIPANTS = {
    "account_login",
    "account_logout",
    "account_request_login_code",
    "account_confirm_login_code",
}


class SignInFirst(LoginRequiredMiddleware):
    """Whoever is not signed in goes to sign in: a participant by a code, everybody else by
    password.
    """

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> HttpResponseRedirect:
        if request.path.split("/")[1] == PARTICIPANT:
            return redirect_to_login(
                request.get_full_path(), resolve_url("account_request_login_code")
            )
        return super().handle_no_permission(request, view_func)


class SmallLetters:
    """A study's address in capitals, as a poster, a scanned code or a phone's keyboard makes it,
    leads to the right one.

    No study is asked for: an address of none leads on too, and is not found there.
    """

    def __init__(self, get_response: Callable[[PageRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: PageRequest) -> HttpResponse:
        is_asked = (
            request.method in {"GET", "HEAD"} and request.path_info != request.path_info.lower()
        )
        small = _in_small_letters(request.path_info) if is_asked else ""
        if not small:
            return self.get_response(request)
        query = request.META.get("QUERY_STRING", "")
        return HttpResponseRedirect(f"{small}?{query}" if query else small)


def _in_small_letters(path: str) -> str:
    """Where a path with capitals leads; empty if they belong there, such as in a study code."""
    try:
        match = resolve(path)
    except Resolver404:
        small = path.lower() if path.endswith("/") else f"{path.lower()}/"
        return small if is_valid_path(small) and resolve(small).namespace == "join" else ""
    slug = match.kwargs.get("slug", "")
    return (
        ""
        if slug == slug.lower()
        else reverse(match.view_name, kwargs={**match.kwargs, "slug": slug.lower()})
    )


class AudienceDoor:
    """Sets `request.participant`, keeps each audience in its own room, and lets no page be
    cached.
    """

    def __init__(self, get_response: Callable[[PageRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: PageRequest) -> HttpResponse:
        try:
            response = self.get_response(request)
        finally:
            # a zone belongs to one request, not to the thread that serves the next
            timezone.deactivate()
        if (
            response.status_code == NOT_THIS_METHOD
            and not response.content
            and not request.path.startswith("/api/")
        ):
            response = _in_words(request, response)
        response.setdefault("Cache-Control", "no-store")
        return response

    def process_exception(self, request: PageRequest, error: Exception) -> HttpResponse | None:
        """Somebody else held what was asked for, or the database is away: that is said, with when
        to come back.
        """
        return errors.unavailable(request, error) if busy.is_passing(error) else None

    def process_view(self, request: PageRequest, view: Any, args: Any, kwargs: Any) -> None:
        room = request.path.split("/")[1]
        request.participant = None
        if request.user.is_authenticated and room in {
            PARTICIPANT,
            COACH,
            ASSESSOR,
            RESEARCH,
            STAFF,
            "join",
        }:
            if room in {PARTICIPANT, "join"}:
                request.participant = _participant(request)
            _check(request, room)
            request.about = kwargs.get("code", "")  # a page about somebody names them so
        elif room == ACCOUNT:
            _check_account(request)


def _in_words(request: PageRequest, refusal: HttpResponse) -> HttpResponse:
    """A person gets a page, with the way to help, where Django's decorators answer with an empty
    one.
    """
    page = render(request, "405.html", status=refusal.status_code)
    page.headers["Allow"] = refusal.headers["Allow"]
    return page


def _participant(request: PageRequest) -> Participant | None:
    found = (
        Participant.objects.filter(user=request.user.pk)
        .select_related("study", "version", "key", "user")
        .first()
    )
    if found:
        found.study.public_title = found.version.protocol.public_title  # type: ignore[attr-defined]  # for every page
        timezone.activate(zoneinfo.ZoneInfo(found.timezone))
        if found.reads_one_language:
            translation.activate(found.language)
    return found


def _check(request: PageRequest, room: str) -> None:
    """Somebody of another audience gets 404: that a room exists is not told either."""
    participant = request.participant
    if room == PARTICIPANT and participant is None:
        raise Http404
    if room == COACH and not is_coach(request):
        raise Http404
    if room == ASSESSOR and not is_assessor(request):
        raise Http404
    if room == RESEARCH and not is_staff(request):
        raise Http404
    if room == STAFF and not works_here(request):
        raise Http404


def _check_account(request: PageRequest) -> None:
    name = request.resolver_match.url_name if request.resolver_match else None
    if name in SHUT:
        raise Http404
    if name not in OF_PARTICIPANTS and request.user.is_authenticated and _participant(request):
        raise Http404


def is_coach(request: HttpRequest) -> bool:
    return _has_role(request, "coach", "supervisor")


def is_assessor(request: HttpRequest) -> bool:
    return _has_role(request, "assessor")


def is_staff(request: HttpRequest) -> bool:
    """Of the research room. Not an assessor, who is to see nothing but what is due."""
    is_first = bool(getattr(request.user, "is_staff", False))
    return is_first or _has_role(request, "researcher", "statistician", "supervisor")


def works_here(request: HttpRequest) -> bool:
    """Staff in whatever role."""
    return bool(getattr(request.user, "is_staff", False)) or _has_role(request, *ROLES)


def _has_role(request: HttpRequest, *roles: str) -> bool:
    return Membership.objects.filter(
        user=request.user.pk, role__in=roles, ended_at__isnull=True
    ).exists()


def context(request: PageRequest) -> dict[str, Any]:
    """For every template: whether this is a rehearsal, and the study of the page if it is a
    participant's.
    """
    from trial import stamp

    participant = getattr(request, "participant", None)
    study: Study | None = getattr(request, "study", None) or (
        participant.study if participant else None
    )
    return {
        "environment": {"simulated": stamp.kind() == "rehearsal"},
        "study": study,
        "crisis_url": _crisis_url(study),
        "participant": participant,
        "owner": owner(getattr(request, "user", None)),
        "about": _about(request),
        "language": spoken(),
    }


def owner(user: Any) -> str:
    """Whose page this is, without their code: what is kept in a browser, or sent late, goes to
    nobody else.
    """
    return vault.keyed_hash("page", str(user.pk))[:20] if isinstance(user, User) else ""


def _about(request: PageRequest) -> str:
    """For staff: under whose key what they type on this page is kept until it is sent."""
    user, code = getattr(request, "user", None), getattr(request, "about", "")
    return drafts.about_token(user, code) if code and isinstance(user, User) else ""


def _crisis_url(study: Study | None) -> str:
    return (
        reverse("join:help", args=[study.public_slug])
        if study and study.state != "draft"
        else reverse("help")
    )
