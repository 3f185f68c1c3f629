"""programme/: the order of the modules, and each module as text and exercises per language."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from trial.folder import (
    Code,
    Count,
    Days,
    Entry,
    Folder,
    Line,
    Problem,
    Source,
    Text,
    listed,
    parse,
    parse_yaml,
)
from trial.sections.checks import repeated, unread_lines

FILE = "programme/programme.yaml"
FENCE = "```"
PLAN_PARTS = ("what", "when", "where")

Component = Literal["activation", "relaxation", "thoughts", "goals"]
ExerciseKind = Literal["text", "checklist", "scale", "plan"]


class Pacing(Entry):
    """A module opens `days` after the one before opened, and once that is done if
    `needs_previous`.
    """

    days: Days
    needs_previous: bool


class Order(Entry):
    """programme.yaml as it is written."""

    code: Code
    title: Text
    weekly_minutes: Count
    modules: Annotated[tuple[Code, ...], Field(min_length=1)]
    pacing: Pacing


class Exercise(Entry):
    """An exercise as it is written in a module."""

    code: Code
    kind: ExerciseKind
    prompt: Line
    options: tuple[Line, ...] = ()
    low: Line | None = None
    high: Line | None = None

    @model_validator(mode="after")
    def check_kind(self) -> Self:
        if self.kind == "checklist" and len(self.options) < 2:
            raise ValueError("a checklist needs at least two options")
        if self.kind != "checklist" and self.options:
            raise ValueError(f"only a checklist has options; this is kind: {self.kind}")
        if self.kind == "scale" and not (self.low and self.high):
            raise ValueError("a scale needs low and high, the words at 0 and at 10")
        if self.kind != "scale" and (self.low or self.high):
            raise ValueError(f"only a scale has low and high; this is kind: {self.kind}")
        return self


class Head(Entry):
    """The front matter of a module in one language."""

    title: Line
    component: Component
    minutes: Count
    intended_use: Line


class Block(Entry):
    """A stretch of Markdown (`text`), or an exercise (`exercise` is its kind)."""

    kind: Literal["markdown", "exercise"]
    text: str | None = None
    code: Code | None = None
    exercise: ExerciseKind | None = None
    prompt: Line | None = None
    options: tuple[Line, ...] = ()
    low: Line | None = None
    high: Line | None = None


class Module(Entry):
    """`blocks` by language; every language has the same exercises in the same order."""

    code: Code
    component: Component
    minutes: Count
    title: dict[str, Line]
    intended_use: dict[str, Line]
    blocks: dict[str, tuple[Block, ...]]

    @property
    def exercises(self) -> tuple[Block, ...]:
        """In the first language: codes, kinds and numbers of options are the same in each."""
        return tuple(
            block for block in next(iter(self.blocks.values())) if block.kind == "exercise"
        )


class Programme(Entry):
    code: Code
    title: dict[str, Line]
    weekly_minutes: Count
    pacing: Pacing
    modules: tuple[Module, ...]


@dataclass
class Piece:
    """A stretch of a module's text, from its first line to before the next piece."""

    line: int
    kind: Literal["markdown", "exercise"]
    lines: list[str] = field(default_factory=list)
    is_closed: bool = False

    @property
    def text(self) -> str:
        return "\n".join(self.lines).strip("\n") if any(line.strip() for line in self.lines) else ""


@dataclass(frozen=True)
class _Written:
    """One module file: what it says, and where its exercises stand."""

    file: str
    source: Source
    head: Head
    blocks: tuple[Block, ...]
    lines: Mapping[str, int]

    @property
    def exercises(self) -> dict[str, Block]:
        return {block.code: block for block in self.blocks if block.code}


def read_programme(
    folder: Folder, languages: Sequence[str]
) -> tuple[Programme | None, list[Problem]]:
    """None without a problem where the folder has no programme; whoever grants one misses it."""
    if not folder.names(r"programme/.+"):
        return None, []
    source = folder.yaml(FILE)
    parsed = parse(Order, source, languages)
    if parsed.model is None:
        return None, parsed.problems
    order, problems = parsed.model, parsed.problems
    problems += repeated(source, ("modules",), order.modules, key=None)
    problems += _unlisted(folder, order, languages)
    modules = []
    for code in dict.fromkeys(order.modules):
        module, found = _module(folder, code, languages)
        problems += found
        modules += [module] if module else []
    if len(modules) < len(order.modules):
        return None, problems
    return Programme(**{**dict(order), "modules": tuple(modules)}), problems


def _unlisted(folder: Folder, order: Order, languages: Sequence[str]) -> Iterator[Problem]:
    for name in folder.names(r"programme/[^/]+\.[a-z]{2}\.md"):
        code, language, _ = name.removeprefix("programme/").rsplit(".", 2)
        if code not in order.modules:
            yield Problem(name, 1, f"is not in 'modules' of {FILE}: {listed(order.modules)}")
        elif language not in languages:
            yield Problem(
                name, 1, f"its language is not among this study's languages: {listed(languages)}"
            )


