"""The code that proves an address on the way in. It lives in the encrypted session alone, for 15 minutes."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from trial.contact_details import digits

VALID = timedelta(minutes=15)
MOST_TRIES = 5
DIGITS = 6


class Verdict(StrEnum):
    RIGHT = "right"
    WRONG = "wrong"
    OVER = "over"  # too late, or too many tries


@dataclass(frozen=True)
class Asked:
    """What was typed on the contact page and the code that was mailed. `code` is empty where no code can be right:
    the address is in use, and the mail said so."""

    key: str
    code: str
    name: str
    email: str
    phone: str
    sent_at: datetime
    tries: int = 0

    @classmethod
    def from_session(cls, kept: Mapping[str, Any]) -> Self:
        return cls(**{**kept, "sent_at": datetime.fromtimestamp(kept["sent_at"], UTC)})

    def for_session(self) -> dict[str, Any]:
        return {**asdict(self), "sent_at": self.sent_at.timestamp()}

    def tried(self) -> Self:
        return replace(self, tries=self.tries + 1)


def judge(asked: Asked, typed: str, at: datetime) -> Verdict:
    if asked.tries >= MOST_TRIES or at >= asked.sent_at + VALID:
        return Verdict.OVER
    is_right = bool(asked.code) and hmac.compare_digest(asked.code.encode(), digits(typed).encode())
    return Verdict.RIGHT if is_right else Verdict.WRONG


def code_from(digest: str) -> str:
    """Six digits from a keyed hash in hexadecimal."""
    return f"{int(digest, 16) % 10**DIGITS:0{DIGITS}d}"
