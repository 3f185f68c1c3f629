"""What the audit trail says of the rows themselves: each event carries a keyed digest of every fact
it changed, after it.

A model says which of its columns are facts, in numbered lists, and why the others are none. What
changes in such a row is noted by `save`, `update`, `create` and the like, and waits for the next
event on the same person or study in the same transaction; trial.audit takes it from here. Nobody
who writes an action does anything for it but record an event after the last change.
trial/fact_checks.py compares rows and trail.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, ClassVar

from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction

from trial import vault
from trial.prepared import Answer, Prepared, Saved, at_once, prepared

logger = logging.getLogger(__name__)
SELF = "pk"  # where a path would lead: the row is itself the person, or the study
GONE = ""  # instead of a digest: the row was deleted


class NoEvent(Exception):
    """A fact was changed and no event after it, on its person or study, carries its digest."""


class FactQuerySet(models.QuerySet):
    """A queryset that notes which facts it changes."""

    def update(self, **values: Any) -> int:
        if not names_facts(self.model, values):
            return super().update(**values)
        numbers = list(self.order_by().values_list("pk", flat=True))
        changed = super().update(**values)
        _note(self.model, numbers)
        return changed

    def bulk_create(self, objs: Iterable[Any], *args: Any, **options: Any) -> list[Any]:
        made = super().bulk_create(objs, *args, **options)
        _note(self.model, [row.pk for row in made])
        return made

    def delete(self) -> tuple[int, dict[str, int]]:
        gone = list(self.order_by().values_list("pk", *_owner_columns(self.model)))
        deleted = super().delete()
        _note_gone(self.model, gone)
        return deleted

    update.alters_data = True  # type: ignore[attr-defined]
    delete.alters_data = True  # type: ignore[attr-defined]


class Fact(Saved):
    """A row whose columns are compared with the audit trail."""

    # Number -> the columns, in words with blanks between. The highest number is used for new
    # events; an older one is kept for the events that were made with it, as long as its columns are
    # there.
    fact_columns: ClassVar[Mapping[int, str]] = {}
    # Of a model that has columns that are a draft at first: column -> the column that ends it.
    draft_until: ClassVar[Mapping[str, str]] = {}
    # Column -> why it is no fact. Every column stands in the newest list or here.
    no_facts: ClassVar[Mapping[str, str]] = {}
    # Column -> the key that it is sealed under: "person", "master", or "WAY or master", which is
    # the key of the person at the end of that way, and the master keys where there is nobody. Its
    # digest is of the opened value.
    sealed_under: ClassVar[Mapping[str, str]] = {}
    # The way to the person whom the row is about, and to the study where it is about nobody.
    facts_of: ClassVar[str] = "participant"
    facts_in: ClassVar[str] = "study"

    objects = FactQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        super().save(*args, **options)
        if _changes_facts(self, options.get("update_fields")):
            _note(type(self), [self.pk])

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        rows = (
            type(self)
            ._base_manager.filter(pk=self.pk)
            .values_list("pk", *_owner_columns(type(self)))
        )
        gone = list(rows)
        deleted = super().delete(*args, **options)
        _note_gone(type(self), gone)
        return deleted

    @classmethod
    def may_be_about_nobody(cls) -> bool:
        """Whether a row can be about a study and no person."""
        model: Any = cls
        is_nullable = not cls.facts_of
        for name in cls.facts_of.split("__") if cls.facts_of not in ("", SELF) else ():
            field = model._meta.get_field(name)
            model, is_nullable = field.related_model, is_nullable or field.null
        return is_nullable


@dataclass(frozen=True)
class Row:
    """A fact as it stands: whose it is, and its digest under any audit key."""

    model: type[Fact]
    number: int
    version: int
    is_of_person: bool
    sealed_key: str | None  # None once the person is erased
    owner: str  # the person's code, or ""
    values: tuple[Any, ...]

    def digest(self, audit_key: int) -> str:
        """Raises cryptography's InvalidToken where a sealed column cannot be opened."""
        opened = [
            self._opened(name, value)
            for name, value in zip(columns(self.model, self.version), self.values, strict=True)
        ]
        given = dict(zip(columns(self.model, self.version), opened, strict=True))
        told = [
            None if given.get(self.model.draft_until.get(name, name)) is None else given[name]
            for name in given
        ]
        text = json.dumps(
            [label(self.model), self.number, self.version, plain(told)],
            sort_keys=True,
            separators=(",", ":"),
        )
        return vault.audit_digest(audit_key, self.sealed_key or "", text)

    def _opened(self, name: str, value: Any) -> Any:
        under = self.model.sealed_under.get(name)
        if not under or not value or not isinstance(value, str):
            return value
        if under != "master" and self.sealed_key:
            return vault.unseal_for(self.sealed_key, value)
        return vault.unseal(value)


