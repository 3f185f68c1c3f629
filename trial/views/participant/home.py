"""The one next thing, and what comes later."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from trial import hooks
from trial.actions import journey, participants
from trial.entries import Ask, Task
from trial.models import ModuleUse, Participant
from trial.queries import allotment, programme, tasks
from trial.requests import PageRequest, participant_of
from trial.views.join import arrival

LONG = timedelta(days=7)


@require_GET
def home(request: PageRequest) -> HttpResponse:
    person = participant_of(request)
    at = timezone.now()
    asked = _asked(person, at)  # the journey may find that the study is over for this person
    if person.state == "withdrawn":
        context = {**_who_helps(person), "is_too_late": person.left_reason == participants.TOO_LATE}
        return render(request, "participant/goodbye.html", context)
    if person.state == "excluded":
        return redirect("join:turned_away", person.study.public_slug)
    if person.state == "screening":
        return arrival.onward(person, at)
    return render(request, "participant/home.html", _home(person, asked, at))


@require_GET
def help_now(request: PageRequest) -> HttpResponse:
    return redirect("join:help", participant_of(request).study.public_slug)


def _home(person: Participant, asked: Ask | None, at: datetime) -> dict[str, Any]:
    found = tasks.agenda(person, asked, at)
    return {
        "next": found.now[0] if found.now else None,
        "also": found.now[1:],
        "later": found.later,
        "call": found.call,
        "allotted": allotment.words(person) if allotment.is_news(person) else "",
        "has_lessons": found.has_lessons or programme.access(person) is not None,
        "was_away": _was_away(person, found.now, at),
        **_waiting(person, found.now),
    }


def _waiting(person: Participant, now: Sequence[Task]) -> dict[str, Any]:
    """Whether somebody has done everything and is not allocated yet, and why, where there is more
    to say.
    """
    is_waiting = person.state == "consented" and not now
    reasons = (why(person) for why in hooks.WAITING) if is_waiting else ()
    return {"is_waiting": is_waiting, "waiting_for": next((code for code in reasons if code), "")}


def _asked(person: Participant, at: datetime) -> Ask | None:
    """Before allocation the journey knows what is next; afterwards all that is due stands in the
    lists.
    """
    return journey.advance(person, at) if person.state == "consented" else None


def _was_away(person: Participant, now: Sequence[Task], at: datetime) -> bool:
    """A lesson has been waiting for a week or more, and none was used in that time."""
    waiting = [
        task
        for task in now
        if task.kind == "lesson" and task.opens_at and task.opens_at <= at - LONG
    ]
    if not waiting:
        return False
    last = ModuleUse.objects.filter(participant=person).aggregate(last=Max("last_used_at"))["last"]
    return last is not None and last <= at - LONG


def _who_helps(person: Participant) -> dict[str, Any]:
    protocol = person.version.protocol
    return {
        "help": protocol.help,
        "crisis_lines": protocol.crisis_lines,
        "team": protocol.contacts.team,
    }
