"""The three leaks that there were, to be put back: the number of events, of calls planned so far, of queued messages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest

from coaching_protocol.models import Contact
from trial.entries import Figure, Panel
from trial.models import AuditEvent, Message, Study, User


def counted(request: HttpRequest) -> dict[str, Any]:
    """A context processor."""
    return {
        "leaked": {
            "events": AuditEvent.objects.count(),
            "queued": Message.objects.filter(state="queued").count(),
        }
    }


def calls_planned_so_far(study: Study, person: User, at: datetime) -> Panel:
    """An entry of settings.PANELS."""
    planned = Contact.objects.filter(plan__study=study, due_on__lte=at.date()).count()
    return Panel(title="Calls", figures=[Figure("Planned so far", str(planned))])
