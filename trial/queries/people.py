"""Reads of people by their study code."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count, QuerySet

from trial.grants import Grant
from trial.models import Participant, Study
from trial.prepared import prepared
from trial.queries import programme
from trial.queries.addresses import address_of


def by_code(code: str) -> Participant:
    """One person with all that their own pages need."""
    return Participant.objects.select_related("study", "version", "key", "identity").get(code=code)


def now(code: str, seen: Participant | None) -> Participant:
    """A person as they stand now; study, version and key never change and are taken over from an
    earlier reading.
    """
    if seen is None:
        return by_code(code)
    found = _numbered.one(seen.pk)
    for name in ("study", "version", "key"):
        if name in seen._state.fields_cache:
            found._state.fields_cache[name] = seen._state.fields_cache[name]
    return found


@prepared
def _numbered(person: int) -> QuerySet[Participant]:
    return Participant.objects.filter(pk=person)


def held(participant: Participant) -> dict[str, float]:
    """Codes of the open grants of a person with the days since randomisation at which each opened.
    For rehearsals, where nature knows what somebody got; nothing else reads it.
    """
    start = participant.randomised_at
    if start is None:
        return {}
    opened = _opened(participant.pk)
    return {code: (at - start).total_seconds() / 86400 for code, at in opened if at}


@prepared
def _opened(person: int) -> QuerySet[Grant, tuple[str, datetime | None]]:
    opened = Grant.objects.filter(participant=person, opens_at__isnull=False)
    return opened.values_list("code", "opens_at")


def arm_by_grants(participant: Participant) -> str | None:
    """The arm that gives exactly what this person was granted; for rehearsals only."""
    given = set(Grant.objects.filter(participant=participant).values_list("kind", "code"))
    for arm in participant.version.protocol.arms:
        if {(grant.kind, grant.code) for grant in arm.grants} == given:
            return arm.code
    return None


def randomised_count(study: Study) -> int:
    return Participant.objects.filter(study=study, randomised_at__isnull=False).count()


def unfinished_count(study: Study) -> int:
    """People who are in and not yet at the end."""
    return next(iter(_unfinished(study.pk)), 0)


@prepared
def _unfinished(study: int) -> QuerySet[Participant, int]:
    going_on = Participant.objects.filter(study=study, state__in=("consented", "randomised"))
    return going_on.order_by().values("study").annotate(n=Count("pk")).values_list("n", flat=True)


def someone_in_the_programme(study: Study, at: datetime) -> str | None:
    """The address of a simulated person with an open lesson to do, for the demo; None in a study
    that is not simulated.
    """
    found = in_the_programme(study, at) if study.simulated else None
    return address_of(found) if found else None


def in_the_programme(study: Study, at: datetime) -> Participant | None:
    """Somebody who has done a lesson and has one open."""
    for participant in Participant.objects.filter(study=study, state="randomised").select_related(
        "version", "key"
    ):
        states = programme.modules(participant)
        done = sum(state.done_at is not None for state in states)
        if done and any(state.is_open(at) and not state.done_at for state in states):
            return participant
    return None
