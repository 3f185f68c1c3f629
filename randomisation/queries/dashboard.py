"""What the researcher's dashboard tells of code-breaks: who, when and why. Never an arm."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from randomisation.models import CodeBreak
from randomisation.queries.exceptions import code_breaks
from randomisation.words import reason_word
from trial.entries import Figure, Panel
from trial.models import Study, User
from trial.queries import staff
from trial.words import short_day, word


def panel(study: Study, person: User, at: datetime) -> Panel | None:
    """Entry of settings.PANELS: nothing where no code was broken."""
    found = code_breaks(study)
    if not found:
        return None
    names = staff.names(by for each in found for by in (each.by, each.agreed_by))
    real = [each for each in found if not each.is_drill]
    return Panel(
        title=_("Code-breaks"),
        figures=[
            Figure(
                _("Code-breaks"),
                str(len(real)),
                of=_("%(count)s by one person, in an emergency")
                % {"count": sum(each.is_emergency for each in real)},
                definition=_(
                    "The arm of one person was shown to one person. Drills are not counted."
                ),
            )
        ],
        head=[_("Person"), _("When"), _("Why"), _("Shown to"), _("Agreed by"), _("How")],
        rows=[_row(each, names) for each in found],
        note=_("The arm stands in none of these rows."),
        words=6,
    )


def _row(each: CodeBreak, names: dict[str, str]) -> list[str]:
    at = timezone.localtime(each.at)
    return [
        each.participant.code,
        f"{short_day(at)}, {at:%H:%M}",
        str(reason_word("code_break", each.reason)),
        f"{names.get(each.by, each.by)}, {word(each.role)}",
        names.get(each.agreed_by, each.agreed_by) or "–",
        how(each),
    ]


def how(each: CodeBreak) -> str:
    said = _("alone, in an emergency") if each.is_emergency else _("by two people")
    return _("%(how)s; a drill, nothing shown") % {"how": said} if each.is_drill else said
