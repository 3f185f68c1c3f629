"""Everything that stands in the database, as text: what somebody reads who steals it without the
keys.
"""

from __future__ import annotations

from django.db import connection


def tables() -> dict[str, str]:
    """Every table with every column of every row, Django's and the libraries' tables included; but
    for the list of migrations, which knows no study, and in whose times of day any four digits
    stand by chance.
    """
    with connection.cursor() as cursor:
        names = set(connection.introspection.table_names(cursor)) - {"django_migrations"}
        return {name: _text(cursor, name) for name in sorted(names)}


def _text(cursor, table: str) -> str:
    cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
    return "\n".join("\t".join(_cell(value) for value in row) for row in cursor.fetchall())


def _cell(value: object) -> str:
    return bytes(value).decode("latin-1") if isinstance(value, bytes | memoryview) else str(value)


def found(words: list[str]) -> list[tuple[str, str]]:
    """(word, table) wherever one of the words stands, in any letter case."""
    everything = {table: text.casefold() for table, text in tables().items()}
    return [
        (word, table)
        for word in words
        for table, text in everything.items()
        if word.casefold() in text
    ]
