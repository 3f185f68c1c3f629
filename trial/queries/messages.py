"""Reads of the ledger of messages. Which mail a person gets, and when, can tell the arm."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Min, Q, QuerySet

from trial import hooks
from trial.models import Message, Participant, Study

# To staff, about somebody or nobody. Every other message goes to the participant it is about.
TO_STAFF = frozenset(
    {"alert", "invitation", "two_people", "role_given", "address_over", "stage_list"}
)
TO_OLD_ADDRESS = frozenset(
    {"address_asked", "address_changed"}
)  # says nothing of whether mail reaches this person
AT_ANY_HOUR = TO_STAFF | TO_OLD_ADDRESS  # whoever did not ask for the change has to hear of it
UNSETTLED = ("failed", "uncertain")  # nothing more happens by itself: somebody decides
RECENT = 100


def is_alike(message: Message) -> bool:
    """Whether every arm gets this mail, and at the same time: only then may what became of it be
    told to anybody.
    """
    return message.kind in hooks.MAILED_ALIKE and hooks.MAILED_ALIKE[message.kind](message)


def unsettled(study: Study, *, knows_arms: bool) -> QuerySet[Message]:
    """Every message that failed or is uncertain; for whoever may not know the arms those that were
    to reach staff and are the same in every arm.
    """
    found = Message.objects.filter(study=study, state__in=UNSETTLED)
    return _listed(found if knows_arms else found.filter(kind__in=_told_to_all()))


def shown(study: Study, handle: str, *, knows_arms: bool) -> Message | None:
    """A message that this reader may see to have been tried; None for any other.

    Whoever may not know the arms has its handle from the list of what failed and cannot guess
    another. It is found again once it is sent, for the second press of a double click.
    """
    found = Message.objects.filter(study=study, handle=handle).exclude(state="cancelled")
    return (found if knows_arms else found.filter(kind__in=_told_to_all())).first()


def _told_to_all() -> frozenset[str]:
    return TO_STAFF.intersection(hooks.MAILED_ALIKE)


def unreached(study: Study, *, knows_arms: bool) -> QuerySet[Participant]:
    """People of whose mail something failed or is uncertain; for whoever may not know the arms only
    by what every arm gets alike.
    """
    found = Message.objects.filter(
        study=study, state__in=UNSETTLED, participant__isnull=False
    ).exclude(kind__in=TO_STAFF | TO_OLD_ADDRESS)
    if not knows_arms:
        found = found.filter(_are_alike(found.filter(kind__in=list(hooks.MAILED_ALIKE))))
    return Participant.objects.filter(pk__in=found.values("participant")).order_by("code")


def _are_alike(found: QuerySet[Message]) -> Q:
    """`is_alike` of messages to participants. It hangs on what a mail is about and on the version
    of the study alone, so that one of each is asked about.
    """
    told_by = ("kind", "subject_ref", "participant__version")
    each = found.order_by().values(*told_by).annotate(first=Min("pk")).values("first")
    alike = Q(pk__in=())
    for message in _listed(Message.objects.filter(pk__in=each)):
        if message.participant and is_alike(message):
            alike |= Q(
                kind=message.kind,
                subject_ref=message.subject_ref,
                participant__version=message.participant.version_id,
            )
    return alike


def _listed(found: QuerySet[Message]) -> QuerySet[Message]:
    return found.select_related("study", "participant__version").order_by("due_at", "pk")


def counts(study: Study) -> list[dict[str, Any]]:
    """How many of each kind are in each state: for whoever may know the arms."""
    rows = Message.objects.filter(study=study).order_by("kind", "state")
    return [dict(row) for row in rows.values("kind", "state").annotate(count=Count("*"))]


def recent(study: Study) -> list[Message]:
    """The newest messages that are about nobody in particular, such as alerts' mails and
    invitations of staff.
    """
    found = Message.objects.filter(study=study, participant__isnull=True).exclude(
        state__in=UNSETTLED
    )
    return list(found.order_by("-due_at", "-pk")[:RECENT])
