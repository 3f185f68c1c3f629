"""What somebody typed and has not sent."""

from __future__ import annotations

from django.db import models

from trial.models.accounts import User
from trial.models.participants import Participant


class Draft(models.Model):
    """One form of one person, as far as it is typed. Theirs alone: no fact, so in no event, table,
    list or export.

    `text_sealed` is JSON (the form's address, the title of its page and the fields), under the key
    of the participant whom the form is about, else under the master keys. `place` finds it without
    telling the form.
    """

    no_facts = "what is typed and not sent has not happened"
    sealed_under = {"text_sealed": "about or master"}

    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    about = models.ForeignKey(Participant, null=True, on_delete=models.PROTECT, related_name="+")
    place = models.CharField(max_length=40)
    text_sealed = models.TextField()
    request_key = models.CharField(max_length=40, db_index=True)  # of the page it was typed on last
    sequence = (
        models.BigIntegerField()
    )  # counts up on that page, so that an older save never lands on a newer one
    saved_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "place"], name="one_draft_per_form")
        ]