@lru_cache
def declared() -> tuple[type[Fact], ...]:
    """Every model of facts, in the order of the apps."""
    return tuple(
        model for model in apps.get_models() if issubclass(model, Fact) and not model._meta.proxy
    )


def kept() -> list[type[Fact]]:
    """Those of which there is any row. One statement asks all tables: to build one for each costs
    more than most find.
    """
    quote = connection.ops.quote_name
    asked = [
        f"SELECT {number} WHERE EXISTS (SELECT 1 FROM {quote(model._meta.db_table)})"  # noqa: S608
        for number, model in enumerate(declared())
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(asked))
        return [declared()[number] for (number,) in sorted(cursor.fetchall())]


@lru_cache
def label(model: type[models.Model]) -> str:
    return model._meta.concrete_model._meta.label_lower  # type: ignore[union-attr]


def under_master(model: type[models.Model]) -> dict[str, str]:
    """The columns of a model that may be sealed under the master keys, each with the way to the
    person under whose key it is if there is one; "" where it is under no other.
    """
    said: Mapping[str, str] = getattr(model, "sealed_under", {})
    return {
        name: under.rpartition("master")[0].removesuffix(" or ")
        for name, under in said.items()
        if under != "person"
    }


def newest(model: type[Fact]) -> int:
    return max(model.fact_columns)


@lru_cache
def columns(model: type[Fact], version: int) -> tuple[str, ...]:
    return tuple(model.fact_columns[version].split())


def plain(value: Any) -> Any:
    """The same text for the same value in either database: neither keeps whether a whole number was
    written as 1.0.
    """
    if value is None or type(value) in (str, int, bool):  # nearly all, and there are millions
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def read(model: type[Fact], version: int, **which: Any) -> Iterator[Row]:
    """Rows of a model, with the columns of one list. All are held at once: a cursor of the
    server's, to hold fewer, takes three statements where one does.
    """
    for values in _asked(model, version, which):
        yield _row(model, version, values)


def _asked(
    model: type[Fact], version: int, which: Mapping[str, Any]
) -> models.QuerySet[Any, tuple[Any, ...]]:
    nobody = models.Value(None, output_field=models.TextField())
    owner: dict[str, Any] = {"_code": nobody, "_key": nobody}
    if model.facts_of:
        prefix = _prefix(model.facts_of)
        owner = {"_code": models.F(f"{prefix}code"), "_key": models.F(f"{prefix}key__sealed_key")}
    found = model._base_manager.filter(**which).order_by("pk").annotate(**owner)
    return found.values_list("pk", "_code", "_key", *columns(model, version))


@lru_cache
def standing(model: type[Fact]) -> str:
    """The columns of a row that is written, for `note_standing`: its number, and all that is told
    of it where it names the person whom it is about.
    """
    quote = connection.ops.quote_name
    table, number = (quote(each) for each in (model._meta.db_table, str(model._meta.pk.column)))  # type: ignore[union-attr]
    if "__" in model.facts_of or not model.facts_of:
        return number
    fields = [model._meta.get_field(name) for name in columns(model, newest(model))]
    path = model.facts_of
    own = number if path == SELF else quote(str(model._meta.get_field(path).column))  # type: ignore[union-attr]
    person = f"{table}.{own}"
    code = f"(SELECT code FROM trial_participant WHERE id = {person})"  # noqa: S608
    key = f"(SELECT sealed_key FROM trial_personkey WHERE participant_id = {person})"  # noqa: S608
    told = [quote(str(field.column)) for field in fields]  # type: ignore[union-attr]
    return ", ".join([number, own, quote("code") if path == SELF else code, key, *told])


def _row(model: type[Fact], version: int, values: tuple[Any, ...]) -> Row:
    number, code, key, *rest = values
    return Row(model, number, version, code is not None, key, code or "", tuple(rest))


