"""What is typed in any form of the site is kept as it is typed: the one address that
static/handvat/drafts.js speaks to.

GET with `form` gives where that form is kept, the key of it for this device, and what was typed;
with `place`, the key alone, and whether what lies there was sent; without either, everything that
waits. PUT keeps, DELETE gives up.
"""

from __future__ import annotations

import json
import re
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse, JsonResponse
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from trial import vault
from trial.actions import drafts as actions
from trial.audiences import owner
from trial.models import Draft, Participant, User
from trial.queries import drafts as reads
from trial.queries.drafts import Typed
from trial.requests import PageRequest

REFUSED, SIGNED_OUT, SOMEBODY_ELSE, GONE, TOO_LONG = 400, 401, 409, 410, 413
LONGEST_ADDRESS, LONGEST_TITLE, LONGEST_KEY = 500, 200, 40


class NotADraft(Exception):
    """What was sent has another shape."""


@login_not_required  # whoever is signed out is told so, and keeps the page with their words
@require_http_methods(["GET", "PUT", "DELETE"])
def drafts(request: PageRequest) -> HttpResponse:
    user = request.user
    if not isinstance(user, User):
        return HttpResponse(status=SIGNED_OUT)
    try:
        if request.method == "GET":
            return JsonResponse(_given(user, request.GET.dict()))
        sent = _object(request.body)
        if sent.get("owner") != owner(user):
            return HttpResponse(status=SOMEBODY_ELSE)
        return _give_up(user, sent) if request.method == "DELETE" else _keep(user, sent)
    except NotADraft:
        return HttpResponse(status=REFUSED)


def _given(user: User, asked: dict[str, str]) -> dict[str, Any]:
    about = reads.about(user, asked.get("about", ""))
    if "form" in asked:
        return _form(user, about, _address(asked["form"]))
    if "place" in asked:
        place = asked["place"]
        return {
            "key": _key(place, user, about),
            "is_sent": reads.is_sent(user, asked.get("sent", ""), about),
        }
    waiting = [
        (draft, reads.read(draft)) for draft in reads.of(user) if not _is_over(user, about, draft)
    ]
    return {
        "drafts": [
            {"place": draft.place, "form": typed.form, "title": typed.title}
            for draft, typed in waiting
        ]
    }


def _form(user: User, about: Participant | None, form: str) -> dict[str, Any]:
    place = reads.place(user, form)
    draft = reads.find(user, form)
    is_kept = draft is not None and not _is_over(user, about, draft)
    return {
        "place": place,
        "key": _key(place, user, about),
        "draft": reads.shown(draft) if draft and is_kept else None,
    }


def _is_over(user: User, about: Participant | None, draft: Draft) -> bool:
    """Kept a moment too late: its form was sent already."""
    return reads.is_sent(user, draft.request_key, about)


def _key(place: str, user: User, about: Participant | None) -> str:
    """Belongs to this person, whatever place is asked for."""
    sealed = about.key.sealed_key if about and hasattr(about, "key") else ""
    return vault.device_key(f"{user.pk}|{place}", sealed)


def _keep(user: User, sent: dict[str, Any]) -> HttpResponse:
    about = reads.about(user, str(sent.get("about", "")))
    typed = Typed(
        form=_address(sent.get("form")),
        title=str(sent.get("title", ""))[:LONGEST_TITLE],
        fields=_fields(sent.get("fields")),
    )
    key, sequence = str(sent.get("key", ""))[:LONGEST_KEY], sent.get("sequence")
    if not isinstance(sequence, int) or not 0 <= sequence < 2**53:
        raise NotADraft
    try:
        actions.keep(
            owner=user,
            about=about,
            typed=typed,
            request_key=key,
            sequence=sequence,
            at=timezone.now(),
        )
    except (actions.AlreadySent, actions.NobodyThere):
        return HttpResponse(status=GONE)
    except actions.TooLong:
        return HttpResponse(status=TOO_LONG)
    return JsonResponse({"place": reads.place(user, typed.form)})


def _give_up(user: User, sent: dict[str, Any]) -> HttpResponse:
    place = sent.get("place") or reads.place(user, _address(sent.get("form")))
    actions.give_up(owner=user, place=str(place))
    return JsonResponse({})


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise NotADraft from None
    if not isinstance(found, dict):
        raise NotADraft
    return found


def _address(value: Any) -> str:
    """An address of this site, without its host."""
    if not isinstance(value, str) or len(value) > LONGEST_ADDRESS:
        raise NotADraft
    try:
        resolve(re.split("[?#]", value)[0])
    except Resolver404:
        raise NotADraft from None
    return value


def _fields(value: Any) -> dict[str, dict[str, list[str]]]:
    if not isinstance(value, dict):
        raise NotADraft
    return {
        str(name): {"was": _texts(each, "was"), "value": _texts(each, "value")}
        for name, each in value.items()
    }


def _texts(field: Any, which: str) -> list[str]:
    found = field.get(which) if isinstance(field, dict) else None
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise NotADraft
    return [_storable(each) for each in found]


def _storable(text: str) -> str:
    """Half an emoji, which a browser can hold and no database, is left out."""
    return text.encode("utf-8", "ignore").decode().replace("\x00", "")
