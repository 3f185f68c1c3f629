"""The lists of stages that run out: for whoever may know the arms, since it hangs on them who comes
to a stage.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from randomisation.models import FIRST, Scope
from randomisation.queries import design
from trial import permissions
from trial.entries import Mail
from trial.models import Message, Study, User
from trial.queries import notices
from trial.words import word

WARN_AT = (4, 5)  # four of five of a list, or of a cap


@dataclass(frozen=True)
class StageList:
    """A list of a stage by its name, of whose `length` places `used` are taken."""

    point: str
    name: str
    used: int
    length: int


def to_tell(study: Study) -> list[User]:
    """Whoever sees every caseload; where nobody does, whoever has one."""
    return permissions.members(study, "supervisor") or permissions.members(study, "coach")


def low(study: Study, sees: Callable[[str], bool]) -> list[StageList]:
    """The lists of stages of which four fifths or more are used."""
    part, whole = WARN_AT
    points = [point for point in design.points(study.current) if point != FIRST and sees(point)]
    lengths = {point: design.rule(study.current, point).length for point in points}
    found: list[StageList] = []
    if not any(lengths.values()):
        return found
    for scope in Scope.objects.filter(study=study, point__in=points).order_by("pk"):
        length = lengths[scope.point]
        if length is not None and scope.next_index * whole >= length * part:
            found.append(StageList(scope.point, scope.name, scope.next_index, length))
    return found


def compose(message: Message, at: datetime) -> Mail | None:
    """Entry of settings.MESSAGES: tells one of the staff that a list runs out. Which one stands on
    a page behind a sign-in.
    """
    what, *_occasion, person = message.subject_ref.split()
    study = message.study
    assert study is not None
    with override(notices.language(study)):
        return notices.letter(
            study,
            int(person),
            _("%(title)s: a randomisation list"),
            str(word(f"list_{what}")),
            _(
                "It is a list of a stage. Who comes to a stage can tell an arm: do not tell "
                "whoever may not know the arms."
            ),
            settings.PUBLIC_URL + reverse("research:randomisation", args=[study.slug]),
        )
