"""Another address for somebody who lost their mailbox: asked for here, agreed to in the room of all
staff.
"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from trial import actors
from trial.actions import lost_mailbox as actions
from trial.actions import participants, proposals
from trial.api import catalogue
from trial.forms.research import LostMailbox
from trial.models import Participant, Proposal
from trial.queries import lost_mailboxes, staff
from trial.queries import proposals as reads
from trial.requests import PageRequest
from trial.views.research.finding import conflict_if_reused, key, person, study_for
from trial.views.research.people import find

REFUSALS = (
    actions.AddressOfStaff,
    actions.NoNumber,
    actions.StoppedLately,
    actions.NobodySecond,
    proposals.AlreadyProposed,
    participants.NotAskedNow,
)


@require_http_methods(["GET", "POST"])
@conflict_if_reused
def lost_mailbox(request: PageRequest, slug: str, code: str) -> HttpResponse:
    study, _actor = study_for(request, slug, "ask_address")
    participant = find(study, code)
    form, status = LostMailbox(request.POST or None), 200
    if request.method == "POST":
        could_be_read = form.is_valid()
        asked = _asked(request, form, participant) if could_be_read else None
        if asked:
            messages.success(request, _("Asked. The old address and whoever can agree get a mail."))
            return redirect("staff:agreement", asked.pk)
        status = 409 if could_be_read else 400
    waiting = lost_mailboxes.waiting(participant)
    context = {
        "person": participant,
        "form": form,
        "waiting": waiting,
        "takes_effect_at": lost_mailboxes.takes_effect_at(waiting) if waiting else None,
        "rests_until": lost_mailboxes.rests_until(participant, timezone.now()),
        "stopped_at": next(reversed(lost_mailboxes.stops(participant)), None),
        "names": staff.names([waiting.proposal.by]) if waiting and waiting.proposal else {},
        "can_be_called": lost_mailboxes.has_number(participant),
    }
    return render(request, "research/lost_mailbox.html", context, status=status)


def _asked(request: PageRequest, form: LostMailbox, participant: Participant) -> Proposal | None:
    """None where it was refused: the words stand on the form."""
    role = reads.role_for(person(request), participant.study, "ask_address", prefers_knowing=True)
    by = actors.staff(person(request).pk, role)
    try:
        return actions.ask(
            participant=participant, **form.cleaned_data, key=key(request), by=by, at=timezone.now()
        )
    except REFUSALS as error:
        named = catalogue.find(error)
        form.add_error(
            "email" if isinstance(error, actions.AddressOfStaff) else None,
            str(named.words) if named else "",
        )
        return None
