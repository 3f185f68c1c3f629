"""An arm that is given and not drawn. It takes no draw, stands in no history and is flagged
wherever arms are told.
"""

from __future__ import annotations

from datetime import datetime

from randomisation.models import FIRST, Allocation, ForcedAllocation, SealedSeed
from randomisation.queries import design, switches
from randomisation.queries.stage_lists import WARN_AT
from trial import audit, rows, vault
from trial.actions import alerts, journey, participants
from trial.actors import Actor
from trial.models import Participant, Proposal, Study


class NotForced(Exception):
    """Only somebody who consented and has no allocation can be given an arm, while the study
    allocates.
    """


class UnknownArm(Exception):
    """The study has no such arm."""


class CapReached(Exception):
    """The study declared how many allocations may be forced, in all and at one site: no more."""


def check_possible(participant: Participant, arm: str) -> None:
    """Raises UnknownArm, NotForced and CapReached. Read again when a second person agrees, with the
    study locked.
    """
    if arm not in participant.version.protocol.arm_codes:
        raise UnknownArm
    study = Study.objects.get(pk=participant.study_id)
    site = participant.version.protocol.site_of(participant.site)
    is_allocated = Allocation.objects.filter(participant=participant, point=FIRST).exists()
    if participant.state != "consented" or is_allocated or not study.is_recruiting:
        raise NotForced
    stratum = design.stratum(participant)
    if stratum is None or switches.halted(study.pk, FIRST, site, stratum):
        raise NotForced
    for _place, used, cap in counted(participant):
        if used >= cap:
            raise CapReached


def counted(participant: Participant) -> list[tuple[str, int, int]]:
    """For the study and for the person's site: how many are forced, and the cap, which is none
    unless it is declared.
    """
    caps = participant.version.section("randomisation").get("forced") or {}
    made = ForcedAllocation.objects.filter(study=participant.study_id)
    at_site = made.filter(participant__site=participant.site)
    site = participant.version.protocol.site_of(participant.site)
    return [
        ("study", made.count(), caps.get("study", 0)),
        (f"site {site}", at_site.count(), caps.get("site", 0)),
    ]


def allocate(*, proposal: Proposal, participant: Participant, by: Actor, at: datetime) -> None:
    """What follows when the second person agrees, in that transaction: study and person are locked,
    as for a draw. The seed's row is locked too, for itself, so that of two at the same moment the
    second sees what the first took of a cap.
    """
    sealed = SealedSeed.objects.select_for_update().get(study=participant.study_id)
    arm = vault.unseal(proposal.content_sealed)
    check_possible(participant, arm)
    covariates, designed = design.covariates(participant), design.of(participant.version)
    allocation = Allocation.objects.create(
        participant=participant,
        study=participant.study,
        kind="forced",
        stratum=designed.scope(covariates),
        arm=arm,
        probabilities={arm: "1"},
        covariates=covariates,
        design_digest=designed.digest(sealed.seed),
        version=participant.version.number,
        allocated_at=at,
    )
    row = ForcedAllocation.objects.create(
        study=participant.study,
        participant=participant,
        point=FIRST,
        reason=proposal.reason,
        note_sealed=proposal.note_sealed,
        by=proposal.by,
        role=proposal.role,
        at=at,
        allocation=allocation,
        proposal=proposal,
        agreed_by=str(by),
    )
    rows.at_once(participants.marking_randomised(participant=participant, at=at))
    audit.record(
        participant,
        "allocation forced",
        subject=f"forced {row.pk}",
        reason=proposal.reason,
        by=by,
        at=at,
    )
    journey.look_again(participant, at)
    _warn(participant, by, at)


def _warn(participant: Participant, by: Actor, at: datetime) -> None:
    part, whole = WARN_AT
    for place, used, cap in counted(participant):
        if used * whole >= cap * part:
            alerts.raise_alert(
                study=participant.study,
                participant=None,
                kind="forced_cap",
                subject_ref=place,
                within_hours=72,
                by=by,
                at=at,
            )
