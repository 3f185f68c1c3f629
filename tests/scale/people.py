"""Forty people become any number, by SQL: every row that hangs on a person is copied with them.

Which tables those are is read from the models, never from a list. What must differ from person to
person (codes, keys, addresses, logins) stands in ANEW; a unique column that nothing makes differ,
or a row that cannot be copied, is an error that names it. Draws and trails are made anew in
tests/scale/draws.py and tests/scale/trail.py.

A copy has a sealed key of its own for the key of the person they were copied from: what that key
sealed opens, and each key has to be opened for itself, as in a real study.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.apps import apps
from django.db import connection, models

from randomisation.models import Allocation
from trial import facts, vault
from trial.actions import participants
from trial.models import AuditEvent, Identity, Message, Participant, PersonKey, Study, User

# Column of a table -> what it is of a copy: a value of that person (see `Copy`), or SQL.
RANDOM = {
    "sqlite": "lower(hex(randomblob(10)))",
    "postgresql": "substr(md5(random()::text), 1, 20)",
}
ANEW: dict[type[models.Model], dict[str, str]] = {
    Participant: {"code": "code", "site": "site", "answers": "answers"},
    PersonKey: {"sealed_key": "sealed_key"},
    Identity: {
        "email_sealed": "email_sealed",
        "phone_sealed": "phone_sealed",
        "email_hash": "email_hash",
        "phone_hash": "phone_hash",
    },
    User: {"username": "RANDOM"},
    Message: {"handle": "RANDOM"},
}
COPIES = "scale_copies"


class CannotMultiply(Exception):
    """Something of a person that this module does not know how to copy."""


@dataclass(frozen=True)
class Copy:
    """One person who is to be, and whom they are like. `turn` counts those who are like the same
    one.
    """

    like: Participant
    turn: int
    code: str
    values: dict[str, Any]  # by the names in ANEW
    allocation: Allocation | None


@dataclass
class Hanging:
    """A table with rows about people: `path` is the way from a row to the person."""

    model: type[models.Model]
    path: str
    stride: int = 0  # between a row and its first copy
    spelt: frozenset[str] = frozenset()  # columns in which the person's code stands
    moved: frozenset[str] = frozenset()  # foreign keys that lead to what is copied with the row

    @cached_property
    def fields(self) -> tuple[models.Field, ...]:
        return tuple(self.model._meta.concrete_fields)

    def of(self, people: Iterable[int]) -> models.QuerySet:
        return self.model._base_manager.filter(**{f"{self.path}__in": list(people)})


@dataclass
class Crowd:
    """The people of a study that copies are made of, and everything that hangs on them."""

    study: Study
    people: list[Participant]
    events: dict[str, list[AuditEvent]] = field(default_factory=dict)  # by code
    tables: dict[type[models.Model], Hanging] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)  # label -> the highest number in the trail

    @classmethod
    def of(cls, study: Study) -> Crowd:
        people = list(Participant.objects.filter(study=study).select_related("key").order_by("pk"))
        crowd = cls(study, people)
        crowd._read_events()
        numbers = [person.pk for person in people]
        for each in hanging():
            if each.of(numbers).exists():
                crowd.tables[each.model] = each
                highest = each.model._base_manager.aggregate(n=models.Max("pk"))["n"]
                each.stride = max(highest, crowd.gone.get(facts.label(each.model), 0))
        for each in crowd.tables.values():
            each.spelt = frozenset(_spelt(each, people))
            each.moved = frozenset(_moved(each, crowd.tables, numbers))
            if each.model is not Allocation:
                _check_unique(each)
        return crowd

    def _read_events(self) -> None:
        codes = {f"{self.study.slug}/{person.code}": person.code for person in self.people}
        for event in AuditEvent.objects.filter(stream__in=codes).order_by("stream", "number"):
            self.events.setdefault(codes[event.stream], []).append(event)
            for label, number, *_ in json.loads(event.facts or "[]"):
                self.gone[label] = max(number, self.gone.get(label, 0))

    def number(self, label: str, number: int, copy: Copy) -> int:
        """That of the copy of a row; also of a row that was deleted since."""
        model = apps.get_model(label)
        if model is Allocation:
            assert copy.allocation is not None
            return copy.allocation.pk
        table = self.tables.get(model)
        return number + copy.turn * (table.stride if table else self.gone[label])


def hanging() -> list[Hanging]:
    """Every table whose rows are about one person each, whoever they hang on first."""
    found: dict[type[models.Model], Hanging] = {Participant: Hanging(Participant, "pk")}
    known = [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    ]
    while True:
        before = len(found)
        for model in known:
            path = None if model in found else _path(model, found)
            if path is not None:
                found[model] = Hanging(model, path)
        if len(found) == before:
            return list(found.values())


def _path(model: type[models.Model], found: dict[type[models.Model], Hanging]) -> str | None:
    """By a foreign key to what hangs on a person; or because one there has it for itself, as a
    login.
    """
    for each in model._meta.concrete_fields:
        target = each.remote_field and each.related_model
        if target in found:
            rest = found[target].path
            return each.name if rest == "pk" else f"{each.name}__{rest}"
    for holder in found.values():
        for each in holder.fields:
            if isinstance(each, models.OneToOneField) and each.related_model is model:
                back = each.remote_field.get_accessor_name()
                if back:
                    name = each.related_query_name()
                    return name if holder.path == "pk" else f"{name}__{holder.path}"
    return None


def _spelt(table: Hanging, people: list[Participant]) -> Iterator[str]:
    """Columns of text in which somebody's code stands, by looking."""
    anew = ANEW.get(table.model, {})
    names = [
        each.name for each in table.fields if isinstance(each, models.CharField | models.TextField)
    ]
    names = [name for name in names if name not in anew]
    codes = {person.pk: person.code for person in people}
    for owner, *values in table.of(codes).values_list(table.path, *names):
        yield from (
            name
            for name, value in zip(names, values, strict=True)
            if isinstance(value, str) and codes[owner] in value
        )


