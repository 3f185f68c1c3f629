"""The way out for mail, and what became of a mail on it.

Everything that is sent is a `Letter`, and leaves through a `door`. An error says which of three it
was: nothing was handed over and a later try may succeed (`NotHandedOver`), it was refused for good
(`Refused`), or nobody knows (`Uncertain`). No error repeats an address or a word of a mail.
"""

from __future__ import annotations

import mailbox
import smtplib
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.core import mail
from django.core.mail.backends import smtp
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.utils import DNS_NAME

from trial import headers

AUTHENTICATION = {530, 534, 535, 538}  # RFC 4954: the host does not know us, whatever is sent
CLOSING = 421  # RFC 5321: the host goes away, whatever was asked
GO_ON = 354  # RFC 5321: after this answer comes the mail itself


class NotHandedOver(Exception):
    """Nothing was handed over: it may be tried again later."""


class DoorShut(NotHandedOver):
    """The mail host cannot be reached, or does not let us in: no mail would get through."""


class PutOff(NotHandedOver):
    """The host asks to come back later with this mail (4xx); `what` keeps it: sender, address or
    words.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"the mail host asks to come back later with the {what}")


class Refused(Exception):
    """The host refuses this mail for good (5xx); `what` it refuses: sender, address or words."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"the mail host refuses the {what}")


class Uncertain(Exception):
    """The mail may have been handed over: the line broke before the answer came."""


class Letter(mail.EmailMessage):
    """A mail of the house: its headers are written by Python's `email` package, wherever it
    goes.
    """

    def __init__(
        self, *, to: str, subject: str, body: str, sender: str = "", reply_to: str = ""
    ) -> None:
        """`sender` is a name; the address is always the installation's own. Raises
        headers.Unwritable.
        """
        self.own = headers.read(settings.DEFAULT_FROM_EMAIL)
        self.by = headers.named(sender or self.own.display_name, self.own.addr_spec)
        self.addressee = headers.named("", to)
        replies = [reply_to] if reply_to else []
        super().__init__(subject, body, str(self.by), [to], reply_to=replies)

    def message(self) -> EmailMessage:  # type: ignore[override]
        return self._written

    @cached_property
    def _written(self) -> EmailMessage:
        return headers.written(
            sender=self.by,
            to=self.addressee,
            subject=str(self.subject),
            body=str(self.body),
            Reply_To=headers.named("", self.reply_to[0]) if self.reply_to else "",
            Date=formatdate(),
            Message_ID=make_msgid(domain=str(DNS_NAME)),
            Auto_Submitted="auto-generated",  # RFC 3834: no out-of-office is sent back
        )


class Door:
    """An open way out, for any number of mails."""

    def __init__(self, backend: BaseEmailBackend) -> None:
        self._backend = backend
        self._has_taken = False  # over this line

    def hand_over(self, letter: Letter) -> None:
        """Raises NotHandedOver, Refused or Uncertain. A host that took mail over this line may take
        so many over one and no more: it is away if it takes none over a new one either.
        """
        letter.message()  # written before anything is said to the host
        try:
            self._hand_over(letter)
        except DoorShut:
            if not self._has_taken:
                raise
            self._has_taken = False
            self._backend.close()
            self._backend.open()
            self._hand_over(letter)
        self._has_taken = True

    def _hand_over(self, letter: Letter) -> None:
        try:
            self._backend.send_messages([letter])
        except (ConnectionRefusedError, socket.gaierror) as error:
            raise DoorShut(type(error).__name__) from None
        except OSError:
            raise Uncertain from None


@contextmanager
def door(patience: float | None = None) -> Iterator[Door]:
    """Connect to the mail host and log in; raises DoorShut. `patience` in seconds, for both
    together, and again for each mail.
    """
    backend = mail.get_connection(timeout=settings.EMAIL_TIMEOUT if patience is None else patience)
    backend.open()
    try:
        yield Door(backend)
    finally:
        backend.close()


