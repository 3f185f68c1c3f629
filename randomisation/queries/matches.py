"""Whether somebody who is about to be allocated was here before, under another code.

By phone number: nobody gets in with the e-mail address of somebody in the study
(trial.actions.participants.verify).
"""

from __future__ import annotations

from randomisation.models import FIRST, Allocation, Match
from trial import vault
from trial.models import Identity, Participant, Study


def earlier(participant: Participant, *, locked: bool = False) -> Participant | None:
    """Somebody of the study who is allocated and has the same number; None once staff looked into
    it. `locked` holds the contact details of all who have this number until the end of the
    transaction: of two at the same moment one is first.
    """
    same = _same_number(participant, locked=locked)
    others = [each.participant_id for each in same if each.participant_id != participant.pk]
    if not others or Match.objects.filter(participant=participant).exists():
        return None
    found = Allocation.objects.filter(
        study=participant.study_id, point=FIRST, participant__in=others
    )
    row = (
        found.select_related("participant")
        .defer("arm", "fake_arm", "probabilities")
        .order_by("pk")
        .first()
    )
    return row.participant if row else None


def _same_number(participant: Participant, *, locked: bool) -> list[Identity]:
    own = Identity.objects.filter(participant=participant).exclude(phone_hash=vault.phone_hash(""))
    same = Identity.objects.filter(
        study=participant.study_id, phone_hash__in=own.values("phone_hash")
    )
    rows = same.only("pk", "participant_id").order_by("pk")
    return list(rows.select_for_update(no_key=True) if locked else rows)


def held(study: Study) -> list[Participant]:
    """Everybody who waits until staff looked into it, the earliest first."""
    allocated = Allocation.objects.filter(study=study, point=FIRST).values("participant")
    phones = Identity.objects.filter(study=study, participant__in=allocated).exclude(
        phone_hash=vault.phone_hash("")
    )
    people = Participant.objects.filter(
        study=study, state="consented", identity__phone_hash__in=phones.values("phone_hash")
    )
    return list(
        people.exclude(pk__in=Match.objects.filter(study=study).values("participant")).order_by(
            "pk"
        )
    )
