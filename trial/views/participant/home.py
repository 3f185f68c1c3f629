"""The one next thing, and what comes later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from trial import hooks
from trial.actions import journey, participants
from trial.entries import Task
from trial.models import ModuleUse, Participant
from trial.queries import allotment, programme
from trial.views.join import arrival

ORDER = {"join": 0, "questionnaire": 1, "lesson": 2}
LONG = timedelta(days=7)
FAR = datetime.max.replace(tzinfo=UTC)


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    person: Participant = request.participant  # type: ignore[attr-defined]
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
def help_now(request: HttpRequest) -> HttpResponse:
    return redirect("join:help", request.participant.study.public_slug)  # type: ignore[attr-defined]


def _home(person: Participant, asked: list[Task], at: datetime) -> dict[str, Any]:
    tasks = [task for entry in hooks.entries("TODAY") for task in entry(person, at)]
    calls = [task for task in tasks if task.kind == "call"]
    rest = [task for task in tasks if task.kind != "call"]
    now = sorted((task for task in rest if _is_open(task, at)), key=_urgency)
    now = [*asked, *(task for task in now if task.url not in {each.url for each in asked})]
    later = sorted((task for task in rest if not _is_open(task, at)), key=lambda task: task.opens_at or FAR)
    return {
        "next": now[0] if now else None,
        "also": now[1:],
        "later": later,
        "call": calls[0] if calls else None,
        "allotted": allotment.words(person) if allotment.is_news(person) else "",
        "has_lessons": any(task.kind == "lesson" for task in tasks) or programme.access(person) is not None,
        "was_away": _was_away(person, now, at),
        **_waiting(person, now),
    }


def _waiting(person: Participant, now: list[Task]) -> dict[str, Any]:
    """Whether somebody has done everything and is not allocated yet, and why, where there is more to say."""
    is_waiting = person.state == "consented" and not now
    reasons = (why(person) for why in hooks.entries("WAITING")) if is_waiting else ()
    return {"is_waiting": is_waiting, "waiting_for": next((code for code in reasons if code), "")}


def _asked(person: Participant, at: datetime) -> list[Task]:
    """Before allocation the journey knows what is next; afterwards everything that is due stands in the lists."""
    if person.state != "consented":
        return []
    ask = journey.advance(person, at)
    return [ask.task] if ask else []


def _is_open(task: Task, at: datetime) -> bool:
    return task.opens_at is None or task.opens_at <= at


def _urgency(task: Task) -> tuple[int, datetime]:
    """Questionnaires before lessons; what closes first comes first."""
    return ORDER.get(task.kind, len(ORDER)), task.due_at or FAR


def _was_away(person: Participant, now: list[Task], at: datetime) -> bool:
    """A lesson has been waiting for a week or more, and none was used in that time."""
    waiting = [task for task in now if task.kind == "lesson" and task.opens_at and task.opens_at <= at - LONG]
    if not waiting:
        return False
    last = ModuleUse.objects.filter(participant=person).aggregate(last=Max("last_used_at"))["last"]
    return last is not None and last <= at - LONG


def _who_helps(person: Participant) -> dict[str, Any]:
    protocol = person.version.protocol
    return {"help": protocol.help, "crisis_lines": protocol.crisis_lines, "team": protocol.contacts.team}
