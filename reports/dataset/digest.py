"""The hash of a snapshot, made while its tables are read: a report that holds them all and an
export that holds none of them come to the same.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

# What a report is made from. Answers are not: their scores are.
READ = (
    "participants",
    "timepoints",
    "instruments",
    "assessments",
    "scores",
    "modules",
    "programme",
    "contacts",
    "attempts",
    "coach_assignments",
    "intercurrent_events",
    "allocations",
)
PERSON = "participant"


class Digest:
    """Of each table one hash, over its rows as they are read; of the snapshot one over those.

    People are hashed by the position in which they first come, since codes are drawn at random.
    """

    def __init__(self) -> None:
        self.tables: dict[str, str] = {}
        self._positions: dict[str, int] = {}

    def reading(
        self, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
    ) -> Iterator[Sequence[Any]]:
        """The rows as they are; those of a table in READ are hashed on their way."""
        if name not in READ:
            yield from rows
            return
        who = columns.index(PERSON) if PERSON in columns else None
        digest = hashlib.sha256(_line(columns))
        for row in rows:
            digest.update(_line(self._without_code(row, who)))
            yield row
        self.tables[name] = digest.hexdigest()

    def _without_code(self, row: Sequence[Any], who: int | None) -> Sequence[Any]:
        if who is None:
            return row
        position = self._positions.setdefault(row[who], len(self._positions))
        return [*row[:who], position, *row[who + 1 :]]

    def snapshot(self, meta: object) -> str:
        """`meta`: what is hashed beside the tables, in plain values."""
        return hashlib.sha256(_line({"meta": meta, "tables": self.tables})).hexdigest()


def _line(content: object) -> bytes:
    text = json.dumps(
        content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str
    )
    return f"{text}\n".encode()
