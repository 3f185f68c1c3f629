"""The codes of exceptions in the reader's words."""

from collections.abc import Mapping

from django import template
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from randomisation.models import CodeBreak, Switch
from randomisation.queries import dashboard
from randomisation.words import KINDS, LEVELS, VERDICTS, reason_word

register = template.Library()


@register.filter
def reason(code: str, what: str) -> str | Promise:
    """Why, in words: `each.reason|reason:"correction"`."""
    return reason_word(what, code)


@register.filter
def kind(code: str) -> str | Promise:
    return KINDS.get(code, code)


@register.filter
def verdict(code: str) -> str | Promise:
    return VERDICTS.get(code, code)


@register.filter
def how(code_break: CodeBreak) -> str:
    return dashboard.how(code_break)


@register.filter
def place(switch: Switch) -> SafeString | str:
    """Which part of the randomisation a switch is about."""
    said = str(LEVELS[switch.level]).partition(":")[0]
    where = switch.target or (switch.point if switch.level == "point" else "")
    return format_html('{} <span class="code">{}</span>', said, where) if where else said


@register.filter
def pairs(values: Mapping[str, str]) -> str:
    """`sex = m, site = north`, in order of the factor."""
    return ", ".join(f"{factor} = {value}" for factor, value in sorted(values.items())) or gettext(
        "none"
    )
