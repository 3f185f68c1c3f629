"""Forms of the researcher's room."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from trial import folder, permissions
from trial.actions import studies
from trial.forms.fields import NEVER, Confirmation, EmailField
from trial.words import ERASE_REASONS, MAILBOX_REASONS, word


class LoadStudy(forms.Form):
    """A study folder as a .zip, read as it comes in: every mistake of it stands in `problems`, by
    file and line.
    """

    upload = forms.FileField(
        label=_("Study folder as a .zip"),
        help_text=_(
            "The folder with study.yaml, consent, randomisation, assessments, coaching, analysis "
            "and the programme."
        ),
        widget=forms.FileInput(attrs={"accept": ".zip,application/zip"}),
    )
    simulated = forms.BooleanField(
        label=_("Simulated people only: opens in every language, without sign-offs"), required=False
    )

    def __init__(self, *args: Any, is_rehearsal: bool, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.at = at
        self.problems: tuple[folder.Problem, ...] = ()
        if not is_rehearsal:
            del self.fields["simulated"]

    def clean_upload(self) -> folder.Loaded:
        """What was read, in place of the file."""
        try:
            return studies.read(self.cleaned_data["upload"], at=self.at)
        except folder.FolderErrors as errors:
            self.problems = errors.problems
            raise forms.ValidationError(
                _("Nothing was stored. Put right what is listed below and load it again.")
            ) from None


class Reason(forms.Form):
    """Why something is done with the whole study, in free text. What is about one person has
    codes.
    """

    reason = forms.CharField(
        label=_("Reason"), max_length=400, help_text=_("Kept in the audit trail, so no names.")
    )


class Lock(Reason):
    sure = Confirmation(
        label=_("No answer will change any more; reports by arm can be made from now on.")
    )


class Open(forms.Form):
    sure = Confirmation(
        label=_(
            "I have read what cannot change any more: the arms, the randomisation and the analysis "
            "plan."
        )
    )


class Invite(forms.Form):
    email = EmailField(
        label=_("E-mail address"), widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    role = forms.ChoiceField(
        label=_("Role"),
        widget=forms.RadioSelect,
        choices=[
            (role, format_lazy("{}: {}", word(role), duties))
            for role, duties in permissions.ROLES.items()
        ],
    )
    knowingly = Confirmation(
        label=_(
            "I know that this person can see who is called, and so the arms. It stands in the "
            "audit trail."
        ),
        required=False,
    )

    def __init__(self, *args: Any, asks: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not asks:
            del self.fields["knowingly"]


class Erase(forms.Form):
    reason = forms.ChoiceField(
        label=_("Why?"), choices=list(ERASE_REASONS.items()), widget=forms.RadioSelect
    )
    sure = Confirmation(label=_("I understand that this cannot be undone."))


class LostMailbox(forms.Form):
    """Another address for somebody. It is kept nowhere before it is sent."""

    email = EmailField(
        label=_("Their new e-mail address"),
        widget=forms.EmailInput(attrs={"autocomplete": "off", **NEVER}),
        help_text=_("Letter by letter: a second person has to hear the same from them."),
    )
    reason = forms.ChoiceField(
        label=_("Why?"),
        choices=list(MAILBOX_REASONS.items()),
        widget=forms.RadioSelect,
    )


class CloseAlert(forms.Form):
    done = forms.CharField(
        label=_("What was done"),
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_(
            "Kept encrypted with the person's own key. Say what you did and what was agreed."
        ),
        error_messages={"required": _("Say what was done; an alert is not closed without it.")},
    )


class People(forms.Form):
    """Filters of the list of people; they live in the address."""

    state = forms.ChoiceField(label=_("State"), required=False)
    site = forms.ChoiceField(label=_("Site"), required=False)
    code = forms.CharField(label=_("Code"), required=False, max_length=12)

    def __init__(self, *args: Any, choices: Mapping[str, Mapping[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, known in choices.items():
            cast(forms.ChoiceField, self.fields[name]).choices = [("", _("All")), *known.items()]
        if len(choices["site"]) == 1:
            del self.fields["site"]

    @property
    def wanted(self) -> dict[str, str]:
        """What was asked for; a filter that does not exist narrows nothing."""
        self.is_valid()
        return {name: self.cleaned_data.get(name, "").strip() for name in self.fields}
