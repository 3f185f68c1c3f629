"""What is sealed under the master keys, wherever it stands, and which of the keys opens it: read as
it stands, never opened for anybody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core import signing
from django.db import models
from django.db.models.functions import Cast

from trial import facts, vault
from trial.models import Stamp

NEWEST, OLDER, NO_KEY, OF_A_PERSON = "newest", "older", "no key", "of a person"
BATCH = 200  # rows


@dataclass(frozen=True)
class Place:
    """A column that may hold what is sealed under the master keys."""

    model: type[models.Model]
    name: str
    way: str = ""  # to the person whose key seals it, where there is one

    def __str__(self) -> str:
        return f"{facts.label(self.model)}.{self.name}"

    def batches(self, size: int = BATCH) -> Iterator[list[tuple[Any, str, bool]]]:
        """Number, the column as it stands, and whether the row is about somebody; by number, empty
        ones left out.
        """
        about: Any = (
            models.F(f"{self.way}__pk")
            if self.way
            else models.Value(None, output_field=models.IntegerField())
        )
        # Cast, so that a field that opens what it reads gives it sealed.
        rows = self.model._base_manager.annotate(
            _stored=Cast(self.name, models.TextField()), _about=about
        )
        rows = rows.exclude(_stored="").exclude(_stored=None).order_by("pk")
        after: dict[str, Any] = {}
        while found := list(rows.filter(**after).values_list("pk", "_stored", "_about")[:size]):
            yield [(number, stored, person is not None) for number, stored, person in found]
            after = {"pk__gt": found[-1][0]}

    def token(self, stored: str) -> str:
        return stored

    def stored(self, token: str) -> str:
        """What is to stand there for a token that was sealed anew."""
        return token

    def standing(self, stored: str, is_about_somebody: bool) -> str:
        token = self.token(stored)
        if vault.opens(token, newest_alone=True):
            return NEWEST
        if vault.opens(token):
            return OLDER
        return OF_A_PERSON if self.way and is_about_somebody else NO_KEY


class Sessions(Place):
    """Django's sessions: a sealed text within a signed one."""

    def token(self, stored: str) -> str:
        try:
            return signing.loads(stored, salt=_salt(), serializer=vault.UnopenedSerializer)
        except signing.BadSignature:  # nobody's any more: of another secret key
            return ""

    def stored(self, token: str) -> str:
        return signing.dumps(
            token, salt=_salt(), serializer=vault.UnopenedSerializer, compress=True
        )


def places() -> list[Place]:
    """Every such column but the stamp's, which tells that a rotation is over."""
    found = [
        Place(model, name, way)
        for model in apps.get_models()
        if model is not Stamp and not model._meta.proxy
        for name, way in facts.under_master(model).items()
    ]
    return [*found, Sessions(Session, "session_data")]


def stamp() -> Place:
    return Place(Stamp, "marker_sealed")


def standings(place: Place) -> Counter[str]:
    return Counter(
        place.standing(stored, is_about)
        for batch in place.batches()
        for _, stored, is_about in batch
    )


def is_rotated() -> bool:
    """Whether everything was sealed under the newest key when keys were rotated last, or from the
    beginning.
    """
    return standings(stamp()).keys() == {NEWEST}


def _salt() -> str:
    return import_module(settings.SESSION_ENGINE).SessionStore().key_salt
