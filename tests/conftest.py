"""Fixtures for every test. Databases of tests are rehearsals; sockets other than loopback are
refused.
"""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import FunctionType
from typing import Any

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
os.environ.setdefault("XDG_RUNTIME_DIR", "/tmp")

import pytest
from _pytest import runner
from django.conf import settings
from django.test import TransactionTestCase
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tests import emptied, factories, frozen
from trial import environment

SMALL = Path(__file__).parent / "trial" / "small_study"
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)  # a Monday


# No test asserts a time: a busy machine is slow, not wrong. In CI the same examples each time;
# elsewhere new ones.
hypothesis_settings.register_profile(
    "house",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
hypothesis_settings.load_profile("house")


def pytest_configure(config: pytest.Config) -> None:
    settings.DATABASE_KIND = "rehearsal"
    # Never the keys of the machine, which settings read before this is asked.
    settings.SECRET_KEY = environment.secret({}, "HANDVAT_SECRET_KEY")
    settings.FIELD_KEYS = environment.field_keys({})
    settings.HASH_KEY = environment.secret({}, "HANDVAT_HASH_KEY")
    settings.AUDIT_KEYS = environment.audit_keys({})
    settings.WEAK_KEYS = environment.weaknesses({})
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    TransactionTestCase._fixture_teardown = lambda case: emptied.empty()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    on_postgresql = settings.DATABASES["default"]["ENGINE"].endswith("postgresql")
    if on_postgresql:
        # What knows no database is tried with SQLite's: once is enough.
        config.hook.pytest_deselected(
            items=[item for item in items if not knows_the_database(item)]
        )
        items[:] = [item for item in items if knows_the_database(item)]
    for item in items:
        if "postgresql" in item.keywords and not on_postgresql:
            item.add_marker(
                pytest.mark.skip(reason="needs PostgreSQL: make test starts one and runs it there")
            )


def pytest_collection_finish(session: pytest.Session) -> None:
    """What was imported and collected stays until the end: looking through it for garbage again and
    again is in vain.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _calling(call: Callable[[], object]) -> object:
    return call()


# CPython keeps the frames of calls in pieces of 16 KB. Where a call deep in a request needs a new
# piece it is mapped, and unmapped when that call returns: again and again, a quarter of the time of
# a suite. A frame this large gets a piece that has a megabyte left for all that is called from it.
# Nothing of it is touched, so nothing is taken.
LARGE = 140_000  # values of 8 bytes: with it the piece becomes 2 MB
in_a_large_frame = FunctionType(_calling.__code__.replace(co_stacksize=LARGE), globals())


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> object:
    return in_a_large_frame(lambda: runner.pytest_runtest_protocol(item, nextitem))


def knows_the_database(item: pytest.Item) -> bool:
    asked = {"db", "transactional_db", "live_server"} & set(getattr(item, "fixturenames", ()))
    return bool(asked) or any(item.get_closest_marker(name) for name in ("django_db", "postgresql"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How much was not compared for want of data that may not be committed, and the figures that
    tests recorded.
    """
    for report in terminalreporter.stats.get("passed", []):
        for line in (value for name, value in report.user_properties if name == "figures"):
            terminalreporter.write_line(line)
    skipped = [
        report
        for report in terminalreporter.stats.get("skipped", [])
        if "borrowed reference data" in str(report.longrepr)
    ]
    if skipped:
        terminalreporter.write_line(
            f"{len(skipped)} comparisons left out: set HANDVAT_REFERENCE_DATA to the borrowed "
            f"reference data"
        )


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def guarded(reach: Callable[..., Any]) -> Callable[..., Any]:
        def run(self: socket.socket, *given: Any) -> Any:
            address = given[-1]
            if isinstance(address, tuple) and address[0] not in {"127.0.0.1", "::1", "localhost"}:
                raise PermissionError(f"a test tried to reach {address[0]}")
            return reach(self, *given)

        return run

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))


@pytest.fixture(autouse=True)
def made_once(
    request: pytest.FixtureRequest, loopback_only, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Studies and people of tests/factories.py, see tests/frozen.py."""
    is_taken_back = knows_the_database(request.node) and not request.node.get_closest_marker(
        "as_in_service"
    )
    frozen.begin(monkeypatch, is_taken_back=is_taken_back)


@pytest.fixture(autouse=True)
def files_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: Any, request: Any) -> None:
    """What the worker makes in a test lies in a directory that goes with it."""
    if knows_the_database(request.node):
        monkeypatch.setattr(settings, "FILES", tmp_path_factory.getbasetemp() / request.node.name)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def study(db):
    """The small study, loaded and open since a day before `now`, with one coach."""
    return factories.an_open_study(SMALL, NOW)


@pytest.fixture
def staff(study):
    """`staff("researcher")` gives a user with that role in the study."""
    return lambda role, name="": factories.a_staff_member(study, role, name, NOW)


@pytest.fixture
def dan(study):
    """Dan, a participant who has just been randomised."""
    return factories.a_randomised_participant(study, NOW)
