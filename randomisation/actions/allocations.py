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
from randomisation.queries import matches as earlier_people
from trial import audit, rows
from trial.actions import journey, participants
from trial.actions.once import once
from trial.actors import Actor
from trial.models import Participant
from trial.prepared import Answer, Statement, at_once

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
    person, secret, same = _held(participant, point)
    if secret.state not in _open_states(point):
        raise RandomisationPaused(secret.state)
    _check_eligible(person, point)
    designed = design.of(person.version, point)
    covariates = design.covariates(person, point, origin=origin)
    _check_goes_on(person, designed, covariates, secret)
    if point == FIRST:
        matches.check_new(person, same)
    # What does not hang on the draw is written before the scope is locked, for which others wait.
    first = [journey.looking_again(person, at)]
    if point == FIRST:
        first.append(participants.marking_randomised(participant=person, at=at))
    first = rows.joined(*first)
    row, moved = _row(person, designed, secret, covariates, first)
    row.request_key, row.allocated_at = request_key, at
    # That nobody has two is seen to under the lock of the person; the database would refuse the
    # second.
    writes = rows.joined(*moved, rows.insertion(row))
    if point == FIRST:
        # The trail says that and where, never which arm.
        place = (
            f"draw {row.draw_index} of its stratum" if row.kind == "drawn" else "with its cluster"
        )
        audit.record(
            person,
            "allocated",
            subject=place,
            new={"design": row.design_digest},
            by=by,
            at=at,
            writes=writes,
        )
    else:
        rows.at_once(*writes)
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


def _held(participant: Participant, point: str) -> tuple[Participant, Secret, Answer]:
    """The person and then the study, locked; and whoever has the same number, where that is
    asked.
    """
    locks = holding(participant.study_id)
    asked = [earlier_people.same_number(participant, locked=True)] if point == FIRST else []
    person, answers = participants.locked_then(participant, *locks, *asked)
    return person, _secret(answers[len(locks) - 1]), answers[-1]


def held(study: int) -> Secret:
    """The study locked, shared, with its seed; and on PostgreSQL, that what is read from now on is
    what stands.
    """
    *_, answer = at_once(*holding(study))
    return _secret(answer)


def holding(study: int) -> list[Statement]:
    """The gate, and behind it the study and its seed."""
    on_postgresql = connection.vendor == "postgresql"
    isolation = "current_setting('transaction_isolation')" if on_postgresql else "'read committed'"
    lock = " FOR SHARE OF s" if on_postgresql else ""
    text = (
        f"SELECT s.state, x.ciphertext, {isolation}, EXISTS (SELECT 1 FROM "  # noqa: S608
        "randomisation_switch w WHERE w.study_id = s.id) FROM trial_study s "
        f"LEFT JOIN randomisation_sealedseed x ON x.study_id = s.id WHERE s.id = %s{lock}"
    )
    return [*rows.gate(study), Statement(text, [study])]


def _secret(answer: Answer) -> Secret:
    state, ciphertext, level, was_halted = answer.rows[0]
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


def _row(
    person: Participant,
    designed: design.Design,
    secret: Secret,
    covariates: dict[str, str],
    first: list[Statement],
) -> tuple[Allocation, list[Statement]]:
    """The allocation, and what is to be written before it. `first` is written before anything is
    locked for it.
    """
    code = designed.plan.get("cluster")
    cluster = design.answer(person, code) if code else ""
    if cluster:
        _locked(person.study_id, designed.point, CLUSTER + cluster, first)
        drawn = Allocation.objects.filter(
            study=person.study_id, point=designed.point, draws_for=cluster
        ).first()
        if drawn is not None:
            return _joined(person, drawn, covariates), []
        first = []
    row, moved = _drawn(person, designed, secret, covariates, first)
    row.cluster, row.draws_for = cluster, cluster or None
    return row, [moved]


def _drawn(
    person: Participant,
    designed: design.Design,
    secret: Secret,
    covariates: dict[str, str],
    first: list[Statement],
) -> tuple[Allocation, Statement]:
    """The draw, and the scope moved on by it."""
    name = designed.scope(covariates)
    scope = _locked(person.study_id, designed.point, name, first)
    history = histories.read(person.study_id, designed, scope)
    before, chances = history.digest, history.steps.lot_probabilities(covariates)
    digest = designed.digest(secret.seed)
    key = stream.key(secret.seed, digest, name)
    lot = stream.choose(chances, key, scope.next_index)
    arm = designed.rule.arm(lot)
    history.add(lot, covariates)
    draws = scope.next_index + 1
    moved = rows.change(Scope, {"id": scope.pk}, next_index=draws, carried=history.carried(draws))
    row = Allocation(
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
    return row, moved


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
    """With the study locked: nothing halts this draw."""
    if secret.was_halted:
        site = person.version.protocol.site_of(person.site)
        switch = switches.halted(person.study_id, designed.point, site, designed.scope(covariates))
        if switch:
            raise RandomisationPaused(switch.level)


def _locked(study: int, point: str, name: str, first: list[Statement]) -> Scope:
    """The scope's row, locked after what is written `first`, and made where there was none. As SQL,
    as everything between this lock and the commit: others wait for it.
    """
    asked = _asked_scope(study, point, name)
    *_, found = at_once(*first, asked)
    if not found.rows:
        rows.insert(
            Scope(study_id=study, point=point, name=name), unless=("study_id", "point", "name")
        )
        (found,) = at_once(asked)
    number, next_index, carried = found.rows[0]
    scope = Scope(id=number, study_id=study, point=point, name=name, next_index=next_index)
    scope.carried = opened(carried)
    return scope


def _asked_scope(study: int, point: str, name: str) -> Statement:
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    if connection.vendor == "postgresql":
        # A fair queue in front of the row, which wakes whoever waits in no order. It costs most, so
        # it is asked last, of the one row that is found.
        lock = f" AND pg_advisory_xact_lock({QUEUE}, mod(id, 2147483647)::int)::text = ''{lock}"
    return Statement(
        "SELECT id, next_index, carried FROM randomisation_scope "  # noqa: S608
        f"WHERE study_id = %s AND point = %s AND name = %s{lock}",
        [study, point, name],
    )
