"""Help in a crisis, reachable from every page: of the study that is known, or of every study that
is running here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET

from trial.models import Participant, Study
from trial.queries import studies
from trial.requests import PageRequest
from trial.views.join import arrival

EMERGENCY = {"US": "911", "CA": "911", "AU": "000", "NZ": "111", "GB": "999"}
ELSEWHERE = "112"


@login_not_required
@require_GET
def help_now(request: PageRequest) -> HttpResponse:
    """For pages that know no study."""
    slug = _slug_of(request)
    if slug:
        return redirect(
            f"{reverse('join:help', args=[slug])}?{urlencode({'back': _back_url(request)})}"
        )
    return render(request, "public/help.html", shown(request, studies.running()))


def _slug_of(request: PageRequest) -> str:
    """Of the study that this person takes part in, or is on the way into, if that is one."""
    if request.user.is_authenticated:
        mine = Participant.objects.filter(user=request.user).select_related("study").first()
        return mine.study.public_slug if mine else ""
    begun = Study.objects.exclude(state="draft").filter(
        public_slug__in=request.session.get(arrival.SESSION, {})
    )
    return begun[0].public_slug if len(begun) == 1 else ""


def shown(request: PageRequest, known: Sequence[Study]) -> dict[str, Any]:
    """What the help page shows of these studies: each line once, and those emergency numbers of
    their countries that no line names.
    """
    protocols = [study.current.protocol for study in known]
    lines = [line for protocol in protocols for line in protocol.crisis_lines]
    numbers = [EMERGENCY.get(protocol.country, ELSEWHERE) for protocol in protocols] or [ELSEWHERE]
    named = {number for line in lines for number in line.numbers}
    back_url = _back_url(request)
    return {
        "crisis_lines": list({(line.name, line.numbers): line for line in lines}.values()),
        "emergency_numbers": [number for number in dict.fromkeys(numbers) if number not in named],
        "back_url": back_url,
        "here": f"{request.path}?{urlencode({'back': back_url})}" if back_url else request.path,
    }


def _back_url(request: PageRequest) -> str:
    """Where the person came from, if that was a page of this site."""
    came_from = request.GET.get("back") or request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(came_from, {request.get_host()}, request.is_secure())
    parts = urlsplit(came_from)
    return (
        f"{parts.path}{'?' * bool(parts.query)}{parts.query}"
        if is_ours and _is_elsewhere(request, parts.path)
        else ""
    )


def _is_elsewhere(request: PageRequest, path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return path != request.path
