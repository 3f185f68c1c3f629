"""Mail of a rehearsal: appended to one mbox file, whatever the settings say about sending."""

from __future__ import annotations

import mailbox
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


class MboxBackend(BaseEmailBackend):
    """Nothing leaves the machine: each message goes to `mail.mbox` in EMAIL_FILE_PATH, readable by any mail program."""

    def __init__(self, fail_silently: bool = False, **kwargs: Any) -> None:
        super().__init__(fail_silently)
        self.path = Path(settings.EMAIL_FILE_PATH) / "mail.mbox"

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            for message in messages:
                text = mailbox.mboxMessage(message.message())
                lines = text.as_bytes().replace(b"\nFrom ", b"\n>From ")
                file.write(b"From handvat " + text.get_from().encode() + b"\n" + lines + b"\n\n")
        return len(messages)
