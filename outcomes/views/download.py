"""What a participant told us, to take along."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_GET

from outcomes.models import Assessment
from trial.models import Consent, ExerciseAnswer, Identity, ModuleUse, Participant
from trial.queries import programme
from trial.requests import PageRequest, participant_of


@require_GET
def download(request: PageRequest) -> HttpResponse:
    person = participant_of(request)
    response = JsonResponse(
        _everything(person), json_dumps_params={"indent": 2, "ensure_ascii": False}
    )
    response["Content-Disposition"] = 'attachment; filename="answers.json"'
    return response


def _everything(person: Participant) -> dict[str, Any]:
    return {
        "code": person.code,
        "simulated": person.simulated,
        "contact": _contact(person),
        "agreed": _agreed(person),
        "questions": person.answers,
        "questionnaires": _questionnaires(person),
        "lessons": _lessons(person),
    }


def _contact(person: Participant) -> dict[str, Any]:
    identity = (
        Identity.objects.filter(participant=person).select_related("participant__key").first()
    )
    if identity is None:
        return {}
    names = ("name", "email", "phone", "call_times")
    return {name: getattr(identity, name) for name in names}


def _agreed(person: Participant) -> list[dict[str, Any]]:
    rows = Consent.objects.filter(participant=person).order_by("signed_at")
    names = ("kind", "text_version", "language", "statements", "signed_at")
    return [{name: getattr(row, name) for name in names} for row in rows]


def _questionnaires(person: Participant) -> list[dict[str, Any]]:
    """Scores are left out: this is what the person said, not what was made of it."""
    rows = (
        Assessment.objects.filter(participant=person)
        .exclude(answers={})
        .order_by("submitted_at", "pk")
    )
    names = ("timepoint", "instrument", "language", "submitted_at", "answers")
    return [{name: getattr(row, name) for name in names} for row in rows]


def _lessons(person: Participant) -> list[dict[str, Any]]:
    written = set(
        ExerciseAnswer.objects.filter(participant=person).values_list("module", flat=True)
    )
    return [
        {
            "lesson": use.module,
            "begun_at": use.begun_at,
            "done_at": use.done_at,
            "exercises": programme.answers(person, use.module) if use.module in written else {},
        }
        for use in ModuleUse.objects.filter(participant=person).order_by("begun_at")
    ]
