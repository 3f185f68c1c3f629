"""consent.<lang>.md: what a participant reads, must have understood, and agrees to."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from trial.folder import (
    Code,
    Count,
    Entry,
    Folder,
    Line,
    Loc,
    Problem,
    Source,
    listed,
    parse,
    unknown,
)
from trial.sections.checks import repeated, unread_lines


class Statement(Entry):
    code: Code
    text: Line


class Answer(Entry):
    code: Code
    text: Line


class Comprehension(Entry):
    code: Code
    question: Line
    options: Annotated[tuple[Answer, ...], Field(min_length=2)]
    correct: Code
    explanation: Line


class FrontMatter(Entry):
    version: Line
    minutes: Count
    statements: Annotated[tuple[Statement, ...], Field(min_length=1)]
    comprehension: tuple[Comprehension, ...] = ()


class Letter(FrontMatter):
    """In one language; `body` is Markdown."""

    body: Line


class Consent(Entry):
    version: Line
    letters: dict[str, Letter]


def read_consent(folder: Folder, languages: Sequence[str]) -> tuple[Consent | None, list[Problem]]:
    problems: list[Problem] = []
    letters: dict[str, Letter] = {}
    for language in languages:
        letter, found = _letter(folder, _file(language))
        problems += found
        if letter:
            letters[language] = letter
    problems += _foreign(folder, languages)
    if len(letters) < len(languages):
        return None, problems
    if (
        not problems
    ):  # a correct answer that does not exist would be told a second time, as a difference
        problems += _differences(folder, letters)
    return Consent(version=letters[languages[0]].version, letters=letters), problems


def _file(language: str) -> str:
    return f"consent.{language}.md"


def _letter(folder: Folder, name: str) -> tuple[Letter | None, list[Problem]]:
    text = folder.front_matter(name)
    parsed = parse(FrontMatter, text.source)
    problems = [*parsed.problems, *unread_lines(name, text.body, text.body_line)]
    if text.source.is_readable and not text.body.strip():
        problems.append(
            Problem(name, text.body_line, "the letter is empty; write it below the second '---'")
        )
        return None, problems
    if parsed.model is None:
        return None, problems
    problems += _checks(parsed.model, text.source)
    return Letter(**dict(parsed.model), body=text.body), problems


def _checks(letter: FrontMatter, source: Source) -> Iterator[Problem]:
    yield from repeated(
        source, ("statements",), [statement.code for statement in letter.statements]
    )
    yield from repeated(
        source, ("comprehension",), [question.code for question in letter.comprehension]
    )
    for index, question in enumerate(letter.comprehension):
        loc: Loc = ("comprehension", index)
        options = [option.code for option in question.options]
        yield from repeated(source, (*loc, "options"), options)
        if question.correct not in options:
            yield source.problem((*loc, "correct"), unknown("option", question.correct, options))


def _foreign(folder: Folder, languages: Sequence[str]) -> Iterator[Problem]:
    for name in folder.names(r"consent\.[a-z]{2}\.md"):
        if name.split(".")[1] not in languages:
            yield Problem(
                name, 1, f"its language is not among this study's languages: {listed(languages)}"
            )


def _differences(folder: Folder, letters: Mapping[str, Letter]) -> Iterator[Problem]:
    """Every language asks for the same: a signature must mean one thing."""
    (first, model), *others = letters.items()
    for language, letter in others:
        source = folder.front_matter(_file(language)).source
        for key, expected, given in _compared(model, letter):
            if expected != given:
                message = f"differs from {_file(first)}: {given} here, {expected} there"
                yield source.problem((key,), message)


def _compared(one: Letter, other: Letter) -> Iterator[tuple[str, str, str]]:
    yield "version", f"'{one.version}'", f"'{other.version}'"
    yield "minutes", str(one.minutes), str(other.minutes)
    for key, summary in (("statements", _statements), ("comprehension", _questions)):
        yield key, listed(summary(one)), listed(summary(other))


def _statements(letter: Letter) -> list[str]:
    return [statement.code for statement in letter.statements]


def _questions(letter: Letter) -> list[str]:
    """stop (a, b; correct b)"""
    return [
        f"{question.code} ({listed(option.code for option in question.options)}; correct "
        f"{question.correct})"
        for question in letter.comprehension
    ]
