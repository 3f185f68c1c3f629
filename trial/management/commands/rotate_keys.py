"""`manage.py rotate_keys`: everything that is sealed under the field keys is sealed anew under the
newest of them.
"""

import os
from collections import Counter
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from trial import keys
from trial.actions import sealing
from trial.queries import sealing as reads
from trial.queries.sealing import Place


class Command(BaseCommand):
    help = (
        "Seal every row anew under the newest field key, and say how many. May be stopped and run "
        "again at any time, while "
        "the site serves. Exit status 1 unless everything opens with the newest key alone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        new = parser.add_mutually_exclusive_group()
        new.add_argument(
            "--new-key",
            action="store_true",
            help="put a new field key in front of those in the file of keys, and stop",
        )
        new.add_argument(
            "--new-audit-key",
            action="store_true",
            help="add an audit key of the next number to that file, and stop",
        )

    def handle(self, *args: Any, new_key: bool, new_audit_key: bool, **options: Any) -> None:
        if new_key or new_audit_key:
            self._add(keys.add_field_key if new_key else keys.add_audit_key, is_field_key=new_key)
            return
        self.stdout.write(f"sessions ended: {sealing.end_sessions(at=timezone.now())}")
        for place in reads.places():
            self._seal_anew(place)
        self._check()
        self._seal_anew(reads.stamp())
        self.stdout.write(
            "Everything opens with the newest key alone; older keys can be taken out of "
            "HANDVAT_FIELD_KEYS. "
            "Backups from before open with the older keys alone."
        )

    def _add(self, add: Any, *, is_field_key: bool) -> None:
        if is_field_key and not reads.is_rotated():
            raise CommandError(
                "Not everything is under the newest key yet: run rotate_keys first, then add "
                "another."
            )
        try:
            path = add(os.environ, settings.DATABASES["default"]["NAME"])
        except (keys.KeysElsewhere, keys.UnfitKeysFile) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"A new key is in {path}: keep a copy apart from the database.")
        self.stdout.write(
            "Start the site and the worker again, so that they know it"
            + (
                "; then run rotate_keys. Keep the older keys until it says that they can be taken "
                "out."
                if is_field_key
                else ". Older audit keys stay: each checks the events that were made with it."
            )
        )

    def _seal_anew(self, place: Place) -> None:
        counts: Counter[str] = Counter()
        for each in sealing.seal_anew(place):
            counts.update(each)
        changed = (
            f", {counts[sealing.CHANGED]} changed meanwhile" if counts[sealing.CHANGED] else ""
        )
        self.stdout.write(
            f"{place}: {counts[sealing.SEALED_ANEW]} sealed anew, {counts[reads.NEWEST]} under the "
            f"newest key already{changed}"
        )

    def _check(self) -> None:
        found = [(place, reads.standings(place)) for place in reads.places()]
        wrong = [
            f"{place}: {counts[standing]} rows {words}"
            for place, counts in found
            for standing, words in (
                (reads.NO_KEY, "open with no key"),
                (reads.OLDER, "open with an older key alone"),
            )
            if counts[standing]
        ]
        if wrong:
            raise CommandError("\n".join([*wrong, "Keep every key, and run rotate_keys again."]))
