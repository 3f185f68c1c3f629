"""How a mail is written for the wire, by Python's `email` package. Plain values in, a message
out.
"""

from __future__ import annotations

import unicodedata
from email import message_from_bytes, policy
from email.generator import BytesGenerator
from email.headerregistry import Address, HeaderRegistry
from email.message import EmailMessage, Message
from functools import cache, lru_cache
from io import BytesIO
from typing import Any

# Of these most mails have the same. None tells who a mail is for.
SHARED = {
    "from",
    "reply-to",
    "subject",
    "auto-submitted",
    "content-type",
    "content-transfer-encoding",
    "mime-version",
}


class _Headers(HeaderRegistry):
    """Python's own, which reads each header anew for each mail, and makes a class for it each time:
    most of what a mail cost.
    """

    def __call__(self, name: str, value: Any) -> Any:
        if name.lower() in SHARED:
            return _shared(name, str(value))
        return super().__call__(name, value)

    def __getitem__(self, name: str) -> Any:
        return _class(name.lower())


_headers = _Headers()


@lru_cache(maxsize=256)
def _shared(name: str, value: str) -> Any:
    return HeaderRegistry.__call__(_headers, name, value)


@lru_cache(maxsize=64)
def _class(name: str) -> Any:
    return HeaderRegistry.__getitem__(_headers, name)


# ASCII throughout: a host that takes nothing else takes it too.
WIRE = policy.SMTP.clone(cte_type="7bit", header_factory=_headers)
LINE_BREAKS_AND_MARKS = {
    "Cc",
    "Cs",
    "Zl",
    "Zp",
}  # control signs, half an emoji, separators of lines and paragraphs


class Unwritable(ValueError):
    """A text that no header can hold, or no address. Its words are for whoever wrote the text."""


def named(name: str, address: str) -> Address:
    """An address under a name, which may hold commas, colons, brackets, quotes or accents. Raises
    Unwritable.
    """
    try:
        return Address(name, addr_spec=address)
    except (ValueError, IndexError) as error:
        raise Unwritable(
            f"'{address}' is no address that mail can come from, such as team@example.org"
        ) from error


@lru_cache(maxsize=16)
def read(text: str) -> Address:
    """`team@example.org` or `Team <team@example.org>` as an address. Raises Unwritable unless it is
    exactly one.
    """
    try:
        header = policy.default.header_factory("From", text)
    except (ValueError, IndexError):
        raise Unwritable(f"'{text}' is no address that mail can come from") from None
    if header.defects or len(header.addresses) != 1 or not header.addresses[0].domain:
        raise Unwritable(
            f"'{text}' is no single address that mail can come from, such as team@example.org"
        )
    return header.addresses[0]


def written(
    *, sender: Address, to: Address, subject: str, body: str, **headers: str | Address
) -> EmailMessage:
    """The whole mail. Further headers by name, `_` for `-`; what is empty is left out. Raises
    Unwritable.
    """
    mail = EmailMessage(policy=WIRE)
    try:
        mail["Subject"], mail["From"], mail["To"] = subject, sender, to
        for name, value in headers.items():
            if value:
                mail[name.replace("_", "-")] = value
        mail.set_content(body)
    except ValueError as error:
        raise Unwritable("a text of this mail fits no header") from error
    return mail


@cache
def check_name(text: str) -> str:
    """`text`, if it arrives in a header as it was written, as the name of a sender and in a
    subject. Raises Unwritable.
    """
    if any(unicodedata.category(sign) in LINE_BREAKS_AND_MARKS for sign in text):
        raise Unwritable(
            "this stands in the headers of mails, which hold one line; take out line breaks and "
            "control signs"
        )
    address = Address(text, addr_spec="x@example.org")
    sent = written(sender=address, to=Address(addr_spec="x@example.org"), subject=text, body="")
    arrived = message_from_bytes(to_bytes(sent), policy=policy.default)
    if [each.display_name for each in arrived["From"].addresses] != [text] or arrived[
        "Subject"
    ] != text:
        raise Unwritable(
            "this stands in the headers of mails, and would not arrive as written; make it shorter "
            "or plainer"
        )
    return text


def to_bytes(mail: Message) -> bytes:
    """The mail as it goes over the wire, with CRLF."""
    wire = BytesIO()
    BytesGenerator(wire, mangle_from_=False).flatten(mail, linesep="\r\n")
    return wire.getvalue()
