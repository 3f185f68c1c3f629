"""Files on disk that nothing but their rows can open: each is encrypted under a key of its own,
which stands in its row under the master keys and goes with it.

A file is a row of chunks, each sealed by AES-GCM (NIST SP 800-38D) with its number and whether it
is the last one: what was cut, lengthened or put in another order does not open. One chunk is in
memory at a time.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trial import vault

CHUNK = 64 * 1024  # bytes of content
TAG = 16  # bytes that AES-GCM adds to each
BEING_WRITTEN = ".part"


class NotWhole(Exception):
    """A file is missing, or is not as it was written."""


@dataclass(frozen=True)
class Written:
    """What the row of a file keeps of it. `place` is its name on disk, `size` and `sha256` are of
    the content.
    """

    name: str
    place: str
    size: int
    sha256: str
    key_sealed: str


class Files:
    """The files of one attempt at something, in one folder, which other attempts may share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written: list[Written] = []

    @contextmanager
    def file(self, name: str) -> Iterator[IO[bytes]]:
        """To write one file, from its beginning to its end. It gets its place when all of it is on
        the disk; where that fails nothing is left of it.
        """
        _make_folder(self.folder)
        place, key = secrets.token_hex(10), AESGCM.generate_key(256)
        aside = self.folder / f"{place}{BEING_WRITTEN}"
        try:
            with open(aside, "xb", opener=_for_this_user_alone) as raw:
                sealing = _Sealing(raw, key)
                yield cast(IO[bytes], sealing)
                sealing.close()
                raw.flush()
                os.fsync(raw.fileno())
            aside.replace(self.folder / place)
            _keep_names(self.folder)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        key_sealed = vault.seal(base64.b64encode(key).decode())
        self.written.append(
            Written(name, place, sealing.size, sealing.sha256.hexdigest(), key_sealed)
        )

    def discard(self) -> None:
        """Take away what this attempt has written."""
        for each in self.written:
            (self.folder / each.place).unlink(missing_ok=True)
        with suppress(OSError):  # there is none, or another attempt's files are in it
            self.folder.rmdir()


class _Sealing(io.RawIOBase):
    """Takes content and writes chunks. The last chunk is written when it is closed."""

    def __init__(self, raw: BinaryIO, key: bytes) -> None:
        self.raw, self.cipher = raw, AESGCM(key)
        self.number, self.size, self.sha256 = 0, 0, hashlib.sha256()
        self.waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        self.waiting += content
        while len(self.waiting) > CHUNK:  # so that something is left for the last one
            self._put(bytes(self.waiting[:CHUNK]), is_last=False)
            del self.waiting[:CHUNK]
        return len(content)

    def close(self) -> None:
        if not self.closed and not self.raw.closed:
            self._put(bytes(self.waiting), is_last=True)
        super().close()

    def _put(self, content: bytes, *, is_last: bool) -> None:
        about = _about(self.number, is_last)
        self.raw.write(self.cipher.encrypt(_nonce(self.number), content, about))
        self.number += 1
        self.size += len(content)
        self.sha256.update(content)


def content(path: Path, key_sealed: str) -> Iterator[bytes]:
    """The content of a file, chunk by chunk. Raises NotWhole before anything of it is given: an
    answer that has begun cannot say so any more.
    """
    given = _looked_through(path, AESGCM(base64.b64decode(vault.unseal(key_sealed))))
    next(given)
    return given


def _looked_through(path: Path, cipher: AESGCM) -> Iterator[bytes]:
    """Nothing once all of it was found whole, and then the content of that very file: whoever
    removes it meanwhile takes its name alone.
    """
    try:
        raw = path.open("rb")
    except OSError as error:
        raise NotWhole(path.name) from error
    with raw:
        for _ in _chunks(raw, cipher):
            pass
        yield b""
        raw.seek(0)
        yield from _chunks(raw, cipher)


def _chunks(raw: BinaryIO, cipher: AESGCM) -> Iterator[bytes]:
    try:
        number, chunk = 0, raw.read(CHUNK + TAG)
        while chunk or number == 0:
            following = raw.read(CHUNK + TAG)
            yield cipher.decrypt(_nonce(number), chunk, _about(number, not following))
            number, chunk = number + 1, following
    except (OSError, InvalidTag, ValueError) as error:
        raise NotWhole(raw.name) from error


def _about(number: int, is_last: bool) -> bytes:
    return number.to_bytes(8, "big") + (b"\1" if is_last else b"\0")


def _nonce(number: int) -> bytes:
    """No two chunks under one key have the same: each file has a key of its own."""
    return number.to_bytes(12, "big")


def _for_this_user_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _make_folder(folder: Path) -> None:
    """With all that it lies in, each for this user alone and on the disk before anything is in
    it.
    """
    if folder.is_dir():
        return
    if folder.parent != folder:
        _make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _keep_names(folder.parent)


def _keep_names(folder: Path) -> None:
    """A new name is on the disk when its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
