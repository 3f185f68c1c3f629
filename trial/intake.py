"""What comes in, before anything of it is read or looked up: too large, not readable, or not asked
by this way.

NUL has no place in any text of ours and PostgreSQL cannot store it: no keyboard types it, so of
what somebody pasted it is left out, and an address with it leads nowhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict

from trial.api import errors
from trial.folder.files import MOST_BYTES

NUL = "\x00"
# bytes of a form or of JSON; as DATA_UPLOAD_MAX_MEMORY_SIZE, which Django counts as it reads
MOST_TYPED = 2_500_000
AROUND_A_FILE = 100_000  # bytes of the form that a study folder comes in
MOST_WITH_A_FILE = MOST_BYTES + AROUND_A_FILE


def takes_files(view: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a view that a file may be sent to. Everywhere else a body as large as one is refused
    unread.
    """
    view.takes_files = True  # type: ignore[attr-defined]
    return view


class Intake:
    """Before the session, so that neither a cookie nor a body of a stranger costs more than a look
    at its length.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        refused = self._refused(request)
        return refused or _answered(request, self.get_response)

    def _refused(self, request: HttpRequest) -> HttpResponse | None:
        if _length(request) > MOST_WITH_A_FILE:
            return errors.too_large(request)
        # Our pages are UTF-8, and so is what they send. Another name may be a codec that is no text
        # at all.
        if (request.content_params or {}).get("charset", "utf-8").lower() not in {"utf-8", "utf8"}:
            return errors.unreadable(request)
        for name in [name for name, value in request.COOKIES.items() if NUL in name + value]:
            del request.COOKIES[name]
        for name in [
            name
            for name, value in request.META.items()
            if name.startswith("HTTP_") and NUL in str(value)
        ]:
            del request.META[name]
        return None

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Runs before the token of the form is looked for, which reads the whole body."""
        if NUL in request.path:
            raise Http404
        if _length(request) > MOST_TYPED and not _takes_files(view):
            return errors.too_large(request)
        request.GET = without_nul(request.GET)
        return None


class AsTyped:
    """The last middleware: what was typed into a form, as it can be kept."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        if request.method == "POST" and not request.path.startswith("/api/"):
            request.POST = without_nul(request.POST)  # type: ignore[assignment]


def without_nul(given: Any) -> Any:
    """The same object where there is none, which is nearly always."""
    if not any(NUL in text for name in given for text in (name, *given.getlist(name))):
        return given
    kept = QueryDict(mutable=True)
    for name in given:
        kept.setlist(name.replace(NUL, ""), [text.replace(NUL, "") for text in given.getlist(name)])
    kept._mutable = False
    return kept


def _takes_files(view: Any) -> bool:
    return getattr(view, "takes_files", False) or getattr(
        getattr(view, "cls", None), "takes_files", False
    )


def _length(request: HttpRequest) -> int:
    """A body without a length is not read at all."""
    text = request.META.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isdecimal() and len(text) < 16 else MOST_WITH_A_FILE + 1


def _answered(request: HttpRequest, answer: Callable[[HttpRequest], HttpResponse]) -> HttpResponse:
    """HEAD is a GET without its body, on every page."""
    if request.method != "HEAD":
        return answer(request)
    request.method = "GET"
    response = answer(request)
    request.method = "HEAD"
    if not response.streaming:
        response.headers.setdefault("Content-Length", str(len(response.content)))
        response.content = b""
    return response
