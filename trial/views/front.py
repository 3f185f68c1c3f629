"""The way in: the front page, the door to one's own room, and the link that makes a staff
account.
"""

from __future__ import annotations

from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from trial import actors, audiences, limits
from trial.actions import installation, staff
from trial.actors import Actor
from trial.forms.staff import AcceptInvitation
from trial.models import Study
from trial.requests import PageRequest


@login_not_required
@require_safe
def front(request: PageRequest) -> HttpResponse:
    """Studies that take part now, under their neutral names, and the two ways to sign in."""
    if request.user.is_authenticated:
        return redirect("door")
    return render(
        request, "public/front.html", {"studies": Study.objects.filter(state="open").order_by("pk")}
    )


@require_safe
def door(request: PageRequest) -> HttpResponse:
    """After sign-in: on to the room where this person belongs."""
    if hasattr(request.user, "participant"):
        return redirect("participant:home")
    if audiences.is_staff(request):
        return redirect("research:studies")
    if audiences.is_coach(request):
        return redirect("coach:caseload")
    if audiences.is_assessor(request):
        return redirect("assessor:due")
    return render(request, "public/no_room.html")


@login_not_required
@require_http_methods(["GET", "POST"])
def accept_invitation(request: PageRequest, token: str) -> HttpResponse:
    at = timezone.now()
    try:
        invitation = staff.find(token, at)
    except staff.InvitationNotValid:
        return render(request, "public/invitation_over.html", status=410)
    has_account = staff.existing_user(invitation) is not None
    form = AcceptInvitation(request.POST or None, has_account=has_account, email=invitation.email)
    if request.method == "POST" and form.is_valid():
        try:
            return _accept(request, token, form)
        except staff.InvitationNotValid:  # used a moment ago, by a second press
            return render(request, "public/invitation_over.html", status=410)
        except staff.WouldUnblind:  # by a role that they were given after they were invited
            return render(
                request, "public/invitation_over.html", {"would_unblind": True}, status=409
            )
    return render(
        request, "public/accept_invitation.html", {"form": form, "invitation": invitation}
    )


def _accept(request: PageRequest, token: str, form: AcceptInvitation) -> HttpResponseRedirect:
    user = staff.accept(
        token=token,
        full_name=form.cleaned_data.get("full_name", ""),
        password=form.cleaned_data.get("password", ""),
        by=Actor("visitor", "invited"),
        at=timezone.now(),
    )
    if form.has_account:
        return redirect(reverse("account_login"))
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    installation.note(user=user, what="signed in", by=actors.staff(user.pk), at=timezone.now())
    response = redirect("door")
    limits.know(request, response, user.email)
    return response
