"""The list of studies, loading one, its dashboard, and opening, pausing, closing and locking it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from trial import actors, folder, hooks, lifecycles, permissions, stamp
from trial.actions import studies as actions
from trial.actions.proposals import AlreadyProposed
from trial.forms import research as forms
from trial.intake import takes_files
from trial.models import ProtocolVersion, Study
from trial.queries import proposals, studies
from trial.requests import PageRequest
from trial.views.posted import posted_from
from trial.views.research.finding import conflict_if_reused, key, person, study_for
from trial.words import word

VERBS = {"pause": "run", "resume": "run", "close": "run", "lock": "lock"}


@require_GET
def listed(request: PageRequest) -> HttpResponse:
    """Studies of this person; whoever may load sees the others by name, to know what is there."""
    roles = studies.roles_by_study(person(request))
    found = studies.listed(None if person(request).is_staff else roles)
    rows = [
        (study, sorted(roles.get(study.pk, ())), _first_page(roles.get(study.pk, set())))
        for study in found
    ]
    may_load = _may_load(request, roles)
    return render(request, "research/studies.html", {"rows": rows, "may_load": may_load})


def _may_load(request: PageRequest, roles: dict[int, set[str]]) -> bool:
    return request.user.is_staff or any("researcher" in each for each in roles.values())


def _first_page(roles: set[str]) -> str:
    """Where a study's name leads: the dashboard, or the alerts for whoever has no dashboard."""
    may = set().union(*(permissions.MAY[role] for role in roles)) if roles else set()
    return next((f"research:{page}" for page in ("dashboard", "alerts") if page in may), "")


@takes_files
@require_http_methods(["GET", "POST"])
@conflict_if_reused
def load(request: PageRequest) -> HttpResponse:
    if not _may_load(request, studies.roles_by_study(person(request))):
        raise PermissionDenied
    is_rehearsal = stamp.kind() == "rehearsal"
    form = forms.LoadStudy(
        request.POST or None,
        request.FILES or None,
        is_rehearsal=is_rehearsal,
        at=timezone.now(),
        initial={"simulated": is_rehearsal},
    )
    if request.method == "POST" and form.is_valid():
        return _store(request, form)
    return _loading(request, form)


def _store(request: PageRequest, form: forms.LoadStudy) -> HttpResponse:
    loaded: folder.Loaded = form.cleaned_data["upload"]
    slug = loaded.document["study"]["slug"]
    role = _check_may_replace(request, slug)
    try:
        version = actions.store(
            loaded=loaded,
            simulated=form.cleaned_data.get("simulated", False),
            user=person(request),
            key=key(request),
            by=actors.staff(person(request).pk, role),
            at=timezone.now(),
        )
    except actions.AlreadyLoaded:
        messages.info(
            request, _("The newest version of this study is this very folder. Nothing was stored.")
        )
        return redirect("research:setup", slug=slug)
    except (actions.DesignLocked, actions.NameLocked, actions.SlugTaken) as error:
        form.add_error("upload", str(error))
        return _loading(request, form)
    except actions.PauseFirst as error:
        form.add_error(
            "upload",
            _("Nothing was stored: newcomers would get it at once, and it is not signed off."),
        )
        return _loading(request, form, missing=error.requirements)
    request.session["notes"] = {
        **request.session.get("notes", {}),
        slug: [*map(str, loaded.warnings), *loaded.notes],
    }
    messages.success(request, _loaded(version))
    return redirect("research:setup", slug=slug)


def _loaded(version: ProtocolVersion) -> str:
    """From when newcomers get a version that was just loaded."""
    match version.study.state:
        case "draft":
            return _("The study is loaded. Below is what it needs before it can open.")
        case "open":
            said = _(
                "Version %(number)s is what newcomers get from now on. Whoever is in keeps theirs."
            )
        case "paused":
            said = _(
                "Version %(number)s is what newcomers get once you resume. Below is what is "
                "missing before that."
            )
        case _:
            said = _("Version %(number)s is stored. Recruitment is over: nobody gets it.")
    return said % {"number": version.number}


def _check_may_replace(request: PageRequest, slug: str) -> str:
    """A new version of a study is loaded by somebody who runs it; a new study by anybody who may
    load.
    """
    study = Study.objects.filter(slug=slug).first()
    return permissions.check_may(person(request), study, "load") if study else "researcher"


