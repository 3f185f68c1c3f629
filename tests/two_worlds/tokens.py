"""What may differ between two worlds: tokens and hashes of a fixed length, each with its reason.
Nothing else may.

Each is replaced by a placeholder of equal length before two answers are compared, so that what
surrounds it, how long it is and whether it stands there at all are compared too.
"""

from __future__ import annotations

import base64
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping

from trial.models import AuditSeal

REASONS: Mapping[str, str] = {
    "csrf token": "made anew for every answer from the system's random numbers",
    "request key": "made anew for every form from the system's random numbers",
    "seal": "a hash over the whole trail, arms included, made once an hour whether anything "
    "happened or not; whoever "
    "does not have the trail cannot compute it. At the foot of a report stands its beginning",
}
CSRF = re.compile(rb'(?<=name="csrfmiddlewaretoken" value=")\w{64}(?=")')
REQUEST_KEY = re.compile(rb'(?<=name="request_key" value=")[\w-]{36}(?=")')
FOOT = 16  # characters
STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
PDF_PLACES = re.compile(
    rb"/Length \d+|^\d{10} \d{5} [fn]|startxref\s+\d+|/ID\s*\[.*?\]", re.DOTALL | re.MULTILINE
)


def blanked(body: bytes, seals: Iterable[str]) -> bytes:
    """The body with a placeholder in the place of each token. Files that are packed are unpacked
    first.
    """
    if body.startswith(b"PK"):
        return b"\n".join(
            name + b"\n" + blanked(content, seals) for name, content in _unzipped(body)
        )
    if body.startswith(b"%PDF"):
        body = _plain_pdf(body)
    for pattern in (CSRF, REQUEST_KEY):
        body = pattern.sub(_placeholder, body)
    for seal in seals:
        body = body.replace(seal.encode(), b"#" * len(seal))
    return body


def seals() -> list[str]:
    """The hash of every seal, and what of it stands at the foot of a report, which begins with the
    seal's number.
    """
    rows = AuditSeal.objects.values_list("number", "hash")
    return [hash for _, hash in rows] + [hash[: FOOT - len(f"{number}:")] for number, hash in rows]


def _placeholder(found: re.Match[bytes]) -> bytes:
    return b"#" * len(found[0])


def _unzipped(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        for each in archive.infolist():
            yield f"{each.filename} {each.date_time}".encode(), archive.read(each)


def _plain_pdf(body: bytes) -> bytes:
    """With its streams unpacked, and without the places and lengths that follow from how they are
    packed.
    """
    return PDF_PLACES.sub(b"", STREAM.sub(_unpacked, body))


def _unpacked(found: re.Match[bytes]) -> bytes:
    packed = found[1].strip()
    unpack: Callable[[bytes], bytes]
    for unpack in (
        lambda data: zlib.decompress(base64.a85decode(data, adobe=data.startswith(b"<~"))),
        zlib.decompress,
    ):
        try:
            return unpack(
                packed if packed.startswith(b"<~") or not packed.endswith(b"~>") else b"<~" + packed
            )
        except (ValueError, zlib.error):
            continue
    return packed
