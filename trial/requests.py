"""A request, as pages and as the API get it: what the doors and the finding of a study add, typed
in one place.
"""

from __future__ import annotations

from django.http import HttpRequest
from rest_framework import request as framework

from trial.models import Participant, Study, User


class PageRequest(HttpRequest):
    """For annotations alone: at run time it is Django's, with these set by whoever is named.

    user         by Django; behind a door always somebody, since trial.audiences.SignInFirst was
    passed participant  by trial.audiences.AudienceDoor; None for staff and strangers about
    by the same, or by the page: the study code of the person that a page of staff is about, or ""
    study, may   by who finds the study of a page; `may` holds the verbs of trial.permissions that
    its reader has there
    """

    user: User
    participant: Participant | None
    about: str
    study: Study
    may: set[str]


class Request(framework.Request):
    """As the API's views get it, for annotations alone: somebody is signed in, where the view asks
    for that.
    """

    user: User


def participant_of(request: PageRequest) -> Participant:
    """Whoever is signed in, in a room of participants: nobody else comes through its door."""
    assert request.participant is not None
    return request.participant
