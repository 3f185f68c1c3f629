"""Who stands at the door: the study of the address, and the person whom this session or this login
stands for.

Until an address is verified a person is known by the study code in the encrypted session,
afterwards by their login.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation

from trial import actors, hooks
from trial.actions import journey
from trial.models import Journey, Participant, Study
from trial.queries import tasks
from trial.requests import PageRequest

SESSION = "joining"  # public slug -> what is known of the person on the way in


def find_study(request: PageRequest, slug: str) -> Study:
    study = get_object_or_404(Study.objects.exclude(state="draft"), public_slug=slug)
    study.public_title = study.current.protocol.public_title  # type: ignore[attr-defined]  # named on every page
    request.study = study
    return study


def kept(request: PageRequest, study: Study) -> dict[str, Any]:
    """What the session holds about this way in."""
    return request.session.get(SESSION, {}).get(study.public_slug, {})


def keep(request: PageRequest, study: Study, **values: Any) -> None:
    every = request.session.get(SESSION, {})
    request.session[SESSION] = {
        **every,
        study.public_slug: {**every.get(study.public_slug, {}), **values},
    }


def forget(request: PageRequest, study: Study) -> None:
    request.session[SESSION] = {
        k: v for k, v in request.session.get(SESSION, {}).items() if k != study.public_slug
    }


def forget_typed(request: PageRequest, study: Study) -> None:
    """Name, address and number of somebody who does not come in; the code stays, so that they can
    read why.
    """
    if "asked" in kept(request, study):
        remaining = {name: value for name, value in kept(request, study).items() if name != "asked"}
        request.session[SESSION] = {**request.session[SESSION], study.public_slug: remaining}


def person_of(request: PageRequest, study: Study) -> Participant | None:
    """The newcomer of this session, or else the participant who is signed in."""
    code = kept(request, study).get("code")
    newcomer = code and (
        Participant.objects.filter(study=study, code=code, verified_at__isnull=True)
        .select_related("study", "version", "key")
        .first()
    )
    known = request.participant
    return newcomer or (known if known and known.study_id == study.pk else None)


def actor_of(person: Participant) -> actors.Actor:
    return actors.participant(person.code) if person.verified_at else actors.visitor(person.code)


def for_newcomers(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Hands the view its study and person; whoever has lost the session is told kindly how to go
    on.
    """

    @login_not_required
    @functools.wraps(view)
    def run(request: PageRequest, slug: str, **kwargs: Any) -> HttpResponse:
        study = find_study(request, slug)
        person = person_of(request, study)
        if person is None:
            return render(request, "join/lost.html")
        if person.reads_one_language:
            translation.activate(person.language)
        return view(request, study, person, **kwargs)

    return run


def has_passed(person: Participant, before: str) -> bool:
    """Whether every step of the journey before the one named is behind this person."""
    order = [hooks.code(step) for step in hooks.JOURNEY]
    row = Journey.objects.filter(participant=person).first()
    return set(order[: order.index(before)]) <= set(row.passed if row else ())


def onward(person: Participant, at: datetime) -> HttpResponse:
    """Move the person on, and show what is asked next."""
    ask = journey.advance(person, at)
    if ask:
        return redirect(tasks.page_asked(ask))
    if person.state == "excluded":
        return redirect("join:turned_away", person.study.public_slug)
    if person.state == "screening":
        return redirect("join:held_up", person.study.public_slug)
    return redirect("participant:home")
