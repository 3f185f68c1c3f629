"""How large the database is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from django.db import connection

from tests.scale.measures import Found, measure
from trial.models import Study


@measure
def size(study: Study, at: datetime) -> Iterator[Found]:
    if connection.vendor == "sqlite":
        found = Path(connection.settings_dict["NAME"]).stat().st_size
    else:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            (found,) = cursor.fetchone()
    yield "the database", "MB", found / 2**20
