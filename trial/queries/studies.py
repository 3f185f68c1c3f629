"""Reads of studies for the researcher's room: which, in which role, and what must stay concealed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery

from trial.models import Membership, ProtocolVersion, Study, User

NEWEST = ProtocolVersion.objects.filter(study=OuterRef("study")).order_by("-number")


def in_hand(user: User, slug: str) -> tuple[Study, set[str]]:
    """A study with its newest version, and this person's roles in it, in one query; raises Study.DoesNotExist."""
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


def with_title() -> QuerySet[Study]:
    """Studies with `title` and `target` of their newest version, and how many people were `randomised`."""
    newest = ProtocolVersion.objects.filter(study=OuterRef("pk")).order_by("-number")
    return Study.objects.annotate(
        title=Subquery(newest.values("document__study__title")[:1]),
        target=Subquery(newest.values("document__study__target")[:1]),
        randomised=Count("participants", filter=Q(participants__randomised_at__isnull=False)),
    ).order_by("slug")


def roles_by_study(user: User) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for study, role in Membership.objects.filter(user=user, ended_at__isnull=True).values_list("study", "role"):
        found.setdefault(study, set()).add(role)
    return found


def is_concealed(study: Study) -> bool:
    """Whether nothing may be shown that tells the arm of a person: always, before a live study is locked."""
    return study.state != "locked" and not study.simulated


def has_one_follow_up(version: ProtocolVersion) -> bool:
    """Whether every arm is followed up by the same schedules. Where it is not, being finished tells the arm."""
    given = [
        sorted((grant.code, grant.opens.model_dump_json()) for grant in arm.granted("assessments"))
        for arm in version.protocol.arms
    ]
    return all(each == given[0] for each in given)


def hides_completion(study: Study) -> bool:
    return is_concealed(study) and not has_one_follow_up(study.current)


def chosen_here(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every place of a document that says something its sources do not, with the reason given there."""
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
