"""What the draw brought, in words, for the person alone: nothing that staff see may import this (a
contract).
"""

from __future__ import annotations

from collections.abc import Mapping

from trial import actors, hooks
from trial.languages import in_language
from trial.models import AuditEvent, Participant


def words(participant: Participant) -> str:
    """What happens now, in the person's language, as their version of the study says it; empty
    before allocation.

    Read through settings.ALLOTTED: it says the words and never the arm.
    """
    if participant.randomised_at is None:
        return ""
    told: list[Mapping[str, str]] = [entry(participant) for entry in hooks.ALLOTTED]
    found = next(filter(None, told), {})
    return in_language(found, participant.language)


def is_news(participant: Participant) -> bool:
    """Until the person has begun or answered something after allocation. When to be called is not
    part of it.
    """
    if participant.randomised_at is None:
        return False
    done = AuditEvent.objects.filter(
        stream=f"{participant.study.slug}/{participant.code}",
        by=str(actors.participant(participant.code)),
        at__gt=participant.randomised_at,
    )
    return not done.exclude(action="preferred call times given").exists()
