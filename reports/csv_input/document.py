"""A YAML file that remembers where everything stands, and the error that lists every mistake in a file."""

from pathlib import Path
from typing import Any

import yaml


class BadInput(ValueError):
    """`messages` name each mistake and where it stands."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages


def read_text(path: Path) -> str:
    """What stands in the file, or BadInput in plain words."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise BadInput([f"{path}: there is no such file"]) from None
    except IsADirectoryError:
        raise BadInput([f"{path}: this is a directory, not a file"]) from None
    except OSError as error:
        raise BadInput([f"{path}: cannot be read: {error.strerror}"]) from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise BadInput([f"{path.name}: row {row}: this is not UTF-8 text; save the file as UTF-8"]) from None
    if not text.strip():
        raise BadInput([f"{path.name}: the file is empty"])
    return text


class Document:
    """A YAML file as plain text values, remembering on which line each stands."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.lines: dict[tuple, int] = {(): 1}
        self.mistakes: list[str] = []
        try:
            node = yaml.compose(read_text(path))
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 1 if mark else 1
            raise BadInput([f"{self.name}:{line}: {getattr(error, 'problem', None) or error}"]) from None
        self.value = self._plain(node, ()) if node else {}
        if self.mistakes:
            raise BadInput(self.mistakes)

    def at(self, loc: tuple, message: str) -> str:
        """The message with the line of `loc`, or of the nearest part around it."""
        while loc not in self.lines:
            loc = loc[:-1]
        return f"{self.name}:{self.lines[loc]}: {message}"

    def _plain(self, node: yaml.Node, loc: tuple) -> Any:
        self.lines.setdefault(loc, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, loc)
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(item, (*loc, i)) for i, item in enumerate(node.value)]
        # Scalars stay text, so that an arm called No or a missing value called NA is not read as something else.
        return node.value

    def _mapping(self, node: yaml.MappingNode, loc: tuple) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            if key.value in found:
                self.mistakes.append(f"{self.name}:{key.start_mark.line + 1}: {key.value} stands here a second time")
            self.lines[(*loc, key.value)] = key.start_mark.line + 1
            found[key.value] = self._plain(value, (*loc, key.value))
        return found
