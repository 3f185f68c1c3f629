"""Lessons: the list, one lesson with its exercises, and what is kept of them."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from trial import lessons as text
from trial.actions import journey
from trial.actions import programme as actions
from trial.audiences import owner
from trial.forms.participant import Exercises
from trial.languages import in_language
from trial.models import Participant
from trial.queries import programme
from trial.queries.programme import ModuleState
from trial.requests import PageRequest
from trial.sections.programme import Block
from trial.views.participant.rooms import actor_of, in_the_study
from trial.views.posted import posted_from, refuses_reused_keys, request_key

NO_CONTENT = 204


@require_GET
@in_the_study
def lessons(request: PageRequest, person: Participant) -> HttpResponse:
    at = timezone.now()
    states = _states(person)
    context = {
        "title": in_language(person.version.programme.title, person.language),
        "rows": [{"state": state, "is_open": state.is_open(at)} for state in states],
        "is_open": states[0].is_open(at),
        "opens_at": states[0].opens_at,
        "awaited": _awaited(states, at),
    }
    return render(request, "participant/lessons.html", context)


@require_GET
@in_the_study
def lesson(request: PageRequest, person: Participant, module: str) -> HttpResponse:
    at = timezone.now()
    states = _states(person)
    state = _find(states, module)
    later = next((each for each in states if each.number == state.number + 1), None)
    left = sum(each.done_at is None for each in states)
    context: dict[str, Any] = {
        "state": state,
        "later": later,
        "can_reopen": bool(left) and not (later and later.begun_at),
        "is_last": left == 1 and state.done_at is None,
    }
    if not state.is_open(at):
        return render(
            request, "participant/lesson_closed.html", {**context, "awaited": _awaited(states, at)}
        )
    found = next(each for each in person.version.programme.modules if each.code == module)
    context["intended_use"] = in_language(found.intended_use, person.language)
    if state.begun_at is None:
        return render(request, "participant/lesson_begin.html", context)
    blocks = found.blocks[person.language]
    form = Exercises(blocks=blocks, stored=programme.answers(person, module))
    return render(
        request,
        "participant/lesson.html",
        {**context, "form": form, "pieces": _pieces(blocks, form)},
    )


@posted_from("participant:lesson", "module")
@in_the_study
@refuses_reused_keys
def begin(request: PageRequest, person: Participant, module: str) -> HttpResponse:
    _find(_states(person), module)
    with contextlib.suppress(actions.ModuleNotOpen):  # the page says when it opens
        actions.begin_module(
            participant=person,
            module=module,
            key=request_key(request),
            by=actor_of(person),
            at=timezone.now(),
        )
    return redirect("participant:lesson", module)


@posted_from("participant:lesson", "module")
@in_the_study
@refuses_reused_keys
def save(request: PageRequest, person: Participant, module: str) -> HttpResponse:
    """Keeps what was written: by the button, or by itself while somebody types (header
    X-Autosave).
    """
    is_draft = "X-Autosave" in request.headers
    if not _save(request, person, module, timezone.now()):
        return HttpResponse(status=409) if is_draft else redirect("participant:lesson", module)
    if is_draft:
        return HttpResponse(status=NO_CONTENT)
    messages.success(request, _("Saved."))
    return redirect("participant:lesson", module)


@posted_from("participant:lesson", "module")
@in_the_study
@refuses_reused_keys
def done(request: PageRequest, person: Participant, module: str) -> HttpResponse:
    """Keeps what was written and marks the lesson done."""
    at = timezone.now()
    if not _save(request, person, module, at):
        return redirect("participant:lesson", module)
    try:
        actions.finish_module(
            participant=person, module=module, key=request_key(request), by=actor_of(person), at=at
        )
    except actions.NotBegun:
        return redirect("participant:lesson", module)
    journey.advance(person, at)
    messages.success(request, _("This lesson is done. You can always read it again."))
    return redirect("participant:lessons")


@posted_from("participant:lesson", "module")
@in_the_study
@refuses_reused_keys
def reopen(request: PageRequest, person: Participant, module: str) -> HttpResponse:
    """The undo of done."""
    if _find(_states(person), module).begun_at is None:
        raise Http404
    try:
        actions.reopen_module(
            participant=person,
            module=module,
            key=request_key(request),
            by=actor_of(person),
            at=timezone.now(),
        )
    except actions.NotReopenable:
        messages.info(request, _("This lesson stays done. You can always read it again."))
    return redirect("participant:lesson", module)


def _states(person: Participant) -> list[ModuleState]:
    """Whoever has no programme is not told that there is one."""
    states = programme.modules(person)
    if not states:
        raise Http404
    return states


def _awaited(states: list[ModuleState], at: datetime) -> ModuleState | None:
    """The first lesson, while the whole programme waits for a day that is known and still to
    come.
    """
    return states[0] if states[0].expected_at and states[0].expected_at > at else None


def _find(states: list[ModuleState], module: str) -> ModuleState:
    found = next((state for state in states if state.code == module), None)
    if found is None:
        raise Http404
    return found


def _pieces(blocks: tuple[Block, ...], form: Exercises) -> list[dict[str, Any]]:
    """Stretches of text and exercises in turn."""
    return [
        {"block": block, "fields": form.drawn(block.code)}
        if block.kind == "exercise" and block.code
        else {"html": text.to_html(block.text or "")}
        for block in blocks
    ]


def _save(request: PageRequest, person: Participant, module: str, at: datetime) -> bool:
    """Store each exercise that changed. False when the lesson is not open, or something cannot be
    kept as it is.
    """
    _find(_states(person), module)
    if request.POST.get("owner", owner(request.user)) != owner(request.user):
        messages.info(request, _("Nothing was saved: that page was opened by somebody else."))
        return False
    blocks = next(
        each.blocks[person.language]
        for each in person.version.programme.modules
        if each.code == module
    )
    form = Exercises(request.POST, blocks=blocks, stored=programme.answers(person, module))
    if not form.is_valid():
        return False
    key = request_key(request)
    try:
        for code, value in form.changed.items():
            actions.save_exercise(
                participant=person,
                module=module,
                exercise=code,
                value=value,
                key=f"{key}:{code}"[:80] if key else None,
                by=actor_of(person),
                at=at,
            )
    except actions.ModuleNotOpen:
        return False
    return True
