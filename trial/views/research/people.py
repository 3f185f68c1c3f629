"""People by their code: the list, one person, and erasing who somebody is."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from trial import hooks
from trial.actions import participants as actions
from trial.actors import Actor
from trial.forms import research as forms
from trial.models import Alert, Participant, Study
from trial.queries import participants, studies
from trial.requests import PageRequest
from trial.views.research.finding import conflict_if_reused, key, study_for

ON_A_PAGE = 50


@require_GET
def listed(request: PageRequest, slug: str) -> HttpResponse:
    study, _actor = study_for(request, slug, "participants")
    form = forms.People(request.GET, choices=participants.filters(study))
    page = Paginator(participants.listed(study, **form.wanted), ON_A_PAGE).get_page(
        request.GET.get("page")
    )
    rows = [(each, participants.shown_state(each, study), _site(study, each)) for each in page]
    context = {"form": form, "page": page, "rows": rows, "is_narrowed": any(form.wanted.values())}
    return render(request, "research/people.html", context)


@require_GET
def person(request: PageRequest, slug: str, code: str) -> HttpResponse:
    study, _actor = study_for(request, slug, "participants")
    participant = find(study, code)
    at = timezone.now()
    return render(
        request,
        "research/person.html",
        {
            "person": participant,
            "state": participants.shown_state(participant, study),
            "left": participants.left_words(
                participants.shown_stage(participant, study),
                participant.left_reason,
                participant.version.protocol,
            ),
            "site": _site(study, participant),
            "panels": [panel(participant, study, at) for panel in hooks.PERSON_PANELS],
            "modules": participants.modules_used(participant, study),
            "events": participants.events(participant, study),
            "is_concealed": studies.is_concealed(study),
            "may_erase": "erase" in request.may and not participant.erased_at,
        },
    )


def find(study: Study, code: str) -> Participant:
    """Raises Http404."""
    found = Participant.objects.filter(study=study, code=code).select_related("version").first()
    if found is None:
        raise Http404
    return found


def _site(study: Study, participant: Participant) -> str:
    protocol = study.current.protocol
    code = protocol.site_of(participant.site)
    return next((site.name for site in protocol.sites if site.code == code), code)


@require_http_methods(["GET", "POST"])
@conflict_if_reused
def erase(request: PageRequest, slug: str, code: str) -> HttpResponse:
    study, actor = study_for(request, slug, "erase")
    participant = find(study, code)
    form = forms.Erase(request.POST or None)
    open_alerts = Alert.objects.filter(participant=participant).exclude(state="closed").count()
    if request.method == "POST" and form.is_valid() and not open_alerts:
        _erase(request, participant, form.cleaned_data["reason"], actor)
        messages.success(request, _("Erased. What stays is the code and the research data."))
        return redirect("research:person", slug=slug, code=code)
    context = {"person": participant, "form": form, "open_alerts": open_alerts}
    return render(request, "research/erase.html", context, status=400 if form.is_bound else 200)


def _erase(request: PageRequest, participant: Participant, reason: str, by: Actor) -> None:
    """Whoever is still in the study leaves it first: nobody is asked or called whose key is
    gone.
    """
    if participant.erased_at:
        return
    at = timezone.now()
    if participant.is_in_study:
        actions.withdraw(participant=participant, reason="erased", key=key(request), by=by, at=at)
    elif participant.state == "screening":
        actions.turn_away(
            participant=participant,
            stage="screening",
            reason="erased",
            stopped=True,
            key=key(request),
            by=by,
            at=at,
        )
    actions.erase(participant=participant, reason=reason, key=key(request), by=by, at=at)
