"""coaching.yaml: what a coach is to do, in each protocol that an arm is granted."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from trial import week
from trial.folder import (
    Code,
    Count,
    Days,
    Entry,
    Folder,
    Line,
    Part,
    Problem,
    Source,
    Text,
    parse,
    unknown,
)
from trial.sections import Study, languages_of
from trial.sections.checks import repeated

FILE = "coaching.yaml"
A_WEEK = [
    date(2024, 1, 1) + timedelta(days=number) for number in range(7)
]  # any seven days in a row
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Contacts(Entry):
    """Contact n is due `first_day` + (n - 1) * `every_days` days after the grant, and may be held
    for `window` days. Both the day and the window count `weekdays` alone, where they are named.
    """

    count: Annotated[int, Field(ge=1, le=200)]
    first_day: Days
    every_days: Count
    window: Annotated[int, Field(ge=1, le=366)]
    weekdays: tuple[Weekday, ...] = ()

    def windows(self, apart: int = 0) -> list[list[date]]:
        """The days of a call for each weekday on which it can fall, `apart` days later."""
        return [
            week.days_from(day + timedelta(days=apart), self.window, self.weekdays)
            for day in A_WEEK
        ]


class Step(Entry):
    code: Code
    text: Text


class Protocol(Entry):
    name: Text
    version: Line
    contacts: Contacts
    minutes: Count
    medium: Literal["phone"]
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    must_not: tuple[Step, ...] = ()
    escalation: Text


class Coaching(Entry):
    protocols: dict[Code, Protocol]


def section(folder: Folder, earlier: Mapping[str, BaseModel]) -> Part:
    study = earlier.get("study")
    if FILE not in folder and not _is_granted(study):
        return Part({"coaching": Coaching(protocols={})})
    source = folder.yaml(FILE)
    coaching = parse(Coaching, source, languages_of(folder))
    problems = list(coaching.problems)
    if coaching.model is None:
        return Part(problems=problems)
    problems += _codes(coaching.model, source)
    warnings = list(_warnings(coaching.model, source))
    if not isinstance(study, Study):
        return Part({"coaching": coaching.model}, problems=problems, warnings=warnings)
    problems += _grants(coaching.model, study, folder.yaml("study.yaml"))
    notes = _notes(study, coaching.model)
    return Part({"coaching": coaching.model}, problems=problems, warnings=warnings, notes=notes)


def _is_granted(study: BaseModel | None) -> bool:
    return isinstance(study, Study) and any(arm.granted("coaching") for _, arm in study.giving())


def _codes(coaching: Coaching, source: Source) -> Iterator[Problem]:
    for name, protocol in coaching.protocols.items():
        for key in ("steps", "must_not"):
            yield from repeated(
                source, ("protocols", name, key), [step.code for step in getattr(protocol, key)]
            )
        contacts = protocol.contacts
        yield from repeated(
            source, ("protocols", name, "contacts", "weekdays"), contacts.weekdays, key=None
        )
        following = contacts.windows(apart=contacts.every_days)
        if contacts.count > 1 and any(
            one[-1] >= other[0] for one, other in zip(contacts.windows(), following, strict=True)
        ):
            message = (
                f"{contacts.window} {'of these ' if contacts.weekdays else ''}days is longer than "
                f"every_days "
                f"({contacts.every_days}); contacts would overlap"
            )
            yield source.problem(("protocols", name, "contacts", "window"), message)


def _warnings(coaching: Coaching, source: Source) -> Iterator[Problem]:
    """Windows that can hardly be met, or not at all by whoever is called when they would rather
    be.
    """
    for name, protocol in coaching.protocols.items():
        windows = protocol.contacts.windows()
        loc = ("protocols", name, "contacts", "window")
        if protocol.contacts.window == 1:
            message = (
                "a call that is not held on its one day is lost at midnight; 2 days or more leave "
                "time for a second try"
            )
            yield source.problem(loc, message)
        if any(not {week.name(day) for day in days} & set(week.PREFERRED) for days in windows):
            message = (
                "some calls would fall on a weekend alone, and people can say they prefer Monday "
                "to Friday only; name "
                "weekdays, such as weekdays: [mon, tue, wed, thu, fri]"
            )
            yield source.problem(loc, message)


def _grants(coaching: Coaching, study: Study, study_source: Source) -> Iterator[Problem]:
    for loc, arm in study.giving():
        for place, grant in enumerate(arm.grants):
            if grant.kind == "coaching" and grant.code not in coaching.protocols:
                message = unknown("coaching protocol", grant.code, coaching.protocols)
                yield study_source.problem((*loc, "grants", place, "coaching"), message)


def _notes(study: Study, coaching: Coaching) -> list[str]:
    granted = {grant.code for _, arm in study.giving() for grant in arm.granted("coaching")}
    return [
        f"the coaching protocol {name} is granted by no arm"
        for name in coaching.protocols
        if name not in granted
    ]
