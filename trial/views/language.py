"""The language of the pages. Whoever is on the way in or takes part reads everything in one: nobody
is shown questions in a language they did not choose, and none is changed under a participant
without asking.
"""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from django.views.i18n import set_language

from trial.actions import own_details
from trial.models import Participant
from trial.requests import PageRequest
from trial.views.join import arrival
from trial.views.participant.rooms import actor_of, in_the_study
from trial.views.posted import refuses_reused_keys, request_key


@login_not_required
@require_http_methods(["GET", "POST"])
def switch(request: PageRequest) -> HttpResponse:
    wanted = request.POST.get("language", "")
    person = _reader(request)
    if person is None or wanted in {"", person.language} or wanted not in dict(settings.LANGUAGES):
        return set_language(request)
    if wanted not in person.study.open_languages:
        return _not_in_that_language(request, person)
    if person.state == "screening":
        own_details.choose_language(
            participant=person, language=wanted, by=arrival.actor_of(person), at=timezone.now()
        )
        return set_language(request)
    return redirect(f"{reverse('participant:language')}?{urlencode({'to': wanted})}")


def _reader(request: PageRequest) -> Participant | None:
    """Whoever takes part, or is on the way into the study of the page that the switch stands on."""
    people = Participant.objects.select_related("study", "version", "key")
    if request.user.is_authenticated:
        found = people.filter(user=request.user).first()
    else:
        room, _slash, rest = request.POST.get("next", "").strip("/").partition("/")
        begun = (
            request.session.get(arrival.SESSION, {}).get(rest.partition("/")[0], {})
            if room == "join"
            else {}
        )
        found = people.filter(code=begun.get("code", ""), verified_at__isnull=True).first()
    return found if found and found.reads_one_language else None


def _not_in_that_language(request: PageRequest, person: Participant) -> HttpResponse:
    with translation.override(person.language):
        messages.info(request, _("This study is not in that language."))
    answer = set_language(request)
    answer.cookies.pop(settings.LANGUAGE_COOKIE_NAME, None)
    return answer


@require_http_methods(["GET", "POST"])
@in_the_study
@refuses_reused_keys
def choose(request: PageRequest, person: Participant) -> HttpResponse:
    """Asks, in the language that was pressed, whether lessons and questions should be in it too."""
    wanted = request.POST.get("language") or request.GET.get("to", "")
    if wanted not in person.study.open_languages or (
        request.method == "GET" and wanted == person.language
    ):
        return redirect("participant:home")
    if request.method == "POST":
        own_details.choose_language(
            participant=person,
            language=wanted,
            key=request_key(request),
            by=actor_of(person),
            at=timezone.now(),
        )
        answer = redirect("participant:home")
        answer.set_cookie(settings.LANGUAGE_COOKIE_NAME, wanted)
        return answer
    with translation.override(wanted):
        # The switch on this page means no: it leads home, in the language of the person.
        context = {"wanted": wanted, "here": reverse("participant:home")}
        return render(request, "participant/language.html", context)
