"""Questionnaires: what is open, one item a screen, handing in, and help first where an answer calls
for it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from outcomes.actions import assessments as actions
from outcomes.forms.items import OneItem
from outcomes.forms.questions import Questions
from outcomes.instruments import Instrument
from outcomes.models import Assessment
from outcomes.queries import assessments as reads
from outcomes.queries import definitions, safety
from outcomes.queries.assessments import Sitting
from outcomes.schedules import AssessmentState
from trial.actions import journey, participants
from trial.entries import Ask
from trial.models import Participant
from trial.queries import tasks
from trial.requests import PageRequest
from trial.views.participant.rooms import actor_of, in_the_study
from trial.views.posted import posted_from, refuses_reused_keys, request_key

SHOWN = {AssessmentState.SUBMITTED, AssessmentState.DECLINED}


@require_GET
@in_the_study
def questionnaires(request: PageRequest, person: Participant) -> HttpResponse:
    """Every timepoint that is open, comes, or has been."""
    at = timezone.now()
    rows = [{"sitting": each, "state": each.state(at).value} for each in reads.sittings(person)]
    context = {
        "now": [row for row in rows if row["state"] in {"open", "started"}],
        "later": [row for row in rows if row["state"] in {"upcoming", "unscheduled"}],
        "past": [
            row for row in rows if row["state"] in {"submitted", "declined", "missed", "withdrawn"}
        ],
    }
    return render(request, "outcomes/participant/questionnaires.html", context)


@require_GET
@in_the_study
def sitting(request: PageRequest, person: Participant, timepoint: str) -> HttpResponse:
    """What is left at one timepoint."""
    at = timezone.now()
    found = _sitting(person, timepoint)
    known = definitions.assessments(person.version).definitions
    left = [
        {"row": row, "items": len(known[row.instrument].items), "given": len(row.answers)}
        for row in found.remaining(at)
    ]
    settled = sum(row.submitted_at is not None or row.declined_at is not None for row in found.rows)
    context = {"sitting": found, "state": found.state(at).value, "left": left, "settled": settled}
    return render(request, "outcomes/participant/sitting.html", context)


def _sitting(person: Participant, timepoint: str) -> Sitting:
    found = reads.sitting(person, timepoint)
    if found is None:
        raise Http404
    return found


def _open_one(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Hands on the questionnaire of the address; one that is not open now leads back to its
    timepoint.
    """

    @in_the_study
    @functools.wraps(view)
    def run(
        request: PageRequest, person: Participant, timepoint: str, instrument: str
    ) -> HttpResponse:
        row = next(
            (row for row in _sitting(person, timepoint).rows if row.instrument == instrument), None
        )
        if row is None:
            raise Http404
        try:
            return view(request, person, row, definitions.instrument(person.version, instrument))
        except actions.NotOpenNow as error:
            if error.state not in SHOWN:
                messages.info(request, _("These questions are not open now."))
            return redirect("participant:sitting", timepoint)

    return run


def _check_open(row: Assessment, at: datetime) -> None:
    state = reads.schedules.state(row, at)
    if state not in actions.ANSWERABLE:
        raise actions.NotOpenNow(state)


@posted_from("participant:sitting", "timepoint")
@refuses_reused_keys
@_open_one
def start(
    request: PageRequest, person: Participant, row: Assessment, instrument: Instrument
) -> HttpResponse:
    actions.start(assessment=row, key=request_key(request), by=actor_of(person), at=timezone.now())
    return redirect(_item_url(row, _first_open(row, instrument)))


@require_http_methods(["GET", "POST"])
@refuses_reused_keys
@_open_one
def item(
    request: PageRequest, person: Participant, row: Assessment, instrument: Instrument
) -> HttpResponse:
    """One item a screen; its answer is kept when the person goes on or back."""
    at = timezone.now()
    number = _number(request, row, instrument)
    code = instrument.item_codes[number - 1]
    form = OneItem(
        request.POST or None,
        instrument=instrument,
        language=person.language,
        code=code,
        given=row.answers.get(code),
    )
    if request.method == "POST" and form.is_valid():
        row = actions.save_draft(
            assessment=row,
            answers=form.answers,
            key=request_key(request),
            by=actor_of(person),
            at=at,
        )
        return _after_item(request, person, row, instrument, number, form)
    _check_open(row, at)
    return render(
        request, "outcomes/participant/item.html", _item(person, row, instrument, number, form)
    )


def _item(
    person: Participant, row: Assessment, instrument: Instrument, number: int, form: OneItem
) -> dict[str, Any]:
    wording = instrument.wordings.get(person.language)
    return {
        "row": row,
        "form": form,
        "number": number,
        "total": len(instrument.items),
        "wording": wording,
        "attribution": instrument.attribution,
        "content_language": person.language if wording else "",
        "can_answer": wording is not None or person.simulated,
    }


def _number(request: PageRequest, row: Assessment, instrument: Instrument) -> int:
    """The item of the address, from 1; without one the first that is open."""
    asked = request.GET.get("item", "")
    if not asked.isdecimal():
        return _first_open(row, instrument)
    if not 1 <= int(asked) <= len(instrument.items):
        raise Http404
    return int(asked)


def _first_open(row: Assessment, instrument: Instrument) -> int:
    codes = instrument.item_codes
    return next((n for n, code in enumerate(codes, 1) if code not in row.answers), len(codes))


def _item_url(row: Assessment, number: int) -> str:
    return f"{reverse('participant:item', args=[row.timepoint, row.instrument])}?item={number}"


