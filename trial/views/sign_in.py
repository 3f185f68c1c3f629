"""A participant signs in with a code that is mailed; and staff ask for a link to a new password.

Known or not, a page is the same and nothing is looked up before it is answered (docs/adr/0015).
"""

from __future__ import annotations

import uuid
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from trial import limits, mail_door
from trial.actions import mailcodes
from trial.forms.accounts import EnterCode, RequestLoginCode, ResetPassword
from trial.mail import DoorShut
from trial.mailcodes import Verdict
from trial.models import DoorMail, User
from trial.requests import PageRequest
from trial.views.posted import request_key
from trial.words import MAIL_AWAY, spoken

SESSION = "signing_in"
CLOSED = "closed"  # said by drafts.js: the tab in which somebody asked is gone
ASK, ENTER = "account_request_login_code", "account_confirm_login_code"


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: PageRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect(_next(request) or "door")
    if CLOSED in request.GET:
        request.session.pop(SESSION, None)
    form = RequestLoginCode(request.POST or None)
    if request.method == "POST" and form.is_valid():
        refusal = _mailed(request, form.cleaned_data["email"])
        if refusal is None:
            return redirect(_onward(ENTER, request))
        form.add_error(None, refusal)
    return render(
        request, "account/request_login_code.html", {"form": form, "next": _next(request)}
    )


def _mailed(request: PageRequest, email: str) -> str | None:
    """Why no code is on its way; the same for everybody."""
    key = request_key(request) or str(uuid.uuid4())
    try:
        door = mail_door.opened(request, timezone.now())
        about = mailcodes.ask_to_sign_in(
            email=email,
            language=spoken(),
            key=key,
            allows=lambda: limits.may_mail(request, "code", email),
            at=timezone.now(),
        )
    except DoorShut:
        return str(MAIL_AWAY)
    except (mailcodes.TooManyCodes, limits.TooOften):
        return _("We sent several codes already. Wait an hour, then ask for a new one.")
    mail_door.leaves_after_the_answer(request, about, door, timezone.now())
    request.session[SESSION] = {"handle": about.handle, "email": email}
    return None


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: PageRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect(_next(request) or "door")
    asked = request.session.get(SESSION)
    if asked is None:
        return redirect(_onward(ASK, request))
    if request.POST.get("action") == "resend":
        return _again(request, asked["email"])
    form = EnterCode(request.POST or None)
    if request.method == "POST" and form.is_valid():
        match _judged(request, asked["handle"], form.cleaned_data["code"]):
            case Verdict.RIGHT:
                return _let_in(request, **asked)
            case Verdict.OVER:
                return _over(request)
        form.add_error("code", _("This is not the code. Look at the newest message we sent you."))
    return render(
        request, "account/confirm_login_code.html", {**asked, "form": form, "next": _next(request)}
    )


def _judged(request: PageRequest, handle: str, typed: str) -> Verdict:
    return mailcodes.judge(
        handle=handle, typed=typed, press=request_key(request) or "", at=timezone.now()
    )


def _let_in(request: PageRequest, handle: str, email: str) -> HttpResponse:
    user = User.objects.filter(
        pk__in=DoorMail.objects.filter(handle=handle).values("user"), is_active=True
    ).first()
    if user is None:  # erased a moment ago
        return _over(request)
    onward = _next(request)
    del request.session[SESSION]
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    response = redirect(onward or "door")
    limits.know(request, response, email)
    return response


def _over(request: PageRequest) -> HttpResponse:
    del request.session[SESSION]
    messages.warning(
        request,
        _(
            "This code no longer works: it was used, was tried five times, or is too old. Ask for "
            "a new one."
        ),
    )
    return redirect(_onward(ASK, request))


def _again(request: PageRequest, email: str) -> HttpResponse:
    refusal = _mailed(request, email)
    if refusal is None:
        messages.success(request, _("If the address is known here, a new code is on its way."))
    else:
        messages.warning(request, refusal)
    return redirect(_onward(ENTER, request))


def _next(request: PageRequest) -> str:
    """The page of this site that somebody was on the way to; empty where there is none."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(
        wanted, {request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours else ""


def _onward(name: str, request: PageRequest) -> str:
    return resolve_url(name) + (
        f"?{urlencode({'next': _next(request)}, safe='/')}" if _next(request) else ""
    )


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def ask_for_password(request: PageRequest) -> HttpResponse:
    form = ResetPassword(request.POST or None)
    if request.method == "POST" and form.is_valid():
        refusal = _link_mailed(request, form.cleaned_data["email"])
        if refusal is None:
            return redirect("account_reset_password_done")
        form.add_error(None, refusal)
    return render(request, "account/password_reset.html", {"form": form})


def _link_mailed(request: PageRequest, email: str) -> str | None:
    try:
        door = mail_door.opened(request, timezone.now())
        about = mailcodes.ask_for_password(
            email=email,
            language=spoken(),
            key=request_key(request) or str(uuid.uuid4()),
            allows=lambda: limits.may_mail(request, "link", email),
            at=timezone.now(),
        )
    except DoorShut:
        return str(MAIL_AWAY)
    except (mailcodes.TooManyCodes, limits.TooOften):
        return _("We sent several links already. Wait a few minutes, then ask for a new one.")
    mail_door.leaves_after_the_answer(request, about, door, timezone.now())
    return None
