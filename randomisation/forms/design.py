"""What to compare a design with. A form of questions alone: nothing of it is kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from randomisation import methods
from randomisation.assessment import Choices, Factor, alternatives
from randomisation.assessment.comparing import built
from randomisation.queries.comparison import Asked

MOST_PEOPLE = 1000
MOST_EACH = 4  # alternatives of one kind
LARGEST_BLOCK, MOST_SIZES = 24, 3
LARGEST_LIMIT = 20
MOST_WEIGHT = 1000

# Field -> the field of Choices it fills.
KINDS = {
    "blocks": "block_sizes",
    "tolerances": "tolerances",
    "limits": "limits",
    "coins": "coins",
    "minimisation": "minimisation",
}


class Compare(forms.Form):
    """`at_first` is what is compared while nothing is asked; `names` are the factors' names in the reader's language."""

    n = forms.IntegerField(
        label=gettext_lazy("People"),
        min_value=2,
        max_value=MOST_PEOPLE,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "size": 5}),
    )
    effect = forms.DecimalField(
        label=gettext_lazy("Planned difference, in standard deviations"),
        help_text=gettext_lazy("Empty: the difference that this number of people would find with a power of 80%."),
        required=False,
        min_value=0,
        max_value=5,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "size": 5}),
    )
    blocks = forms.CharField(
        label=gettext_lazy("Sizes of blocks"),
        help_text=gettext_lazy("One design after each comma; sizes that are mixed with a plus, such as 4, 6, 4+6."),
        required=False,
        max_length=60,
    )
    tolerances = forms.CharField(
        label=gettext_lazy("Tolerances of a big stick"),
        help_text=gettext_lazy("Such as 2, 3, 4."),
        required=False,
        max_length=60,
    )
    limits = forms.CharField(
        label=gettext_lazy("Limits of a block urn"),
        help_text=gettext_lazy("Such as 2, 3."),
        required=False,
        max_length=60,
    )
    coins = forms.CharField(
        label=gettext_lazy("Chances of a biased coin"),
        help_text=gettext_lazy("Of the arm that is behind, between a half and one, such as 2/3."),
        required=False,
        max_length=60,
    )
    minimisation = forms.CharField(
        label=gettext_lazy("Chances in minimisation"),
        help_text=gettext_lazy("Of the best arm, such as 0.8."),
        required=False,
        max_length=60,
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        *,
        at_first: Asked,
        ratio: Mapping[str, int],
        names: Mapping[str, str],
        **kwargs: Any,
    ) -> None:
        initial = _initial(at_first)
        # What an address does not say stands as it did at first; an empty field says that none is wanted.
        given = None if data is None else {**initial, **{name: data[name] for name in data}}
        super().__init__(given, initial=initial, **kwargs)
        self.at_first, self.ratio = at_first, ratio
        if len(ratio) != 2 or len(set(ratio.values())) > 1:
            del self.fields["tolerances"], self.fields["coins"]  # these are for two arms 1:1
        if not at_first.factors:
            del self.fields["minimisation"]
        for factor in at_first.factors:
            if len(factor.levels) > 1:
                self.fields[_shares(factor)] = _shares_field(factor, names)

    def clean(self) -> dict[str, Any]:
        """Every parameter is tried in its rule; what a rule refuses is said at its field."""
        for name, kind in KINDS.items():
            if name in self.fields and name not in self.errors:
                self._take(name, partial(self._typed, kind))
        for factor in self.at_first.factors:
            if _shares(factor) in self.fields:
                self._take(_shares(factor), partial(_weights, factor))
        return self.cleaned_data

    def _take(self, name: str, read: Callable[[str], Any]) -> None:
        try:
            self.cleaned_data[name] = read(self.cleaned_data.get(name, ""))
        except forms.ValidationError as error:
            self.add_error(name, error)

    def _typed(self, kind: str, text: str) -> tuple[Any, ...]:
        row = _row(kind, text)
        names = [factor.name for factor in self.at_first.factors]
        for value in row:
            [plan] = alternatives(self.ratio, names, Choices(**{kind: (value,)}))
            try:
                built(plan)
            except methods.BadParameter:
                raise _refused(_shown(value), self.ratio) from None
        return row

    @property
    def asked(self) -> Asked:
        """What was asked for, of a form that is valid; what stands there at first, of one that was not sent."""
        if not self.is_bound:
            return self.at_first
        given = self.cleaned_data
        choices = Choices(**{kind: given[name] for name, kind in KINDS.items() if name in self.fields})
        factors = tuple(
            Factor(factor.name, factor.levels, given.get(_shares(factor)) or factor.weights)
            for factor in self.at_first.factors
        )
        effect = given.get("effect")
        return Asked(given["n"], None if effect is None else float(effect), choices, factors)


def _initial(at_first: Asked) -> dict[str, Any]:
    rows = {name: ", ".join(map(_shown, getattr(at_first.choices, kind))) for name, kind in KINDS.items()}
    return {"n": at_first.n, "effect": at_first.effect, **rows}


def _shown(value: Any) -> str:
    return "+".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _shares(factor: Factor) -> str:
    return f"shares_{factor.name}"


def _shares_field(factor: Factor, names: Mapping[str, str]) -> forms.CharField:
    return forms.CharField(
        label=_("People expected by %(factor)s") % {"factor": names[factor.name]},
        help_text=_("%(levels)s numbers in the order of the levels, such as 3:2. Empty: as many in each.")
        % {"levels": len(factor.levels)},
        required=False,
        max_length=400,
    )


def _row(kind: str, text: str) -> tuple[Any, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) > MOST_EACH:
        raise forms.ValidationError(_("At most %(most)s of a kind.") % {"most": MOST_EACH})
    return tuple(dict.fromkeys(_value(kind, part) for part in parts))


def _value(kind: str, part: str) -> Any:
    match kind:
        case "block_sizes":
            sizes = [_whole(each.strip(), LARGEST_BLOCK) for each in part.split("+")]
            if len(sizes) > MOST_SIZES:
                raise forms.ValidationError(_("At most %(most)s sizes in one design.") % {"most": MOST_SIZES})
            return tuple(sorted(sizes))
        case "tolerances" | "limits":
            return _whole(part, LARGEST_LIMIT)
        case _:
            return _chance(part)


def _whole(part: str, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", part) or not 1 <= int(part) <= most:
        raise forms.ValidationError(
            _("“%(given)s” is not a whole number from 1 to %(most)s.") % {"given": part, "most": most}
        )
    return int(part)


def _chance(part: str) -> str:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6}|/[0-9]{1,6})?", part):
        raise forms.ValidationError(_("“%(given)s” is not a chance such as 2/3 or 0.8.") % {"given": part})
    try:
        Fraction(part)
    except ZeroDivisionError:
        raise forms.ValidationError(_("“%(given)s” is not a chance such as 2/3 or 0.8.") % {"given": part}) from None
    return part


def _weights(factor: Factor, text: str) -> tuple[int, ...] | None:
    if not text.strip():
        return None
    weights = tuple(_whole(part.strip(), MOST_WEIGHT) for part in text.split(":"))
    if len(weights) != len(factor.levels):
        raise forms.ValidationError(
            _("%(given)s numbers for %(levels)s levels: one for each, with a colon between them.")
            % {"given": len(weights), "levels": len(factor.levels)}
        )
    return weights


def _refused(given: str, ratio: Mapping[str, int]) -> forms.ValidationError:
    return forms.ValidationError(
        _("“%(given)s” does not go with the ratio %(ratio)s. Blocks hold the ratio; a chance is above an equal share.")
        % {"given": given, "ratio": ":".join(map(str, ratio.values()))}
    )
