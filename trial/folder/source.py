"""YAML as the study folder writes it: every scalar is text, and every value knows its line."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml

from trial.folder.problems import Problem

Loc = tuple[str | int, ...]
DEEPEST = 40
MOST_VALUES = 20_000  # keys and values; the largest file of a real study has 800
PLAIN_TAGS = {"tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"}

UNKEPT = "holds a character that cannot be kept: NUL, or half of one"
INDENTED = "this line is indented otherwise than the lines it belongs to"
QUOTED = (
    "text goes on after its closing quotation mark; put it in double quotes where it holds an "
    "apostrophe, "
    "in single quotes where it holds a double one"
)
FLOWING = "a ': ' where a ',' or a closing bracket is expected; put text that holds ': ' in quotes"

# PyYAML's words for the commonest slips, in words of what to do.
ADVICE = {
    "mapping values are not allowed here": (
        "a ': ' where none can be; put text that holds ': ' in quotes, or indent this line as the "
        "ones it belongs to"
    ),
    "could not find expected ':'": "a key without ': ' after it, or text that must stand in quotes",
    "expected a single document in the stream": "a second '---'; a file holds one document",
    "expected ',' or '}', but got '?'": "a '?' before a comma; put text that holds one in quotes",
    "while scanning a quoted scalar": "a quotation mark that is never closed",
    "expected <block end>, but found '<block mapping start>'": INDENTED,
    "expected <block end>, but found '<block sequence start>'": INDENTED,
    "expected <block end>, but found "
    "'-'": "a '- ' where a key is expected; put the list under its key",
    "expected <block end>, but found "
    "'?'": "a key where a list goes on; begin it with '- ', or indent it",
    "expected <block end>, but found '<scalar>'": QUOTED,
    "expected ',' or '}', but got '<scalar>'": QUOTED,
    "expected ',' or ']', but got '<scalar>'": QUOTED,
    "expected ',' or '}', but got ':'": FLOWING,
    "expected ',' or ']', but got ':'": FLOWING,
    "expected <block end>, but found '}'": "a '}' that closes nothing",
    "expected <block end>, but found ']'": "a ']' that closes nothing",
    "sequence entries are not allowed "
    "here": "a '- ' where none can be; begin the list on a line of its own",
}
CANNOT_BEGIN = re.compile("found character (.+) that cannot start any token")


@dataclass(frozen=True)
class Source:
    """A parsed YAML text: the data, the line of each place in it, and what was wrong with the text
    itself.
    """

    file: str
    data: Any = None
    lines: Mapping[Loc, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    is_readable: bool = True

    def line(self, loc: Loc) -> int:
        """The line of the nearest place that is written down: a missing key has the line of its
        mapping.
        """
        for length in range(len(loc), -1, -1):
            if loc[:length] in self.lines:
                return self.lines[loc[:length]]
        return 1

    def problem(self, loc: Loc, message: str) -> Problem:
        path = spelled(loc)
        return Problem(self.file, self.line(loc), f"{path}: {message}" if path else message)


def spelled(loc: Loc) -> str:
    """arms[0].code"""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


# Reading YAML is nearly all the time that a folder takes, and whoever mends one reads it again with
# one file changed.
@lru_cache(maxsize=64)
def parse_yaml(file: str, text: str, first_line: int = 1) -> Source:
    """`first_line` is where the text starts in its file (front matter, an exercise in a lesson)."""
    reading = _Reading(file, first_line)
    try:
        node = _root(text)
    except yaml.MarkedYAMLError as error:
        mark = (
            error.context_mark if _is_unclosed(error) else error.problem_mark or error.context_mark
        )
        return _unreadable(file, first_line + (mark.line if mark else 0), _words(error))
    except yaml.reader.ReaderError as error:
        line = first_line + text[: error.position].count("\n")
        return _unreadable(
            file, line, f"the character {chr(error.character)!a} cannot stand in YAML"
        )
    data = reading.value(node, ()) if node else None
    lines = {(): first_line, **reading.lines}
    return Source(file, data, lines, tuple(reading.problems))


def _root(text: str) -> yaml.Node | None:
    """The value of the whole text; None where nothing is written."""
    loader = _Loader(text)
    try:
        return loader.get_single_node()  # type: ignore[no-any-return]
    finally:
        loader.dispose()


def _unreadable(file: str, line: int, message: str) -> Source:
    return Source(file, problems=(Problem(file, line, message),), is_readable=False)


def _is_unclosed(error: yaml.MarkedYAMLError) -> bool:
    """What is opened and never closed is found at the end of the file; the mistake is where it was
    opened.
    """
    return error.context_mark is not None and (
        error.context == "while scanning a quoted scalar"
        or "'<stream end>'" in (error.problem or "")
    )


def _words(error: yaml.MarkedYAMLError) -> str:
    said = error.problem or "not readable as YAML"
    if "'\\t'" in said:
        return "a tab; indent with spaces"
    if "'<stream end>'" in said:
        said = (
            "a bracket that is never closed; from ' #' on a line is a comment, unless the text "
            "stands in quotes"
        )
    beginning = CANNOT_BEGIN.search(said)
    if beginning:
        said = f"text that begins with {beginning[1]} must stand in quotes"
    advice = ADVICE.get(said) or ADVICE.get(error.context or "")
    return f"not readable as YAML: {advice or said}"


class _Loader(yaml.BaseLoader):
    """Resolves nothing: `no`, `12:30` and `1.10` stay the text that was written."""

    depth = 0
    values = 0

    def compose_node(self, parent, index):
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or event.anchor:
            self._refuse(
                "'&' and '*' (anchors, aliases) are not used here; write the value out, or put "
                "text in quotes"
            )
        self.depth += 1
        self.values += 1
        if self.values > MOST_VALUES:
            self._refuse(f"holds more than {MOST_VALUES} keys and values; split or shorten it")
        if self.depth > DEEPEST:
            self._refuse(f"nested more than {DEEPEST} deep")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def _refuse(self, message: str) -> None:
        raise yaml.composer.ComposerError(None, None, message, self.peek_event().start_mark)


def _is_rest_of_text(key: yaml.Node, child: yaml.Node) -> bool:
    """A key without so much as a colon after it."""
    return isinstance(key, yaml.ScalarNode) and child.start_mark.index == key.end_mark.index


def can_be_kept(text: str) -> bool:
    """Whether a database can store it: an escape in quotes may write NUL, or half a character (a
    lone surrogate).
    """
    return "\x00" not in text and not any("\ud800" <= each <= "\udfff" for each in text)


class _Reading:
    def __init__(self, file: str, first_line: int):
        self.file, self.first_line = file, first_line
        self.lines: dict[Loc, int] = {}
        self.problems: list[Problem] = []

    def value(self, node: yaml.Node, loc: Loc) -> Any:
        if node.tag not in PLAIN_TAGS:
            self._complain(node, f"the tag '{node.tag}' is not used here; leave it out")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, loc)
        if isinstance(node, yaml.SequenceNode):
            return [
                self._placed(child, child, (*loc, index)) for index, child in enumerate(node.value)
            ]
        if not can_be_kept(node.value):
            self._complain(node, UNKEPT)
        is_blank = isinstance(node, yaml.ScalarNode) and node.value == "" and node.style is None
        return None if is_blank else node.value

    def _mapping(self, node: yaml.MappingNode, loc: Loc) -> dict[str, Any]:
        found: dict[str, Any] = {}
        before: str | None = None
        for key, child in node.value:
            if node.flow_style and before and _is_rest_of_text(key, child):
                found[before] = self._joined(key, found[before])
            elif not isinstance(key, yaml.ScalarNode):
                self._complain(key, "a key is a single word")
            elif not can_be_kept(key.value):
                self._complain(key, UNKEPT)
            elif key.value in found:
                first = self.lines[(*loc, key.value)]
                self._complain(
                    key, f"'{key.value}' stands here twice, first in line {first}; keep one"
                )
            else:
                found[key.value] = self._placed(key, child, (*loc, key.value))
            before = (
                key.value
                if isinstance(key, yaml.ScalarNode) and isinstance(found.get(key.value), str)
                else None
            )
        return found

    def _joined(self, key: yaml.ScalarNode, text: str) -> str:
        """What was meant by a value with a comma in it, which YAML splits: read on with that, so it
        is named once.
        """
        if text.isdecimal() and key.value.isdecimal():
            self._complain(
                key, f"'{text},{key.value}': a decimal has a point; write {text}.{key.value}"
            )
            return f"{text}.{key.value}"
        self._complain(key, f"'{text}, {key.value}': put text that holds a comma in quotes")
        return f"{text}, {key.value}"

    def _placed(self, where: yaml.Node, child: yaml.Node, loc: Loc) -> Any:
        self.lines[loc] = self._line(where)
        return self.value(child, loc)

    def _line(self, node: yaml.Node) -> int:
        return self.first_line + node.start_mark.line

    def _complain(self, node: yaml.Node, message: str) -> None:
        self.problems.append(Problem(self.file, self._line(node), message))
