"""The first commands of an installation, each in a process and a database of its own."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests import branches

ROOT = Path(__file__).parents[2]
KEPT = {"PATH", "LANG", "TMPDIR", "XDG_RUNTIME_DIR", *branches.MEASURED}
REFUSED = "A live database is not opened with these keys: HANDVAT_SECRET_KEY stands in the source"


def python(directory: Path, *arguments: str, **told: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name in KEPT}
    places = {"HOME": str(directory / "home"), "HANDVAT_DATABASE": str(directory / "new.sqlite3")}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**kept, **places, **told},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def manage(directory: Path, *arguments: str, **told: str) -> subprocess.CompletedProcess[str]:
    return python(directory, "manage.py", *arguments, **told)


# Each command in turn, in one process: what it raised, and in the end that a connection which was
# refused is not used.
EACH = """
import sys, django
django.setup()
from django.core.management import CommandError, call_command
for line in sys.argv[1:]:
    try:
        call_command(*line.split())
        print(line, "worked")
    except CommandError as error:
        print("\\n" + line, "refused" if "not opened with these keys" in str(error) else error)
try:
    import trial.wsgi
    print("site worked")
except CommandError:
    print("site refused")
"""


def each(directory: Path, *commands: str, **told: str) -> dict[str, bool]:
    """Whether each command, and the site itself, was refused for its keys."""
    done = python(directory, "-c", EACH, *commands, DJANGO_SETTINGS_MODULE="trial.settings", **told)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    return {
        name: any(line.startswith(f"{name} refused") for line in lines)
        for name in [*commands, "site"]
    }


@pytest.fixture(scope="module")
def keyed(tmp_path_factory):
    """A directory whose user has keys, with a live database."""
    directory = tmp_path_factory.mktemp("installation")
    for arguments in (["make_keys", "--if-needed"], ["migrate", "--verbosity", "0"]):
        assert manage(directory, *arguments).returncode == 0
    return directory


def test_only_a_rehearsal_is_served_from_a_directory(tmp_path):
    done = manage(tmp_path, "serve", "--directory", str(tmp_path / "nothing"))
    assert done.returncode == 1
    assert "handvat.sqlite3 is no database of a demo or rehearsal" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["invite", "ada@example.org", "--role", "researcher"], "The worker mails this link"),
        (["load_study", "tests/trial/small_study"], "small-study version 1 is loaded"),
    ],
)
def test_an_installation_begins_on_an_empty_database(keyed, arguments, says):
    done = manage(keyed, *arguments)
    assert (done.returncode, says in done.stdout, done.stderr) == (0, True, "")


def tables(database: Path) -> int:
    with closing(sqlite3.connect(database)) as opened:
        return opened.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def test_no_live_database_is_made_with_keys_that_stand_in_the_source(tmp_path):
    making = ("migrate --verbosity 0", "serve", "invite ada@example.org --role researcher")
    assert each(tmp_path, *making) == {
        **dict.fromkeys(making, True),
        "site": False,
    }  # there is nothing to serve
    assert tables(tmp_path / "new.sqlite3") == 0
    done = manage(tmp_path, "migrate")
    assert (done.returncode, REFUSED in done.stderr, "Traceback" in done.stderr) == (1, True, False)


def test_make_keys_makes_them_once_in_the_configuration_folder_of_the_user(keyed):
    made = keyed / "home" / ".config" / "handvat" / "keys.env"
    before = made.read_text()
    assert (made.stat().st_mode & 0o777, made.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert manage(keyed, "make_keys", "--if-needed").returncode == 0
    again = manage(keyed, "make_keys")
    assert (again.returncode, "holds keys already" in again.stderr, made.read_text()) == (
        1,
        True,
        before,
    )


def test_whatever_opens_a_live_database_does_it_with_its_keys_or_not_at_all(keyed):
    """Also one that only reads, and also a second time in the same process."""
    reading = ("verify_audit", "dumpdata trial.stamp", "worker --once", "check --database default")
    assert not any(each(keyed, *reading).values())
    opening = (
        *reading,
        "migrate --verbosity 0",
        "serve",
        "showmigrations",
        "load_study tests/trial/small_study",
    )
    assert all(each(keyed, *opening, HANDVAT_KEYS_FILE=str(keyed / "gone")).values())
    assert all(each(keyed, *reading, HANDVAT_SECRET_KEY="x" * 31).values())


def test_a_database_that_was_made_with_other_keys_is_not_opened_with_new_ones(keyed):
    others = str(keyed / "others" / "keys.env")
    assert manage(keyed, "make_keys", HANDVAT_KEYS_FILE=others).returncode == 0
    for command in ("verify_audit", "serve", "worker --once", "migrate"):
        done = manage(keyed, *command.split(), HANDVAT_KEYS_FILE=others)
        assert (done.returncode, "Traceback" in done.stderr) == (1, False)
        assert "This database was made with other keys" in done.stderr


def test_keys_are_rotated_from_the_first_to_the_last_step(keyed):
    """A key is added, everything is sealed anew, the old one is taken out of the file."""
    file = keyed / "home" / ".config" / "handvat" / "keys.env"
    assert manage(keyed, "rotate_keys", "--new-key").returncode == 0
    (line,) = [
        each for each in file.read_text().splitlines() if each.startswith("HANDVAT_FIELD_KEYS=")
    ]
    newest, _, old = line.partition(",")
    assert len(old) == 44
    done = manage(keyed, "rotate_keys")
    assert (done.returncode, "older keys can be taken out" in done.stdout) == (0, True)
    file.write_text(file.read_text().replace(line, newest))
    assert manage(keyed, "verify_audit").returncode == 0


def test_what_a_database_is_for_stands_in_itself_whatever_the_process_was_told(keyed):
    assert each(keyed, "verify_audit", HANDVAT_KIND="rehearsal") == {
        "verify_audit": True,
        "site": True,
    }
