"""Who coaches whom."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from coaching_protocol.queries.caseload import Coach
from coaching_protocol.words import REASONS_REASSIGNED
from trial.models import User


class Reassign(forms.Form):
    coach = forms.ChoiceField(label=_("Who calls from now on?"), widget=forms.RadioSelect)
    reason = forms.ChoiceField(
        label=_("Why?"), choices=list(REASONS_REASSIGNED.items()), widget=forms.RadioSelect
    )

    def __init__(self, *args: Any, coaches: Iterable[Coach], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {str(each.user.pk): each for each in coaches}
        self.fields["coach"].choices = [(pk, _name(each)) for pk, each in self.people.items()]  # type: ignore[attr-defined]

    def clean_coach(self) -> User:
        return self.people[self.cleaned_data["coach"]].user


def _name(coach: Coach) -> str:
    people = ngettext("%(count)s person", "%(count)s people", coach.people) % {
        "count": coach.people
    }
    return f"{coach.user.full_name} ({people})"