def _module(
    folder: Folder, code: str, languages: Sequence[str]
) -> tuple[Module | None, list[Problem]]:
    problems: list[Problem] = []
    written: dict[str, _Written] = {}
    for language in languages:
        parsed, found = _written(folder, f"programme/{code}.{language}.md")
        problems += found
        if parsed:
            written[language] = parsed
    if len(written) < len(languages):
        return None, problems
    problems += _differences(written)
    first = next(iter(written.values())).head
    module = Module(
        code=code,
        component=first.component,
        minutes=first.minutes,
        title={language: one.head.title for language, one in written.items()},
        intended_use={language: one.head.intended_use for language, one in written.items()},
        blocks={language: one.blocks for language, one in written.items()},
    )
    return module, problems


def _written(folder: Folder, name: str) -> tuple[_Written | None, list[Problem]]:
    text = folder.front_matter(name)
    head = parse(Head, text.source)
    problems = list(head.problems)
    if not text.source.is_readable:
        return None, problems
    blocks: list[Block] = []
    lines: dict[str, int] = {}
    levels: dict[str, str] = {}
    for piece in pieces(text.body, text.body_line):
        block, found = _block(name, piece, lines)
        problems += found
        if piece.kind == "markdown":
            problems += unread_lines(name, "\n".join(piece.lines), piece.line, levels)
        blocks += [block] if block else []
    if not blocks and not problems:
        problems.append(
            Problem(name, text.body_line, "the module is empty; write it below the second '---'")
        )
    if problems or head.model is None:
        return None, problems
    return _Written(name, text.source, head.model, tuple(blocks), lines), []


def pieces(body: str, first_line: int) -> list[Piece]:
    """Markdown and exercises in turn. Other fenced blocks are Markdown, whatever stands in them."""
    found = [Piece(first_line, "markdown")]
    other_fence = ""
    for number, line in enumerate(body.split("\n"), first_line):
        word = line.strip()
        if found[-1].kind == "exercise":
            if word == FENCE:
                found[-1].is_closed = True
                found.append(Piece(number + 1, "markdown"))
                continue
        elif not other_fence and word == f"{FENCE}exercise":
            found.append(Piece(number, "exercise"))
            continue
        elif match := re.match(r"`{3,}|~{3,}", word):
            other_fence = (
                "" if other_fence and word.startswith(other_fence) else other_fence or match.group()
            )
        found[-1].lines.append(line)
    return [piece for piece in found if piece.kind == "exercise" or piece.text]


def _block(name: str, piece: Piece, lines: dict[str, int]) -> tuple[Block | None, list[Problem]]:
    """`lines` collects where each exercise starts."""
    if piece.kind == "markdown":
        return Block(kind="markdown", text=piece.text), []
    if not piece.is_closed:
        return None, [
            Problem(name, piece.line, "the exercise is never closed; end it with a line of ```")
        ]
    parsed = parse(Exercise, parse_yaml(name, "\n".join(piece.lines), piece.line + 1))
    if parsed.model is None:
        return None, parsed.problems
    exercise = parsed.model
    if exercise.code in lines:
        first = lines[exercise.code]
        message = (
            f"the exercise '{exercise.code}' stands in this module twice, first in line {first}"
        )
        return None, [*parsed.problems, Problem(name, piece.line, message)]
    lines[exercise.code] = piece.line
    written = dict(exercise)
    return Block(**{**written, "kind": "exercise", "exercise": written["kind"]}), parsed.problems


def _differences(written: Mapping[str, _Written]) -> Iterator[Problem]:
    """What a person does must not hang on their language."""
    first, *others = written.values()
    for other in others:
        for key in ("component", "minutes"):
            there, here = getattr(first.head, key), getattr(other.head, key)
            if there != here:
                yield other.source.problem(
                    (key,), f"differs from {first.file}: {here} here, {there} there"
                )
        yield from _exercise_differences(first, other)


def _exercise_differences(first: _Written, other: _Written) -> Iterator[Problem]:
    there, here = first.exercises, other.exercises
    if list(there) != list(here):
        message = f"exercises differ from {first.file}: {listed(here)} here, {listed(there)} there"
        yield Problem(other.file, next(iter(other.lines.values()), 1), message)
        return
    for code, block in here.items():
        for what, one, two in _shape(there[code], block):
            if one != two:
                message = (
                    f"the exercise '{code}' differs from {first.file}: {what} {two} here, {one} "
                    f"there"
                )
                yield Problem(other.file, other.lines[code], message)


def _shape(one: Block, two: Block) -> Iterator[tuple[str, object, object]]:
    yield "kind", one.exercise, two.exercise
    if one.exercise == two.exercise:
        yield "options", len(one.options), len(two.options)
