"""What several endpoints answer with. A serializer only describes and reads; what may be shown is
decided before.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.urls import reverse
from rest_framework import serializers

from trial.actions import journey
from trial.entries import Task
from trial.languages import in_language
from trial.models import Job, Participant


class TaskShape(serializers.Serializer):
    kind = serializers.CharField(help_text="join, questionnaire, lesson or call.")
    title = serializers.CharField()
    lead = serializers.CharField()
    code = serializers.CharField()
    opens_at = serializers.DateTimeField(allow_null=True)
    is_latest = serializers.BooleanField(help_text="opens_at is the latest day: it may be sooner.")
    due_at = serializers.DateTimeField(allow_null=True)
    minutes = serializers.IntegerField(allow_null=True)
    endpoint = serializers.SerializerMethodField()

    def get_endpoint(self, task: Task) -> str | None:
        """Where the API goes on with a task; None for one that asks nothing, such as a call."""
        if task.leads_to is None:
            return None
        room = "join_" if task.leads_to.audience == "join" else ""
        return reverse(f"api:{room}{task.leads_to.name}", args=task.leads_to.arguments)


def facts(shape: type[serializers.Serializer], found: Any) -> dict[str, Any]:
    """Whatever `found` has under the names that `shape` describes."""
    names = shape().fields.keys()  # typed, where the fields themselves are not
    return {name: getattr(found, name) for name in names if hasattr(found, name)}


class Page(serializers.Serializer):
    """One page of a list; what is in `results` is for each list to say."""

    count = serializers.IntegerField()
    page = serializers.IntegerField()
    pages = serializers.IntegerField()


class JobShape(serializers.Serializer):
    number = serializers.IntegerField(source="pk")
    kind = serializers.ChoiceField(choices=[Job.BLINDED, Job.BY_ARM])
    language = serializers.CharField()
    state = serializers.CharField(help_text="requested, made, failed or removed")
    failure = serializers.CharField(
        allow_blank=True, help_text="Why it failed, as a code; no_room: the disk is full."
    )
    requested_at = serializers.DateTimeField()
    made_at = serializers.DateTimeField(allow_null=True)
    snapshot_hash = serializers.CharField(allow_blank=True)
    seal = serializers.CharField(
        allow_blank=True, help_text="The newest seal of the audit trail when it was made."
    )


class JobPage(Page):
    results = JobShape(many=True)


class TextShape(serializers.Serializer):
    name = serializers.CharField()
    text = serializers.CharField()


class CrisisLineShape(serializers.Serializer):
    name = serializers.CharField()
    numbers = serializers.ListField(child=serializers.CharField())
    hours = serializers.CharField()
    text = serializers.CharField()
    web = serializers.CharField(allow_null=True)
    checked_on = serializers.DateField()


class HelpShape(serializers.Serializer):
    crisis_lines = CrisisLineShape(many=True)
    people = TextShape(many=True)


class TurnedAwayShape(serializers.Serializer):
    words = serializers.CharField(help_text="Kind words; never a score or a limit.")
    may_correct = serializers.BooleanField(
        help_text="It was an answer to a question, which can be corrected once."
    )
    help = HelpShape()


class ProgressShape(serializers.Serializer):
    """Where somebody is on the way in, and what is asked next."""

    participant = serializers.CharField()
    state = serializers.CharField()
    next = TaskShape(allow_null=True)
    turned_away = TurnedAwayShape(allow_null=True)


def progress(person: Participant, at: datetime) -> dict[str, Any]:
    """Move the person on, and say where they are then."""
    ask = journey.advance(person, at)
    person.refresh_from_db()
    is_excluded = person.state == "excluded"
    return {
        "participant": person.code,
        "state": person.state,
        "next": ask.task if ask else None,
        "turned_away": _turned_away(person) if is_excluded else None,
    }


def _turned_away(person: Participant) -> dict[str, Any]:
    return {
        "words": _kind_words(person),
        "may_correct": bool(person.correctable),
        "help": help_for(person),
    }


def _kind_words(person: Participant) -> str:
    criterion = person.version.protocol.criterion(person.left_reason)
    return in_language(criterion.turned_away, person.language) if criterion else ""


def help_for(person: Participant) -> dict[str, Any]:
    return help_now(person.version.protocol, person.language)


def help_now(protocol: Any, language: str) -> dict[str, Any]:
    return {
        "crisis_lines": [
            {
                "name": line.name,
                "numbers": list(line.numbers),
                "hours": in_language(line.hours, language),
                "text": in_language(line.text, language),
                "web": line.web,
                "checked_on": line.checked_on,
            }
            for line in protocol.crisis_lines
        ],
        "people": [
            {"name": in_language(each.name, language), "text": in_language(each.text, language)}
            for each in protocol.help
        ],
    }


class OptionShape(serializers.Serializer):
    code = serializers.CharField()
    text = serializers.CharField()


class QuestionShape(serializers.Serializer):
    code = serializers.CharField()
    kind = serializers.CharField(help_text="number, choice or site.")
    text = serializers.CharField()
    min = serializers.FloatField(allow_null=True)
    max = serializers.FloatField(allow_null=True)
    options = OptionShape(many=True)


def questions(person: Participant, codes: Iterable[str]) -> list[dict[str, Any]]:
    """Questions of the study in the person's language; where the kind is site, the options are the
    sites.
    """
    protocol = person.version.protocol
    sites = [{"code": site.code, "text": site.name} for site in protocol.sites]
    found = [each for each in map(protocol.question, codes) if each]
    return [
        {
            "code": each.code,
            "kind": each.kind,
            "text": in_language(each.text, person.language),
            "min": each.min,
            "max": each.max,
            "options": sites
            if each.kind == "site"
            else [
                {"code": option.code, "text": in_language(option.text, person.language)}
                for option in each.options
            ],
        }
        for each in found
    ]
