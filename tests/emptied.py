"""A database as it stood before a test that others see, for less than Django's `flush` takes.

`flush` truncates every table, and then everything that follows a migration is done once more: a
quarter of a second, for a handful of rows. Here the tables that hold rows are emptied, and what a
migration leaves in them stays.
"""

from __future__ import annotations

from django.apps import apps
from django.core.cache import cache
from django.db import connection, transaction

from trial import triggers

MIGRATED = {
    "auth_permission",
    "django_content_type",
    "trial_stamp",
}  # filled by a migration; no test that others see adds


def empty() -> None:
    """Delete every row that a migration does not make. No foreign key is looked at, since in the
    end nothing refers to anything, and no trigger has a say.
    """
    tables = [
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed
    ]
    filled = _filled([table for table in tables if table not in MIGRATED])
    _on_postgresql(filled) if connection.vendor == "postgresql" else _on_sqlite(filled)
    cache.clear()  # its table is no model's


def _filled(tables: list[str]) -> list[str]:
    each = (
        f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {connection.ops.quote_name(table)})"
        for table in tables
    )
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(each))
        return [row[0] for row in cursor.fetchall()]


def _on_postgresql(tables: list[str]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL session_replication_role = replica"
        )  # until the transaction ends, however it ends
        for table in tables:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")


def _on_sqlite(tables: list[str]) -> None:
    with connection.constraint_checks_disabled():
        lift_triggers()
        try:
            with connection.cursor() as cursor:
                for table in tables:
                    cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")
        finally:
            triggers.install(connection)


def lift_triggers() -> None:
    """Drop every append-only trigger. Tests only: nothing in the product can."""
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        for model in triggers.append_only_models():
            on = f" ON {quote(model._meta.db_table)}" if connection.vendor == "postgresql" else ""
            for name in triggers.names(model, connection.vendor):
                cursor.execute(f"DROP TRIGGER IF EXISTS {quote(name)}{on}")
