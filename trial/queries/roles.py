"""How roles of a study were given, and by whom: for its page of staff, for mails and for the
report.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from trial.models import Membership, Study

MACHINE = "system invite"


def given(study: Study) -> QuerySet[Membership]:
    """Every role that was ever given, those that are held first."""
    return _whole().filter(study=study).order_by(F("ended_at").asc(nulls_first=True), "role", "pk")


def given_one(number: int) -> Membership:
    return _whole().get(pk=number)


def _whole() -> QuerySet[Membership]:
    return Membership.objects.select_related("user", "study", "invitation__proposal__decision")


def ground(membership: Membership) -> str:
    """loaded | rehearsal | free | agreed | waited (docs/adr/0008)."""
    invitation = membership.invitation
    if membership.study.simulated:
        return "rehearsal"
    if invitation is None:
        return "loaded"
    if invitation.proposal is None:
        return "free"
    return "waited" if invitation.proposal.decision.by.startswith("system") else "agreed"


def asker(membership: Membership) -> str:
    """Who invited, as the trail names them; empty where nobody did."""
    return membership.invitation.invited_by if membership.invitation else ""


def second(membership: Membership) -> str:
    """Who agreed; empty where it was given without."""
    if (
        ground(membership) != "agreed"
        or membership.invitation is None
        or membership.invitation.proposal is None
    ):
        return ""
    return membership.invitation.proposal.decision.by


def actors(rows: Iterable[Membership]) -> Iterator[str]:
    """Everybody who asked or agreed, for their names."""
    for row in rows:
        yield asker(row)
        yield second(row)


def how(membership: Membership, names: Mapping[str, str]) -> str:
    """In words: who asked, and who agreed."""
    said = {
        "loaded": _("loaded the study"),
        "rehearsal": _("in a rehearsal, where nobody has to agree"),
        "free": _("first of this role, before the first allocation: invited by %(asker)s"),
        "agreed": _("asked by %(asker)s, agreed to by %(second)s"),
        "waited": _("asked by %(asker)s; nobody could agree, and nobody said no"),
    }[ground(membership)]
    return said % {
        "asker": called(asker(membership), names),
        "second": called(second(membership), names),
    }


def called(actor: str, names: Mapping[str, str]) -> str:
    """A name, or what an actor is who has none."""
    return (
        _("the machine itself (manage.py invite)") if actor == MACHINE else names.get(actor, actor)
    )
