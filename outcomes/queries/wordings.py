"""The instruments of a study as its researcher judges them: each wording, its status, and who
signed it off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from outcomes.instruments import Instrument, Wording
from outcomes.queries import definitions
from trial.models import Confirmation, ProtocolVersion, Study
from trial.queries import staff


@dataclass(frozen=True)
class Shown:
    """One wording in full. `subject` names it in a sign-off."""

    language: str
    wording: Wording
    subject: str
    items: tuple[tuple[str, str], ...]
    confirmation: Confirmation | None
    confirmed_by: str

    @property
    def needs_sign_off(self) -> bool:
        return self.wording.status != "official" and self.confirmation is None


@dataclass(frozen=True)
class Described:
    instrument: Instrument
    is_primary: bool
    wordings: tuple[Shown, ...]
    without: tuple[str, ...]


def described(version: ProtocolVersion) -> list[Described]:
    """Every instrument that is used anywhere, with its wordings in the study's languages."""
    confirmed = {each.subject: each for each in version.confirmations.filter(kind="wording")}
    names = staff.names(each.confirmed_by for each in confirmed.values())
    primary = definitions.primary_instruments(version)
    languages = version.protocol.languages
    return [
        Described(
            instrument,
            code in primary,
            tuple(
                _shown(instrument, language, confirmed, names)
                for language in languages
                if language in instrument.wordings
            ),
            tuple(language for language in languages if language not in instrument.wordings),
        )
        for code, instrument in definitions.assessments(version).definitions.items()
    ]


def _shown(
    instrument: Instrument,
    language: str,
    confirmed: Mapping[str, Confirmation],
    names: Mapping[str, str],
) -> Shown:
    wording = instrument.wordings[language]
    subject = f"{instrument.code}:{language}"
    items = tuple((code, wording.items[code]) for code in instrument.item_codes)
    found = confirmed.get(subject)
    by = names.get(found.confirmed_by, found.confirmed_by) if found else ""
    return Shown(language, wording, subject, items, found, by)


def unofficial(version: ProtocolVersion) -> dict[str, Wording]:
    """Every wording of this version that needs a sign-off, by subject."""
    return {
        subject: wording
        for subject, wording in _by_subject(version).items()
        if wording.status != "official"
    }


def _by_subject(version: ProtocolVersion) -> dict[str, Wording]:
    return {
        f"{code}:{language}": instrument.wordings[language]
        for code, instrument in definitions.assessments(version).definitions.items()
        for language in version.protocol.languages
        if language in instrument.wordings
    }


def languages(study: Study) -> list[tuple[str, list[str]]]:
    """Each language of the study, with what keeps it from being offered; an empty list where
    nothing does.
    """
    known = definitions.assessments(study.current).definitions
    return [
        (
            language,
            [
                _("%(code)s: no wording in this language, paste the one you hold a licence for")
                % {"code": code}
                for code in definitions.primary_instruments(study.current)
                if language not in known[code].wordings
            ],
        )
        for language in study.current.protocol.languages
    ]
