"""`manage.py make_keys`: the keys of an installation, in a file that only its user can read."""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from trial import keys


class Command(BaseCommand):
    help = (
        "Make the keys of this installation in HANDVAT_KEYS_FILE. Keys that are there are never "
        "replaced."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--if-needed", action="store_true", help="do nothing where there are keys already"
        )

    def handle(self, *args: Any, if_needed: bool, **options: Any) -> None:
        if if_needed and (not settings.WEAK_KEYS or settings.DATABASE_KIND == "rehearsal"):
            return
        try:
            path = keys.make(os.environ, settings.DATABASES["default"]["NAME"])
        except keys.KeysStand as error:
            if not if_needed:  # what is wrong with them is said by whatever opens the database
                raise CommandError(str(error)) from None
            return
        except keys.UnfitKeysFile as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"The keys of this installation are in {path}: keep a copy apart from the database."
        )
