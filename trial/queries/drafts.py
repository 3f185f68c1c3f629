"""What somebody typed and has not sent, for nobody but them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from trial import actors, vault
from trial.models import Draft, Participant, RequestKey, User

SEPARATOR = ":"


@dataclass(frozen=True)
class Typed:
    """`fields` maps a name to `was` (as the page was drawn) and `value`, lists of texts both."""

    # the address it is sent to, which can be opened too; behind # what tells it from others sent
    # there
    form: str
    title: str
    fields: dict[str, dict[str, list[str]]]

    @property
    def changed(self) -> dict[str, dict[str, list[str]]]:
        return {name: each for name, each in self.fields.items() if each["was"] != each["value"]}


def place(user: User, form: str) -> str:
    """Where the draft of a form is kept: the same for this person and form each time, and it tells
    neither.
    """
    return vault.keyed_hash("draft", f"{user.pk}|{form}")[:40]


def about_token(user: User, code: str) -> str:
    """Lets this person keep what they type about this participant under that participant's key."""
    return f"{code}{SEPARATOR}{vault.keyed_hash('about', f'{user.pk}|{code}')[:32]}"


def about(user: User, token: str) -> Participant | None:
    """Whom the form is about: participants themselves, or whoever a page of theirs named to
    staff.
    """
    people = Participant.objects.select_related("key")
    own = people.filter(user=user).first()
    code = token.partition(SEPARATOR)[0]
    return own or (
        people.filter(code=code).first() if code and token == about_token(user, code) else None
    )


def read(draft: Draft) -> Typed:
    sealed = draft.text_sealed
    return Typed(
        **json.loads(draft.about.unsealed(sealed) if draft.about else vault.unseal(sealed))
    )


def find(user: User, form: str) -> Draft | None:
    return (
        Draft.objects.filter(owner=user, place=place(user, form))
        .select_related("about__key")
        .first()
    )


def of(user: User) -> Iterable[Draft]:
    """Everything this person has typed and not sent, the newest first."""
    return Draft.objects.filter(owner=user).select_related("about__key").order_by("-saved_at")


def is_sent(user: User, key: str, participant: Participant | None = None) -> bool:
    """Whether a form with this request key has done what it was for."""
    people = [
        str(actors.staff(user.pk)),
        *([str(actors.participant(participant.code))] if participant else []),
    ]
    return bool(key) and RequestKey.objects.filter(person__in=people, key=key).exists()


def shown(draft: Draft) -> dict[str, Any]:
    typed = read(draft)
    return {"fields": typed.changed, "key": draft.request_key, "sequence": draft.sequence}
