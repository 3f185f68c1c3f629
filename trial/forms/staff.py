from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import password_validation
from django.utils.translation import gettext_lazy as _

from trial.actions.tokens import LONGEST
from trial.forms.fields import NEVER, CodeField, Confirmation, EmailField
from trial.models import User


class AcceptInvitation(forms.Form):
    """Name and password for a new account; nothing to fill in for somebody who has one."""

    full_name = forms.CharField(label=_("Your name"), max_length=120)
    password = forms.CharField(
        label=_("Choose a password"),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 12 characters. A sentence is easy to remember."),
        strip=False,
    )

    def __init__(self, *args: Any, has_account: bool, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.has_account, self.email = has_account, email
        if has_account:
            self.fields.clear()

    def clean_password(self) -> str:
        password = self.cleaned_data["password"]
        password_validation.validate_password(password, User(email=self.email))
        return password


class MakeToken(forms.Form):
    """A token for a program of one's own: made by whoever gives the password again."""

    name = forms.CharField(
        label=_("What is it for?"), max_length=60, help_text=_("To know it again in the list.")
    )
    days = forms.IntegerField(
        label=_("For how many days?"),
        min_value=1,
        max_value=LONGEST,
        initial=LONGEST,
        help_text=_("At most 90."),
    )
    password = forms.CharField(
        label=_("Your password"),
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        strip=False,
    )
    code = CodeField(
        label=_("Code from your app"), required=False, help_text=_("If you use one to sign in.")
    )


class Decide(forms.Form):
    """The second person's word."""

    is_agreed = forms.TypedChoiceField(
        label=_("Do you agree?"),
        widget=forms.RadioSelect(attrs=NEVER),
        choices=[("yes", _("Yes, I looked into it and agree")), ("no", _("No"))],
        coerce=lambda value: value == "yes",
    )


class DecideAddress(Decide):
    """The word of whoever called; a no takes no more than that."""

    called = Confirmation(
        label=_(
            "I called the number on record and spoke with this person, who asked for it themselves."
        ),
        error_messages={"required": _("Call them first: without a call nobody can agree.")},
    )
    email = EmailField(
        label=_("The new address, as they told you"),
        widget=forms.EmailInput(attrs={"autocomplete": "off", **NEVER}),
        help_text=_(
            "Let them spell it. Nobody is shown the address that was asked for: it has to be the "
            "same."
        ),
        error_messages={"required": _("Ask them for the new address, and type it here.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.is_bound and self.data.get("is_agreed") == "no":
            self.fields["called"].required = self.fields["email"].required = False
