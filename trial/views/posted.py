"""What every POST has in common: the request key, and the answer to a key that came with other
content.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from trial.actions.once import KeyReused
from trial.requests import PageRequest

View = Callable[..., HttpResponse]


def request_key(request: PageRequest) -> str | None:
    """At most 40 characters, so that a view may add its own ending."""
    return request.POST.get("request_key", "")[:40] or None


def refuses_reused_keys(view: View) -> View:
    """KeyReused becomes a page of status 409."""

    @functools.wraps(view)
    def run(request: PageRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except KeyReused:
            return render(request, "409.html", status=409)

    return run


def posted_from(page: str, *names: str) -> Callable[[View], View]:
    """The view takes a POST only. Its address stays in the browser when it answers with a page of
    its own, so a GET of it, by a reload, the language switch or a way back, leads to the page on
    which the form stands.
    """

    def decorate(view: View) -> View:
        checked = require_POST(view)

        @functools.wraps(checked)
        def run(request: PageRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method in {"GET", "HEAD"}:
                return redirect(page, **{name: kwargs[name] for name in names})
            return checked(request, *args, **kwargs)

        return run

    return decorate
