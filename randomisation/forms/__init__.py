"""Forms of the exceptions to a randomisation. Why is a code of a list; what has to be said in words
is sealed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from randomisation.words import LEVELS, OTHER, REASONS, VERDICTS
from trial.forms.fields import Confirmation
from trial.words import text

LONGEST_NOTE = 2000


class Why(forms.Form):
    """A reason, and words where the list has none that fits."""

    what = ""
    reason = forms.ChoiceField(label=_("Why"), widget=forms.RadioSelect)
    note = forms.CharField(
        label=_("In your words"),
        required=False,
        max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Kept under this person's own key, and read by whoever decides about it."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choose(self, "reason", list(REASONS[self.what].items()))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("reason") == OTHER and not (cleaned.get("note") or "").strip():
            self.add_error("note", _("Say in your words why"))
        return cleaned


class Correct(Why):
    """The values that were used, each to be put right."""

    what = "correction"

    def __init__(
        self,
        *args: Any,
        allowed: Mapping[str, Sequence[tuple[str, Any]]],
        standing: Mapping[str, str],
        labels: Mapping[str, Any],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.factors = list(allowed)
        added = {
            f"value_{factor}": _value(labels[factor], allowed[factor], standing[factor])
            for factor in allowed
        }
        self.fields = {**added, **self.fields}

    @property
    def values(self) -> dict[str, str]:
        return {factor: self.cleaned_data[f"value_{factor}"] for factor in self.factors}


def _value(label: Any, allowed: Sequence[tuple[str, Any]], standing: str) -> forms.ChoiceField:
    options = [(code, text(words)) for code, words in allowed]
    return forms.ChoiceField(
        label=text(label), choices=options, initial=standing, widget=forms.RadioSelect
    )


class Mark(Why):
    """Made in error: asked here, agreed by another."""

    what = "error_mark"
    sure = Confirmation(label=_("I know that a mark is never taken back."))


class Ineligible(Why):
    what = "ineligible"


class Received(Why):
    what = "received"
    received = forms.ChoiceField(label=_("What did they get?"), widget=forms.RadioSelect)

    def __init__(self, *args: Any, arms: Sequence[tuple[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choose(
            self,
            "received",
            [*((code, text(name)) for code, name in arms), (OTHER, _("Something else"))],
        )


class Force(Why):
    what = "forced"
    arm = forms.ChoiceField(label=_("Arm"), widget=forms.RadioSelect)

    def __init__(self, *args: Any, arms: Sequence[tuple[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choose(self, "arm", [(code, text(name)) for code, name in arms])


class BreakCode(Why):
    """Whoever asks says whether a second person can be waited for, and whether it is a drill."""

    what = "code_break"
    is_drill = forms.BooleanField(
        label=_("This is a drill: everything happens as it would, and no arm is shown."),
        required=False,
    )


class Settle(forms.Form):
    verdict = forms.ChoiceField(
        label=_("Who is it?"), widget=forms.RadioSelect, choices=list(VERDICTS.items())
    )


class Impact(forms.Form):
    text = forms.CharField(
        label=_("Who knows the arm now, and what follows"),
        max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("Do not name the arm. Kept under this person's own key."),
    )


class Halt(forms.Form):
    """Which part of the randomisation stands still, as `level:target`."""

    part = forms.ChoiceField(label=_("What is halted?"), widget=forms.RadioSelect)
    reason = forms.ChoiceField(
        label=_("Why"), widget=forms.RadioSelect, choices=list(REASONS["halt"].items())
    )

    def __init__(
        self, *args: Any, targets: Mapping[str, Sequence[tuple[str, str]]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        _choose(self, "part", list(_parts(targets)))

    @property
    def place(self) -> dict[str, str]:
        level, _colon, target = self.cleaned_data["part"].partition(":")
        return {"level": level, "target": target}


def _parts(targets: Mapping[str, Sequence[tuple[str, str]]]) -> Any:
    """A level with one choice only is offered where it says something of its own."""
    for level, choices in targets.items():
        if level in {"point", "site"} and len(choices) == 1:
            continue
        for code, name in choices:
            yield f"{level}:{code}", f"{LEVELS[level]}: {name}" if name else LEVELS[level]


class GoOn(forms.Form):
    level = forms.CharField(widget=forms.HiddenInput)
    point = forms.CharField(widget=forms.HiddenInput, required=False)
    target = forms.CharField(widget=forms.HiddenInput, required=False)
    reason = forms.ChoiceField(
        label=_("Why"), widget=forms.RadioSelect, choices=list(REASONS["go_on"].items())
    )


def _choose(form: forms.Form, name: str, options: list[tuple[str, Any]]) -> None:
    form.fields[name].choices = options  # type: ignore[attr-defined]
