"""The randomisation as a protocol describes it: SPIRIT 2025 items 21a, 21b, 22 and 23, which a
report repeats under CONSORT 2025 items 17a, 17b, 18 and 19. SPIRIT asks that the details of a
restriction stand in a document that is not available to those who enrol or assign, so no sentence
of the text holds a block size, a tolerance or a chance: they are in the annex.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from randomisation.sentences import rules

OF_EVERYBODY = frozenset(
    {"method", "ratio", "strata", "cluster", "chosen_here"}
)  # the rest of a plan is sealed


@dataclass(frozen=True)
class Described:
    """What the text speaks of; names are given in the language of the text."""

    title: str
    version: int
    sha256: str
    plan: Mapping[str, Any]  # whole; only its kind is told outside the annex
    arms: tuple[str, ...]
    factors: tuple[tuple[str, int], ...]  # name, number of levels
    n: int
    commitment: str = ""
    forced: int = 0  # how many may be given an arm by hand
    stages: int = 0  # at which people are randomised again


@dataclass(frozen=True)
class Item:
    spirit: str
    consort: str
    title: str
    text: str


def items(of: Described) -> list[Item]:
    """In the active language."""
    return [
        Item("21a", "17a", _("Sequence generation: who and how"), " ".join(_generation(of))),
        Item(
            "21b", "17b", _("Sequence generation: type and restriction"), " ".join(_restriction(of))
        ),
        Item("22", "18", _("Allocation concealment mechanism"), " ".join(_concealment())),
        Item("23", "19", _("Implementation"), " ".join(_implementation(of))),
    ]


def as_text(of: Described, language: str, kind: str) -> str:
    """The whole text, plain ("txt") or with headings ("md")."""
    with override(language):
        heading = _("Randomisation: %(title)s") % {"title": of.title}
        parts = [f"# {heading}" if kind == "md" else heading]
        for item in items(of):
            label = _(
                "%(title)s (SPIRIT 2025 item %(spirit)s; CONSORT 2025 item %(consort)s)"
            ) % vars(item)
            parts.append(f"## {label}\n\n{item.text}" if kind == "md" else f"{label}\n{item.text}")
        return "\n\n".join(parts) + "\n"


def annex(of: Described, language: str) -> str:
    """What the text leaves out. Sealed: not for anybody who enrols people or delivers an arm."""
    with override(language):
        sealed = {key: value for key, value in of.plan.items() if key not in OF_EVERYBODY}
        lines = [
            _("Sealed annex to the protocol: %(title)s") % {"title": of.title},
            _(
                "Not to be shown to anybody who enrols people, assesses them or delivers an arm, "
                "before enrolment has ended. "
                "Keep it apart from the protocol."
            ),
            _("Protocol version %(version)s, SHA-256 %(sha256)s")
            % {"version": of.version, "sha256": of.sha256},
            _("Rule: %(rule)s") % {"rule": rules.in_full(of.plan)},
            _("Ratio: %(ratio)s (%(arms)s)")
            % {"ratio": rules.ratio(of.plan["ratio"]), "arms": ", ".join(of.arms)},
            *(
                f"{key}: {json.dumps(value, ensure_ascii=False)}"
                for key, value in sorted(sealed.items())
            ),
        ]
        return "\n\n".join(lines) + "\n"


def _generation(of: Described) -> Iterator[str]:
    yield _(
        "The trial platform (Handvat) generates the allocation sequence; no person does. When the "
        "study opens, the platform "
        "takes a secret number of 32 bytes, the seed, from the random generator of the operating "
        "system, encrypts it, and "
        "records the SHA-256 hash of it, the commitment, before the first participant is "
        "randomised."
    )
    if of.commitment:
        yield _("The commitment is %(commitment)s.") % {"commitment": of.commitment}
    yield _(
        "Every allocation is drawn from this seed and the number of the draw, by HMAC-SHA-256 and "
        "in whole numbers, so that "
        "nobody chooses a sequence and, once the seed is disclosed, every draw can be repeated."
    )


def _restriction(of: Described) -> Iterator[str]:
    yield _("Participants are allocated to %(arms)s in the ratio %(ratio)s by %(restriction)s.") % {
        "arms": rules.listed(of.arms),
        "ratio": rules.ratio(of.plan["ratio"]),
        "restriction": rules.restriction(of.plan),
    }
    yield from _factors(of)
    if of.plan.get("cluster"):
        yield _(
            "People of one cluster are allocated together: the first is drawn, the others get the "
            "same arm."
        )
    if set(of.plan) - OF_EVERYBODY:
        yield _(
            "The details of the restriction stand in a separate, sealed annex that is not "
            "available to those who enrol "
            "participants or deliver an arm."
        )


def _factors(of: Described) -> Iterator[str]:
    named = [
        ngettext("%(name)s (%(levels)s level)", "%(name)s (%(levels)s levels)", levels)
        % {"name": name, "levels": levels}
        for name, levels in of.factors
    ]
    if not named:
        yield _("The allocation is not stratified.")
    elif of.plan.get("factors"):
        yield _("The arms are balanced over %(factors)s.") % {"factors": rules.listed(named)}
    else:
        yield _(
            "The allocation is stratified by %(factors)s, with a sequence of its own in every "
            "stratum."
        ) % {"factors": rules.listed(named)}


def _concealment() -> Iterator[str]:
    yield _(
        "The platform conceals the allocation. An arm is drawn only after eligibility, consent and "
        "the questions at baseline "
        "are complete and stored, and the draw is stored in the same step, before anybody is told."
    )
    yield _(
        "The seed and the details of the restriction are kept encrypted under keys outside the "
        "database, and no page, "
        "message or export shows which arm comes next. An allocation is never changed or removed."
    )


def _implementation(of: Described) -> Iterator[str]:
    yield _(
        "Participants enrol through the platform, which applies the criteria, takes consent and "
        "assigns the arm when the "
        "questions at baseline are complete."
    )
    if of.forced:
        yield ngettext(
            "Otherwise than in at most %(number)s case, in which two members of the team give an "
            "arm by hand, with a reason "
            "that is kept, no member of the team takes part in assigning; such an allocation "
            "counts as not randomised.",
            "Otherwise than in at most %(number)s cases, in which two members of the team give an "
            "arm by hand, with a reason "
            "that is kept, no member of the team takes part in assigning; such an allocation "
            "counts as not randomised.",
            of.forced,
        ) % {"number": of.forced}
    else:
        yield _("No member of the team takes part in assigning.")
    if of.stages:
        yield ngettext(
            "At %(number)s later stage people are randomised again in the same way, each stage "
            "from draws of its own.",
            "At %(number)s later stages people are randomised again in the same way, each stage "
            "from draws of its own.",
            of.stages,
        ) % {"number": of.stages}
