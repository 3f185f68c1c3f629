"""The letter once more, the questions about it, and the signature of the verified person."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from trial import lessons
from trial.actions import participants
from trial.comprehension import Tries
from trial.forms.join import Comprehension, Signature
from trial.lifecycles import NotAllowedNow
from trial.models import Participant, Study
from trial.requests import PageRequest
from trial.sections.consent import Letter
from trial.views.join import arrival
from trial.views.posted import refuses_reused_keys, request_key
from trial.words import spoken

STEP = "trial.consent"


def _before_signing(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Hands on the language and letter to be signed; anybody who is not at this step goes where
    they are.
    """

    @functools.wraps(view)
    def run(request: PageRequest, study: Study, person: Participant, **kwargs: Any) -> HttpResponse:
        if (
            person.state != "screening"
            or person.verified_at is None
            or not arrival.has_passed(person, STEP)
        ):
            return arrival.onward(person, timezone.now())
        language = spoken() if spoken() in study.open_languages else person.language
        return view(request, person, language, person.version.consent.letters[language], **kwargs)

    return run


@require_GET
@arrival.for_newcomers
@_before_signing
def letter(
    request: PageRequest, person: Participant, language: str, letter: Letter
) -> HttpResponse:
    context = {
        "letter": lessons.to_html(letter.body),
        "minutes": letter.minutes,
        "letter_language": language,
    }
    return render(request, "join/letter.html", context)


@require_http_methods(["GET", "POST"])
@arrival.for_newcomers
@_before_signing
def questions(
    request: PageRequest, person: Participant, language: str, letter: Letter
) -> HttpResponse:
    form = Comprehension(request.POST or None, letter=letter)
    if request.method == "POST":
        _count(request, person.study, form)
        if form.is_valid():
            return redirect("join:sign", person.study.public_slug)
    return render(request, "join/questions.html", {"form": form, "letter_language": language})


def _count(request: PageRequest, study: Study, form: Comprehension) -> None:
    tries = _tries(request, study).after(form.letter, form.chosen, request_key(request))
    arrival.keep(request, study, comprehension=tries.kept)


def _tries(request: PageRequest, study: Study) -> Tries:
    return Tries.of(arrival.kept(request, study).get("comprehension"))


@require_http_methods(["GET", "POST"])
@arrival.for_newcomers
@_before_signing
@refuses_reused_keys
def sign(request: PageRequest, person: Participant, language: str, letter: Letter) -> HttpResponse:
    understood = _tries(request, person.study).understood
    if {question.code for question in letter.comprehension} - set(understood):
        return redirect("join:consent_questions", person.study.public_slug)
    form = Signature(request.POST or None, letter=letter)
    if request.method == "POST" and form.is_valid():
        return _sign(request, person, language, form, understood)
    return render(request, "join/sign.html", {"form": form, "letter_language": language})


def _sign(
    request: PageRequest,
    person: Participant,
    language: str,
    form: Signature,
    understood: dict[str, int],
) -> HttpResponse:
    at = timezone.now()
    try:
        participants.sign_consent(
            participant=person,
            language=language,
            statements=form.statements,
            comprehension=understood,
            signature=form.cleaned_data["signature"],
            key=request_key(request),
            by=arrival.actor_of(person),
            at=at,
        )
    except NotAllowedNow:  # signed a moment ago, in another window
        return arrival.onward(person, at)
    arrival.forget(request, person.study)
    messages.success(
        request,
        _(
            "Signed, thank you. You can read and print what you signed under “What we keep about "
            "you”."
        ),
    )
    return arrival.onward(person, at)
