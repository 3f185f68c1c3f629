"""What takes two people: one asks, another agrees or does not. Each app has its kinds; what all
have in common is here.

Two addresses are two people here, whoever reads them: no software can know better. Hence every
asking and every giving of a role is mailed to all staff and stands in the report (docs/adr/0008).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from trial import audit
from trial.actions import messages
from trial.actors import Actor
from trial.models import Decision, Participant, Proposal, Study
from trial.queries import proposals as reads
from trial.queries import staff

WAITS = timedelta(
    hours=24
)  # where nobody could agree: as long as everybody who was told has to say no
VALID = timedelta(days=14)


class AlreadyProposed(Exception):
    """The same is asked for already and waits for a second person."""


class AlreadyDecided(Exception):
    """It was agreed to, refused or taken back already, or its time is over."""


class SamePerson(Exception):
    """Whoever asked cannot agree as well."""


class NotSecond(Exception):
    """This person cannot be the second one: too new, invited by whoever asked, or the one whom it
    is about.
    """


def ask(
    *,
    study: Study,
    kind: str,
    participant: Participant | None = None,
    point: str = "",
    reason: str = "",
    note_sealed: str = "",
    content_sealed: str = "",
    is_drill: bool = False,
    until_at: datetime | None = None,
    passes_alone: bool = False,
    by: Actor,
    at: datetime,
) -> Proposal:
    """A part of the action that asks, which has locked the participant or the study."""
    about = {"study": study, "participant": participant, "point": point, "kind": kind}
    # Of roles many are asked for at a time; the invitation knows which are the same.
    if kind != "role" and Proposal.objects.filter(**about, decision__isnull=True).exists():
        raise AlreadyProposed
    proposal = Proposal.objects.create(
        **about,
        reason=reason,
        note_sealed=note_sealed,
        content_sealed=content_sealed,
        is_drill=is_drill,
        until_at=until_at,
        passes_alone=passes_alone,
        by=str(by),
        role=by.role,
        at=at,
    )
    new = (
        {"kind": kind}
        | ({"drill": True} if is_drill else {})
        | ({"until_at": until_at} if until_at else {})
    )
    if passes_alone:
        new["passes_alone"] = True
    audit.record(
        participant or study,
        "second person asked",
        subject=f"proposal {proposal.pk}",
        new=new,
        reason=reason,
        by=by,
        at=at,
    )
    return proposal


def ask_staff(
    *, study: Study, kind: str, receiver: int | None, reason: str = "", by: Actor, at: datetime
) -> Proposal:
    """Ask everybody who works on the study, by mail. Where none of them could agree, it passes
    after 24 hours, and not before whoever could have agreed has been gone for 14 days.

    `receiver` is whom it would give a role to, if they have an account.
    """
    who = (str(by), receiver)
    alone = not reads.seconds(study, kind, who, at).exists()
    left = reads.left_at(study, kind, who, at) if alone else None
    until_at = max(at + WAITS, left + VALID if left else at) if alone else at + VALID
    asked = ask(
        study=study, kind=kind, reason=reason, until_at=until_at, passes_alone=alone, by=by, at=at
    )
    tell_staff(study=study, kind="two_people", about=asked.pk, by=by, at=at)
    return asked


def tell_staff(
    *, study: Study, kind: str, about: int, to: list[int] | None = None, by: Actor, at: datetime
) -> None:
    """A mail for each of the staff, or for those named. Nobody is told in a simulated study, whose
    staff are no people.
    """
    if study.simulated:
        return
    for person in reads.to_tell(study, at) if to is None else to:
        ref = f"{about} {person}"
        messages.queue(
            study=study, participant=None, kind=kind, subject_ref=ref, due_at=at, at=at, by=by
        )


def check_second(proposal: Proposal, *, is_over: bool, by: Actor, at: datetime) -> None:
    """Raises SamePerson, AlreadyDecided where it `is_over`, and NotSecond for whoever cannot be the
    second person.
    """
    if str(by) == proposal.by:
        raise SamePerson
    if is_over:
        raise AlreadyDecided
    if staff.number(str(by)) not in reads.may_agree(proposal, at).values_list("pk", flat=True):
        raise NotSecond


def settle(
    *, proposal: Proposal, is_agreed: bool, event: str = "", by: Actor, at: datetime
) -> Decision:
    """A part of the action that decides. Whoever asked may say no: then it is taken back. `event`
    says what happened where it was nobody's word. Raises SamePerson, AlreadyDecided.
    """
    if is_agreed and str(by) == proposal.by:
        raise SamePerson
    if Decision.objects.filter(proposal=proposal).exists():
        raise AlreadyDecided
    decision = Decision.objects.create(
        proposal=proposal, is_agreed=is_agreed, by=str(by), role=by.role, at=at
    )
    audit.record(
        proposal.participant or proposal.study,
        event or _settled(proposal, is_agreed, by),
        subject=f"proposal {proposal.pk}",
        new={"kind": proposal.kind},
        by=by,
        at=at,
    )
    return decision


def _settled(proposal: Proposal, is_agreed: bool, by: Actor) -> str:
    if str(by) == proposal.by:
        return "taken back"
    if by.kind == "system":
        return "nobody objected" if is_agreed else "no second person in time"
    return "second person agreed" if is_agreed else "second person did not agree"
