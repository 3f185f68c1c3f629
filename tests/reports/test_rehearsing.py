"""What a rehearsal replaces and what it leaves alone, and the mistakes in its command that stop it
before it starts.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from reports import rehearsing
from trial import environment

SMALL_STUDY = Path(__file__).parents[1] / "trial" / "small_study"


class Replaced(Exception):
    """The process would have gone on as another."""


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new process cannot be started inside a test: the moment at which it would be ends the
    command.
    """

    def stop(*_: object) -> None:
        raise Replaced

    monkeypatch.setattr(os, "execve", stop)


def a_database(directory: Path, kind: str) -> Path:
    """An embedded database with its stamp, as another process left it: in WAL mode."""
    path = directory / rehearsing.DATABASE
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE trial_stamp (id integer PRIMARY KEY, kind text)")
        database.execute("INSERT INTO trial_stamp (kind) VALUES (?)", [kind])
        database.commit()
    return path


def rehearse(directory: Path, *arguments: str) -> None:
    call_command("rehearse", str(SMALL_STUDY), "--directory", str(directory), *arguments)


def test_a_rehearsal_takes_the_place_of_an_earlier_one(tmp_path, process):
    path = a_database(tmp_path, "rehearsal")
    (tmp_path / "mail.mbox").write_text("From -")
    with pytest.raises(Replaced):
        rehearse(tmp_path)
    assert (path.exists(), (tmp_path / "mail.mbox").exists()) == (False, False)


@pytest.mark.parametrize("command", ["rehearse", "demo"])
def test_a_live_database_is_never_replaced(tmp_path, process, command):
    path = a_database(tmp_path, "live")
    before = path.read_bytes()
    study = [str(SMALL_STUDY)] if command == "rehearse" else []
    with pytest.raises(
        CommandError, match="is a live database, so it stays as it is; name another --directory"
    ):
        call_command(command, *study, "--directory", str(tmp_path))
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"my thesis"])
def test_a_file_of_somebody_else_is_never_replaced(tmp_path, process, content):
    path = tmp_path / rehearsing.DATABASE
    path.write_bytes(content)
    with pytest.raises(CommandError, match="is no database of a rehearsal"):
        rehearse(tmp_path)
    assert path.read_bytes() == content


def test_mail_beside_no_database_stays(tmp_path, process):
    (tmp_path / "mail.mbox").write_text("From -")
    with pytest.raises(Replaced):
        rehearse(tmp_path)
    assert (tmp_path / "mail.mbox").read_text() == "From -"


def test_an_effect_of_a_grant_that_no_arm_has_is_refused_before_anything_is_replaced(
    tmp_path, process
):
    path = a_database(tmp_path, "rehearsal")
    with pytest.raises(CommandError) as refused:
        rehearse(tmp_path, "--effect", "suport=-0.5")
    known = "did you mean 'support'? known: everyone, mornings, support"
    assert str(refused.value) == f"--effect suport: unknown grant 'suport'; {known}"
    assert path.exists()


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "much", ""])
def test_an_effect_is_a_number(tmp_path, process, value):
    with pytest.raises(CommandError, match=f"invalid effect value: 'main={value}'"):
        rehearse(tmp_path, "--effect", f"main={value}")


def test_a_rehearsal_starts_with_effects_of_grants_that_exist(tmp_path, process):
    with pytest.raises(Replaced):
        rehearse(tmp_path, "--effect", "mornings=-0.5", "--effect", "support=0")


@pytest.mark.parametrize("number", ["0", "-3", "some"])
def test_as_many_people_as_are_rehearsed_is_a_whole_number_above_zero(tmp_path, process, number):
    with pytest.raises(CommandError, match=f"invalid positive value: '{number}'"):
        rehearse(tmp_path, f"--participants={number}")


def test_a_rehearsal_in_its_own_environment_goes_on_without_another_process(
    tmp_path, process, monkeypatch
):
    for name, value in environment.of_rehearsal(tmp_path, rehearsing.BIND, os.environ).items():
        monkeypatch.setenv(name, value)
    kept = a_database(tmp_path, "live")
    rehearsing.settle_in(tmp_path)  # nothing is looked at and nothing replaced
    assert kept.exists()


def test_a_study_is_found_by_its_path_or_by_its_name_among_those_that_are_shipped(tmp_path):
    assert rehearsing.find(str(SMALL_STUDY)) == SMALL_STUDY
    assert (rehearsing.find("living-positive") / "study.yaml").exists()
    with pytest.raises(FileNotFoundError) as refused:
        rehearsing.find("dying-negative")
    assert str(refused.value).startswith("there is no study folder dying-negative; shipped are ")
    assert "living-positive" in str(refused.value)
