"""Reading two or more worlds as each concealed role, day by day, and comparing what is read byte by
byte.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tests import made
from tests.conftest import NOW
from tests.two_worlds import tokens
from tests.two_worlds.building import ROLES, Base, World, along, nothing, play
from tests.two_worlds.reading import Answer, Reader, is_shut
from trial import actors

Key = tuple[datetime, str, str]
SHOWN = 12  # lines of a difference


@dataclass
class Compared:
    """`answers` are those of the first world; what another world answers otherwise stands in
    `differences`.
    """

    worlds: int = 0
    days: int = 0
    answers: dict[Key, Answer] = field(default_factory=dict)
    compared: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def shown(self) -> str:
        """The figures of a comparison in a line."""
        roles, asked = {role for _, role, _ in self.answers}, {path for _, _, path in self.answers}
        return (
            f"{len(asked)} addresses as {len(roles)} roles on {self.days} days in {self.worlds} "
            f"worlds: "
            f"{self.compared} answers compared, {len(self.differences)} differ"
        )


def compare(
    base: Base,
    worlds: Sequence[World],
    days: Sequence[datetime],
    roles: Sequence[str] = ROLES,
    *,
    within: str = "",
    all_of_it: bool = False,
    acts: Callable[[datetime], None] = nothing,
    before: Callable[[datetime], None] = nothing,
) -> Compared:
    """The first world chooses what is asked for on which day; the others are asked for the same. In
    every world alike, `before` is what befalls it before the worker of that day, and `acts` what
    staff do before anybody looks.
    """
    found = Compared(len(worlds), len(days))

    def alike(at: datetime) -> None:
        acts(at)
        _make_what_was_asked_for(base, at)

    _read_first(
        base,
        worlds[0],
        days,
        [Reader(role, base, within) for role in roles],
        found,
        all_of_it,
        alike,
        before,
    )
    asked: dict[datetime, list[tuple[str, str]]] = defaultdict(list)
    for (at, role, path), answer in found.answers.items():
        if not is_shut(path, answer.status):
            asked[at].append((role, path))
    for world in worlds[1:]:
        _read_again(base, world, days, asked, found, alike, before)
    return found


def _read_first(
    base: Base,
    world: World,
    days: Sequence[datetime],
    readers: Sequence[Reader],
    found: Compared,
    all_of_it: bool,
    acts: Callable[[datetime], None],
    before: Callable[[datetime], None],
) -> None:
    def look(at: datetime) -> None:
        acts(at)
        seals = tokens.seals()
        for reader in readers:
            reader.client.force_login(base.staff[reader.role])
            for path in reader.wanted(all_of_it=all_of_it):
                found.answers[at, reader.role, path] = reader.ask(path, seals)

    play(base, world, along(days), look, before)


def _read_again(
    base: Base,
    world: World,
    days: Sequence[datetime],
    asked: Mapping[datetime, Sequence[tuple[str, str]]],
    found: Compared,
    acts: Callable[[datetime], None],
    before: Callable[[datetime], None],
) -> None:
    readers = {
        role: Reader(role, base)
        for role in dict.fromkeys(role for each in asked.values() for role, _ in each)
    }

    def look(at: datetime) -> None:
        acts(at)
        seals = tokens.seals()
        for role, reader in readers.items():
            reader.client.force_login(base.staff[role])
        for role, path in asked[at]:
            first, answer = found.answers[at, role, path], readers[role].ask(path, seals)
            found.compared += 1
            if answer != first:
                found.differences.append(_told(world, (at, role, path), first, answer))

    play(base, world, along(days), look, before)


def _make_what_was_asked_for(base: Base, at: datetime) -> None:
    by = actors.staff(base.staff["researcher"].pk, "researcher")
    made.export(base.study, at, by=by)
    made.verification(base.study, at, by=by)


def _told(world: World, key: Key, first: Answer, answer: Answer) -> str:
    at, role, path = key
    place = f"{world}, day {(at - NOW).days}, {role}, {path}"
    if first.status != answer.status:
        return f"{place}: {first.status} became {answer.status}"
    if first.body == answer.body:
        return f"{place}: headers {sorted(set(first.headers) ^ set(answer.headers))}"
    lines = [
        each.body.decode("utf-8", "replace").replace("},{", "},\n{").splitlines()
        for each in (first, answer)
    ]
    changed = [
        line
        for line in difflib.unified_diff(*lines, lineterm="", n=0)
        if line[:3] not in ("---", "+++")
    ]
    return "\n".join([f"{place}:", *(line[:300] for line in changed[:SHOWN])])
