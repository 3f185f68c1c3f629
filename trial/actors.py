"""Who does something: plain text that stands in the audit trail on its own, without a name or an
address.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Actor:
    """`kind` is participant, staff, visitor (before anyone is known) or system; `identifier` is a
    code or a number.
    """

    kind: str
    identifier: str = ""
    role: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.identifier}".strip()


SYSTEM = Actor("system")
WORKER = Actor("system", "worker")


def participant(code: str) -> Actor:
    return Actor("participant", code, "participant")


def staff(user_id: int, role: str = "") -> Actor:
    return Actor("staff", str(user_id), role)


def visitor(code: str) -> Actor:
    """Someone at the screening: known by the study code alone."""
    return Actor("visitor", code, "participant")
