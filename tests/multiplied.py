"""More people of one kind, quickly: every row of a person copied so many times, with rows alone.

What the actions write of a person takes seconds for a hundred people. Where a test asks only what a
page reads as a study grows, copies do: they have the same state, dates and calls, codes of their
own, and no login. Their facts stand in no trail.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

from django.apps import apps
from django.db import models

from trial.models import AuditEvent, Participant

Copies = dict[tuple[type[models.Model], int], list[models.Model]]


def multiply(person: Participant, times: int) -> None:
    before = Participant.objects.count()
    made: Copies = {(Participant, person.pk): []}
    codes = [f"{person.code[:3]}{before + number:05d}" for number in range(times)]
    for code in codes:
        one = _copied(person, 0)
        one.code, one.user = code, None
        made[Participant, person.pk].append(one)
    Participant._base_manager.bulk_create(made[Participant, person.pk])  # type: ignore[arg-type]
    for model in _in_order():
        for row in list(model._base_manager.all()):
            _copy(row, made, times, before)
    events = list(AuditEvent.objects.filter(stream__endswith=f"/{person.code}"))
    AuditEvent._base_manager.bulk_create(
        _told_of(event, event.stream.replace(person.code, code))
        for code in codes
        for event in events
    )


def _told_of(event: AuditEvent, stream: str) -> AuditEvent:
    one = copy.copy(event)
    one.stream = stream
    return one


def _copy(row: models.Model, made: Copies, times: int, before: int) -> None:
    """A row that points at somebody who is copied is copied too."""
    pointing = {
        field.attname: made[found]
        for field in _pointers(type(row))
        if (found := (field.related_model, getattr(row, field.attname))) in made
    }
    if not pointing:
        return
    copies = []
    for number in range(times):
        one = _copied(row, before + number)
        for name, rows in pointing.items():
            setattr(one, name, rows[number].pk)
        copies.append(one)
    type(row)._base_manager.bulk_create(copies)
    made[type(row), row.pk] = copies


def _copied(row: models.Model, number: int) -> models.Model:
    one = copy.copy(row)
    one._state = copy.copy(row._state)
    one._state.fields_cache = {}
    one._state.adding = True
    one.pk = None
    for field in row._meta.concrete_fields:
        if field.name in {"handle", "email_hash", "phone_hash"}:
            setattr(
                one, field.attname, f"{number:05d}{getattr(row, field.attname)}"[: field.max_length]
            )
        elif field.name == "draw_index" and row.draw_index is not None:  # type: ignore[attr-defined]
            setattr(one, field.attname, 1000 + number)
    return one


def _pointers(model: type[models.Model]) -> Iterator[models.ForeignKey]:
    return (field for field in model._meta.concrete_fields if isinstance(field, models.ForeignKey))


def _in_order() -> list[type[models.Model]]:
    """Every model that points at others, after those it points at."""
    left = {model: set(_targets(model)) for model in apps.get_models() if model._meta.managed}
    found: list[type[models.Model]] = []
    while left:
        free = [model for model, needs in left.items() if not needs & left.keys()]
        assert free, f"models in a circle: {sorted(model.__name__ for model in left)}"
        found += free
        for model in free:
            del left[model]
    return [model for model in found if model is not Participant]


def _targets(model: type[models.Model]) -> Iterator[type[models.Model]]:
    return (
        field.related_model  # type: ignore[misc]
        for field in _pointers(model)
        if field.related_model is not model
    )
