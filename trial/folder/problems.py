"""What is wrong in a study folder, where, and what would be right."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import accumulate

LONGEST_LIST = 400  # characters: the keys of the largest mapping are 300, and are all named
LONGEST_MESSAGE = 500
LONGEST_NAME = 60  # of what is compared with the names that exist
MOST_PROBLEMS = 500  # more than anybody reads; the rest is counted


@dataclass(frozen=True, order=True)
class Problem:
    file: str
    line: int
    message: str

    def __post_init__(self):
        """One line, whatever was written in the folder and is quoted in it."""
        line = " ".join(self.message.split())
        cut = line if len(line) <= LONGEST_MESSAGE else line[: LONGEST_MESSAGE - 3] + "..."
        object.__setattr__(self, "message", cut)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class FolderErrors(Exception):
    """Every problem of a folder at once, sorted by file and line."""

    def __init__(self, problems: Iterable[Problem]):
        found = sorted(set(problems))
        more = len(found) - MOST_PROBLEMS
        if more > 0:
            last = found[MOST_PROBLEMS - 1]
            found = [
                *found[:MOST_PROBLEMS],
                Problem(last.file, last.line, f"and {more} more mistakes after this one"),
            ]
        self.problems: tuple[Problem, ...] = tuple(found)
        super().__init__("\n".join(map(str, self.problems)))


def listed(names: Iterable[object]) -> str:
    """With commas, in full as far as a line of them can be read; of the rest how many there are."""
    every = list(dict.fromkeys(str(name) for name in names))
    ends = list(accumulate(len(name) + len(", ") for name in every))
    shown = every[: sum(end <= LONGEST_LIST for end in ends)]
    if len(shown) < len(every):
        shown = [*shown, f"and {len(every) - len(shown)} more"]
    return ", ".join(shown) or "none"


def unknown(what: str, value: object, allowed: Iterable[object]) -> str:
    """The sentence for a name that does not exist: the nearest spelling, and what there is."""
    names = [str(name) for name in allowed]
    given = str(value) if len(str(value)) <= LONGEST_NAME else f"{str(value)[:LONGEST_NAME]}..."
    near = get_close_matches(given, names, n=1)
    hint = f" did you mean '{near[0]}'?" if near else ""
    return f"unknown {what} '{given}';{hint} known: {listed(names)}"
