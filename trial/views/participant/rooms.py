"""Doors inside the participant's room."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect

from trial import actors
from trial.models import Participant
from trial.requests import PageRequest, participant_of


def in_the_study(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Hands on the person; whoever is not in the study, or not any more, goes to the home page,
    which says why.
    """

    @functools.wraps(view)
    def run(request: PageRequest, **kwargs: Any) -> HttpResponse:
        person = participant_of(request)
        if not person.is_in_study:
            return redirect("participant:home")
        return view(request, person, **kwargs)

    return run


def actor_of(person: Participant) -> actors.Actor:
    return actors.participant(person.code)
