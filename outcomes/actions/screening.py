"""Screening: the pages of study.yaml one by one, and who gets in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from outcomes import scoring
from outcomes.actions import alerts
from outcomes.models import ScreeningAnswer
from outcomes.queries import definitions
from trial import audit
from trial.accepted import check
from trial.actions import participants
from trial.actions.once import once
from trial.actors import Actor
from trial.models import Participant
from trial.rules import holds


class NotScreening(Exception):
    """The person is past the screening."""


@once
def answer_instrument(
    *,
    participant: Participant,
    instrument: str,
    answers: Mapping[str, int],
    by: Actor,
    at: datetime,
) -> ScreeningAnswer:
    """Answers to one screening instrument. In clear they exist only until the person is randomised,
    leaves, or does not get in: nothing asks for them after that, since the baseline is a new
    measurement.

    Every item wants an answer, since who gets in is worked out from them: NotAccepted names those
    that have none.
    """
    participant = participants.locked(participant)
    if participant.state != "screening":
        raise NotScreening
    asked = definitions.instrument(participant.version, instrument)
    check({code: _("Fill this in") for code in asked.item_codes if answers.get(code) is None})
    scored = scoring.score(asked, answers)
    stored, _is_new = ScreeningAnswer.objects.update_or_create(
        participant=participant,
        instrument=instrument,
        defaults={"answers": dict(answers), "score": scored.number, "answered_at": at},
    )
    sealed = participant.sealed(json.dumps(dict(answers), sort_keys=True))
    audit.record(
        participant, "screening answered", subject=instrument, new={"sealed": sealed}, by=by, at=at
    )
    return stored


@transaction.atomic
def forget(*, participant: Participant, by: Actor, at: datetime) -> None:
    """Delete the answers to the screening instruments. Again is no event; the trail keeps them
    under the person's key.
    """
    deleted, _by_model = ScreeningAnswer.objects.filter(participant=participant).delete()
    if deleted:
        audit.record(
            participant, "screening answers deleted", subject=participant.code, by=by, at=at
        )


def decide(participant: Participant, after: str, by: Actor, at: datetime) -> bool:
    """Check the criteria that come after the page `after`; turns the person away at the first that
    does not hold.

    A criterion that cannot be decided (an answer is missing) turns nobody away here: the page is
    asked again.
    """
    facts = definitions.screening_facts(participant)
    for criterion in participant.version.protocol.eligibility:
        if criterion.after == after and holds(criterion.rule, facts) is False:
            participants.turn_away(
                participant=participant, stage=after, reason=criterion.code, by=by, at=at
            )
            return False
    return True


@once
def leave_phone(*, participant: Participant, phone: str, by: Actor, at: datetime) -> None:
    """In screening nobody is known: an alert is raised only for someone who leaves a number."""
    alerts.from_screening(participant=participant, phone=phone, by=by, at=at)
