"""What a researcher chooses when asking for a report or an export."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from trial.languages import LANGUAGES
from trial.models import Job
from trial.words import spoken

KINDS = {
    Job.BLINDED: _("Pooled: everybody together, nothing that tells an arm"),
    Job.BY_ARM: _("By arm: each making is recorded in the audit trail"),
}
NAMES = {"en": "English", "nl": "Nederlands"}


class AskForExport(forms.Form):
    """By arm is offered only to whoever may have it."""

    kind = forms.ChoiceField(
        label=_("What it shows"), widget=forms.RadioSelect, initial=Job.BLINDED
    )

    def __init__(self, *args: Any, may_show_arms: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = KINDS if may_show_arms else {Job.BLINDED: KINDS[Job.BLINDED]}
        self.fields["kind"].choices = list(kinds.items())  # type: ignore[attr-defined]


class AskForReport(AskForExport):
    language = forms.ChoiceField(
        label=_("Language"),
        widget=forms.RadioSelect,
        initial=spoken,
        choices=[(code, NAMES[code]) for code in LANGUAGES],
    )