def _after_item(
    request: PageRequest,
    person: Participant,
    row: Assessment,
    instrument: Instrument,
    number: int,
    form: OneItem,
) -> HttpResponse:
    """Help comes before anything else that was asked for; going on from there leads back to what is
    left.
    """
    if safety.calls_for_help(person.version, instrument, form.answers) and not _ends(
        request, row, instrument, number
    ):
        return redirect("participant:talk", row.timepoint)
    match request.POST.get("to"):
        case "back" if number > 1:
            return redirect(_item_url(row, number - 1))
        case "stop":
            messages.success(request, _("Kept. You can go on whenever you like."))
            return redirect("participant:home")
    if number < len(instrument.items):
        return redirect(_item_url(row, number + 1))
    if not _ends(request, row, instrument, number):
        return redirect("participant:review", row.timepoint, row.instrument)
    return _submit(request, person, row, instrument)


def _ends(request: PageRequest, row: Assessment, instrument: Instrument, number: int) -> bool:
    """Whether this screen was the last and everything is answered: then it is handed in."""
    is_last = number == len(instrument.items) and request.POST.get("to") not in {"back", "stop"}
    return is_last and not set(instrument.item_codes) - set(row.answers)


@require_GET
@_open_one
def review(
    request: PageRequest, person: Participant, row: Assessment, instrument: Instrument
) -> HttpResponse:
    """What was left open, before handing in."""
    _check_open(row, timezone.now())
    wording = instrument.wordings.get(person.language)
    left_open = [
        {"url": _item_url(row, number), "text": wording.items[code] if wording else code}
        for number, code in enumerate(instrument.item_codes, 1)
        if code not in row.answers
    ]
    context = {"row": row, "left_open": left_open, "content_language": person.language}
    return render(request, "outcomes/participant/review.html", context)


@posted_from("participant:review", "timepoint", "instrument")
@refuses_reused_keys
@_open_one
def submit(
    request: PageRequest, person: Participant, row: Assessment, instrument: Instrument
) -> HttpResponse:
    return _submit(request, person, row, instrument)


def _submit(
    request: PageRequest, person: Participant, row: Assessment, instrument: Instrument
) -> HttpResponse:
    at = timezone.now()
    answers = {code: row.answers.get(code) for code in instrument.item_codes}
    try:
        row = actions.submit(
            assessment=row,
            answers=answers,
            language=person.language,
            key=request_key(request),
            by=actor_of(person),
            at=at,
        )
    except actions.NotOpenNow as error:
        if error.state != AssessmentState.SUBMITTED:
            raise
        answers = row.answers  # handed in a moment ago, in another window
    ask = journey.advance(person, at)
    if safety.calls_for_help(person.version, instrument, answers):
        return redirect("participant:talk", row.timepoint)
    return _onward(request, person, row.timepoint, ask, at)


def _onward(
    request: PageRequest, person: Participant, timepoint: str, asked: Ask | None, at: datetime
) -> HttpResponse:
    """The next questionnaire of this timepoint, or what the journey asks, or home."""
    if _sitting(person, timepoint).remaining(at):
        return redirect("participant:sitting", timepoint)
    messages.success(request, _("Thank you. That was everything for now."))
    return redirect(tasks.page_asked(asked))


@require_http_methods(["GET", "POST"])
@refuses_reused_keys
@_open_one
def decline(
    request: PageRequest, person: Participant, row: Assessment, instrument: Instrument
) -> HttpResponse:
    """The person would rather not answer this one."""
    at = timezone.now()
    if request.method == "GET":
        _check_open(row, at)
        return render(request, "outcomes/participant/decline.html", {"row": row})
    actions.decline(assessment=row, key=request_key(request), by=actor_of(person), at=at)
    ask = journey.advance(person, at)
    return _onward(request, person, row.timepoint, ask, at)


@require_GET
@in_the_study
def talk(request: PageRequest, person: Participant, timepoint: str) -> HttpResponse:
    """Help first, then a calm way back."""
    protocol = person.version.protocol
    context = {
        "crisis_lines": protocol.crisis_lines,
        "help": protocol.help,
        "safety": protocol.contacts.safety,
        "is_more": bool(_sitting(person, timepoint).remaining(timezone.now())),
        "timepoint": timepoint,
    }
    return render(request, "outcomes/participant/talk.html", context)


@require_http_methods(["GET", "POST"])
@in_the_study
@refuses_reused_keys
def questions(request: PageRequest, person: Participant) -> HttpResponse:
    """The study's own questions that belong to the baseline."""
    missing = reads.missing_baseline_questions(person)
    codes = definitions.assessments(person.version).baseline.questions
    if person.state != "consented" or (request.method == "GET" and not missing):
        return redirect("participant:home")
    form = Questions(
        request.POST or None,
        protocol=person.version.protocol,
        codes=codes,
        language=person.language,
    )
    if request.method == "POST" and form.is_valid():
        return _answer(request, person, form)
    return render(request, "outcomes/participant/questions.html", {"form": form})


def _answer(request: PageRequest, person: Participant, form: Questions) -> HttpResponse:
    at = timezone.now()
    with suppress(participants.NotAskedNow):  # randomised, or withdrawn, in another tab meanwhile
        participants.answer_questions(
            participant=person,
            answers=form.answers,
            key=request_key(request),
            by=actor_of(person),
            at=at,
        )
    ask = journey.advance(person, at)
    return redirect(tasks.page_asked(ask))
