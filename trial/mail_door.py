"""The mail door of one request: opened before anything is looked up, and used after the answer has gone out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime

from django.http import HttpRequest, HttpResponse

from trial import mail
from trial.actions import doormails
from trial.models import DoorMail

PATIENCE = 10.0  # seconds for each answer of the host while somebody waits for theirs
KEPT = "_mail_door"


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


def opened(request: HttpRequest) -> mail.Door:
    """Connect to the mail host and log in, whoever asks; raises mail.DoorShut. Closed after the answer."""
    put_off = ExitStack()
    try:
        door = put_off.enter_context(mail.door(PATIENCE))
    except OSError as error:
        raise mail.DoorShut(type(error).__name__) from None
    setattr(request, KEPT, put_off)
    return door


def leaves_after_the_answer(request: HttpRequest, about: DoorMail, door: mail.Door, at: datetime) -> None:
    getattr(request, KEPT).callback(lambda: doormails.hand_over(about, door, at))