def _moved(
    table: Hanging, tables: dict[type[models.Model], Hanging], people: list[int]
) -> Iterator[str]:
    """Foreign keys to rows that are copied too; a login may as well be that of somebody of the
    staff.
    """
    for each in table.fields:
        target = tables.get(each.related_model) if each.remote_field else None  # type: ignore[arg-type]
        if target is None:
            continue
        asked = set(table.of(people).values_list(each.attname, flat=True)) - {None}
        copied = set(target.of(people).values_list("pk", flat=True))
        if asked and asked <= copied:
            if target.model is Allocation:
                raise CannotMultiply(f"{table.model._meta.label}: {each.name} is drawn anew")
            yield each.name
        elif asked & copied:
            raise CannotMultiply(f"{table.model._meta.label}: {each.name} is copied for some alone")


def _check_unique(table: Hanging) -> None:
    """Every unique set of columns has one that differs from copy to copy."""
    model = table.model
    if not isinstance(model._meta.pk, models.AutoField):
        raise CannotMultiply(f"{model._meta.label}: its key is no number that the database gives")
    differing = {each.name for each in table.fields if each.primary_key}
    differing |= {*ANEW.get(model, {}), *table.spelt, *table.moved}
    unique: list[Sequence[str]] = [[each.name] for each in table.fields if each.unique]
    unique += [
        each.fields
        for each in model._meta.constraints
        if isinstance(each, models.UniqueConstraint)
        # Of what is about nobody there is nothing to copy.
        and f"{table.path.partition('__')[0]}__isnull" not in str(each.condition)
    ]
    for names in unique:
        if not differing & set(names):
            raise CannotMultiply(
                f"{model._meta.label}: {', '.join(names)} would be the same of a copy; say in ANEW "
                f"what it is"
            )


def copies(crowd: Crowd, drawn: Iterable[tuple[Participant, Allocation]]) -> Iterator[Copy]:
    """Those who were drawn, and as many of the others for each as there are."""
    turns: dict[int, Iterator[int]] = {each.pk: itertools.count(1) for each in crowd.people}
    others = [each for each in crowd.people if each.randomised_at is None]
    share = len(others) / (len(crowd.people) - len(others))
    queue, made = itertools.cycle(others), 0
    new = _New(crowd)
    for number, (like, allocation) in enumerate(drawn, start=1):
        yield new.copy(like, next(turns[like.pk]), allocation)
        while made < int(number * share):
            like, made = next(queue), made + 1
            yield new.copy(like, next(turns[like.pk]), None)


class _New:
    """What is new of each copy."""

    def __init__(self, crowd: Crowd) -> None:
        self.stride = crowd.tables[Participant].stride
        self.prefix = crowd.study.current.protocol.code_prefix
        self.questions = {each.code: each for each in crowd.study.current.protocol.questions}
        self.codes = set(Participant.objects.values_list("code", flat=True))
        self.keys = {
            each.pk: vault.unseal(each.key.sealed_key) for each in crowd.people if _has_key(each)
        }

    def copy(self, like: Participant, turn: int, allocation: Allocation | None) -> Copy:
        if allocation is not None:
            allocation.participant_id = like.pk + turn * self.stride
        code = self._code()
        site, answers = like.site, dict(like.answers)
        for factor, level in allocation.covariates.items() if allocation else ():
            if self.questions[factor].kind == "site":
                site = level
            else:
                answers[factor] = level
        values = {"code": code, "site": site, "answers": answers, **self._sealed(like, code)}
        return Copy(like, turn, code, values, allocation)

    def _code(self) -> str:
        while (code := participants.drawn_code(self.prefix)) in self.codes:
            pass
        self.codes.add(code)
        return code

    def _sealed(self, like: Participant, code: str) -> dict[str, Any]:
        if like.pk not in self.keys:
            return dict.fromkeys(
                ("sealed_key", "email_sealed", "email_hash", "phone_sealed", "phone_hash"), ""
            )
        sealed_key = like.key.sealed_key
        email = f"{code.lower()}@example.org"
        phone = f"+316{10_000_000 + len(self.codes)}"
        return {
            "sealed_key": vault.seal(self.keys[like.pk]),
            "email_sealed": vault.seal_for(sealed_key, email),
            "email_hash": vault.address_hash(email),
            "phone_sealed": vault.seal_for(sealed_key, phone),
            "phone_hash": vault.phone_hash(phone),
        }


