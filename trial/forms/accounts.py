from __future__ import annotations

from typing import Any

from allauth.account import app_settings  # noqa: F401  (settles allauth's import order)
from allauth.account.forms import LoginForm
from allauth.mfa.base.forms import AuthenticateForm, BaseAuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from trial.actions import installation
from trial.forms.fields import CodeField, EmailField
from trial.forms.join import MailCode


class SignIn(LoginForm):
    """Staff, by address and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = _reading(self.fields["login"])


class ResetPassword(forms.Form):
    """Nothing is looked up here: whether the address is known shows nowhere."""

    email = EmailField(label=_("E-mail address"))


class RequestLoginCode(forms.Form):
    """A participant asks for a code; staff sign in by password and get none."""

    email = EmailField(label=_("Your e-mail address"))


class EnterCode(MailCode):
    """The code that was mailed, asked for as on the way into a study."""


class CountsFailures(BaseAuthenticateForm):
    """A code that was wrong is a sign-in that failed."""

    def _emit_authentication_failed(self, authenticator: Any) -> None:
        super()._emit_authentication_failed(authenticator)
        installation.sign_in_failed(at=timezone.now())


class SecondFactor(CountsFailures, AuthenticateForm):
    code = CodeField()


class SecondFactorAgain(CountsFailures, ReauthenticateForm):
    code = CodeField()


class NewAuthenticator(ActivateTOTPForm):
    code = CodeField(label=ActivateTOTPForm.base_fields["code"].label)


def _reading(field: forms.Field) -> EmailField:
    """allauth's field, with addresses read as everywhere."""
    return EmailField(label=field.label, widget=field.widget)
