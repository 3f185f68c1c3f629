"""What becomes of an error: one shape for the API, a page for everybody else. Its words stand in
trial.api.catalogue.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from trial import busy
from trial.accepted import NotAccepted
from trial.api.catalogue import (
    BAD_REQUEST,
    CONFLICT,
    FAULT,
    FORBIDDEN,
    GONE,
    NOT_FOUND,
    TOO_LARGE,
    TOO_MUCH,
    UNAVAILABLE,
    UNFINISHED,
    find,
)

PROBLEM = "application/problem+json"


class NotHere(exceptions.APIException):
    """The person is not at this step; what is asked of them now stands in `today` or in the last
    answer.
    """

    status_code = CONFLICT
    default_code = "not_here"
    default_detail = _("This is not asked of you now. Look at what comes next.")


class CodeWrong(exceptions.APIException):
    status_code = BAD_REQUEST
    default_code = "code_wrong"
    default_detail = _("This is not the code. Look at the newest message we sent you.")


class CodeOver(exceptions.APIException):
    status_code = GONE
    default_code = "code_over"
    default_detail = _("This code no longer works. Ask for a new one.")


_UNREADABLE = _("What was sent cannot be read.")
_AWAY = _(
    "We cannot reach our records now. Send this again in a few seconds, with the same "
    "Idempotency-Key."
)
_BUSY = _(
    "Others were busy with the same. Send this again in a few seconds, with the same "
    "Idempotency-Key."
)


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """One shape for everything that can go wrong; None for a fault of ours, which ends as status
    500.
    """
    named = find(error)
    if named:
        set_rollback()
        return problem(named.status, named.code, named.words, _details(error))
    if busy.is_passing(error):
        return _unavailable(error)
    if isinstance(error, RequestDataTooBig):
        return problem(TOO_LARGE, "too_large", TOO_MUCH, {})
    if isinstance(error, SuspiciousOperation):
        return problem(BAD_REQUEST, "bad_request", _UNREADABLE, {})
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    return _of_the_framework(error) if isinstance(error, exceptions.APIException) else None


def _unavailable(error: Exception) -> Response:
    if busy.is_busy(error):
        set_rollback()
        response = problem(UNAVAILABLE, "busy", _BUSY, {})
    else:  # nothing to roll back on a connection that is gone
        response = problem(UNAVAILABLE, "unavailable", _AWAY, {})
    response["Retry-After"] = str(busy.RETRY_AFTER)
    return response


# What goes wrong before a view or outside of one: for the API in its own shape, for everybody else
# as a page. Django's own pages look for the token of a form, and so read the whole body of somebody
# who has no business here.


def unreadable(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return too_large(request)
    return _in_shape(request, BAD_REQUEST, "bad_request", _UNREADABLE, "400.html")


def not_allowed(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _in_shape(
        request,
        FORBIDDEN,
        "permission_denied",
        exceptions.PermissionDenied.default_detail,
        "403.html",
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _in_shape(
        request, NOT_FOUND, "not_found", exceptions.NotFound.default_detail, "404.html"
    )


def too_large(request: HttpRequest) -> HttpResponse:
    return _in_shape(request, TOO_LARGE, "too_large", TOO_MUCH, "413.html")


def unavailable(request: HttpRequest, error: BaseException) -> HttpResponse:
    is_busy = busy.is_busy(error)
    code, words = ("busy", _BUSY) if is_busy else ("unavailable", _AWAY)
    response = _in_shape(
        request, UNAVAILABLE, code, words, "503.html", {"is_busy": is_busy}, is_bare=not is_busy
    )
    response.headers["Retry-After"] = str(busy.RETRY_AFTER)
    return response


def fault(request: HttpRequest) -> HttpResponse:
    """A fault of ours, unless the database was away before the request reached its view, or
    afterwards.
    """
    error = sys.exc_info()[1]
    if error and busy.is_passing(error):
        return unavailable(request, error)
    return _in_shape(
        request, FAULT, "fault", _("Something went wrong on our side."), "500.html", is_bare=True
    )


def _in_shape(
    request: HttpRequest,
    status: int,
    code: str,
    words: Any,
    page: str,
    context: Mapping[str, Any] | None = None,
    is_bare: bool = False,
) -> HttpResponse:
    """A bare page asks nothing of the database, not even who is signed in."""
    if request.path.startswith("/api/"):
        body = {"code": code, "detail": str(words), "fields": {}}
        return JsonResponse(body, status=status, content_type=PROBLEM)
    return HttpResponse(
        render_to_string(page, dict(context or {}), None if is_bare else request), status=status
    )


def problem(status: int, code: str, words: Any, details: Mapping[str, Any]) -> Response:
    body = {"code": code, "detail": str(words), "fields": {}, **details}
    return Response(body, status=status, content_type=PROBLEM)


def _details(error: Exception) -> dict[str, Any]:
    """What a client can act on: the values that are not taken, the places in a folder, or what is
    still missing.
    """
    if isinstance(error, NotAccepted):
        return {
            "fields": {name: [str(each) for each in words] for name, words in error.fields.items()}
        }
    if hasattr(error, "problems"):
        return {
            "errors": [
                {"file": each.file, "line": each.line, "message": each.message}
                for each in error.problems
            ]
        }
    return {"missing": error.requirements} if hasattr(error, "requirements") else {}


def _of_the_framework(error: exceptions.APIException) -> Response:
    set_rollback()
    if isinstance(error, exceptions.ValidationError):
        fields = error.detail if isinstance(error.detail, dict) else {"": error.detail}
        response = problem(error.status_code, "invalid", UNFINISHED, {"fields": fields})
    else:
        response = problem(error.status_code, error.default_code, error.detail, {})
    for header, attribute in (("WWW-Authenticate", "auth_header"), ("Retry-After", "wait")):
        value = getattr(error, attribute, None)
        if value:
            response[header] = str(int(value)) if attribute == "wait" else value
    return response
