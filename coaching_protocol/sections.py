"""coaching.yaml: what a coach is to do, in each protocol that an arm is granted."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from trial.folder import Code, Count, Days, Entry, Folder, Line, Part, Problem, Source, Text, parse, unknown
from trial.sections import Study, languages_of
from trial.sections.checks import repeated

FILE = "coaching.yaml"


class Contacts(Entry):
    """Contact n is due `first_day` + (n - 1) * `every_days` days after the grant, and may be held for `window` days."""

    count: Annotated[int, Field(ge=1, le=200)]
    first_day: Days
    every_days: Count
    window: Count


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
    if not isinstance(study, Study):
        return Part({"coaching": coaching.model}, problems=problems)
    problems += _grants(coaching.model, study, folder.yaml("study.yaml"))
    return Part({"coaching": coaching.model}, problems=problems, notes=_notes(study, coaching.model))


def _is_granted(study: BaseModel | None) -> bool:
    return isinstance(study, Study) and any(arm.granted("coaching") for _, arm in study.giving())


def _codes(coaching: Coaching, source: Source) -> Iterator[Problem]:
    for name, protocol in coaching.protocols.items():
        for key in ("steps", "must_not"):
            yield from repeated(source, ("protocols", name, key), [step.code for step in getattr(protocol, key)])
        contacts = protocol.contacts
        if contacts.count > 1 and contacts.window > contacts.every_days:
            message = (
                f"{contacts.window} days is longer than every_days ({contacts.every_days}); contacts would overlap"
            )
            yield source.problem(("protocols", name, "contacts", "window"), message)


def _grants(coaching: Coaching, study: Study, study_source: Source) -> Iterator[Problem]:
    for loc, arm in study.giving():
        for place, grant in enumerate(arm.grants):
            if grant.kind == "coaching" and grant.code not in coaching.protocols:
                message = unknown("coaching protocol", grant.code, coaching.protocols)
                yield study_source.problem((*loc, "grants", place, "coaching"), message)


def _notes(study: Study, coaching: Coaching) -> list[str]:
    granted = {grant.code for _, arm in study.giving() for grant in arm.granted("coaching")}
    return [f"the coaching protocol {name} is granted by no arm" for name in coaching.protocols if name not in granted]
