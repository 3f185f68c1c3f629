"""The database itself refuses to change or drop what is append-only, whoever asks, the owner of the
tables included.

A model says `append_only = True`; triggers are made for its table after every migrate, because
SQLite drops a table's triggers when it rebuilds the table. Nothing in the product can lift them.

One update passes: what may be sealed under the master keys (`sealed_under`) is replaced by as long
a text, and nothing else of the row changes. So it is sealed under another key (`manage.py
rotate_keys`), which the database cannot tell from another content; the digests of opened values in
the audit trail do (trial/fact_checks.py).
"""

from __future__ import annotations

from collections.abc import Callable

from django.apps import apps
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from trial import facts


def append_only_models() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if getattr(model, "append_only", False)]


def names(model: type[models.Model], vendor: str) -> list[str]:
    kinds = ("update", "delete", "insert" if vendor == "sqlite" else "truncate")
    return [f"{model._meta.db_table}_no_{kind}" for kind in kinds]


def install(connection: BaseDatabaseWrapper) -> None:
    """Make every trigger anew. Safe to repeat."""
    present = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_FUNCTION)
        for model in append_only_models():
            if model._meta.db_table in present:
                for statement in _statements(model, connection):
                    cursor.execute(statement)


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Triggers that should stand in this database and do not."""
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if connection.vendor == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
    )
    present = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        cursor.execute(query)
        found = {row[0] for row in cursor.fetchall()}
    return [
        name
        for model in append_only_models()
        if model._meta.db_table in present
        for name in names(model, connection.vendor)
        if name not in found
    ]


_FUNCTION = """
CREATE OR REPLACE FUNCTION handvat_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP; END $$
"""


def _statements(model: type[models.Model], connection: BaseDatabaseWrapper) -> list[str]:
    quote = connection.ops.quote_name
    table = model._meta.db_table
    if connection.vendor == "postgresql":
        update, delete, truncate = (quote(name) for name in names(model, "postgresql"))
        return [
            f"CREATE OR REPLACE TRIGGER {update} BEFORE UPDATE ON {quote(table)} FOR EACH ROW "
            f"{_unless_sealed_anew(model, quote, 'IS DISTINCT FROM')}EXECUTE FUNCTION "
            f"handvat_refuse()",
            f"CREATE OR REPLACE TRIGGER {delete} BEFORE DELETE ON {quote(table)} "
            "FOR EACH ROW EXECUTE FUNCTION handvat_refuse()",
            f"CREATE OR REPLACE TRIGGER {truncate} BEFORE TRUNCATE ON {quote(table)} "
            "FOR EACH STATEMENT EXECUTE FUNCTION handvat_refuse()",
        ]
    update, delete, insert = (quote(name) for name in names(model, "sqlite"))
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    return [
        *(f"DROP TRIGGER IF EXISTS {name}" for name in (update, delete, insert)),
        f"CREATE TRIGGER {update} BEFORE UPDATE ON {quote(table)} "
        f"{_unless_sealed_anew(model, quote, 'IS NOT')}{refuse}",
        f"CREATE TRIGGER {delete} BEFORE DELETE ON {quote(table)} {refuse}",
        # INSERT OR REPLACE deletes without firing the delete trigger, so an existing key is refused
        # here.
        f"CREATE TRIGGER {insert} BEFORE INSERT ON {quote(table)} "  # noqa: S608
        f"WHEN EXISTS (SELECT 1 FROM {quote(table)} WHERE {_same_row(model, quote)}) {refuse}",
    ]


def _unless_sealed_anew(
    model: type[models.Model], quote: Callable[[str], str], differs: str
) -> str:
    """The WHEN of a trigger that refuses every update but that one; "" where nothing of the model
    can be sealed anew.
    """
    declared = facts.under_master(model)
    if not declared:
        return ""
    sealed, others = (
        [
            quote(str(field.column))
            for field in model._meta.local_concrete_fields
            if (field.name in declared) is wanted
        ]
        for wanted in (True, False)
    )
    # The rowid of SQLite is no column of a model, and a row has it beside a key of text.
    others += ["rowid"] if differs == "IS NOT" else []
    another = [f"NEW.{name} {differs} OLD.{name}" for name in others]
    another += [f"length(NEW.{name}) {differs} length(OLD.{name})" for name in sealed]
    is_same = " AND ".join(f"NOT (NEW.{name} {differs} OLD.{name})" for name in sealed)
    return f"WHEN ({' OR '.join(another)} OR ({is_same})) "


def _same_row(model: type[models.Model], quote) -> str:
    """SQL that is true of a row which NEW would replace: same primary key, same unique columns, or
    same rowid, which every table of SQLite has beside a key of text (NEW.rowid is -1 where none was
    given).
    """
    keys = [[field.column for field in model._meta.pk_fields]]
    keys += [
        [field.column]
        for field in model._meta.local_fields
        if field.unique and not field.primary_key
    ]
    keys += [
        [model._meta.get_field(name).column for name in constraint.fields]  # type: ignore[union-attr]
        for constraint in model._meta.constraints
        if isinstance(constraint, models.UniqueConstraint) and constraint.fields
    ]
    same = [
        "(" + " AND ".join(f"{quote(c)} = NEW.{quote(c)}" for c in columns) + ")"
        for columns in keys
    ]
    return " OR ".join([*same, "rowid = NEW.rowid"])
