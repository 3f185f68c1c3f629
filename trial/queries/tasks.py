"""What somebody can do now, what comes later and when they are called, for page and API alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.urls import reverse

from trial import hooks
from trial.entries import Ask, Destination, Task
from trial.models import Participant

ORDER = {"join": 0, "questionnaire": 1, "lesson": 2}
FAR = datetime.max.replace(tzinfo=UTC)
HOME = Destination("participant", "home")


@dataclass(frozen=True)
class Agenda:
    """`now` begins with the one thing to do next: what the journey asks, then what closes first."""

    now: Sequence[Task]
    later: Sequence[Task]
    call: Task | None
    has_lessons: bool


def agenda(person: Participant, asked: Ask | None, at: datetime) -> Agenda:
    """`asked` is what the journey asks of this person; it may stand in the lists too."""
    tasks = [task for entry in hooks.TODAY for task in entry(person, at)]
    rest = [task for task in tasks if task.kind != "call"]
    first = [asked.task] if asked else []
    known = {task.leads_to for task in first}
    now = [task for task in rest if _is_open(task, at) and task.leads_to not in known]
    later = [task for task in rest if not _is_open(task, at)]
    return Agenda(
        now=[*first, *sorted(now, key=_urgency)],
        later=sorted(later, key=lambda task: task.opens_at or FAR),
        call=next((task for task in tasks if task.kind == "call"), None),
        has_lessons=any(task.kind == "lesson" for task in tasks),
    )


def _is_open(task: Task, at: datetime) -> bool:
    return task.opens_at is None or task.opens_at <= at


def _urgency(task: Task) -> tuple[int, datetime]:
    """Questionnaires before lessons; what closes first comes first."""
    return ORDER.get(task.kind, len(ORDER)), task.due_at or FAR


def page(where: Destination) -> str:
    """The address of the page there."""
    return reverse(f"{where.audience}:{where.name}", args=where.arguments)


def page_asked(asked: Ask | None) -> str:
    """The page of what the journey asks; where it asks nothing, the participant's home."""
    return page(asked.task.leads_to if asked and asked.task.leads_to else HOME)
