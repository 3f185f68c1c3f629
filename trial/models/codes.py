"""What somebody at a door asked to be mailed: a code to come in, or a link to a new password."""

from __future__ import annotations

from datetime import datetime

from django.db import models

from trial import mailcodes
from trial.models.accounts import User


class DoorMail(models.Model):
    """One press of a button that mails something. The code itself stands nowhere: only its keyed
    hash, once it is mailed.

    Whoever asked holds `handle` in their session, and no other code than this one is theirs to
    enter.
    """

    no_facts = "a key to a door, for minutes"

    no_facts = (
        "a code for ten minutes, forgotten after an hour; what it proved is a fact of its own"
    )

    purpose = models.CharField(max_length=10)  # join | sign_in | password
    handle = models.CharField(max_length=64, unique=True)
    press = models.CharField(
        max_length=64, unique=True
    )  # keyed hash of the request key: a repeat finds this row
    content = models.CharField(max_length=64)  # keyed hash of what was typed
    code_hash = models.CharField(
        max_length=64, blank=True
    )  # empty until it is mailed, and where no code can be right
    user = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+"
    )  # whom the code lets in
    tries = models.PositiveSmallIntegerField(default=0)
    asked_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True, blank=True)
    used_press = models.CharField(
        max_length=64, blank=True
    )  # keyed hash: the second of a double click is the first

    def is_open(self, at: datetime) -> bool:
        return self.used_at is None and mailcodes.is_open(self.tries, self.asked_at, at)


class WaitingMail(models.Model):
    """What is still to be handed over for it, under the master keys. Deleted at hand-over."""

    no_facts = "a mail that waits, for moments"
    sealed_under = {"sealed": "master"}

    no_facts = "words that wait for the mail host, for seconds"

    about = models.OneToOneField(DoorMail, on_delete=models.PROTECT, related_name="waiting")
    sealed = models.TextField()
    claimed_at = models.DateTimeField(null=True, blank=True)
