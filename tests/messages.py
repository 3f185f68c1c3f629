"""`make messages`: bring the Dutch catalogue in step with the sources, and compile it.

GNU gettext extracts what is new; Babel compiles, so whoever only corrects a translation needs no
gettext. What is new is left empty, never guessed from a sentence like it: an empty message shows in
tests/test_messages.py, a wrong guess does not.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
import tempfile
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "trial" / "locale" / "nl" / "LC_MESSAGES" / "django.po"
COMPILED = CATALOGUE.with_suffix(".mo")
GETTEXT = shutil.which("xgettext") is not None
APPS = ("trial", "outcomes", "randomisation", "coaching_protocol", "reports")
SPOKEN = {".html", ".py", ".txt"}


def read(path: Path = CATALOGUE) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale="nl")


def messages(catalogue: Catalog) -> dict[tuple[str | None, tuple[str, ...]], Message]:
    """By context and text; the header, whose text is empty, is no message."""
    return {(message.context, texts(message.id)): message for message in catalogue if message.id}


def texts(value: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """A message has one text, a counted one has two."""
    return (value,) if isinstance(value, str) else tuple(value)


def extracted() -> Catalog:
    """What the sources say now, nothing of it translated. Needs GNU gettext and a configured
    Django.

    Read from a copy: Django writes a Python file beside every template while it works, where tests
    that run at the same time would find it, and it would take our folder called locale for another
    place to write to.
    """
    from django.core.management import call_command
    from django.test import override_settings

    with tempfile.TemporaryDirectory(prefix="handvat-messages-") as directory:
        copy, found = Path(directory, "sources"), Path(directory, "found")
        for app in APPS:
            shutil.copytree(ROOT / app, copy / app, ignore=_silent)
        found.mkdir()
        with contextlib.chdir(copy), override_settings(LOCALE_PATHS=[str(found)]):
            call_command("makemessages", locale=["nl"], add_location="never", verbosity=0)
        return read(found / "nl" / "LC_MESSAGES" / "django.po")


def _silent(directory: str, names: list[str]) -> set[str]:
    """What speaks to nobody, or in words of its own: studies speak from their folders."""
    spoken = {
        name for name in names if Path(name).suffix in SPOKEN or Path(directory, name).is_dir()
    }
    return set(names) - (spoken - {"locale", "migrations", "static", "studies", "__pycache__"})


def write(catalogue: Catalog) -> None:
    with CATALOGUE.open("wb") as file:
        write_po(
            file, catalogue, no_location=True, width=0, ignore_obsolete=True, omit_header=False
        )


def compiled(catalogue: Catalog) -> bytes:
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def brought_up_to_date(catalogue: Catalog, template: Catalog) -> Catalog:
    made = catalogue.creation_date
    catalogue.update(template, no_fuzzy_matching=True)
    catalogue.creation_date = (
        made  # a new date with nothing new would be a difference that says nothing
    )
    return catalogue


def main() -> int:
    catalogue = read()
    if GETTEXT:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trial.settings")
        import django

        django.setup()
        catalogue = brought_up_to_date(catalogue, extracted())
        write(catalogue)
    else:
        print(
            "Compiled only. To find new messages, get GNU gettext: apt-get install gettext, or "
            "brew install gettext."
        )
    COMPILED.write_bytes(compiled(catalogue))
    found = messages(catalogue).values()
    empty = [message for message in found if not all(texts(message.string))]
    print(
        f"{len(found)} messages, {len(empty)} without Dutch",
        *(f"  {message.id}" for message in empty),
        sep="\n",
    )
    return 1 if empty else 0


if __name__ == "__main__":
    sys.exit(main())
