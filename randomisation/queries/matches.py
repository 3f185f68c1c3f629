"""Whether somebody who is about to be allocated was here before, under another code.

By phone number: nobody gets in with the e-mail address of somebody in the study
(trial.actions.participants.verify).
"""

from __future__ import annotations

from django.db import connection

from randomisation.models import FIRST, Allocation, Match
from trial import vault
from trial.models import Identity, Participant, Study
from trial.prepared import Answer, Statement, at_once


def earlier(participant: Participant) -> Participant | None:
    """Somebody of the study who is allocated and has the same number; None once staff looked into
    it.
    """
    (same,) = at_once(same_number(participant))
    return earlier_among(participant, same)


def earlier_among(participant: Participant, same: Answer) -> Participant | None:
    """`same` is what came of `same_number`."""
    others = [number for (number,) in same.rows if number != participant.pk]
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


def same_number(participant: Participant, *, locked: bool = False) -> Statement:
    """Asks who has it. `locked` holds their contact details until the end of the transaction: of
    two at the same moment one is first. As SQL: every allocation passes here.
    """
    lock = " FOR NO KEY UPDATE" if locked and connection.features.has_select_for_update else ""
    return Statement(
        "SELECT participant_id FROM trial_identity WHERE study_id = %s AND phone_hash IN "  # noqa: S608
        "(SELECT phone_hash FROM trial_identity WHERE participant_id = %s AND phone_hash <> %s)"
        f" ORDER BY id{lock}",
        [participant.study_id, participant.pk, vault.phone_hash("")],
    )


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
