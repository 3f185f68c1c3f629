"""Mails as Dutch writes them: days and months small, wherever in a sentence they stand."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.utils import translation
from django.utils.dates import MONTHS, WEEKDAYS

from tests.api import test_pairs as pairs
from tests.conftest import NOW
from tests.test_every_post import invited, taken_back
from trial import hooks
from trial.entries import Mail
from trial.models import AddressChange, Invitation, Message, Participant, Study

WITH_DAYS = {"assessment_invitation", "assessment_reminder", "invitation", "address_asked"}
GIVEN = [
    pairs.in_lessons,
    pairs.with_an_alert,
    pairs.asked_for_a_role,
    pairs.asked_for_an_address,
    invited,
]


@pytest.mark.django_db
def test_no_day_or_month_has_a_capital_in_the_middle_of_a_dutch_mail(study):
    """Each mail on each day of a week, so that every weekday has its turn."""
    seen: dict[str, list[str]] = {}
    with time_machine.travel(NOW, tick=False):
        for given in GIVEN:
            with taken_back():
                given(Study.objects.get(pk=study.pk))
                Participant.objects.update(language="nl")
                for _day in range(7):
                    for mail in written():
                        seen.setdefault(mail[0], []).append(mail[1])
                    a_day_later()
    assert seen.keys() >= WITH_DAYS
    with translation.override("nl"):
        names = [str(name) for name in (*WEEKDAYS.values(), *MONTHS.values())]
    assert all(any(name in text for text in seen["invitation"]) for name in names[:7])
    capital = re.compile(
        rf"(?<![.!?:\n] )(?<!\n)\b({'|'.join(name.capitalize() for name in names)})\b"
    )
    assert [text for texts in seen.values() for text in texts if capital.search(text)] == []


def written() -> list[tuple[str, str]]:
    """Every mail in the ledger as it would leave now, in Dutch; a reminder as if its invitation
    never went.
    """
    found = []
    with translation.override("nl"):
        for message in Message.objects.select_related(
            "study", "participant__study", "participant__version"
        ):
            if message.kind == "assessment_reminder":
                Message.objects.filter(kind="assessment_invitation").update(state="cancelled")
            mail = hooks.MESSAGES[message.kind](message, max(NOW, message.due_at))
            if isinstance(mail, Mail):
                found.append((message.kind, f"{mail.subject}\n{mail.body}"))
    return found


def a_day_later() -> None:
    later = timedelta(days=1)
    for invitation in Invitation.objects.all():
        Invitation.objects.filter(pk=invitation.pk).update(expires_at=invitation.expires_at + later)
    for change in AddressChange.objects.exclude(due_at=None):
        AddressChange.objects.filter(pk=change.pk).update(due_at=change.due_at + later)
