"""The code that proves an address, on the way in and at sign-in. What was typed with it lives in
the encrypted session.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Self

VALID = timedelta(minutes=10)
MOST_TRIES = 5
DIGITS = 6


class Verdict(StrEnum):
    RIGHT = "right"
    WRONG = "wrong"
    OVER = "over"  # too late, used, or too many tries


@dataclass(frozen=True)
class Asked:
    """What was typed on the contact page, and `handle`, by which the code that was mailed for it is
    known.
    """

    handle: str
    name: str
    email: str
    phone: str
    sent_at: datetime

    @classmethod
    def from_session(cls, kept: Mapping[str, Any]) -> Self:
        return cls(**{**kept, "sent_at": datetime.fromtimestamp(kept["sent_at"], UTC)})

    def for_session(self) -> dict[str, Any]:
        return {**asdict(self), "sent_at": self.sent_at.timestamp()}


def is_open(tries: int, asked_at: datetime, at: datetime) -> bool:
    """Whether a code may still be entered."""
    return tries < MOST_TRIES and at < asked_at + VALID


def code_from(number: int) -> str:
    """Six digits from a random number below 10 ** DIGITS."""
    return f"{number:0{DIGITS}d}"
