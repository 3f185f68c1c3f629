"""A rule's name, with or without the parameters that are sealed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

NAMES: dict[str, str | Promise] = {
    "complete": gettext_lazy("complete randomisation"),
    "random_allocation": gettext_lazy("random allocation rule"),
    "permuted_blocks": gettext_lazy("permuted blocks"),
    "block_urn": gettext_lazy("block urn"),
    "big_stick": gettext_lazy("big stick"),
    "efron": gettext_lazy("biased coin (Efron)"),
    "chen": gettext_lazy("biased coin with a tolerance (Chen)"),
    "wei": gettext_lazy("urn (Wei)"),
    "smith": gettext_lazy("generalised biased coin (Smith)"),
    "maximal": gettext_lazy("maximal procedure"),
    "minimisation": gettext_lazy("minimisation"),
    "hu_hu": gettext_lazy("covariate-adaptive randomisation (Hu and Hu)"),
    "hierarchical": gettext_lazy("hierarchical dynamic balancing"),
}
# Parameters with a word of their own; those of one letter are called by it, as in the papers.
WORDS: dict[str, str | Promise] = {
    "tolerance": gettext_lazy("tolerance"),
    "limit": gettext_lazy("limit"),
    "n": gettext_lazy("list of"),
    "rho": "ρ =",
    "p": "p =",
    "q": "q =",
    "t": "t =",
    "a": "a =",
    "b": "b =",
}


def name(method: str) -> str:
    return str(NAMES.get(method, method))


def in_full(plan: Mapping[str, Any]) -> str:
    """With its parameters. For whoever may see them."""
    if plan["method"] == "permuted_blocks":
        return _("blocks of %(sizes)s") % {
            "sizes": listed([str(size) for size in plan["block_sizes"]])
        }
    given = [f"{WORDS[key]} {plan[key]}" for key in WORDS if plan.get(key) is not None]
    return ", ".join([name(plan["method"]), *given])


def restriction(plan: Mapping[str, Any]) -> str:
    """What a protocol says: the kind of restriction, without sizes, tolerances or chances."""
    if plan["method"] == "permuted_blocks" and len(plan["block_sizes"]) > 1:
        return _("permuted blocks of varying size")
    return name(plan["method"])


def ratio(shares: Mapping[str, int]) -> str:
    return ":".join(map(str, shares.values()))


def listed(words: Sequence[str]) -> str:
    """a, b and c."""
    if len(words) < 2:
        return "".join(words)
    return _("%(first)s and %(last)s") % {"first": ", ".join(words[:-1]), "last": words[-1]}
