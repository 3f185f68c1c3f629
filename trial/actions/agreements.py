"""The second person's word about a role, a lock or an address, and what comes of what nobody spoke
about in time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from trial import rows
from trial.actions import lost_mailbox, participants, proposals, staff, studies
from trial.actions.once import once
from trial.actors import WORKER, Actor
from trial.lifecycles import NotAllowedNow
from trial.models import Decision, Proposal, Study
from trial.queries import proposals as reads

logger = logging.getLogger(__name__)
FOLLOWS: Mapping[str, Callable[..., None]] = {
    "role": staff.decided,
    "lock": studies.lock_decided,
    "address": lost_mailbox.decided,
}


def decide(
    *,
    proposal: Proposal,
    is_agreed: bool,
    called: bool = False,
    email: str = "",
    key: str | None = None,
    by: Actor,
    at: datetime,
) -> Decision:
    """A second person agrees, and it is done at once; or somebody of the staff says no, and it is
    over.

    An address waits (see lost_mailbox), and a no stops it until it takes effect. To agree to it
    takes that they `called` the number on record, and the `email` that they were told.

    Raises SamePerson, NotSecond, AlreadyDecided (also when its time is over), and what the thing
    itself may raise.
    """
    said = {"is_agreed": is_agreed, "called": called, "email": email}
    try:
        return _decide(proposal=proposal, **said, key=key, by=by, at=at)
    except lost_mailbox.OtherAddress:
        lost_mailbox.count_mistyped(proposal=proposal, key=key, by=by, at=at)
        raise


@once
def _decide(
    *, proposal: Proposal, is_agreed: bool, called: bool, email: str, by: Actor, at: datetime
) -> Decision:
    _hold(proposal)
    # Not where only its time is over, and somebody agreed a moment before.
    stopped = (
        None
        if is_agreed or by.kind != "staff"
        else lost_mailbox.stop_agreed(proposal=proposal, by=by, at=at)
    )
    if stopped:
        return stopped
    if is_agreed and by.kind == "staff":
        proposals.check_second(proposal, is_over=reads.is_late(proposal, at), by=by, at=at)
        if proposal.kind == "address":
            lost_mailbox.check_called(proposal=proposal, called=called, email=email, by=by, at=at)
    decision = proposals.settle(proposal=proposal, is_agreed=is_agreed, by=by, at=at)
    FOLLOWS[proposal.kind](proposal=proposal, is_agreed=is_agreed, by=by, at=at)
    return decision


def _hold(proposal: Proposal) -> None:
    """Of two second persons at one moment the later sees the earlier."""
    if proposal.participant:
        participants.locked(proposal.participant)
        return
    if proposal.kind == "lock":
        rows.pass_gate(proposal.study_id, alone=True)
    Study.held().get(pk=proposal.study_id)


def settle_due(at: datetime) -> int:
    """What nobody spoke about in time: it passes where nobody could agree, and is over
    otherwise.
    """
    return sum(_settled(proposal, at) for proposal in reads.due(at))


def _settled(proposal: Proposal, at: datetime) -> bool:
    try:
        decide(proposal=proposal, is_agreed=proposal.passes_alone, by=WORKER, at=at)
    except proposals.AlreadyDecided:  # a moment ago, by a person or by another worker
        return False
    except (studies.FollowUpGoesOn, NotAllowedNow):  # cannot be done any more
        decide(proposal=proposal, is_agreed=False, by=WORKER, at=at)
    except Exception as error:  # left for the next round; the others go on
        logger.error("proposal %s could not be settled: %s", proposal.pk, type(error).__name__)
        return False
    return True
