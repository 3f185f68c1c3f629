"""`manage.py renew_contacts`: numbers and addresses that were stored before are read as they are
today, and hashed anew.
"""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from trial.actions import contacts
from trial.actors import Actor


class Command(BaseCommand):
    help = (
        "Write and hash everybody's phone number and e-mail address as they are read now. May be "
        "run again at any time."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        counts = contacts.renew(by=Actor("system", "renew_contacts"), at=timezone.now())
        for what in ("renewed", "unchanged", "unreadable", "clashing"):
            self.stdout.write(f"{what}: {counts[what]}")
