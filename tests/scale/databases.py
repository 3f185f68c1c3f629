"""Databases that come and go: files of SQLite, or those of a PostgreSQL server from its wheel.

`DATABASE_URL` names a server that is there already; databases of ours on it are called scale_… and
replaced.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from tests import run


class Databases(Protocol):
    def make(self, name: str, like: str = "") -> None:
        """A new one, empty or like another; what had this name before is gone."""

    def environment(self, name: str) -> dict[str, str]:
        """What tells a process to use it."""

    def drop(self, name: str) -> None: ...

    def has(self, name: str) -> bool: ...

    def rename(self, name: str, new: str) -> None:
        """Once it is what its name says: what was stopped half way is not taken for it."""


class Files:
    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def make(self, name: str, like: str = "") -> None:
        self.drop(name)
        for end in ("", "-wal") if like else ():
            source = self.directory / f"{like}.sqlite3{end}"
            if source.exists():
                shutil.copy(source, self.directory / f"{name}.sqlite3{end}")

    def environment(self, name: str) -> dict[str, str]:
        return {"DATABASE_URL": "", "HANDVAT_DATABASE": str(self.directory / f"{name}.sqlite3")}

    def drop(self, name: str) -> None:
        for path in self.directory.glob(f"{name}.sqlite3*"):
            path.unlink()

    def rename(self, name: str, new: str) -> None:
        for path in self.directory.glob(f"{name}.sqlite3*"):
            path.rename(path.with_name(path.name.replace(name, new, 1)))

    def has(self, name: str) -> bool:
        return (self.directory / f"{name}.sqlite3").exists()


class Server:
    def __init__(self, uri: str) -> None:
        self.uri = uri

    def make(self, name: str, like: str = "") -> None:
        self.drop(name)
        template = f' TEMPLATE "scale_{like}"' if like else ""
        self._do(f'CREATE DATABASE "scale_{name}"{template}')

    def environment(self, name: str) -> dict[str, str]:
        return {"DATABASE_URL": urlsplit(self.uri)._replace(path=f"/scale_{name}").geturl()}

    def drop(self, name: str) -> None:
        self._do(f'DROP DATABASE IF EXISTS "scale_{name}" WITH (FORCE)')

    def rename(self, name: str, new: str) -> None:
        self._do(f'ALTER DATABASE "scale_{name}" RENAME TO "scale_{new}"')

    def has(self, name: str) -> bool:
        asked = f"SELECT FROM pg_database WHERE datname = 'scale_{name}'"
        return bool(self._do(asked).rowcount)

    def _do(self, statement: str) -> Any:
        import psycopg

        with psycopg.connect(self.uri, autocommit=True) as connection:
            return connection.execute(statement)


@contextmanager
def opened(kind: str, directory: Path) -> Iterator[Databases]:
    """Every commit goes to disk, as in a real study."""
    if kind == "sqlite":
        yield Files(directory)
    elif os.environ.get("DATABASE_URL"):
        yield Server(os.environ["DATABASE_URL"])
    else:
        with run.a_server() as server:
            yield Server(server.get_uri())