def _has_key(person: Participant) -> bool:
    return PersonKey.objects.filter(participant=person).exists()


def write(crowd: Crowd, made: Sequence[Copy]) -> None:
    """Every row of every copy but draws and trail."""
    _write_copies(made)
    for table in crowd.tables.values():
        if table.model is not Allocation:
            with connection.cursor() as cursor:
                cursor.execute(_statement(table, crowd))
    bulk(Allocation, (copy.allocation for copy in made if copy.allocation is not None))
    _count_on([each.model for each in crowd.tables.values()])


def _made_columns() -> dict[str, models.Field]:
    """What COPIES holds of each copy beside whom they are like."""
    return {
        name: model._meta.get_field(column)  # type: ignore[misc]
        for model, anew in ANEW.items()
        for column, name in anew.items()
        if name != "RANDOM"
    }


def _write_copies(made: Sequence[Copy]) -> None:
    fields = _made_columns()
    columns = ", ".join(f"{name} {each.db_type(connection)}" for name, each in fields.items())
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {COPIES}")
        cursor.execute(
            f"CREATE TEMPORARY TABLE {COPIES} "
            f"(person bigint, turn bigint, old_code text, {columns})"
        )
    bulk_rows(
        COPIES,
        ["person", "turn", "old_code", *fields],
        (
            [
                copy.like.pk,
                copy.turn,
                copy.like.code,
                *(
                    each.get_db_prep_save(copy.values[name], connection)
                    for name, each in fields.items()
                ),
            ]
            for copy in made
        ),
    )
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE INDEX {COPIES}_person ON {COPIES} (person)")
        if connection.vendor == "postgresql":
            cursor.execute(f"ANALYZE {COPIES}")


def _statement(table: Hanging, crowd: Crowd) -> str:
    quote = connection.ops.quote_name
    names = ", ".join(quote(str(each.column)) for each in table.fields)
    values = ", ".join(_expression(each, table, crowd) for each in table.fields)
    joins, owner = _joins(table)
    return (
        f"INSERT INTO {quote(table.model._meta.db_table)} ({names}) SELECT {values} "
        f"FROM {COPIES} c, {quote(table.model._meta.db_table)} t0{joins} WHERE {owner} = c.person "
        f"ORDER BY 1"
    )


def _expression(each: models.Field, table: Hanging, crowd: Crowd) -> str:
    column = f"t0.{connection.ops.quote_name(str(each.column))}"
    anew = ANEW.get(table.model, {}).get(each.name)
    if anew is not None:
        return RANDOM[connection.vendor] if anew == "RANDOM" else f"c.{anew}"
    if each.primary_key:
        return f"{column} + c.turn * {table.stride}"
    if each.name in table.moved:
        return f"{column} + c.turn * {crowd.tables[each.related_model].stride}"  # type: ignore[index]
    return f"replace({column}, c.old_code, c.code)" if each.name in table.spelt else column


def _joins(table: Hanging) -> tuple[str, str]:
    """SQL from t0 to the person, and what is the person's number there."""
    quote = connection.ops.quote_name
    joins, at, model, names = "", "t0", table.model, table.path.split("__")
    if table.path == "pk":
        return "", "t0.id"
    for place, name in enumerate(names, start=1):
        each: Any = model._meta.get_field(name)
        if each.concrete:
            if each.related_model is Participant:
                return joins, f"{at}.{quote(each.column)}"
            on = f"t{place}.id = {at}.{quote(each.column)}"
        else:  # whoever has this row for themselves
            on = f"t{place}.{quote(each.field.column)} = {at}.id"
        model = each.related_model
        joins += f" JOIN {quote(model._meta.db_table)} t{place} ON {on}"
        at = f"t{place}"
    return joins, f"{at}.id"


def bulk(model: type[models.Model], rows: Iterable[models.Model]) -> None:
    fields = model._meta.concrete_fields
    bulk_rows(
        model._meta.db_table,
        [str(each.column) for each in fields],
        (
            [each.get_db_prep_save(getattr(row, each.attname), connection) for each in fields]
            for row in rows
        ),
    )


def bulk_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """As fast as the database takes them, without keeping them."""
    quote = connection.ops.quote_name
    names = ", ".join(map(quote, columns))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {quote(table)} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return
        places = ", ".join(["%s"] * len(columns))
        waiting = iter(rows)
        while some := list(itertools.islice(waiting, 500)):
            cursor.executemany(f"INSERT INTO {quote(table)} ({names}) VALUES ({places})", some)


def _count_on(tables: list[type[models.Model]]) -> None:
    """New rows get numbers after those of the copies."""
    from django.core.management.color import no_style

    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), tables):
            cursor.execute(statement)
