"""Leaks, to be put back: the number of events, of calls planned so far, of messages that wait or
came to nothing, and an alert about each of these.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest

from coaching_protocol.models import Contact
from trial.entries import Figure, Panel
from trial.models import AuditEvent, Message, Study, User
from trial.queries.messages import UNSETTLED


def counted(request: HttpRequest) -> dict[str, Any]:
    """A context processor."""
    return {
        "leaked": {
            "events": AuditEvent.objects.count(),
            "queued": Message.objects.filter(state="queued").count(),
            "failed": Message.objects.filter(state__in=UNSETTLED).count(),
        }
    }


def calls_planned_so_far(study: Study, person: User, at: datetime) -> Panel:
    """An entry of settings.PANELS."""
    planned = Contact.objects.filter(plan__study=study, due_on__lte=at.date()).count()
    return Panel(title="Calls", figures=[Figure("Planned so far", str(planned))])


def is_told_of_all(message: Message) -> bool:
    """An entry of settings.MAILED_ALIKE."""
    return True
