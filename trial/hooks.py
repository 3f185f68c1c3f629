"""The lists in settings by which the bottom app reaches upward: what each is called with, and what
it answers.

Settings name the functions, so that this app imports none of those above it; here each list has its
type, and whoever calls its entries is checked against that. That the entries themselves have this
shape is a test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

import numpy as np
from django.conf import settings
from django.utils.module_loading import import_string
from pydantic import BaseModel

from trial.actors import Actor
from trial.entries import IntercurrentEvent, Mail, Outcome, Panel, Table, Task, Wait
from trial.folder import Folder, Part
from trial.models import Job, Membership, Message, Participant, ProtocolVersion, Study, User
from trial.sealed_files import Files

# Reads what it needs, in one snapshot; gives back the rest of the making, which reads nothing.
Making = Callable[[Files], Callable[[], Mapping[str, str]]]
Function = TypeVar("Function", bound=Callable[..., Any])


class Entries(Generic[Function]):
    """A list of settings, in its order."""

    def __init__(self, setting: str) -> None:
        self.setting = setting

    def __iter__(self) -> Iterator[Function]:
        return map(import_string, getattr(settings, self.setting))


class ByName(Generic[Function]):
    """A map of settings."""

    def __init__(self, setting: str) -> None:
        self.setting = setting

    def __getitem__(self, name: str) -> Function:
        return import_string(getattr(settings, self.setting)[name])

    def __iter__(self) -> Iterator[str]:
        return iter(getattr(settings, self.setting))


# A study, before anybody is in it
STUDY_SECTIONS: Entries[Callable[[Folder, Mapping[str, BaseModel]], Part]] = Entries(
    "STUDY_SECTIONS"
)
REQUIREMENTS: Entries[Callable[[Study], list[str]]] = Entries("REQUIREMENTS")
OPEN_LANGUAGES: Entries[Callable[[Study], list[str]]] = Entries("OPEN_LANGUAGES")
SIGN_OFFS: Entries[Callable[[ProtocolVersion], dict[tuple[str, str], str]]] = Entries("SIGN_OFFS")
OPENED: Entries[Callable[[Study, datetime], None]] = Entries("OPENED")
# A person's way, and what they see of it
JOURNEY: Entries[Callable[[Participant, datetime], Outcome]] = Entries("JOURNEY")
ALLOTTED: Entries[Callable[[Participant], Mapping[str, str]]] = Entries("ALLOTTED")
WAITING: Entries[Callable[[Participant], str]] = Entries("WAITING")
TODAY: Entries[Callable[[Participant, datetime], list[Task]]] = Entries("TODAY")
GRANTED: Entries[Callable[[Any, datetime], None]] = Entries(
    "GRANTED"
)  # a Grant, which few may name (a contract)
WITHDRAWAL: Entries[Callable[[Participant, datetime], None]] = Entries("WITHDRAWAL")
ERASURE: Entries[Callable[[Participant, datetime], None]] = Entries("ERASURE")
# What staff see
PANELS: Entries[Callable[[Study, User, datetime], Panel | None]] = Entries("PANELS")
PERSON_PANELS: Entries[Callable[[Participant, Study, datetime], Panel]] = Entries("PERSON_PANELS")
MONTHLY: ByName[Callable[[Study, datetime, datetime], tuple[int, int]]] = ByName("MONTHLY")
INTERCURRENT_EVENTS: Entries[
    Callable[[Study, Sequence[Participant], datetime], Iterator[IntercurrentEvent]]
] = Entries("INTERCURRENT_EVENTS")
TABLES: Entries[Callable[[Study, Actor, datetime, bool], list[Table]]] = Entries("TABLES")
# What the worker makes: begun by recording what has to stand before anything is read, and then made
# in a consistent snapshot; what is answered stands in the event.
PRODUCTS: ByName[Callable[[Job, Actor, datetime], Making]] = ByName("PRODUCTS")
ROLE_ENDED: Entries[Callable[[Membership, datetime], None]] = Entries("ROLE_ENDED")
# Mail, the worker, and rehearsals
MESSAGES: ByName[Callable[[Message, datetime], Mail | Wait | None]] = ByName("MESSAGES")
MAILED_ALIKE: ByName[Callable[[Message], bool]] = ByName("MAILED_ALIKE")
WORKER: Entries[Callable[[datetime], int]] = Entries("WORKER")
JOBS: Entries[Callable[[datetime], int]] = Entries("JOBS")
REHEARSAL: Entries[Callable[[Any, datetime, np.random.Generator], datetime | None]] = Entries(
    "REHEARSAL"
)


def code(function: Callable[..., Any]) -> str:
    """A stable name for an entry, fit to be stored: its app and its own name, not its path."""
    return f"{function.__module__.split('.')[0]}.{function.__name__}"
