"""A mail host on loopback, in the process of the test, that fails where it is told to."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

CUT = "cut"  # instead of an answer: the line breaks
TAKEN_AND_CUT = "taken and cut"  # the mail was taken, and the line breaks before that is said
USUAL = {
    "CONNECT": "220 ready",
    "EHLO": "250-host\r\n250 AUTH PLAIN",
    "AUTH": "235 known",
    "MAIL": "250 ok",
    "RCPT": "250 ok",
    "DATA": "354 go on",
    "TEXT": "250 taken",
    "RSET": "250 ok",
    "QUIT": "221 bye",
}


@dataclass
class Host:
    """`answers` may be changed at any moment: what is said to a command (CONNECT, EHLO, AUTH, MAIL,
    RCPT, DATA, TEXT), or, under an address, to whoever writes to it.
    """

    answers: dict[str, str] = field(default_factory=dict)
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)  # the commands of all lines, in their order
    delay: float = 0.0  # seconds before each answer
    most: int | None = None  # mails over one line, and then 421
    port: int = 0

    def letters(self) -> list[EmailMessage]:
        return [message_from_bytes(text, policy=policy.default) for _, text in self.taken]  # type: ignore[misc]

    @property
    def addressees(self) -> list[str]:
        return [to for to, _ in self.taken]


class _Visit(socketserver.StreamRequestHandler):
    server: Any

    def handle(self) -> None:
        host: Host = self.server.host
        if not self.answer("CONNECT"):
            return
        to, mails = "", 0
        while line := self.rfile.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            verb = verb.upper()
            host.said.append(verb)
            mails += verb == "MAIL"
            if host.most is not None and mails > host.most:
                self.wfile.write(b"421 enough\r\n")
                return
            if verb == "RCPT":
                to = rest.partition("<")[2].partition(">")[0]
            if not self.answer(verb, to if verb == "RCPT" else ""):
                return
            if verb == "QUIT" or (verb == "DATA" and not self.take(to)):
                return

    def answer(self, command: str, address: str = "") -> bool:
        """False: the line is cut."""
        answers: Mapping[str, str] = self.server.host.answers
        said = answers.get(address) or answers.get(command) or USUAL.get(command, "502 what?")
        time.sleep(self.server.host.delay)
        if said == CUT:
            return False
        self.wfile.write(said.encode() + b"\r\n")
        return True

    def take(self, to: str) -> bool:
        host: Host = self.server.host
        if not host.answers.get("DATA", "354").startswith("354"):
            return True
        text = b""
        while not text.endswith(b"\r\n.\r\n"):
            line = self.rfile.readline()
            if not line:
                return False
            text += line
        said = host.answers.get("TEXT", USUAL["TEXT"])
        if said.startswith("250") or said == TAKEN_AND_CUT:
            host.taken.append((to, text.removesuffix(b".\r\n")))
        return said != TAKEN_AND_CUT and self.answer("TEXT")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@contextmanager
def running(answers: Mapping[str, str] | None = None, port: int = 0) -> Iterator[Host]:
    host = Host(dict(answers or {}))
    with _Server(("127.0.0.1", port), _Visit) as server:
        server.host = host  # type: ignore[attr-defined]
        host.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield host
        finally:
            server.shutdown()
            thread.join()


def use(settings: Any, port: int) -> None:
    """Mail goes to the host at this port of the machine."""
    settings.EMAIL_BACKEND = "trial.mail.SmtpBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", port, False
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "handvat", "password of nobody"


def nobody_listens() -> int:
    """A port at which a connection is refused."""
    with _Server(("127.0.0.1", 0), _Visit) as server:
        return server.server_address[1]
