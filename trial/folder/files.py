"""The bytes of a study folder, from a directory or a zip, and the digest of their content."""

import hashlib
import lzma
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from trial.folder.problems import FolderErrors, Problem

MOST_BYTES = 20 * 1024 * 1024
MOST_FILES = 2_000

# What desktops leave behind in folders and archives; no part of the study, so no part of its
# digest.
LITTER = {"__MACOSX", "Thumbs.db", "desktop.ini"}
LITTER_BEGINS = (".", "~$")  # hidden files; the locks of office programs

ZIP_ERRORS = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,  # also NotImplementedError: an unknown compression
    ValueError,
    OverflowError,
)


def read_files(where: Path | str | BinaryIO) -> dict[str, bytes]:
    """The files by name (posix, relative to the folder). Raises FolderErrors and nothing else."""
    if not isinstance(where, str | os.PathLike):
        return _from_zip(where, getattr(where, "name", None) or "upload.zip")
    path = Path(where)
    try:
        if path.is_dir():
            return _from_directory(path)
        if path.is_file():
            return _from_zip(path, path.name)
    except (OSError, ValueError) as error:
        raise _refusal(path.name, f"cannot be read: {error.__class__.__name__}") from error
    raise _refusal(path.name, "there is no such folder or zip file")


def digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 over the sorted names and contents; each is hashed by itself, so no two folders share
    a text.
    """
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(hashlib.sha256(name.encode()).digest())
        whole.update(hashlib.sha256(files[name]).digest())
    return whole.hexdigest()


def _refusal(name: object, message: str) -> FolderErrors:
    return FolderErrors([Problem(str(name), 1, message)])


def _is_litter(name: str) -> bool:
    return any(
        part in LITTER or part.startswith(LITTER_BEGINS) for part in PurePosixPath(name).parts
    )


def _from_directory(root: Path) -> dict[str, bytes]:
    allowance = _Allowance(root.name)
    return {name: allowance.take(name, path.open("rb")) for name, path in _walk(root)}


def _walk(root: Path) -> Iterator[tuple[str, Path]]:
    for directory, folders, names in os.walk(root, onerror=_raise):
        folders[:] = sorted(folder for folder in folders if not _is_litter(folder))
        for entry in sorted([*names, *folders]):
            path = Path(directory, entry)
            name = _utf8(path.relative_to(root).as_posix())
            if _is_litter(name):
                continue
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                raise _refusal(name, "is a symbolic link; put the file itself in the folder")
            if stat.S_ISREG(mode):
                yield name, path
            elif not stat.S_ISDIR(mode):
                raise _refusal(name, "is neither a file nor a folder")


def _raise(error: OSError) -> None:
    raise error


def _utf8(name: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise _refusal(ascii(name), "its name is not UTF-8; rename it") from error
    if not name.isprintable():
        raise _refusal(ascii(name), "its name holds a character that cannot be shown; rename it")
    return name


def _from_zip(archive: Path | BinaryIO, label: str) -> dict[str, bytes]:
    allowance = _Allowance(label)
    try:
        with zipfile.ZipFile(archive) as opened:
            files: dict[str, bytes] = {}
            for name, entry in _entries(opened):
                if name in files:
                    raise _refusal(name, "stands in the zip twice")
                files[name] = allowance.take(name, opened.open(entry))
    except ZIP_ERRORS as error:
        raise _refusal(
            label, "is not a readable zip file; make it anew from the study folder"
        ) from error
    return _without_top_folder(files)


def _entries(opened: zipfile.ZipFile) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    for entry in opened.infolist():
        name = _utf8(entry.filename).replace("\\", "/")  # as some Windows programs part folders
        _check_name(name)
        if name.endswith("/") or _is_litter(name):
            continue
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise _refusal(name, "is a symbolic link; put the file itself in the zip")
        if entry.flag_bits & 0x1:
            raise _refusal(name, "is encrypted; make a zip without a password")
        yield name, entry


def _check_name(name: str) -> None:
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or ":" in parts[0] or "" in parts[:-1] or "." in parts:
        raise _refusal(
            repr(name), "leads out of the study folder; names in a zip are relative, without '..'"
        )


def _without_top_folder(files: dict[str, bytes]) -> dict[str, bytes]:
    """A zip of a folder holds that folder's name before every file, some twice; the study is what
    is inside.
    """
    while len({name.split("/", 1)[0] for name in files}) == 1 and all(
        "/" in name for name in files
    ):
        files = {name.split("/", 1)[1]: content for name, content in files.items()}
    return files


class _Allowance:
    """Counts what is really read: a zip's own sizes may lie."""

    def __init__(self, label: str):
        self.label, self.files, self.bytes_left = label, 0, MOST_BYTES

    def take(self, name: str, stream) -> bytes:
        self.files += 1
        if self.files > MOST_FILES:
            raise _refusal(self.label, f"holds more than {MOST_FILES} files")
        with stream:
            content = stream.read(self.bytes_left + 1)
        self.bytes_left -= len(content)
        if self.bytes_left < 0:
            raise _refusal(self.label, f"holds more than {MOST_BYTES // 1024**2} MB")
        return content
