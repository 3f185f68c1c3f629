"""Allocation: lock first, then read, then draw.

The locks are taken in one order: the person, the study (shared and through a fair gate, so that a
pause waits for whoever is being allocated and stops whoever comes after), their journey, their
cluster, and last the scope, whose history is read only then. What is written is, before the scope
is locked, that the person is randomised and a note that the journey goes on; and under that lock
the allocation, the audit event and the request key. Grants follow as the next step of the journey.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from randomisation import stream
from randomisation.actions import lists, matches, stages
from randomisation.methods import ListExhausted
from randomisation.models import FIRST, Allocation, Scope, SealedSeed, StageDecision
from randomisation.models.fields import opened
from randomisation.queries import design, histories, switches
from trial import audit, rows
from trial.actions import journey, participants
from trial.actions.once import once
from trial.actors import Actor
from trial.models import Participant

CLUSTER = "cluster:"
QUEUE = 0x5C09E  # names the advisory locks of scopes


class AlreadyRandomised(Exception):
    """The person has an allocation; it never changes."""


class NotEligible(Exception):
    """Only somebody who consented and is in the study is randomised; at a stage, only who was found
    eligible for it.
    """


class RandomisationPaused(Exception):
    """The study is not open, or a switch halts this part of it, so no allocation can be in
    flight.
    """


class WrongIsolation(Exception):
    """On PostgreSQL a lock protects only under READ COMMITTED: an older snapshot would not see the
    last allocation.
    """


@dataclass(frozen=True)
class Secret:
    """What the draws of a study come from, read under the lock of the study."""

    seed: bytes
    state: str
    was_halted: bool  # at any time, in any part


@once
def allocate(
    *,
    participant: Participant,
    point: str = FIRST,
    origin: str = "",
    request_key: str = "",
    by: Actor,
    at: datetime,
) -> str:
    """Allocate one participant. Returns nothing of the arm: only that it happened (the
    participant's code).

    `origin` is the arm that somebody at a stage comes from. Raises RandomisationPaused,
    AlreadyRandomised, NotEligible, PossibleDuplicate, methods.ListExhausted; then nothing is
    consumed.
    """
    person = participants.locked(participant)
    secret = held(participant.study_id)
    if secret.state not in _open_states(point):
        raise RandomisationPaused(secret.state)
    _check_eligible(person, point)
    designed = design.of(person.version, point)
    # What does not hang on the draw is written before the scope is locked, for which others wait.
    if point == FIRST:
        participants.mark_randomised(participant=person, at=at)
    journey.look_again(person, at)
    row = _row(person, designed, secret, origin)
    row.request_key, row.allocated_at = request_key, at
    # That nobody has two is seen to under the lock of the person; the database would refuse the
    # second.
    rows.insert(row)
    if point == FIRST:
        # The trail says that and where, never which arm.
        place = (
            f"draw {row.draw_index} of its stratum" if row.kind == "drawn" else "with its cluster"
        )
        audit.record(
            person, "allocated", subject=place, new={"design": row.design_digest}, by=by, at=at
        )
    else:
        stages.note_settled(person, point, f"{row.design_digest} {row.draw_index}", by=by, at=at)
    return person.code


def allocate_and_tell(
    *,
    participant: Participant,
    point: str = FIRST,
    origin: str = "",
    key: str | None = None,
    by: Actor,
    at: datetime,
) -> None:
    """`allocate`, and what staff are told about it: of a list that runs out, and of who may have
    come before. Raises what it raises, once they are told.
    """
    try:
        allocate(participant=participant, point=point, origin=origin, key=key, by=by, at=at)
    except matches.PossibleDuplicate:
        matches.hold(participant=participant, by=by, at=at)
        raise
    except ListExhausted:
        lists.stop_at_end(participant=participant, point=point, by=by, at=at)
        raise
    lists.warn_if_low(participant=participant, point=point, by=by, at=at)


def _open_states(point: str) -> tuple[str, ...]:
    """Newcomers only while recruiting; whoever is in meets the stages also after that, but in no
    pause.
    """
    return ("open",) if point == FIRST else ("open", "closed")


def held(study: int) -> Secret:
    """The study locked, shared, with its seed; and on PostgreSQL, that what is read from now on is
    what stands.
    """
    on_postgresql = connection.vendor == "postgresql"
    isolation = "current_setting('transaction_isolation')" if on_postgresql else "'read committed'"
    lock = " FOR SHARE OF s" if on_postgresql else ""
    rows.pass_gate(study)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT s.state, x.ciphertext, {isolation}, EXISTS (SELECT 1 FROM "  # noqa: S608
            "randomisation_switch w WHERE w.study_id = s.id) FROM trial_study s "
            f"LEFT JOIN randomisation_sealedseed x ON x.study_id = s.id WHERE s.id = %s{lock}",
            [study],
        )
        state, ciphertext, level, was_halted = cursor.fetchone()
    if level != "read committed":
        raise WrongIsolation(level)
    if ciphertext is None:
        raise RandomisationPaused(state)
    return Secret(SealedSeed(ciphertext=ciphertext).seed, state, bool(was_halted))


def _check_eligible(person: Participant, point: str) -> None:
    wanted = "consented" if point == FIRST else "randomised"
    if point == FIRST and person.randomised_at:
        raise AlreadyRandomised(person.code)
    if person.state != wanted:
        raise NotEligible(person.state)
    if point == FIRST:
        return
    if Allocation.objects.filter(participant=person, point=point).exists():
        raise AlreadyRandomised(person.code)
    if not StageDecision.objects.filter(participant=person, point=point, is_eligible=True).exists():
        raise NotEligible(f"{person.code} was not found eligible at {point}")


def _row(person: Participant, designed: design.Design, secret: Secret, origin: str) -> Allocation:
    covariates = design.covariates(person, designed.point, origin=origin)
    _check_goes_on(person, designed, covariates, secret)
    code = designed.plan.get("cluster")
    cluster = design.answer(person, code) if code else ""
    if cluster:
        _locked(person.study_id, designed.point, CLUSTER + cluster)
        first = Allocation.objects.filter(
            study=person.study_id, point=designed.point, draws_for=cluster
        ).first()
        if first is not None:
            return _joined(person, first, covariates)
    row = _drawn(person, designed, secret, covariates)
    row.cluster, row.draws_for = cluster, cluster or None
    return row


def _drawn(
    person: Participant, designed: design.Design, secret: Secret, covariates: dict[str, str]
) -> Allocation:
    name = designed.scope(covariates)
    scope = _locked(person.study_id, designed.point, name)
    history = histories.read(person.study_id, designed, scope)
    before, chances = history.digest, history.steps.lot_probabilities(covariates)
    digest = designed.digest(secret.seed)
    key = stream.key(secret.seed, digest, name)
    lot = stream.choose(chances, key, scope.next_index)
    arm = designed.rule.arm(lot)
    history.add(lot, covariates)
    draws = scope.next_index + 1
    rows.update(Scope, {"id": scope.pk}, next_index=draws, carried=history.carried(draws))
    return Allocation(
        participant=person,
        study_id=person.study_id,
        point=designed.point,
        stratum=name,
        draw_index=scope.next_index,
        arm=arm,
        fake_arm=lot if lot != arm else "",
        probabilities={each: str(chance) for each, chance in chances.items()},
        covariates=covariates,
        history_digest=before,
        design_digest=digest,
        version=person.version.number,
    )


def _joined(person: Participant, first: Allocation, covariates: dict[str, str]) -> Allocation:
    """Somebody whose cluster has its arm: no draw, and the chances that the cluster had."""
    return Allocation(
        participant=person,
        study_id=person.study_id,
        point=first.point,
        kind="cluster",
        stratum=first.stratum,
        cluster=first.cluster,
        arm=first.arm,
        probabilities=first.probabilities,
        covariates=covariates,
        history_digest=first.history_digest,
        design_digest=first.design_digest,
        version=person.version.number,
    )


def _check_goes_on(
    person: Participant, designed: design.Design, covariates: dict[str, str], secret: Secret
) -> None:
    """With the study locked: nothing halts this draw, and nobody comes for a second one."""
    if secret.was_halted:
        site = person.version.protocol.site_of(person.site)
        switch = switches.halted(person.study_id, designed.point, site, designed.scope(covariates))
        if switch:
            raise RandomisationPaused(switch.level)
    if designed.point == FIRST:
        matches.check_new(person)


def _locked(study: int, point: str, name: str) -> Scope:
    """The scope's row, locked and made where there was none. As SQL, as everything between this
    lock and the commit: others wait for it.
    """
    found = _held_scope(study, point, name)
    if found is None:
        rows.insert(
            Scope(study_id=study, point=point, name=name), unless=("study_id", "point", "name")
        )
        found = _held_scope(study, point, name)
    assert found is not None
    return found


def _held_scope(study: int, point: str, name: str) -> Scope | None:
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    if connection.vendor == "postgresql":
        # A fair queue in front of the row, which wakes whoever waits in no order. It costs most, so
        # it is asked last, of the one row that is found.
        lock = f" AND pg_advisory_xact_lock({QUEUE}, mod(id, 2147483647)::int)::text = ''{lock}"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, next_index, carried FROM randomisation_scope "  # noqa: S608
            f"WHERE study_id = %s AND point = %s AND name = %s{lock}",
            [study, point, name],
        )
        found = cursor.fetchone()
    if found is None:
        return None
    number, next_index, carried = found
    scope = Scope(id=number, study_id=study, point=point, name=name, next_index=next_index)
    scope.carried = opened(carried)
    return scope