class _Line(smtplib.SMTP):
    """Knows whether the mail itself is on its way: after the host said to go on, until it answers.
    A host that is slow at each answer gets no more time than one that is slow at one.
    """

    may_have_it = False

    def __init__(self, *given: Any, **more: Any) -> None:
        self._patience: float = more["timeout"]
        self.begin()
        super().__init__(*given, **more)

    def begin(self) -> None:
        """What follows has its own time."""
        self._until = time.monotonic() + self._patience

    def _hurry(self) -> None:
        left = self._until - time.monotonic()
        if left <= 0:
            self.close()
            raise TimeoutError
        if self.sock:
            self.sock.settimeout(left)

    def send(self, s: Any) -> None:
        self._hurry()
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        self._hurry()
        code, text = super().getreply()
        self.may_have_it = code == GO_ON
        return code, text


class SmtpBackend(smtp.EmailBackend):
    """Django's, but an error says what became of the mail, and a line that broke is opened anew for
    the next.
    """

    connection_class = _Line

    def open(self) -> bool | None:
        """Connect and log in; raises DoorShut."""
        try:
            return super().open()
        except (OSError, ValueError) as error:  # ValueError: a name of a host that cannot be one
            self.close()
            raise DoorShut(type(error).__name__) from None

    def _close_connection(self, connection: smtplib.SMTP) -> None:
        if connection is self.connection:  # and not one that did not get so far in its time
            cast(_Line, connection).begin()
        with suppress(OSError):  # whatever was handed over is
            connection.quit()
        connection.close()

    def _send(self, message: mail.EmailMessage) -> bool:
        letter, line = envelope(message), cast(_Line, self.connection)
        line.begin()
        try:
            line.sendmail(*letter)
        except OSError as error:
            verdict = _judged(error, line.may_have_it)
            if line.sock is None:
                self.connection = None
            raise verdict from None
        except ValueError:  # an address that cannot be said to a host
            raise Refused("address") from None
        return True


def _judged(error: OSError, may_have_it: bool) -> Exception:
    """What an error of the line or of the host means. `may_have_it`: it came while the mail itself
    was being sent.
    """
    match error:
        case smtplib.SMTPRecipientsRefused():
            return _answered(next(iter(error.recipients.values()))[0], "address")
        case smtplib.SMTPSenderRefused():
            return _answered(error.smtp_code, "sender")
        case smtplib.SMTPDataError() if 400 <= error.smtp_code < 600:
            return _answered(error.smtp_code, "words")
        case smtplib.SMTPDataError():  # an answer that is none of RFC 5321 says nothing
            return Uncertain()
    return Uncertain() if may_have_it else DoorShut(type(error).__name__)


def _answered(code: int, what: str) -> Exception:
    if code == CLOSING or code in AUTHENTICATION:
        return DoorShut(str(code))
    return Refused(what) if 500 <= code < 600 else PutOff(what)


class MboxBackend(BaseEmailBackend):
    """Mail of a rehearsal. Nothing leaves the machine: each mail goes to `mail.mbox` in
    EMAIL_FILE_PATH, whatever the settings say about sending, written for the wire like any other,
    and readable by any mail program.
    """

    def __init__(self, fail_silently: bool = False, **kwargs: Any) -> None:
        super().__init__(fail_silently)
        self.path = Path(settings.EMAIL_FILE_PATH) / "mail.mbox"

    def send_messages(self, messages: Sequence[mail.EmailMessage]) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            for message in messages:
                _, _, text = envelope(message)
                lines = text.replace(b"\r\n", b"\n").replace(b"\nFrom ", b"\n>From ")
                file.write(
                    b"From " + mailbox.mboxMessage().get_from().encode() + b"\n" + lines + b"\n\n"
                )
        return len(messages)


def envelope(message: mail.EmailMessage) -> tuple[str, list[str], bytes]:
    """Who says it comes from whom, to whom, and the mail itself, as a host is told. Raises
    headers.Unwritable.
    """
    written = message.message()
    return (
        headers.read(message.from_email).addr_spec,
        message.recipients(),
        headers.to_bytes(written),
    )
