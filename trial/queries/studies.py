"""Reads of studies for the researcher's room: which, in which role, and what must stay
concealed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery

from trial import permissions
from trial.models import Membership, ProtocolVersion, Study, User
from trial.prepared import prepared

NEWEST = ProtocolVersion.objects.filter(study=OuterRef("study")).order_by("-number")


def in_hand(user: User, slug: str) -> tuple[Study, set[str]]:
    """A study with its newest version, and this person's roles in it, in one query; raises
    Study.DoesNotExist.
    """
    rows = list(
        ProtocolVersion.objects.filter(
            study__slug=slug,
            study__memberships__user=user,
            study__memberships__ended_at__isnull=True,
            number=Subquery(NEWEST.values("number")[:1]),
        )
        .annotate(role=F("study__memberships__role"))
        .select_related("study")
    )
    if not rows:
        raise Study.DoesNotExist(slug)
    study = rows[0].study
    study.current = rows[0]
    return study, {row.role for row in rows}


def listed(among: Collection[int] | None = None) -> list[Study]:
    """Studies by slug, all or those `among`, with their newest version in hand, how many were
    `randomised` and whether anybody works on them.
    """
    staff = Membership.objects.filter(study=OuterRef("pk"), ended_at__isnull=True)
    found = Study.objects.annotate(
        randomised=Count("participants", filter=Q(participants__randomised_at__isnull=False)),
        has_staff=Exists(staff),
    ).order_by("slug")
    return _in_hand(found if among is None else found.filter(pk__in=among))


def by_slug(among: Collection[int]) -> list[Study]:
    """These studies, by slug, with their newest version in hand."""
    return _in_hand(Study.objects.filter(pk__in=among).order_by("slug"))


def running() -> list[Study]:
    """Every study in which somebody may take part now, newcomer or not, with its newest version in
    hand.
    """
    newest = _running()
    for version in newest:
        version.study.current = version
    return [version.study for version in newest]


@prepared
def _running() -> QuerySet[ProtocolVersion]:
    return (
        ProtocolVersion.objects.filter(
            study__state__in=("open", "paused", "closed"),
            number=Subquery(NEWEST.values("number")[:1]),
        )
        .select_related("study")
        .order_by("study_id")
    )


def _in_hand(found: Iterable[Study]) -> list[Study]:
    rows = list(found)
    newest = newest_versions(study.pk for study in rows)
    for study in rows:
        study.current = newest[study.pk]
    return rows


def newest_versions(studies: Iterable[int]) -> dict[int, ProtocolVersion]:
    """The newest version of each study, by study, in one query."""
    return {
        version.study_id: version
        for version in ProtocolVersion.objects.filter(
            study__in=list(studies), number=Subquery(NEWEST.values("number")[:1])
        )
    }


def roles_by_study(user: User) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for study, role in Membership.objects.filter(user=user, ended_at__isnull=True).values_list(
        "study", "role"
    ):
        found.setdefault(study, set()).add(role)
    return found


def is_concealed(study: Study) -> bool:
    """Whether nothing may be shown that tells the arm of a person: always, before a live study is
    locked.
    """
    return study.state != "locked" and not study.simulated


def may_know_arms(study: Study, may: Collection[str]) -> bool:
    """Whether whoever may do these things in the study may be shown what tells an arm: who sees
    every caseload does.
    """
    return "supervise" in may or not is_concealed(study)


def knows_arms(study: Study, person: User) -> bool:
    """Whether this person may be shown what tells an arm."""
    return not is_concealed(study) or permissions.may(person, study, "supervise")


def has_one_follow_up(version: ProtocolVersion) -> bool:
    """Whether every arm is followed up by the same schedules, and by none whose dates hang on what
    an arm was given. Where it is not, being finished tells the arm.
    """
    given = [
        sorted((grant.code, grant.opens.model_dump_json()) for grant in arm.granted("assessments"))
        for _, arm in version.protocol.giving()
    ]
    return all(each == given[0] for each in given) and not _waits_for_the_programme(version)


def _waits_for_the_programme(version: ProtocolVersion) -> bool:
    schedules = version.section("assessments")["schedules"].values()
    return any(
        entry["anchor"] == "programme_finished" for schedule in schedules for entry in schedule
    )


def hides_completion(study: Study) -> bool:
    return is_concealed(study) and not has_one_follow_up(study.current)


def chosen_here(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every place of a document that says something its sources do not, with the reason given
    there.
    """
    return list(_chosen(document, ()))


def _chosen(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        if value.get("chosen_here"):
            yield " › ".join(path), value["chosen_here"]
        for name, part in value.items():
            yield from _chosen(part, (*path, str(name)))
    elif isinstance(value, list):
        for number, part in enumerate(value, 1):
            yield from _chosen(part, (*path, _name(part, number)))


def _name(entry: Any, number: int) -> str:
    """What an entry of a list is called: its code, its timepoint or name, or its number."""
    if isinstance(entry, Mapping):
        for key in ("code", "timepoint", "name", "assessments", "coaching", "programme"):
            if isinstance(entry.get(key), str):
                return entry[key]
    return str(number)