def _loading(
    request: PageRequest, form: forms.LoadStudy, missing: Sequence[str] = ()
) -> HttpResponse:
    status = 400 if form.is_bound else 200
    return render(request, "research/load.html", {"form": form, "missing": missing}, status=status)


@require_GET
def dashboard(request: PageRequest, slug: str) -> HttpResponse:
    study, _actor = study_for(request, slug, "dashboard")
    at = timezone.now()
    found = [panel(study, person(request), at) for panel in hooks.PANELS]
    return render(
        request,
        "research/dashboard.html",
        {
            "panels": [panel for panel in found if panel],
            "is_concealed": studies.is_concealed(study),
            "at": at,
        },
    )


@require_GET
def state(request: PageRequest, slug: str) -> HttpResponse:
    """Where the study stands, and what may be done about it from there."""
    study, _actor = study_for(request, slug, "dashboard")
    return _state(request, study)


def _state(request: PageRequest, study: Study, **given: Any) -> HttpResponse:
    verbs = lifecycles.STUDY[study.state]
    allowed = [verb for verb in verbs if VERBS.get(verb) in request.may]
    context = {
        "steps": [(verb, given.get(verb) or _form(verb)) for verb in allowed],
        "may_open": "open" in verbs and "run" in request.may,
        "lock_asked": proposals.waiting(study, "lock"),
    }
    return render(request, "research/state.html", context, status=400 if given else 200)


def _form(verb: str, data: Any = None) -> Any:
    match verb:
        case "lock":
            return forms.Lock(data, auto_id=f"{verb}_%s")
        case "resume":
            return None
        case _:
            return forms.Reason(data, auto_id=f"{verb}_%s")


@require_http_methods(["GET", "POST"])
@conflict_if_reused
def open_study(request: PageRequest, slug: str) -> HttpResponse:
    """The last look before a study takes people: what is missing, and what cannot change any
    more.
    """
    study, actor = study_for(request, slug, "run")
    form = forms.Open(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.open_study(study=study, key=key(request), by=actor, at=timezone.now())
        except actions.NotReady:
            messages.error(request, _("The study did not open: something is still missing."))
        except lifecycles.NotAllowedNow as error:
            messages.error(request, _too_late(error))
        else:
            messages.success(
                request, _("The study is open. Its design and its analysis plan are locked.")
            )
            return redirect("research:dashboard", slug=slug)
        return redirect("research:open", slug=slug)
    return render(
        request,
        "research/open.html",
        _before_opening(study, form),
        status=400 if form.is_bound else 200,
    )


def _before_opening(study: Study, form: forms.Open) -> dict[str, Any]:
    is_draft = study.state == "draft"
    return {
        "form": form,
        "is_draft": is_draft,
        "missing": actions.requirements(study) if is_draft else [],
        "languages": actions.open_languages(study),
        "version": study.current,
        "protocol": study.current.protocol,
        "analysis": study.current.section("analysis"),
    }


@posted_from("research:state", "slug")
@conflict_if_reused
def step(request: PageRequest, slug: str, verb: str) -> HttpResponse:
    """Pause, resume, close or lock."""
    study, actor = study_for(request, slug, VERBS[verb])
    form = _form(verb, request.POST)
    if form is not None and not form.is_valid():
        return _state(request, study, **{verb: form})
    reason = {"reason": form.cleaned_data["reason"]} if form is not None else {}
    try:
        getattr(actions, verb)(study=study, **reason, key=key(request), by=actor, at=timezone.now())
    except lifecycles.NotAllowedNow as error:
        messages.error(request, _too_late(error))
    except actions.FollowUpGoesOn:
        # How many they are hangs on the schedules of the arms.
        messages.error(
            request,
            _(
                "Not locked: people are still being followed. Lock when the last questions are "
                "behind them."
            ),
        )
    except actions.NotReady:
        messages.error(request, _("Recruitment did not resume: something is still missing."))
        return redirect("research:setup", slug=slug)
    except AlreadyProposed:
        messages.error(request, _("The same was asked before and waits for a second person."))
    else:
        messages.success(request, _done(study, verb))
    return redirect("research:state", slug=slug)


def _done(study: Study, verb: str) -> str:
    if verb == "lock" and not study.simulated:
        return _("Asked, and mailed to all staff. Nothing is locked before a second person agrees.")
    return _("Done, and recorded in the audit trail.")


def _too_late(error: lifecycles.NotAllowedNow) -> str:
    return _("This cannot be done now: the study is %(state)s.") % {"state": word(error.state)}
