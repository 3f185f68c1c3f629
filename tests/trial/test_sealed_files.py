"""Files on disk that nothing but their row opens."""

from __future__ import annotations

import hashlib
import os

import pytest
from cryptography.fernet import Fernet

from trial import vault
from trial.sealed_files import CHUNK, TAG, Files, NotWhole, content

WRITTEN = os.urandom(2 * CHUNK + 100)


def written(folder, told):
    files = Files(folder)
    with files.file("a.txt") as out:
        for start in range(0, len(told), 1000):
            out.write(told[start : start + 1000])
    return files.written[0]


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 100])
def test_what_was_written_is_read_and_cannot_be_read_on_the_disk(tmp_path, size):
    told = WRITTEN[:size]
    row = written(tmp_path, told)
    assert (row.size, row.sha256) == (size, hashlib.sha256(told).hexdigest())
    assert b"".join(content(tmp_path / row.place, row.key_sealed)) == told
    on_disk = (tmp_path / row.place).read_bytes()
    assert len(on_disk) == size + TAG * max(1, -(-size // CHUNK))
    assert size < 16 or told[:16] not in on_disk


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[:-1],
        lambda whole: whole[: CHUNK + TAG],  # cut where a chunk ends
        lambda whole: whole[CHUNK + TAG :],
        lambda whole: whole + whole[-116:],
        lambda whole: (
            whole[CHUNK + TAG : 2 * (CHUNK + TAG)]
            + whole[: CHUNK + TAG]
            + whole[2 * (CHUNK + TAG) :]
        ),
        lambda whole: whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:],
        lambda whole: b"",
    ],
)
def test_what_is_cut_added_moved_or_changed_is_noticed_before_anything_is_given(tmp_path, damage):
    row = written(tmp_path, WRITTEN)
    path = tmp_path / row.place
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(NotWhole):
        content(path, row.key_sealed)
    path.unlink()
    with pytest.raises(NotWhole):
        content(path, row.key_sealed)


def test_no_key_but_its_own_opens_a_file(tmp_path):
    first, second = written(tmp_path, WRITTEN), written(tmp_path, WRITTEN)
    with pytest.raises(NotWhole):
        content(tmp_path / first.place, second.key_sealed)


def test_what_fails_in_the_middle_leaves_nothing(tmp_path):
    files = Files(tmp_path)
    with pytest.raises(ValueError, match="stop"), files.file("a.txt") as out:
        out.write(WRITTEN)
        raise ValueError("stop")
    assert (files.written, list(tmp_path.iterdir())) == ([], [])


def test_it_opens_after_its_key_is_sealed_anew(tmp_path, settings):
    row = written(tmp_path, WRITTEN)
    settings.FIELD_KEYS = [Fernet.generate_key(), *settings.FIELD_KEYS]
    anew = vault.seal_anew(row.key_sealed)
    settings.FIELD_KEYS = settings.FIELD_KEYS[:1]
    assert b"".join(content(tmp_path / row.place, anew)) == WRITTEN
