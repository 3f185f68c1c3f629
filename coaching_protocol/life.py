"""The entries of coaching_protocol in the lists of settings."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from coaching_protocol.actions import plans
from coaching_protocol.models import Attempt, Contact, Correction
from coaching_protocol.queries.caseload import has_wrong_number
from coaching_protocol.queries.dashboard import monthly as monthly_calls
from coaching_protocol.queries.dashboard import panel
from coaching_protocol.queries.enough import out_of_reach as intercurrent_events
from coaching_protocol.queries.tables import tables
from coaching_protocol.rehearsal import behave
from coaching_protocol.sections import section
from trial.actors import SYSTEM
from trial.entries import Mail, Task
from trial.grants import Grant
from trial.models import Membership, Message, Participant, Study
from trial.queries.addresses import letter

__all__ = [
    "behave",
    "compose_check_number",
    "erase",
    "granted",
    "intercurrent_events",
    "monthly_calls",
    "panel",
    "requirements",
    "role_ended",
    "section",
    "tables",
    "today",
    "withdrawn",
]


def requirements(study: Study) -> list[str]:
    """A study that calls people needs somebody who calls."""
    is_coached = bool(study.current.section("coaching")["protocols"])
    has_coach = Membership.objects.filter(study=study, role="coach", ended_at__isnull=True).exists()
    return (
        [_("Invite at least one coach: an arm of this study is called.")]
        if is_coached and not has_coach
        else []
    )


def granted(grant: Grant, at: datetime) -> None:
    """Entry of settings.GRANTED: coaching is planned and a coach assigned. A schedule of
    assessments is what every arm is granted, so with it staff are told where nobody coaches.
    """
    if grant.kind == "assessments":
        plans.tell_if_nobody_coaches(grant.participant.study, at)
    if grant.kind == "coaching":
        plans.begin(
            participant=grant.participant,
            protocol=grant.code,
            from_at=grant.granted_at,
            by=SYSTEM,
            at=at,
        )


def today(participant: Participant, at: datetime) -> list[Task]:
    """The next call, for whoever is called."""
    contact = Contact.objects.filter(
        plan__participant=participant, plan__ended_at__isnull=True, state="planned"
    ).first()
    if contact is None:
        return []
    day = datetime.combine(
        contact.due_on, time(9), tzinfo=ZoneInfo(participant.timezone)
    ).astimezone(UTC)
    when = contact.appointment_at or day
    return [
        Task(
            title=_("A call from your coach"),
            leads_to=None,
            kind="call",
            opens_at=when,
            due_at=when,
            lead=_("You do not need to do anything; we call you.")
            if contact.appointment_at
            else _("Around this day."),
            code="appointment" if contact.appointment_at else "",
        )
    ]


def compose_check_number(message: Message, at: datetime) -> Mail | None:
    """Asks for the right number, in words that fit everybody; no longer wanted once it was given,
    or nobody calls.
    """
    participant = message.participant
    if participant is None or not participant.is_in_study or not has_wrong_number(participant):
        return None
    with override(participant.language):
        return letter(
            participant,
            _("%(title)s: a message for you"),
            _(
                "We could not reach you at the phone number that we have. Will you check whether "
                "it is right?"
            ),
            settings.PUBLIC_URL + reverse("participant:phone"),
            _("If you would rather not, you need do nothing. Everything else goes on as it is."),
        )


def withdrawn(participant: Participant, at: datetime) -> None:
    plans.end_all(participant, at)


def role_ended(membership: Membership, at: datetime) -> None:
    """Entry of settings.ROLE_ENDED: the people of a coach who leaves need another."""
    if membership.role == "coach":
        plans.leave(study=membership.study, coach=membership.user, by=SYSTEM, at=at)


def erase(participant: Participant, at: datetime) -> None:
    """Notes are sealed with the person's key, which goes; the ciphertext goes too."""
    Attempt.objects.filter(contact__plan__participant=participant).exclude(note_sealed="").update(
        note_sealed=""
    )
    earlier = Correction.objects.filter(attempt__contact__plan__participant=participant)
    earlier.exclude(note_sealed="").update(note_sealed="")