def _standing(
    changed: Mapping[type[Fact], Mapping[int, Sequence[_Changed]]],
    person: int | None,
    study: int | None,
) -> dict[tuple[type[Fact], int], Row]:
    """Those of these rows that are about a person, or about a study and nobody in it. What the
    database said when it was written is not asked for again.
    """
    found: list[Row] = []
    alone: list[tuple[type[Fact], int]] = []
    for model, numbers in changed.items():
        unread = []
        for number, changes in numbers.items():
            owner, row = changes[-1].standing or (None, None)
            if row is None:
                unread.append(number)
            elif owner == person:
                found.append(row)
        if len(unread) == 1 and (person or study):  # nearly every event; neither: the installation
            alone.append((model, unread[0]))
        elif unread:
            which = {model.facts_of: person} if person is not None else in_study(model, study)
            found += read(model, newest(model), pk__in=unread, **which)
    found += _read_alone(alone, person, study)
    return {(row.model, row.number): row for row in found}


def _read_alone(
    rows: Sequence[tuple[type[Fact], int]], person: int | None, study: int | None
) -> Iterator[Row]:
    """Rows of different models, all in one way there and back: every action passes here."""
    one, about = (_of_person, person) if person is not None else (_of_study, study)
    if not rows or about is None:
        return
    asked = [one(model) for model, _ in rows]
    places = zip(asked, rows, strict=True)
    answers = at_once(*(each.asked(number, about) for each, (_, number) in places))
    for each, (model, _), answer in zip(asked, rows, answers, strict=True):
        for values in each.made(answer.rows):
            yield _row(model, newest(model), values)


@lru_cache
def _of_person(model: type[Fact]) -> Prepared[[int, int], tuple[Any, ...]]:
    @prepared
    def one(number: int, person: int) -> models.QuerySet[Any, tuple[Any, ...]]:
        return _asked(model, newest(model), {"pk": number, model.facts_of: person})

    return one


@lru_cache
def _of_study(model: type[Fact]) -> Prepared[[int, int], tuple[Any, ...]]:
    @prepared
    def one(number: int, study: int) -> models.QuerySet[Any, tuple[Any, ...]]:
        return _asked(model, newest(model), {"pk": number, **in_study(model, study)})

    return one


def in_study(model: type[Fact], study: int | None) -> dict[str, Any]:
    """What picks the rows of a study that are about it and nobody in it."""
    nobody = {f"{model.facts_of}__isnull": True} if model.facts_of else {}
    return {model.facts_in: study, **nobody}


def in_persons_of(model: type[Fact], study: int, codes: Sequence[str]) -> dict[str, Any]:
    """What picks the rows about these people of a study."""
    prefix = _prefix(model.facts_of)
    return {f"{prefix}study": study, f"{prefix}code__in": codes}


def take(*, person: int | None, study: int | None) -> list[list[Any]]:
    """What has changed of a person's facts, or of a study's own, and is in no event yet: [label,
    number, version, digest].

    It is not given out again, unless the savepoint in which it was is rolled back.
    """
    by_model: dict[type[Fact], dict[int, list[_Changed]]] = {}
    for each in _waiting():
        if each.model.facts_of if person is not None else each.model.may_be_about_nobody():
            by_model.setdefault(each.model, {}).setdefault(each.number, []).append(each)
    found = _standing(by_model, person, study)
    taken: list[list[Any]] = []
    for model, numbers in by_model.items():
        for number, changes in sorted(numbers.items()):
            row = found.get((model, number))
            if row is None and changes[-1].gone_from != (person, study if person is None else None):
                continue
            _settle(changes)
            if row is None:
                taken.append([label(model), number, newest(model), GONE])
            elif not row.is_of_person or row.sealed_key:
                taken.append(
                    [label(model), number, row.version, row.digest(vault.newest_audit_key())]
                )
    return taken


@contextmanager
def all_told() -> Iterator[None]:
    """For an action: what it changes is in an event when it ends. In a rehearsal it fails where
    that is not so.
    """
    before = set(map(id, _waiting())) if settings.DATABASE_KIND == "rehearsal" else None
    yield
    if before is not None:
        left = [each for each in _waiting() if id(each) not in before]
        if left:
            raise NoEvent(_complaint(left))


