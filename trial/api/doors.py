"""Find and check: who asks, in which study, in which role. Whoever belongs elsewhere gets 404, as
on the pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.core.paginator import EmptyPage, Page, PageNotAnInteger, Paginator
from django.http import Http404
from django.utils import translation
from django.utils.translation import gettext as _
from rest_framework.exceptions import (
    AuthenticationFailed,
    NotAuthenticated,
    Throttled,
    ValidationError,
)
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request as FrameworkRequest
from rest_framework.serializers import Serializer

from trial import actors, limits, mail, mail_door, permissions
from trial.actors import Actor
from trial.api.errors import NotHere
from trial.models import Participant, Study
from trial.queries import repeats, studies
from trial.requests import Request

LONGEST_KEY = 80
A_DAY = 24 * 60 * 60  # as long as the worker leaves a screening open
ON_A_PAGE = 50
is_repeat = repeats.is_repeat


def key(request: Request) -> str | None:
    """The Idempotency-Key."""
    given = request.headers.get("Idempotency-Key", "")
    if len(given) > LONGEST_KEY:
        raise ValidationError({"Idempotency-Key": [f"At most {LONGEST_KEY} characters."]})
    return given or None


def given(serializer: type[Serializer], request: Request, **context: Any) -> dict[str, Any]:
    """The body, checked; raises ValidationError. A phone number is read with `country` in the
    context.
    """
    filled = serializer(data=request.data, context=context)
    filled.is_valid(raise_exception=True)
    return filled.validated_data


class AnyFile(BaseContentNegotiation):
    """A file is given as what it is, whatever the client says it accepts."""

    def select_renderer(
        self, request: FrameworkRequest, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        return renderers[0], renderers[0].media_type


def participant_of(request: Request) -> Participant:
    """The participant who asks. From here on the language is theirs."""
    people = Participant.objects.select_related("study", "version", "key", "user")
    found = people.filter(user=request.user.pk).first() if request.user.is_authenticated else None
    if found is None:
        raise Http404
    translation.activate(found.language)
    return found


def in_the_study(request: Request) -> Participant:
    """The participant who asks, if they are in the study now."""
    found = participant_of(request)
    if not found.is_in_study:
        raise NotHere
    return found


def actor_of(person: Participant) -> Actor:
    return actors.participant(person.code) if person.verified_at else actors.visitor(person.code)


def study_for(request: Request, slug: str, what: str) -> tuple[Study, Actor]:
    """The study, and this person in the role that allows `what`: 404 without any role in it, 403 in
    the wrong one.
    """
    try:
        study, roles = studies.in_hand(request.user, slug)
    except Study.DoesNotExist:
        raise Http404 from None
    allowing = [role for role in sorted(roles) if what in permissions.MAY[role]]
    if not allowing:
        raise PermissionDenied
    return study, actors.staff(request.user.pk, allowing[0])


def public_study(slug: str) -> Study:
    found = Study.objects.exclude(state="draft").filter(public_slug=slug).first()
    if found is None:
        raise Http404
    return found


def paged(rows: Any, request: Request) -> dict[str, Any]:
    """One page of rows, of a query or whatever else is read by slices: 400 for what is no number,
    404 for a page that does not exist.
    """
    try:
        page: Page[Any] = Paginator(rows, ON_A_PAGE).page(request.query_params.get("page", 1))
    except PageNotAnInteger:
        raise ValidationError({"page": [_("A page is a whole number.")]}) from None
    except EmptyPage:
        raise Http404 from None
    return {
        "count": page.paginator.count,
        "page": page.number,
        "pages": page.paginator.num_pages,
        "results": list(page),
    }


def check_limit(request: Request, what: str) -> None:
    with _throttled():
        limits.check(request._request, what)


def opened_mail_door(request: Request, at: datetime) -> mail.Door:
    with _throttled():
        return mail_door.opened(request._request, at)


@contextmanager
def _throttled() -> Iterator[None]:
    try:
        yield
    except limits.TooOften:
        raise Throttled(wait=limits.A_MINUTE) from None


class WayIn:
    """What is known of somebody on the way in: an encrypted session of its own, as a browser would
    have. The Join-Token is its signed key; the code that was mailed and what was typed on the
    contact page live in it alone.
    """

    SALT = "join"

    def __init__(self, session_key: str | None = None) -> None:
        self.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)

    @classmethod
    def of(cls, request: Request) -> WayIn:
        token = request.headers.get("Join-Token", "")
        try:
            return cls(signing.loads(token, salt=cls.SALT, max_age=A_DAY))
        except signing.BadSignature:
            raise AuthenticationFailed("The Join-Token is not valid, or too old.") from None

    @classmethod
    def begin(cls, person: Participant) -> WayIn:
        way = cls()
        way.session.set_expiry(A_DAY)
        way.keep(code=person.code)
        return way

    @property
    def token(self) -> str:
        return signing.dumps(self.session.session_key, salt=self.SALT)

    def keep(self, **values: Any) -> None:
        for name, value in values.items():
            self.session[name] = value
        self.session.save()

    def forget(self, name: str) -> None:
        self.session.pop(name, None)
        self.session.save()


def newcomer(request: Request, slug: str) -> Participant:
    """Somebody on the way in: by their Join-Token before the address is verified, by their login
    afterwards.
    """
    study = public_study(slug)
    person = participant_of(request) if request.user.is_authenticated else _by_token(request)
    if person.study_id != study.pk:
        raise Http404
    return person


def _by_token(request: Request) -> Participant:
    if "Join-Token" not in request.headers:
        raise NotAuthenticated
    code = WayIn.of(request).session.get("code")
    people = Participant.objects.select_related("study", "version", "key", "user")
    found = people.filter(code=code, verified_at__isnull=True).first() if code else None
    if found is None:
        raise NotAuthenticated
    translation.activate(found.language)
    return found
