"""The mail door of one request: opened before anything is looked up, and used after the answer has
gone out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime

from django.http import HttpRequest, HttpResponse

from trial import limits, mail
from trial.actions import doormails, mail_host
from trial.models import DoorMail

PATIENCE = (
    5.0  # seconds to connect and log in, while somebody waits for an answer; and again for the mail
)
AT_ONCE = (
    3  # in one process: of its four threads (`manage.py serve`) one is left for everything else
)
KEPT = "_mail_door"
_open = threading.BoundedSemaphore(AT_ONCE)


class AfterTheAnswer:
    """Whatever was put off until the answer is out is done when the server closes it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        put_off: ExitStack | None = getattr(request, KEPT, None)
        if put_off:
            response._resource_closers.append(put_off.close)  # type: ignore[attr-defined]  # run by close()
        return response


def opened(request: HttpRequest, at: datetime) -> mail.Door:
    """Connect to the mail host and log in, whoever asks. Closed after the answer.

    Counted before the host is asked anything: raises limits.TooOften. Raises mail.DoorShut, and at
    once while the host is known to be away or as many doors are open as there may be, so that a
    slow host does not hold up the whole site.
    """
    limits.check(request, "mail_door")
    if mail_host.is_known_away(at):
        raise mail.DoorShut("away")
    if not _open.acquire(blocking=False):
        raise mail.DoorShut("busy")
    with ExitStack() as put_off:
        put_off.callback(_open.release)
        try:
            door = put_off.enter_context(mail.door(PATIENCE))
        except OSError as error:
            raise mail.DoorShut(type(error).__name__) from None
        setattr(request, KEPT, put_off.pop_all())
    return door


def leaves_after_the_answer(
    request: HttpRequest, about: DoorMail, door: mail.Door, at: datetime
) -> None:
    getattr(request, KEPT).callback(lambda: doormails.hand_over(about, door, at))
