"""Keeping what somebody types until it is sent or given up. None of it is an event: nothing has
happened yet.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from trial import vault
from trial.models import Draft, Membership, Participant, PersonKey, User
from trial.prepared import prepared
from trial.queries import drafts as reads
from trial.queries.drafts import Typed

LONGEST = 200_000
MOST = 100  # of one person; whoever has more gets rid of the oldest
KEPT_FOR = timedelta(days=30)


class AlreadySent(Exception):
    """The form was sent under this request key: there is nothing left to keep."""


class TooLong(Exception):
    """More than anybody types."""


class NobodyThere(Exception):
    """Whom it is about was erased: nothing about them is kept any more."""


@transaction.atomic
def keep(
    *,
    owner: User,
    about: Participant | None,
    typed: Typed,
    request_key: str,
    sequence: int,
    at: datetime,
) -> Draft | None:
    """Keep the newest words of a form, beside those of fields that are not sent along. None where
    nothing differs from the page as it was drawn any more.
    """
    if reads.is_sent(owner, request_key, about):
        raise AlreadySent
    owner = User.objects.select_for_update(no_key=True).get(
        pk=owner.pk
    )  # two tabs wait for each other
    place = reads.place(owner, typed.form)
    kept = Draft.objects.filter(owner=owner, place=place).select_related("about__key").first()
    if kept and kept.request_key == request_key and kept.sequence >= sequence:
        return kept
    merged = replace(typed, fields=_merged(kept, typed))
    if not merged.changed:
        Draft.objects.filter(owner=owner, place=place).delete()
        return None
    return _store(
        owner, about, place, replace(merged, fields=merged.changed), request_key, sequence, at
    )


def _merged(kept: Draft | None, typed: Typed) -> dict[str, dict[str, list[str]]]:
    before = reads.read(kept).fields if kept else {}
    now = {
        name: {**each, "was": before.get(name, each)["was"]} for name, each in typed.fields.items()
    }
    return {**before, **now}


def _store(
    owner: User,
    about: Participant | None,
    place: str,
    typed: Typed,
    request_key: str,
    sequence: int,
    at: datetime,
) -> Draft:
    text = json.dumps(asdict(typed))
    if len(text) > LONGEST:
        raise TooLong
    try:
        sealed = about.sealed(text) if about else vault.seal(text)
    except PersonKey.DoesNotExist:
        raise NobodyThere from None
    draft, is_new = Draft.objects.update_or_create(
        owner=owner,
        place=place,
        defaults={
            "about": about,
            "text_sealed": sealed,
            "request_key": request_key,
            "sequence": sequence,
            "saved_at": at,
        },
    )
    if is_new:
        oldest = reads.of(owner)[MOST:]  # type: ignore[index]
        Draft.objects.filter(pk__in=[each.pk for each in oldest]).delete()
    return draft


def give_up(*, owner: User, place: str) -> None:
    Draft.objects.filter(owner=owner, place=place).delete()


def forget_of_role(membership: Membership) -> None:
    """What somebody typed about the people of a study in which they have no role any more."""
    if Membership.objects.filter(
        user=membership.user_id, study=membership.study_id, ended_at__isnull=True
    ).exists():
        return
    Draft.objects.filter(owner=membership.user_id, about__study=membership.study_id).delete()


def forget_old(at: datetime) -> int:
    """What nobody came back for; says how many."""
    since = at - KEPT_FOR
    return Draft.objects.filter(saved_at__lt=since).delete()[0] if _first_old(since) else 0


@prepared
def _first_old(since: datetime) -> QuerySet[Draft, int]:
    return Draft.objects.filter(saved_at__lt=since).values_list("pk", flat=True)[:1]
