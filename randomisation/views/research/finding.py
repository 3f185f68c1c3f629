"""What the pages of exceptions have in common: the person, the allocation at a point, and one way
to refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import render

from randomisation.actions import code_breaks, exceptions, forced, matches, switches
from randomisation.models import Allocation
from randomisation.permissions import sees_point
from randomisation.queries import proposals as asked
from trial.actions import proposals as seconds
from trial.api import catalogue
from trial.models import Participant, Proposal, Study
from trial.requests import PageRequest

# What an action may refuse; its words stand in the one catalogue.
REFUSALS = (
    exceptions.ValueNotAllowed,
    exceptions.SameValues,
    exceptions.AlreadyMarked,
    exceptions.Erased,
    seconds.AlreadyProposed,
    seconds.AlreadyDecided,
    seconds.SamePerson,
    forced.NotForced,
    forced.CapReached,
    code_breaks.NotAgreed,
    code_breaks.NotWhoAsked,
    code_breaks.AlreadyShown,
    matches.NotHeld,
    switches.NothingSwitched,
    switches.UnknownTarget,
)


def person_of(study: Study, code: str) -> Participant:
    people = Participant.objects.filter(study=study, code=code).select_related(
        "version", "study", "key"
    )
    found = people.first()
    if found is None:
        raise Http404
    return found


def allocation_of(request: PageRequest, study: Study, code: str, point: str) -> Allocation:
    if not sees_point(study, point, request.may):
        raise Http404
    rows = Allocation.objects.filter(study=study, participant__code=code, point=point)
    found = rows.select_related(
        "participant__version", "participant__study", "participant__key"
    ).first()
    if found is None:
        raise Http404
    return found


def proposal_of(request: PageRequest, study: Study, number: int) -> Proposal:
    found = asked.found(study, number)
    if found is None or not sees_point(study, found.point, request.may):
        raise Http404
    request.about = found.participant.code if found.participant else ""
    return found


def note_of(participant: Participant, sealed: str) -> str | None:
    """Words under a person's key; None once the person is erased."""
    if not sealed:
        return ""
    return participant.unsealed(sealed) if hasattr(participant, "key") else None


def attempted(form: Form, do: Callable[[], Any]) -> tuple[Any, int]:
    """What the action gave and 0; or, where it was refused, None and the status, with the words on
    the form.
    """
    try:
        return do(), 0
    except REFUSALS as error:
        form.add_error(None, refusal(error))
        return None, 409


def refusal(error: Exception) -> str:
    named = catalogue.find(error)
    return str(named.words) if named else ""


def shown(
    request: PageRequest, template: str, form: Form, refused: int = 0, **context: Any
) -> HttpResponse:
    """The page with its form: 400 where something on it is to be put right, 409 where the action
    refused.
    """
    status = refused or (400 if form.is_bound and form.errors else 200)
    return render(request, template, {"form": form, **context}, status=status)
