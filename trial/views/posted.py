"""What every POST has in common: the request key, and the answer to a key that came with other content."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from trial.actions.once import KeyReused

View = Callable[..., HttpResponse]


def request_key(request: HttpRequest) -> str | None:
    """At most 40 characters, so that a view may add its own ending."""
    return request.POST.get("request_key", "")[:40] or None


def refuses_reused_keys(view: View) -> View:
    """KeyReused becomes a page of status 409."""

    @functools.wraps(view)
    def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except KeyReused:
            return render(request, "409.html", status=409)

    return run
