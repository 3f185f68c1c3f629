"""Where a person is reached. The only reads of an address outside the page of the person
themselves.
"""

from __future__ import annotations

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse

from trial import vault
from trial.entries import Mail
from trial.languages import in_language
from trial.models import Identity, Participant
from trial.prepared import prepared


def address_of(participant: Participant) -> str | None:
    """The e-mail address, or None once it is erased."""
    identity = _of.first(participant.pk)
    return identity.email if identity else None


@prepared
def _of(person: int) -> QuerySet[Identity]:
    return Identity.objects.filter(participant=person).select_related("participant__key")


def letter(participant: Participant, subject: str, *paragraphs: str) -> Mail | None:
    """A mail to a participant under their study's neutral name, for which `subject` has %(title)s;
    None once the address is erased. The words are the caller's, in the participant's language.
    """
    to = address_of(participant)
    if to is None:
        return None
    protocol, language = participant.version.protocol, participant.language
    title = in_language(protocol.public_title, language)
    body = "\n\n".join(paragraphs)
    return Mail(
        to,
        subject % {"title": title},
        body,
        in_language(protocol.sender, language),
        protocol.contacts.team.email,
    )


def home_url() -> str:
    """The participant's home page: the same for everybody, with no identifier in it."""
    return settings.PUBLIC_URL + reverse("participant:home")


def participant_at(email: str) -> Participant | None:
    """Who signs in with this address. Of several studies: one they are in, then one they are on the
    way into, and only then one that is over for them; the newest of these.
    """
    found = (
        Identity.objects.filter(
            email_hash=vault.address_hash(email), participant__user__isnull=False
        )
        .select_related("participant__user", "participant__version")
        .order_by("-verified_at")
    )
    return min((identity.participant for identity in found), key=_how_far_from_active, default=None)


def _how_far_from_active(participant: Participant) -> int:
    return 0 if participant.is_in_study else 1 if participant.state == "screening" else 2
