"""Each caution in a sentence that says what to do. Without figures it gives away nothing that is
sealed.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from randomisation.assessment import Caution
from randomisation.sentences.numbers import figure


def in_full(caution: Caution) -> str:
    """With its figures. For whoever may see what they follow from."""
    figures = {name: _number(name, value) for name, value in caution.figures.items()}
    return _with_figures(caution.code) % figures


def in_short(caution: Caution) -> str:
    match caution.code:
        case "strata_below_block":
            return _(
                "There are fewer people to a stratum than one block holds: many blocks stay "
                "unfinished."
            )
        case "ratio_not_kept":
            return _("The ratio is not kept at every step.")
        case "many_strata":
            return _("With so many strata the arms drift apart overall.")
        case "predictable":
            return _("The next arm can be guessed too often by who knows whom went before.")
        case "few_at_a_site":
            return _("Some sites have few people.")
        case "list_short":
            return _("The list may be shorter than the number of people.")
        case _:
            return _("Many allocations are certain for who knows the rule and whom went before.")


def _with_figures(code: str) -> str:
    match code:
        case "strata_below_block":
            return _(
                "%(n)s people over %(strata)s strata are about %(expected)s in each, less than one "
                "block of %(block)s: many "
                "blocks stay unfinished. Use smaller blocks, fewer strata, or minimisation."
            )
        case "ratio_not_kept":
            return _(
                "The ratio is not kept at every step: the chance of an arm is off by up to %(off)s "
                "percentage points, which "
                "biases the comparison. Use blocks, or minimisation over fake arms."
            )
        case "many_strata":
            return _(
                "Over %(strata)s strata the arms differ by %(imbalance)s people overall at the "
                "end, on average; in one "
                "stratum it would be %(alone)s. Every stratum adds its own remainder: use fewer "
                "strata, or minimisation."
            )
        case "predictable":
            return _(
                "Somebody who knows whom went before, as at a site of an open-label trial, guesses "
                "%(correct)s%% of the arms "
                "right; knowing nothing, %(blindly)s%%. Larger blocks, or a big stick for two arms "
                "1:1, are harder to guess."
            )
        case "few_at_a_site":
            return _(
                "At %(sites)s sites fewer than %(below)s people are expected. With few people at a "
                "site the arms there are "
                "easily remembered, and easily unequal."
            )
        case "list_short":
            return _(
                "The list ends before the study does: about %(left)s of %(n)s people would find no "
                "place. Make it longer "
                "than the largest stratum may become."
            )
        case _:
            return _(
                "%(certain)s%% of the allocations are certain for who knows the rule and whom went "
                "before. Blocks of several "
                "sizes, or a big stick with a wider tolerance, leave more to chance."
            )


PER_CENT = frozenset({"off", "correct", "blindly", "certain"})
WHOLE = frozenset({"n", "strata", "block", "sites", "below"})


def _number(name: str, value: float) -> str:
    if name in WHOLE:
        return figure(int(value), 0)
    return figure(100 * value if name in PER_CENT else value, 1)