class _Changed:
    """A fact that has changed. It waits among what the transaction does on commit, so that a
    savepoint that is rolled back takes it away; whoever is still there on commit is in no event.
    """

    def __init__(
        self,
        model: type[Fact],
        number: int,
        gone_from: tuple[int | None, int | None] | None = None,
        standing: tuple[int, Row] | None = None,
    ) -> None:
        self.model, self.number, self.gone_from = model, number, gone_from
        self.standing = standing  # the person and the row, where they are known
        self.told: list[_Told] = []

    def __call__(self) -> None:
        if any(each.is_kept for each in self.told):
            return
        complaint = _complaint([self])
        if settings.DATABASE_KIND == "rehearsal":
            raise NoEvent(complaint)
        logger.error(complaint)


class _Told:
    """An event was written in an inner savepoint: whoever it told of waits on until that savepoint
    is kept.
    """

    is_kept = False

    def __call__(self) -> None:
        self.is_kept = True


def _complaint(left: Iterable[_Changed]) -> str:
    rows = ", ".join(sorted({f"{label(each.model)} {each.number}" for each in left}))
    return (
        f"changed, and in no event: {rows}. Call audit.record after the last change of the action, "
        f"on the person (or the "
        "study) whom the row is about"
    )


def _waiting() -> list[_Changed]:
    """What has changed and is in no event that stands."""
    hooks = [entry[1] for entry in transaction.get_connection().run_on_commit]
    standing = set(map(id, hooks))
    changed = [each for each in hooks if isinstance(each, _Changed)]
    return [each for each in changed if not any(id(told) in standing for told in each.told)]


def _settle(changes: list[_Changed]) -> None:
    connection = transaction.get_connection()
    inside = set(connection.savepoint_ids)
    mine = set(map(id, changes))
    outer = [
        each
        for sids, each, *_ in connection.run_on_commit
        if id(each) in mine and not inside <= sids
    ]
    if outer:
        told = _Told()
        # Told before they are asked on commit.
        connection.run_on_commit.insert(0, (inside, told, False))
        for each in outer:
            each.told.append(told)
    kept = set(map(id, outer))
    connection.run_on_commit = [
        entry
        for entry in connection.run_on_commit
        if id(entry[1]) not in mine or id(entry[1]) in kept
    ]


def _note(model: type[models.Model], numbers: Iterable[int]) -> None:
    if (
        transaction.get_connection().in_atomic_block
    ):  # actions are; a test that sets a row up by hand is not
        for number in numbers:
            transaction.on_commit(_Changed(_concrete(model), number))


def _note_gone(model: type[models.Model], gone: Iterable[tuple[Any, ...]]) -> None:
    if transaction.get_connection().in_atomic_block:
        of_person = bool(_concrete(model).facts_of)
        for number, owner in gone:
            transaction.on_commit(
                _Changed(_concrete(model), number, (owner, None) if of_person else (None, owner))
            )


def note_standing(model: type[Fact], answer: Answer) -> None:
    """For whoever writes rows by SQL and has `standing` of them back (trial/rows.py)."""
    if not transaction.get_connection().in_atomic_block:
        return
    for number, *told in answer.rows:
        known = None
        if told:
            owner, *values = told
            (made,) = _of_person(model).made([(number, *values)])
            if owner is not None:  # of what is about nobody the study would be asked for too
                known = owner, _row(model, newest(model), made)
        transaction.on_commit(_Changed(model, number, standing=known))


def _concrete(model: type[models.Model]) -> type[Fact]:
    return model._meta.concrete_model  # type: ignore[return-value]


def _owner_columns(model: type[models.Model]) -> list[str]:
    fact = _concrete(model)
    return [fact.facts_of or fact.facts_in]


def names_facts(model: type[models.Model], names: Iterable[str]) -> bool:
    listed = set(columns(_concrete(model), newest(_concrete(model))))
    return any(name in listed or name.removesuffix("_id") in listed for name in names)


def _changes_facts(row: Fact, update_fields: Iterable[str] | None) -> bool:
    """Whether what was saved is a fact by now: a column that is a draft is none before its end is
    set.
    """
    if update_fields is None:
        return True
    until = row.draft_until
    return names_facts(
        type(row),
        [
            name
            for name in update_fields
            if name not in until or getattr(row, until[name]) is not None
        ],
    )


def _prefix(path: str) -> str:
    return "" if path == SELF else f"{path}__"
