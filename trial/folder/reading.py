"""One folder in, one document out, or all its problems at once."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import BaseModel

from trial.folder.files import digest, read_files
from trial.folder.problems import FolderErrors, Problem, unknown
from trial.folder.source import UNKEPT, Source, parse_yaml

# Far above any real file; YAML is read at about 100 kB a second.
LARGEST_TEXT = 400_000
LARGEST_LESSON = 60_000  # of Markdown, which is made into a page each time that somebody opens it

KNOWN_FILES = [
    "study.yaml",
    "randomisation.yaml",
    "assessments.yaml",
    "coaching.yaml",
    "analysis.yaml",
    "programme/programme.yaml",
]
KNOWN_NAMES = re.compile(
    r"consent\.[a-z]{2}\.md|programme/[^/]+\.[a-z]{2}\.md|instruments/[^/]+\.yaml|(.*/)?(README|LICENSE|NOTICE)[^/]*"
)


@dataclass(frozen=True)
class FrontMatter:
    """A Markdown file: the YAML between its two '---' lines, and the text below."""

    source: Source
    body: str
    body_line: int


@dataclass(frozen=True)
class Part:
    """What one section made of a folder: models by their name in the document, and what is wrong or
    worth knowing. `warnings` are of a line that may say what nobody meant.

    `sealed` is stored apart, encrypted. A model that could not be made is absent, and whoever needs
    it stays silent.
    """

    parsed: Mapping[str, BaseModel] = field(default_factory=dict)
    sealed: Mapping[str, Any] = field(default_factory=dict)
    problems: Sequence[Problem] = ()
    notes: Sequence[str] = ()
    warnings: Sequence[Problem] = ()


@dataclass(frozen=True)
class Loaded:
    """A folder without a mistake. `warnings` and `notes` are for the researcher's eye and stop
    nothing.
    """

    document: dict[str, Any]
    sealed: dict[str, Any]
    sha256: str
    notes: tuple[str, ...] = ()
    warnings: tuple[Problem, ...] = ()

    def __str__(self) -> str:
        """Names the folder by its content; a request key is held against this."""
        return self.sha256


Section = Callable[["Folder", Mapping[str, BaseModel]], Part]


class Folder:
    """The files of a study. `today` is the day of loading, after which nothing that is written can
    have happened; None where the clock is a virtual one and the folder may be younger.
    """

    def __init__(self, files: Mapping[str, bytes], today: date | None = None):
        self.files = dict(files)
        self.today = today
        self._sources: dict[str, Source] = {}
        self._texts: dict[str, FrontMatter] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.files

    def names(self, pattern: str) -> list[str]:
        return sorted(name for name in self.files if re.fullmatch(pattern, name))

    def yaml(self, name: str) -> Source:
        if name not in self._sources:
            text, problem = self._text(name)
            self._sources[name] = _broken(problem) if problem else parse_yaml(name, text)
        return self._sources[name]

    def front_matter(self, name: str) -> FrontMatter:
        if name not in self._texts:
            text, problem = self._text(name)
            self._texts[name] = (
                FrontMatter(_broken(problem), "", 1) if problem else _split(name, text)
            )
        return self._texts[name]

    @cached_property
    def sha256(self) -> str:
        return digest(self.files)

    def _text(self, name: str) -> tuple[str, Problem | None]:
        if name not in self.files:
            return "", Problem(name, 1, f"the file is missing; {_why(name)}")
        content = self.files[name]
        largest = LARGEST_LESSON if name.endswith(".md") else LARGEST_TEXT
        if len(content) > largest:
            return "", Problem(name, 1, f"is larger than {largest // 1000} kB; split or shorten it")
        try:
            text = content.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            return "", Problem(name, line, "is not UTF-8 text; save it as UTF-8")
        if "\x00" in text:
            return "", Problem(name, text[: text.index("\x00")].count("\n") + 1, UNKEPT)
        return text, None


def read(
    where: Path | str | BinaryIO, sections: Sequence[Section], today: date | None = None
) -> Loaded:
    """Read a directory or a zip through the sections, in their order. Raises FolderErrors and
    nothing else.
    """
    folder = Folder(read_files(where), today)
    problems = _strangers(folder)
    parsed: dict[str, BaseModel] = {}
    sealed: dict[str, Any] = {}
    notes: list[str] = []
    warnings: list[Problem] = []
    for section in sections:
        part = section(folder, parsed)
        parsed |= part.parsed
        sealed |= part.sealed
        problems += part.problems
        notes += part.notes
        warnings += part.warnings
    if problems:
        raise FolderErrors(problems)
    return Loaded(document_of(parsed), sealed, folder.sha256, tuple(notes), tuple(sorted(warnings)))


def document_of(parsed: Mapping[str, BaseModel]) -> dict[str, Any]:
    """JSON-able; `model_validate(document[name])` gives the same model back."""
    return {
        name: model.model_dump(mode="json", by_alias=True, exclude_none=True)
        for name, model in parsed.items()
    }


def _strangers(folder: Folder) -> list[Problem]:
    return [
        Problem(name, 1, unknown("file", name, KNOWN_FILES))
        for name in folder.files
        if name not in KNOWN_FILES and not KNOWN_NAMES.fullmatch(name)
    ]


def _why(name: str) -> str:
    """What asks for a file that is not there."""
    found = re.fullmatch(r"(consent|programme/(?P<module>[^/]+))\.(?P<language>[a-z]{2})\.md", name)
    if not found:
        return (
            "it lists the modules beside it"
            if name.startswith("programme/")
            else "every study folder has one"
        )
    language = f"'{found['language']}' stands in 'languages' of study.yaml"
    return (
        f"programme.yaml lists the module '{found['module']}' and {language}"
        if found["module"]
        else language
    )


def _broken(problem: Problem) -> Source:
    return Source(problem.file, problems=(problem,), is_readable=False)


def _split(name: str, text: str) -> FrontMatter:
    lines = text.split("\n")
    end = lines.index("---", 1) if lines[0] == "---" and "---" in lines[1:] else None
    if end is None:
        missing = Problem(
            name, 1, "has no front matter; start with '---', keys and values, and another '---'"
        )
        return FrontMatter(_broken(missing), "", 1)
    source = parse_yaml(name, "\n".join(lines[1:end]), first_line=2)
    return FrontMatter(source, "\n".join(lines[end + 1 :]), end + 2)
