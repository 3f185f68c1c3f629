"""What a person chooses and corrects of their own: call times, phone number, language, time zone.
Their name and the address they sign in with are in own_address.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import available_timezones

from trial import audit, contact_details, vault, week
from trial.actions.once import once
from trial.actions.participants import NotAskedNow, locked
from trial.actors import Actor
from trial.models import Identity, Participant


class LanguageNotOpen(Exception):
    """The study is not open in this language: some of its questions have no wording in it."""


class UnknownZone(Exception):
    """Not the name of a time zone."""


class SameZone(Exception):
    """This is the time zone that is known already."""


class SameNumber(Exception):
    """The number that is to be corrected is this very one."""


@once
def set_call_times(
    *, participant: Participant, times: Sequence[str], by: Actor, at: datetime
) -> Participant:
    """When the person would rather be called: asked in every arm alike. An empty list means no
    preference.
    """
    Identity.objects.filter(participant=participant).update(
        call_times_sealed=participant.sealed(json.dumps(week.in_order(times)))
    )
    audit.record(participant, "preferred call times given", subject=participant.code, by=by, at=at)
    return participant


@once
def correct_contact(
    *, participant: Participant, phone: str, by: Actor, at: datetime
) -> Participant:
    """The person gives another phone number. Raises SameNumber, and NotAskedNow for whoever is not
    in the study.
    """
    participant = locked(participant)
    if not participant.is_in_study:
        raise NotAskedNow
    identity = Identity.objects.get(participant=participant)
    phone = contact_details.phone_number(phone, participant.version.protocol.country)
    old, phone_hash = identity.phone_sealed, vault.phone_hash(phone)
    if phone_hash == identity.phone_hash:
        raise SameNumber
    identity.phone_sealed, identity.phone_hash = participant.sealed(phone), phone_hash
    identity.phone_changed_at = at
    identity.save(update_fields=["phone_sealed", "phone_hash", "phone_changed_at"])
    audit.record(
        participant,
        "phone number corrected",
        subject=participant.code,
        old={"sealed": old},  # as ciphertext: the trail outlives the key
        new={"sealed": identity.phone_sealed},
        by=by,
        at=at,
    )
    return participant


@once
def choose_language(
    *, participant: Participant, language: str, by: Actor, at: datetime
) -> Participant:
    """The language of everything this person reads from now on; raises LanguageNotOpen."""
    if language not in participant.study.open_languages:
        raise LanguageNotOpen
    participant = locked(participant)
    old, participant.language = participant.language, language
    participant.save(update_fields=["language"])
    audit.record(
        participant,
        "language chosen",
        subject=participant.code,
        old={"language": old},
        new={"language": language},
        by=by,
        at=at,
    )
    return participant


@once
def choose_zone(*, participant: Participant, timezone: str, by: Actor, at: datetime) -> Participant:
    """The time zone in which this person is from now on: for the hours of mails and the clock on
    their pages. No date of the study moves. Raises UnknownZone and SameZone.
    """
    if timezone not in available_timezones():
        raise UnknownZone
    participant = locked(participant)
    if participant.timezone == timezone:
        raise SameZone
    old, participant.timezone = participant.timezone, timezone
    participant.earlier_zones = [*participant.earlier_zones, [at.isoformat(), old]]
    participant.save(update_fields=["timezone", "earlier_zones"])
    audit.record(
        participant,
        "time zone chosen",
        subject=participant.code,
        old={"sealed": participant.sealed(old)},
        new={"sealed": participant.sealed(timezone)},
        by=by,
        at=at,
    )
    return participant
