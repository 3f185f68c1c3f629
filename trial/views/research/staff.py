"""Who works on a study, and in which role."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from trial import permissions
from trial.actions import looks
from trial.actions import staff as actions
from trial.forms import research as forms
from trial.models import Invitation, Membership, Study
from trial.queries import roles
from trial.queries import staff as reads
from trial.requests import PageRequest
from trial.templatetags.handvat import when
from trial.views.posted import posted_from
from trial.views.research.finding import conflict_if_reused, key, study_for
from trial.words import word


@require_GET
def listed(request: PageRequest, slug: str) -> HttpResponse:
    study, actor = study_for(request, slug, "invite")
    looks.contacts_listed(study=study, what="staff", by=actor, at=timezone.now())
    return _listed(request, study, forms.Invite())


def _listed(request: PageRequest, study: Study, form: forms.Invite) -> HttpResponse:
    at = timezone.now()
    members = list(roles.given(study))
    names = reads.names(roles.actors(members))
    context = {
        "form": form,
        "members": [(each, roles.how(each, names)) for each in members],
        "invitations": [(each, each.expires_at <= at) for each in reads.unanswered(study)],
        "roles": permissions.ROLES,
    }
    return render(request, "research/staff.html", context, status=400 if form.is_bound else 200)


@posted_from("research:staff", "slug")
@conflict_if_reused
def invite(request: PageRequest, slug: str) -> HttpResponse:
    study, actor = study_for(request, slug, "invite")
    form = forms.Invite(request.POST, asks="knowingly" in request.POST)
    if not form.is_valid():
        return _listed(request, study, form)
    try:
        invited = actions.invite(
            study=study, **form.cleaned_data, key=key(request), by=actor, at=timezone.now()
        )
    except actions.AlreadyInvited:
        form.add_error(
            "email",
            _("Invited to this role already. Withdraw that invitation first to send another."),
        )
        return _listed(request, study, form)
    except actions.HasRole:
        form.add_error("email", _("Has this role already."))
        return _listed(request, study, form)
    except actions.WouldUnblind as error:
        form.add_error("role", _would_unblind(error))
        return _listed(request, study, form)
    except actions.NotKnowingly as error:
        return _listed(request, study, _asked_to_know(request, error))
    messages.success(request, _invited(invited))
    return redirect("research:staff", slug=slug)


def _invited(invitation: Invitation) -> str:
    proposal = invitation.proposal
    if proposal is None:
        return _("The invitation is on its way. Its link works once, for 14 days.")
    if proposal.passes_alone:
        return _(
            "Asked, and mailed to all staff. Nobody of them can be the second person: the "
            "invitation goes out on %(at)s "
            "unless one of them says no before."
        ) % {"at": when(proposal.until_at, "year")}
    return _("Asked, and mailed to all staff. The invitation goes out when a second person agrees.")


def _would_unblind(error: actions.WouldUnblind) -> str:
    return _(
        "This person is %(roles)s here. Whoever assesses or analyses is blinded, and cannot also "
        "coach or supervise; "
        "and a researcher is not the statistician."
    ) % {"roles": _roles_in_words(error.roles)}


def _asked_to_know(request: PageRequest, error: actions.NotKnowingly) -> forms.Invite:
    form = forms.Invite(request.POST, asks=True)
    words = _(
        "This person is %(roles)s here. A researcher who coaches or supervises knows the arms of "
        "those called."
    )
    form.add_error("knowingly", words % {"roles": _roles_in_words(error.roles)})
    return form


def _roles_in_words(roles: Iterable[str]) -> str:
    return ", ".join(str(word(role)) for role in roles)


@posted_from("research:staff", "slug")
@conflict_if_reused
def withdraw_invitation(request: PageRequest, slug: str, invitation: int) -> HttpResponse:
    study, actor = study_for(request, slug, "invite")
    found = get_object_or_404(Invitation, pk=invitation, study=study)
    try:
        actions.withdraw_invitation(invitation=found, key=key(request), by=actor, at=timezone.now())
    except actions.InvitationNotValid:
        messages.error(request, _("This invitation is over."))
    else:
        messages.success(request, _("The invitation is withdrawn. Its link no longer works."))
    return redirect("research:staff", slug=slug)


@posted_from("research:staff", "slug")
@conflict_if_reused
def end_role(request: PageRequest, slug: str, membership: int) -> HttpResponse:
    study, actor = study_for(request, slug, "invite")
    found = get_object_or_404(
        Membership.objects.select_related("study"), pk=membership, study=study
    )
    if found.user_id == request.user.pk and found.role == "researcher":
        messages.error(
            request,
            _("You cannot end your own role as researcher: somebody else who runs the study can."),
        )
        return redirect("research:staff", slug=slug)
    actions.end_role(membership=found, key=key(request), by=actor, at=timezone.now())
    messages.success(request, _("The role has ended. What the person did stays theirs."))
    return redirect("research:staff", slug=slug)
