"""What templates of every room need: one way to draw a field, to pick a language and to say
when.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from django import forms, template
from django.forms.boundfield import BoundField
from django.http import HttpRequest
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext

from trial import contact_details, daytime, words
from trial.entries import Destination
from trial.queries import tasks

register = template.Library()

REQUEST_KEY = "request_key"


@register.filter
def page(where: Destination) -> str:
    """The address of the page that a task leads to."""
    return tasks.page(where)


# Forms


@register.inclusion_tag("forms/field.html")
def field(bound: BoundField, layout: str = "", label: str = "", hint: str = "") -> dict[str, Any]:
    """One field with label, hint, error and widget.

    `layout` shapes radios and checkboxes: "" (stacked), "inline" (a few short ones), "long"
    (statements to agree to), "scale" (0 to 10, its ends named by the field's `low` and `high`), or
    "item" (one question of a questionnaire).
    """
    return {
        "field": bound,
        "kind": _kind(bound),
        "layout": layout,
        "label": label or bound.label,
        "hint": hint or bound.help_text,
        "low": getattr(bound.field, "low", ""),
        "high": getattr(bound.field, "high", ""),
        "messages": _messages(bound),
    }


@register.inclusion_tag("forms/fields.html")
def fields(form: forms.BaseForm) -> dict[str, Any]:
    """Every field of a form in its order, hidden ones included."""
    return {"form": form}


@register.inclusion_tag("forms/errors.html")
def errors(*some_forms: forms.BaseForm | None) -> dict[str, Any]:
    """What is still to be put right in these forms, each line a link to the field it speaks of.
    What is the same for all is said once.
    """
    found = [
        error
        for form in some_forms
        if form is not None and form.is_bound
        for error in _errors(form)
    ]
    said = {error["message"] for error in found}
    return {"errors": found, "said": said.pop() if len(found) > 1 and len(said) == 1 else ""}


@register.inclusion_tag("forms/answers.html")
def answers(items: Any, timeframe: str = "", one_at_a_time: bool = True) -> dict[str, Any]:
    """A questionnaire of radio fields that share their options: a grid on a desk, one item a screen
    on a phone.

    `items` is a form or a list of bound fields. Without JavaScript a phone shows the items under
    each other.
    """
    rows = items.visible_fields() if isinstance(items, forms.BaseForm) else list(items)
    options = [option.choice_label for option in rows[0]] if rows else []
    return {
        "rows": [{"field": row, "messages": _messages(row)} for row in rows],
        "options": options,
        "timeframe": timeframe,
        "one_at_a_time": one_at_a_time,
    }


@register.simple_tag
def request_key(source: forms.BaseForm | HttpRequest | None = None) -> SafeString:
    """The key under which a form is sent, fresh for every page that is drawn.

    Given a form or a request that was posted and is shown again, it keeps the posted key.
    """
    return format_html(
        '<input type="hidden" name="{}" value="{}">', REQUEST_KEY, _posted_key(source) or uuid4()
    )


def _posted_key(source: forms.BaseForm | HttpRequest | None) -> UUID | None:
    data = source.POST if isinstance(source, HttpRequest) else getattr(source, "data", {})
    try:
        return UUID(data.get(REQUEST_KEY, ""))
    except ValueError:
        return None


def _kind(bound: BoundField) -> str:
    """Which of the shapes in forms/field.html draws this field."""
    widget = bound.field.widget
    if widget.is_hidden:
        return "hidden"
    if isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
        return "choices"
    if isinstance(widget, forms.CheckboxInput):
        return "checkbox"
    return "group" if bound.use_fieldset else "input"


def _errors(form: forms.BaseForm) -> list[dict[str, str]]:
    general = [
        {"message": str(message), "label": "", "anchor": ""} for message in form.non_field_errors()
    ]
    return general + [
        {
            "message": message,
            "label": _lead_in(str(bound.label)),
            "anchor": "" if bound.is_hidden else _anchor(bound),
        }
        for bound in form
        for message in _messages(bound)
    ]


def _messages(bound: BoundField) -> list[str]:
    """What to do about this field. Django's own word for a blank says what is wrong, not what to
    do.
    """
    plain = forms.Field.default_error_messages["required"]
    return [
        _to_do(bound) if error.code == "required" and error.message == plain else message
        for error in bound.errors.as_data()
        for message in map(str, error.messages)
    ]


def _to_do(bound: BoundField) -> str:
    match _kind(bound):
        case "choices":
            return gettext("Choose an answer")
        case "checkbox":
            return gettext("Tick this to go on")
        case _:
            return gettext("Fill this in")


def _lead_in(label: str) -> str:
    """A field's label as the beginning of a line, short enough for a phone."""
    short = Truncator(label).words(8)
    return short if short.endswith(("?", "!", ".", ":", "…")) else f"{short}:"


def _anchor(bound: BoundField) -> str:
    """The id of what takes the focus: for a group of choices its first one."""
    return bound.id_for_label or f"{bound.auto_id}_0"


# Words


register.filter("text", words.text)
register.filter("word", words.word)


@register.filter
def when(value: datetime | None, style: str = "") -> str:
    """An aware moment as people say it in the active zone: "Mon 23 Nov, 14:00"; with "year", the
    year too.
    """
    if not value:
        return ""
    return f"{day(value, style)}, {formats.date_format(timezone.localtime(value), 'H:i')}"


@register.filter
def day(value: date | datetime | None, style: str = "") -> str:
    """A day as people say it: "Mon 23 Nov"; with "year", "Mon 23 Nov 2026"."""
    if not value:
        return ""
    local = timezone.localtime(value) if isinstance(value, datetime) else value
    pattern = f"D j {words.short_month(local)}"
    return formats.date_format(local, f"{pattern} Y" if style == "year" else pattern)


@register.filter
def tel(number: str) -> str:
    """A phone number as a link dials it: "0800-0113" becomes "08000113", and "+31 (0)20 123 4567"
    "+31201234567".
    """
    if str(number).lstrip(" (").startswith("+"):
        with suppress(contact_details.NotOneNumber):
            return contact_details.phone_number(str(number))
    return "".join(sign for sign in str(number) if sign.isdigit() or sign == "+")


@register.filter
def zone_in_words(timezone: str) -> str:
    return daytime.city(timezone)


@register.filter
def number_in_words(number: str) -> str:
    """A participant's number as people read it, with blanks."""
    return contact_details.phone_in_words(number)


@register.filter
def address_in_words(address: str) -> str:
    """An e-mail address with its domain as people know it."""
    return contact_details.email_in_words(address)


@register.filter
def named(who: str, names: Mapping[str, str]) -> str:
    """The name of somebody of the staff, or the actor as the trail has it."""
    return names.get(who, who)
