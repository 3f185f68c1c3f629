"""What somebody wants a design compared with, as they write it: `4, 6, 4+6` for sizes of blocks.

Every parameter is tried in its rule, so that what a rule refuses is said where it was written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from django.utils.translation import gettext as _

from randomisation import methods
from randomisation.assessment import Choices, Factor, alternatives
from randomisation.assessment.comparing import built
from randomisation.queries.comparison import Asked
from trial.accepted import check

LEAST_PEOPLE, MOST_PEOPLE = 2, 1000
MOST_EACH = 4  # alternatives of one kind
LARGEST_BLOCK, MOST_SIZES = 24, 3
LARGEST_LIMIT = 20
MOST_WEIGHT = 1000
LARGEST_EFFECT = 5

# What is written -> the field of Choices it fills.
KINDS = {
    "blocks": "block_sizes",
    "tolerances": "tolerances",
    "limits": "limits",
    "coins": "coins",
    "minimisation": "minimisation",
}
FOR_TWO_EQUAL_ARMS = ("tolerances", "coins")


class Unreadable(Exception):
    """`words` say what is wrong with what was written."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


def names(at_first: Asked, ratio: Mapping[str, int]) -> list[str]:
    """Everything that can be said of what to compare this design with."""
    return ["n", "effect", *kinds(at_first, ratio), *weighted(at_first)]


def kinds(at_first: Asked, ratio: Mapping[str, int]) -> list[str]:
    """What this design can be compared with."""
    are_two_equal = len(ratio) == 2 and len(set(ratio.values())) == 1
    without = () if are_two_equal else FOR_TWO_EQUAL_ARMS
    return [
        name
        for name in KINDS
        if name not in without and (name != "minimisation" or at_first.factors)
    ]


def weighted(at_first: Asked) -> dict[str, Factor]:
    """The factors whose levels can be said to be unequally common, by the name of the value."""
    return {
        f"shares_{factor.name}": factor for factor in at_first.factors if len(factor.levels) > 1
    }


def written(at_first: Asked) -> dict[str, str]:
    """What stands there at first, as somebody would write it."""
    effect = "" if at_first.effect is None else f"{at_first.effect:g}"
    rows = {
        name: ", ".join(map(_shown, getattr(at_first.choices, kind)))
        for name, kind in KINDS.items()
    }
    return {"n": str(at_first.n), "effect": effect, **rows}


def read(at_first: Asked, ratio: Mapping[str, int], given: Mapping[str, str]) -> Asked:
    """What was asked for; what is not given stands as it did at first. Raises NotAccepted, with
    every fault at once.
    """
    texts = {**written(at_first), **given}
    values, faults = {}, {}
    for name in names(at_first, ratio):
        try:
            values[name] = value(name, texts.get(name, ""), at_first, ratio)
        except Unreadable as error:
            faults[name] = error.words
    check(faults)
    return asked(at_first, values)


def asked(at_first: Asked, values: Mapping[str, Any]) -> Asked:
    """Of values that were read."""
    choices = Choices(**{kind: values[name] for name, kind in KINDS.items() if name in values})
    factors = tuple(
        Factor(factor.name, factor.levels, values.get(f"shares_{factor.name}") or factor.weights)
        for factor in at_first.factors
    )
    return Asked(values["n"], values.get("effect"), choices, factors)


def value(name: str, text: str, at_first: Asked, ratio: Mapping[str, int]) -> Any:
    """The number of people, the effect, the parameters of one kind, or the weights of one factor.
    Raises Unreadable.
    """
    if name == "n":
        return _people(text)
    if name == "effect":
        return _effect(text)
    if name not in KINDS:
        return _weights(weighted(at_first)[name], text)
    kind, factors = KINDS[name], [factor.name for factor in at_first.factors]
    row = _row(kind, text)
    for each in row:
        [plan] = alternatives(ratio, factors, Choices(**{kind: (each,)}))
        try:
            built(plan)
        except methods.BadParameter:
            raise _refused(_shown(each), ratio) from None
    return row


def _people(text: str) -> int:
    if (
        not re.fullmatch(r"[0-9]{1,4}", text.strip())
        or not LEAST_PEOPLE <= int(text) <= MOST_PEOPLE
    ):
        raise Unreadable(
            _("Write a whole number from %(least)s to %(most)s.")
            % {"least": LEAST_PEOPLE, "most": MOST_PEOPLE}
        )
    return int(text)


def _effect(text: str) -> float | None:
    if not text.strip():
        return None
    if not re.fullmatch(r"[0-9]{1,2}([.,][0-9]{1,6})?", text.strip()):
        raise Unreadable(_("Write a number such as 0.5."))
    effect = float(text.replace(",", "."))
    if effect > LARGEST_EFFECT:
        raise Unreadable(_("Write a number of at most %(limit)g") % {"limit": LARGEST_EFFECT})
    return effect


def _shown(parameter: Any) -> str:
    return "+".join(map(str, parameter)) if isinstance(parameter, tuple) else str(parameter)


def _row(kind: str, text: str) -> tuple[Any, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) > MOST_EACH:
        raise Unreadable(_("At most %(most)s of a kind.") % {"most": MOST_EACH})
    return tuple(dict.fromkeys(_parameter(kind, part) for part in parts))


def _parameter(kind: str, part: str) -> Any:
    match kind:
        case "block_sizes":
            sizes = [_whole(each.strip(), LARGEST_BLOCK) for each in part.split("+")]
            if len(sizes) > MOST_SIZES:
                raise Unreadable(_("At most %(most)s sizes in one design.") % {"most": MOST_SIZES})
            return tuple(sorted(sizes))
        case "tolerances" | "limits":
            return _whole(part, LARGEST_LIMIT)
        case _:
            return _chance(part)


def _whole(part: str, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", part) or not 1 <= int(part) <= most:
        raise Unreadable(
            _("“%(given)s” is not a whole number from 1 to %(most)s.")
            % {"given": part, "most": most}
        )
    return int(part)


def _chance(part: str) -> str:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6}|/[0-9]{1,6})?", part):
        raise Unreadable(_("“%(given)s” is not a chance such as 2/3 or 0.8.") % {"given": part})
    try:
        Fraction(part)
    except ZeroDivisionError:
        raise Unreadable(
            _("“%(given)s” is not a chance such as 2/3 or 0.8.") % {"given": part}
        ) from None
    return part


def _weights(factor: Factor, text: str) -> tuple[int, ...] | None:
    if not text.strip():
        return None
    weights = tuple(_whole(part.strip(), MOST_WEIGHT) for part in text.split(":"))
    if len(weights) != len(factor.levels):
        raise Unreadable(
            _("%(given)s numbers for %(levels)s levels: one for each, with a colon between them.")
            % {"given": len(weights), "levels": len(factor.levels)}
        )
    return weights


def _refused(given: str, ratio: Mapping[str, int]) -> Unreadable:
    return Unreadable(
        _(
            "“%(given)s” does not go with the ratio %(ratio)s. Blocks hold the ratio; a chance is "
            "above an equal share."
        )
        % {"given": given, "ratio": ":".join(map(str, ratio.values()))}
    )
