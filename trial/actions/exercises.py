"""What is written in an exercise, judged as a plain value.

A text is a text, a checklist the numbers of the options ticked from 0, a scale a number from 0 to
10 or None, a plan what, when and where.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from trial.accepted import check
from trial.sections.programme import PLAN_PARTS, Block

LONGEST_TEXT = 10_000  # as a browser counts; it sends two signs for each new line
HIGHEST = 10
EMPTY: dict[str, Any] = {
    "text": "",
    "checklist": [],
    "scale": None,
    "plan": dict.fromkeys(PLAN_PARTS, ""),
}


def accepted(block: Block, value: Any, stored: Any = None) -> Any:
    """The value as it is kept; a part of a plan that does not come along stays as it is stored.

    Raises NotAccepted, about `value`.
    """
    check({"value": _fault(block, value)})
    match block.exercise:
        case "plan":
            before = stored or EMPTY["plan"]
            return {part: value.get(part, before.get(part, "")).strip() for part in PLAN_PARTS}
        case "checklist":
            return sorted(set(value))
        case "text":
            return value.strip()
        case _:
            return value


def _fault(block: Block, value: Any) -> str | None:
    match block.exercise, value:
        case ("text", str()):
            return _fault_of_text(value)
        case ("checklist", list()) if all(type(each) is int for each in value):
            return None if _are_options(block, value) else _("Choose one of the answers")
        case ("scale", None):
            return None
        case ("scale", int()) if not isinstance(value, bool):
            return None if 0 <= value <= HIGHEST else _("Choose one of the answers")
        case ("plan", Mapping()) if _is_plan(value):
            return next(filter(None, map(_fault_of_text, value.values())), None)
    return _("This is not what is kept of this exercise: %(kind)s.") % {"kind": block.exercise}


def _are_options(block: Block, numbers: list[int]) -> bool:
    return all(0 <= number < len(block.options) for number in numbers)


def _is_plan(value: Mapping[Any, Any]) -> bool:
    return set(value) <= set(PLAN_PARTS) and all(isinstance(text, str) for text in value.values())


def _fault_of_text(text: str) -> str | None:
    if len(text) > 2 * LONGEST_TEXT:
        return _("Write at most %(most)s characters") % {"most": LONGEST_TEXT}
    return _("Leave out the signs that cannot be read") if "\0" in text else None
