from __future__ import annotations

from typing import Any

from allauth.account import app_settings  # noqa: F401  (settles allauth's import order)
from allauth.account.forms import ConfirmLoginCodeForm, LoginForm, RequestLoginCodeForm, ResetPasswordForm
from allauth.core import context, ratelimit
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from trial.accounts import participant_user
from trial.forms.fields import CodeField, EmailField
from trial.forms.join import MailCode
from trial.vault import address_hash


class SignIn(LoginForm):
    """Staff, by address and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = _reading(self.fields["login"])


class ResetPassword(ResetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"] = _reading(self.fields["email"])


class RequestLoginCode(RequestLoginCodeForm):
    """A participant asks for a code. The person is found by keyed hash; staff sign in by password and get no code."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"] = _reading(self.fields["email"])

    def clean_email(self) -> str:
        email = self.cleaned_data["email"]
        if not ratelimit.consume(context.request, action="request_login_code", key=address_hash(email)):
            raise ValidationError(_("We sent several codes already. Wait an hour, then ask for a new one."))
        self._user = participant_user(email)
        return email


class ConfirmLoginCode(ConfirmLoginCodeForm):
    """The code that was mailed, asked for as on the way into a study."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"] = MailCode().fields["code"]

    def clean_code(self) -> str:
        try:
            return super().clean_code()
        except ValidationError:
            raise ValidationError(_("This is not the code. Look at the newest message we sent you.")) from None


class SecondFactor(AuthenticateForm):
    code = CodeField()


class SecondFactorAgain(ReauthenticateForm):
    code = CodeField()


class NewAuthenticator(ActivateTOTPForm):
    code = CodeField(label=ActivateTOTPForm.base_fields["code"].label)


def _reading(field: forms.Field) -> EmailField:
    """allauth's field, with addresses read as everywhere."""
    return EmailField(label=field.label, widget=field.widget)
