"""The entries of randomisation in the lists of settings."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from randomisation import exports, methods, verifier
from randomisation.actions import allocations, looks, matches, proofs, seeds
from randomisation.actions.stages import decide as decide_stage
from randomisation.models import FIRST, Allocation
from randomisation.queries import design, stages, switches
from randomisation.queries import matches as earlier_people
from randomisation.queries.dashboard import panel
from randomisation.queries.exceptions import forced as intercurrent_events
from randomisation.queries.stage_lists import compose as compose_stage_list
from randomisation.queries.tables import tables
from randomisation.sections import section
from trial.actions import grants, participants
from trial.actors import SYSTEM, Actor
from trial.entries import Done, Outcome, Wait
from trial.hooks import Making
from trial.models import Job, Participant, Study
from trial.sealed_files import Files

__all__ = [
    "allocation",
    "allotted",
    "compose_stage_list",
    "export",
    "granting",
    "intercurrent_events",
    "opened",
    "panel",
    "replay",
    "section",
    "stage_granting",
    "staging",
    "tables",
    "tailoring",
    "waiting_for",
]
PAUSED_FOR = timedelta(
    hours=1
)  # how long somebody at a stage of a paused study waits until they are looked at again
STOPPED = (allocations.RandomisationPaused, methods.ListExhausted)  # nobody is allocated for now


def opened(study: Study, at: datetime) -> None:
    """When a study opens its seed is made, sealed and committed to."""
    seeds.make(study=study, by=SYSTEM, at=at)


def allocation(participant: Participant, at: datetime) -> Outcome:
    """Step: randomise as soon as the baseline is complete; while the study is paused, look again
    when it is not.
    """
    if participant.randomised_at:
        return Done()
    if participant.state != "consented":
        return Wait()
    if not participant.study.is_recruiting:
        return Wait()
    try:
        allocations.allocate_and_tell(participant=participant, by=SYSTEM, at=at)
    except (
        *STOPPED,
        matches.PossibleDuplicate,
    ):  # a pause: a halt, or one between the question above and the lock
        return Wait()
    return Done()


def waiting_for(participant: Participant) -> str:
    """Entry of settings.WAITING: why somebody who has done everything is not allocated yet, as a
    code for their page.
    """
    if earlier_people.earlier(participant):
        return "looked_into"
    site = participant.version.protocol.site_of(participant.site)
    # A step that failed may have left a question behind, so that there is no stratum yet.
    stratum = design.stratum(participant) or ""
    return "break" if switches.halted(participant.study_id, FIRST, site, stratum) else ""


def allotted(participant: Participant) -> Mapping[str, str]:
    """Entry of settings.ALLOTTED: what the person is told, by language; nothing before allocation.

    Somebody who reads on their own page what they were given is no look at an arm, so it leaves no
    event.
    """
    code = (
        Allocation.objects.filter(participant=participant)
        .order_by("-pk")
        .values_list("arm", flat=True)
        .first()
    )
    arm = participant.version.protocol.arm(code) if code else None
    return arm.description if arm else {}


def tailoring(participant: Participant, at: datetime) -> Outcome:
    """Step: when a stage comes, decide whether somebody is randomised again. Of everybody, whatever
    the arm, so that a decision tells nothing; where an earlier stage is not settled yet, it is
    waited for.
    """
    if _is_over(participant) or not stages.of(participant.version):
        return Done()
    if participant.randomised_at is None:
        return Wait()
    arms, decided = stages.arms(participant), stages.decisions(participant)
    for stage in stages.of(participant.version):
        if stage.code in decided:
            if decided[stage.code].is_eligible and stage.code not in arms:
                return Wait()
            continue
        opens = stages.opening(participant, stage, at)
        if not opens.certain or opens.opens_at is None or opens.opens_at > at:
            return Wait(opens.opens_at)
        origin = list(arms.values())[-1]
        decision = decide_stage(
            participant=participant, stage=stage, origin=origin, by=SYSTEM, at=at
        )
        decided[stage.code] = decision
        if decision.is_eligible:
            return Wait(at)  # the draw comes next, then the stages after this one
    return Wait()


def staging(participant: Participant, at: datetime) -> Outcome:
    """Step: randomise again whoever was found eligible at a stage."""
    if _is_over(participant) or not stages.of(participant.version):
        return Done()
    arms = stages.arms(participant)
    for point, decision in stages.decisions(participant).items():
        if decision.is_eligible and point not in arms:
            origin = decision.origin
            try:
                allocations.allocate_and_tell(
                    participant=participant, point=point, origin=origin, by=SYSTEM, at=at
                )
            except STOPPED:
                return Wait(at + PAUSED_FOR)
    return Wait()


def stage_granting(participant: Participant, at: datetime) -> Outcome:
    """Step: what the arm of a stage gives beside what somebody has."""
    if _is_over(participant) or not stages.of(participant.version):
        return Done()
    for point, arm in stages.arms(participant).items():
        if point != FIRST:
            _grant(participant, arm, at)
    return Wait()


def _is_over(participant: Participant) -> bool:
    return participant.state in ("withdrawn", "completed")


def granting(participant: Participant, at: datetime) -> Outcome:
    """Step: the allocation grants what its arm is given. A step of its own: a crash in between is
    mended by the next try.
    """
    if participant.randomised_at is None:
        return Done() if participant.state == "withdrawn" else Wait()
    participants.note_randomised(participant=participant, by=SYSTEM, at=at)
    if participant.state == "withdrawn":
        return Done()
    arm_code = Allocation.objects.values_list("arm", flat=True).get(
        participant=participant, point=FIRST
    )
    _grant(participant, arm_code, at)
    return Done()


def _grant(participant: Participant, arm_code: str, at: datetime) -> None:
    arm = participant.version.protocol.arm(arm_code)
    assert arm is not None  # the sections agree on the arms
    access = [
        (grant.kind, grant.code, grant.opens.model_dump(mode="json", exclude_none=True))
        for grant in arm.grants
    ]
    grants.give(participant=participant, access=access, by=SYSTEM, at=at)


def export(job: Job, by: Actor, at: datetime) -> Making:
    """Entry of settings.PRODUCTS: what a third party makes every draw from again."""
    proofs.check_revealed(job.study)
    looks.look(study=job.study, reason=_asked(job), by=by, at=at)

    def make(files: Files) -> Callable[[], Mapping[str, str]]:
        with files.file("randomisation.json") as out:
            for piece in exports.export(job.study, reveal=True):
                out.write(piece.encode())
        return dict

    return make


def replay(job: Job, by: Actor, at: datetime) -> Making:
    """Entry of settings.PRODUCTS: what the verifier says of the draws as they stand here. What it
    reads is never on the disk.
    """
    looks.replay(study=job.study, reason=_asked(job), by=by, at=at)
    told_arms = job.is_by_arm and proofs.may_reveal(job.study)

    def make(files: Files) -> Callable[[], Mapping[str, str]]:
        source = io.StringIO()
        for piece in exports.export(job.study, reveal=True):  # as many as there are allocations
            source.write(piece)
        source.seek(0)

        def verify() -> Mapping[str, str]:
            said: list[str] = []
            arguments = ["-"] if told_arms else ["-", "--conceal"]
            code = verifier.main(arguments, source, said.append)
            with files.file("replay.txt") as out:
                out.write("".join(f"{sentence}\n" for sentence in said).encode())
            return {"equal": "yes" if code == 0 else "no"}

        return verify

    return make


def _asked(job: Job) -> str:
    return f"{job}, asked for by {job.requested_by}"
