"""Reads of the ledger of messages. Which mail a person gets, and when, can tell the arm."""

from __future__ import annotations

from typing import Any

from django.db.models import Count

from trial.models import Message, Study

EVENTS = ("message queued", "message sent", "message cancelled", "message queued again")
RECENT = 100


def uncertain(study: Study) -> list[Message]:
    """Messages of which nobody knows whether they went out: somebody decides."""
    return list(
        Message.objects.filter(study=study, state="uncertain").select_related("participant").order_by("due_at", "pk")
    )


def counts(study: Study) -> list[dict[str, Any]]:
    """How many of each kind are in each state."""
    rows = Message.objects.filter(study=study).order_by("kind", "state")
    return [dict(row) for row in rows.values("kind", "state").annotate(count=Count("pk"))]


def recent(study: Study) -> list[Message]:
    """The newest messages that are about nobody in particular, such as alerts' mails and invitations of staff."""
    found = Message.objects.filter(study=study, participant__isnull=True).exclude(state="uncertain")
    return list(found.order_by("-due_at", "-pk")[:RECENT])
