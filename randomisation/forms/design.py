"""What to compare a design with. A form of questions alone: nothing of it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from randomisation.assessment import Factor
from randomisation.queries import asking
from randomisation.queries.comparison import Asked


class Compare(forms.Form):
    """`at_first` is what is compared while nothing is asked; `names` are the factors' names in the
    reader's language.
    """

    n = forms.CharField(
        label=gettext_lazy("People"),
        max_length=10,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "size": 5}),
    )
    effect = forms.CharField(
        label=gettext_lazy("Planned difference, in standard deviations"),
        help_text=gettext_lazy(
            "Empty: the difference that this number of people would find with a power of 80%."
        ),
        required=False,
        max_length=10,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "size": 5}),
    )
    blocks = forms.CharField(
        label=gettext_lazy("Sizes of blocks"),
        help_text=gettext_lazy(
            "One design after each comma; sizes that are mixed with a plus, such as 4, 6, 4+6."
        ),
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
        initial = asking.written(at_first)
        # What an address does not say stands as it did at first; an empty field says that none is
        # wanted.
        given = None if data is None else {**initial, **{name: data[name] for name in data}}
        super().__init__(given, initial=initial, **kwargs)
        self.at_first, self.ratio = at_first, ratio
        for name in asking.KINDS.keys() - asking.kinds(at_first, ratio):
            del self.fields[name]
        for name, factor in asking.weighted(at_first).items():
            self.fields[name] = _shares_field(factor, names)

    def clean(self) -> dict[str, Any]:
        """Every parameter is tried in its rule; what a rule refuses is said at its field."""
        for name in asking.names(self.at_first, self.ratio):
            if name in self.errors:
                continue
            try:
                text = self.cleaned_data.get(name, "")
                self.cleaned_data[name] = asking.value(name, text, self.at_first, self.ratio)
            except asking.Unreadable as error:
                self.add_error(name, error.words)
        return self.cleaned_data

    @property
    def asked(self) -> Asked:
        """What was asked for, of a form that is valid; what stands there at first, of one that was
        not sent.
        """
        return asking.asked(self.at_first, self.cleaned_data) if self.is_bound else self.at_first


def _shares_field(factor: Factor, names: Mapping[str, str]) -> forms.CharField:
    return forms.CharField(
        label=_("People expected by %(factor)s") % {"factor": names[factor.name]},
        help_text=_(
            "%(levels)s numbers in the order of the levels, such as 3:2. Empty: as many in each."
        )
        % {"levels": len(factor.levels)},
        required=False,
        max_length=400,
    )
