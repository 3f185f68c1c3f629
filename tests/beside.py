"""A second connection to the database of a test, for what somebody else does meanwhile."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

T = TypeVar("T")


@contextmanager
def on_disk(directory: Path) -> Iterator[None]:
    """SQLite's tests stand in memory, where readers and writers wait for each other: for these the
    database is copied to a file, as every installation has it. PostgreSQL's stays where it is.
    """
    if connection.vendor == "postgresql":
        yield
        return
    connection.ensure_connection()
    path = directory / "beside.sqlite3"
    with closing(sqlite3.connect(path)) as copy:
        connection.connection.backup(copy)
    in_memory, settings = connections["default"], {**connection.settings_dict, "NAME": str(path)}
    connections["default"] = type(in_memory)(settings, "default")
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"] = in_memory


def meanwhile(act: Callable[[], T]) -> T:
    """What `act` gives on a connection of its own. It fails instead of waiting for a lock."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_on_its_own, connections["default"], act).result(timeout=60)


def _on_its_own(of: BaseDatabaseWrapper, act: Callable[[], T]) -> T:
    settings = {**of.settings_dict, "OPTIONS": {**of.settings_dict["OPTIONS"]}}
    if of.vendor == "postgresql":
        settings["OPTIONS"]["options"] = "-c lock_timeout=1s"
    else:
        settings["OPTIONS"]["timeout"] = 1
    connections["default"] = type(of)(settings, "default")
    try:
        return act()
    finally:
        connections["default"].close()
