"""The ledger of messages and the audit trail."""

from __future__ import annotations

import json
from contextlib import suppress

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from trial import audit, lifecycles
from trial.actions import mail_host, verifications
from trial.actions import messages as actions
from trial.models import AuditEvent, AuditSeal, Participant, Study
from trial.queries import messages as ledger
from trial.queries import staff, studies
from trial.queries import verifications as verified
from trial.requests import PageRequest
from trial.sealed_files import NotWhole
from trial.views.posted import posted_from
from trial.views.research import jobs
from trial.views.research.finding import conflict_if_reused, key, study_for
from trial.words import word

ON_A_PAGE = 50
MOST_PLACES = 100  # on the page; all of them are told by manage.py verify_audit


@require_GET
def message_list(request: PageRequest, slug: str) -> HttpResponse:
    """What became of mail. Whoever may not know the arms is told whom mail does not reach, and not
    which mail.
    """
    study, _actor = study_for(request, slug, "mail")
    knows_arms = _knows_arms(request, study)
    unreached, unsettled = (
        Paginator(found(study, knows_arms=knows_arms), ON_A_PAGE).get_page(request.GET.get("page"))
        for found in (ledger.unreached, ledger.unsettled)
    )
    context = {
        "away_since": mail_host.away_since(),
        "unreached": unreached,
        "unsettled": unsettled,
        # Both are leafed through at once; the shorter list stays at its end.
        "page": max(unreached, unsettled, key=lambda page: page.paginator.num_pages),
        "recent": ledger.recent(study) if knows_arms else [],
        "knows_arms": knows_arms,
        "counts": ledger.counts(study) if knows_arms else [],
    }
    return render(request, "research/messages.html", context)


@posted_from("research:messages", "slug")
@conflict_if_reused
def send_again(request: PageRequest, slug: str, message: str) -> HttpResponse:
    """One message; for whoever may not know the arms only one to staff."""
    study, actor = study_for(request, slug, "mail")
    found = ledger.shown(study, message, knows_arms=_knows_arms(request, study))
    if found is None:
        raise Http404
    try:
        actions.send_again(message=found, key=key(request), by=actor, at=timezone.now())
    except lifecycles.NotAllowedNow as error:
        messages.error(
            request,
            _("Not queued again: by now the message is %(state)s.") % {"state": word(error.state)},
        )
    else:
        messages.success(request, _("Queued again. The worker sends it in a moment."))
    return redirect("research:messages", slug=slug)


@posted_from("research:messages", "slug")
@conflict_if_reused
def send_all_again(request: PageRequest, slug: str, code: str) -> HttpResponse:
    """Whatever of one person's mail did not go out, without saying what that is."""
    study, actor = study_for(request, slug, "mail")
    person = get_object_or_404(Participant, study=study, code=code)
    knows_arm, at = _knows_arms(request, study), timezone.now()
    try:
        actions.send_all_again(
            participant=person, knows_arm=knows_arm, key=key(request), by=actor, at=at
        )
    except actions.NothingToSend:
        messages.info(request, _("There is nothing to send to this person again."))
    else:
        messages.success(
            request, _("Queued again. The worker sends what is still wanted in a moment.")
        )
    return redirect("research:messages", slug=slug)


def _knows_arms(request: PageRequest, study: Study) -> bool:
    return studies.may_know_arms(study, request.may)


@require_GET
def audit_trail(request: PageRequest, slug: str) -> HttpResponse:
    study, _actor = study_for(request, slug, "dashboard")
    return render(request, "research/audit.html", _trail(request, study))


@posted_from("research:audit", "slug")
@conflict_if_reused
def verify(request: PageRequest, slug: str) -> HttpResponse:
    """Ask for the whole trail to be gone through; what comes of it stands on the page of the
    trail.
    """
    study, actor = study_for(request, slug, "dashboard")
    job = verifications.request(study=study, key=key(request), by=actor, at=timezone.now())
    messages.success(request, jobs.asked_for(job))
    return redirect("research:audit", slug=slug)


def _trail(request: PageRequest, study: Study) -> dict[str, object]:
    """How many events there are, and in whose trail a place does not hold, is for whoever may know
    the arms.
    """
    knows_arms = _knows_arms(request, study)
    of_study = AuditEvent.objects.filter(stream=study.slug).order_by("-number")
    page = jobs.page_of(request, verified.asked_for(study))
    return {
        "page": page,
        "names": staff.names(job.requested_by for job in page),
        **_newest(study, knows_arms=knows_arms),
        "seal": AuditSeal.objects.filter(study=study.slug).order_by("-number").first(),
        "count": audit.count_events(study) if knows_arms else None,
        "knows_arms": knows_arms,
        "events": of_study.exclude(action__startswith="message ")[:100],
        "published": _published(study),
    }


def _newest(study: Study, *, knows_arms: bool) -> dict[str, object]:
    """What came of the newest verification that is made."""
    job = verified.newest_made(study)
    places: list[str] = []
    with suppress(NotWhole):  # how many there were stands in the row
        places = verified.places(job) if job and knows_arms else []
    return {"verified": job, "places": places[:MOST_PLACES]}


def _published(study: Study) -> dict[str, str]:
    """What the randomisation is held to: it was written in the trail before the first
    allocation.
    """
    sealed = AuditEvent.objects.filter(study=study.slug, action="randomisation sealed")
    event = sealed.filter(stream=study.slug).first()
    return json.loads(event.new) if event else {}
