"""The empty database that rehearsals copy: what would be migrated, and never another's."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAY = "import django; django.setup(); from trial import blank, stamp; blank.lay(); stamp.kind()"


def lay(directory: Path, cache: Path, **told: str) -> Path:
    path = directory / "handvat.sqlite3"
    directory.mkdir()
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "trial.settings",
        "DATABASE_URL": "",
        "HANDVAT_DATABASE": str(path),
        "HANDVAT_KIND": "rehearsal",
        "XDG_CACHE_HOME": str(cache),
        **told,
    }
    subprocess.run([sys.executable, "-c", LAY], cwd=ROOT, env=environment, check=True)
    return path


def described(path: Path) -> list[tuple]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(
            "SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2"
        ).fetchall()


@pytest.mark.once
def test_a_copy_is_what_was_migrated_and_is_made_for_these_keys_alone(tmp_path):
    cache = tmp_path / "cache"
    migrated = lay(tmp_path / "first", cache)
    (kept,) = (cache / "handvat").iterdir()
    before = kept.stat().st_mtime_ns
    copied = lay(tmp_path / "second", cache)
    assert described(copied) == described(migrated)
    assert [each.stat().st_mtime_ns for each in (cache / "handvat").iterdir()] == [before]
    # A live one is never laid so.
    keys = {
        "HANDVAT_FIELD_KEYS": "Zm9yIGEgdGVzdCBhbmQgbm90aGluZyBlbHNlISEhISE=",
        "HANDVAT_SECRET_KEY": "s" * 64,
        "HANDVAT_HASH_KEY": "h" * 64,
        "HANDVAT_AUDIT_KEYS": "1:" + "a" * 64,
    }
    lay(tmp_path / "live", cache, HANDVAT_KIND="live", **keys)
    assert len(list((cache / "handvat").iterdir())) == 1
    lay(tmp_path / "other keys", cache, HANDVAT_FIELD_KEYS=keys["HANDVAT_FIELD_KEYS"])
    assert len(list((cache / "handvat").iterdir())) == 2


@pytest.mark.once
def test_where_nothing_can_be_kept_it_is_migrated(tmp_path):
    cache = tmp_path / "cache"
    cache.write_text("a file where a directory would be")
    assert described(lay(tmp_path / "first", cache))
