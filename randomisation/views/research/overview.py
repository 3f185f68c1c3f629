"""Where the randomisation of a study stands, and halting it or letting it go on."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from randomisation import forms
from randomisation.actions import switches as actions
from randomisation.permissions import sees_point
from randomisation.queries import overview as reads
from randomisation.queries import switches
from randomisation.views.research.finding import REFUSALS, attempted, refusal, shown
from trial.models import Participant
from trial.requests import PageRequest
from trial.views.posted import posted_from
from trial.views.research.finding import conflict_if_reused, key, study_for


@require_GET
def overview(request: PageRequest, slug: str) -> HttpResponse:
    study, actor = study_for(request, slug, "exceptions")
    code = request.GET.get("code", "").strip().upper()
    if code and Participant.objects.filter(study=study, code=code).exists():
        return redirect("research:exceptions", slug, code)
    if code:
        messages.error(request, _("Nobody in this study has the code %(code)s.") % {"code": code})
    found = reads.overview(study, lambda point: sees_point(study, point, request.may))
    halted = [
        (each, forms.GoOn(initial=_place(each), auto_id=f"switch_{each.pk}_%s"))
        for each in found.halted
    ]
    return render(
        request, "research/randomisation.html", {"found": found, "halted": halted, "me": str(actor)}
    )


def _place(switch: object) -> dict[str, str]:
    return {name: getattr(switch, name) for name in ("level", "point", "target")}


@require_http_methods(["GET", "POST"])
@conflict_if_reused
def halt(request: PageRequest, slug: str) -> HttpResponse:
    study, actor = study_for(request, slug, "switch")
    form, refused = forms.Halt(request.POST or None, targets=switches.targets(study.current)), 0
    if request.method == "POST" and form.is_valid():
        done, refused = attempted(
            form,
            lambda: actions.halt(
                study=study,
                **form.place,
                reason=form.cleaned_data["reason"],
                key=key(request),
                by=actor,
                at=timezone.now(),
            ),
        )
        if done:
            messages.success(
                request,
                _("Halted. Whoever was allocated before stays as they are; the others wait."),
            )
            return redirect("research:randomisation", slug)
    return shown(request, "research/halt.html", form, refused)


@posted_from("research:randomisation", "slug")
@conflict_if_reused
def go_on(request: PageRequest, slug: str) -> HttpResponse:
    study, actor = study_for(request, slug, "switch")
    form = forms.GoOn(request.POST)
    if not form.is_valid():
        messages.error(request, _("Say why it goes on."))
        return redirect("research:randomisation", slug)
    try:
        actions.go_on(
            study=study, **form.cleaned_data, key=key(request), by=actor, at=timezone.now()
        )
    except REFUSALS as error:
        messages.error(request, refusal(error))
    else:
        messages.success(request, _("It goes on. The worker looks at everybody who waited."))
    return redirect("research:randomisation", slug)
