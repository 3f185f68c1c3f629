"""The counts of the flow diagram, and the rule that they add up: no diagram is drawn from counts
that do not.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from trial.thresholds import at_most

from .rows import Participant, Score

POOLED = "all"
NO_REASON = "no_reason"
Reasons = Mapping[str, int]


class FlowDoesNotAddUp(ValueError):
    """A box is not the previous one minus what left between them."""


@dataclass(frozen=True)
class FollowUp:
    """One outcome at one time point in one arm: allocated = lost + pending + left out + analysed.

    `lost` by reason; `left_out` are people with the outcome who cannot enter the analysis (say, no
    baseline score).
    """

    instrument: str
    timepoint: str
    lost: Reasons
    analysed: int
    left_out: Reasons
    pending: int = 0


@dataclass(frozen=True)
class ArmFlow:
    """`received` None: not recorded. `discontinued` by reason, None: not recorded, or there is
    nothing to stop: the arm `waits`, or it has `no_programme`.

    An arm waits that gets the programme after its follow-up: stopping with it then is no stopping
    of what was compared.
    """

    arm: str
    allocated: int
    received: int | None
    not_received: Reasons
    discontinued: Reasons | None
    follow_up: tuple[FollowUp, ...]
    waits: bool = False
    no_programme: bool = False


@dataclass(frozen=True)
class Flow:
    """`assessed` and `excluded` (by reason) are None where screening is not recorded; one ArmFlow
    `all` when pooled.
    """

    assessed: int | None
    excluded: Reasons | None
    randomised: int
    arms: tuple[ArmFlow, ...]


def check_flow(flow: Flow) -> None:
    """Every box is the one before it minus what left, or FlowDoesNotAddUp names the box and both
    numbers.
    """
    if flow.assessed is not None and flow.excluded is not None:
        _same("assessed", flow.assessed, sum(flow.excluded.values()) + flow.randomised)
    _same("randomised", flow.randomised, sum(arm.allocated for arm in flow.arms))
    for arm in flow.arms:
        if arm.received is not None:
            _same(
                f"{arm.arm}: allocated",
                arm.allocated,
                arm.received + sum(arm.not_received.values()),
            )
        for row in arm.follow_up:
            parts = sum(row.lost.values()) + sum(row.left_out.values()) + row.pending + row.analysed
            _same(f"{arm.arm}: {row.instrument} at {row.timepoint}", arm.allocated, parts)


def _same(box: str, whole: int, parts: int) -> None:
    if whole != parts:
        raise FlowDoesNotAddUp(f"{box} is {whole}, yet its parts add up to {parts}")


def count_flow(
    participants: Sequence[Participant],
    scores: Sequence[Score],
    arms: Sequence[str] | None,
    outcomes: Sequence[tuple[str, str]],
    baseline: str,
    *,
    covariates: Sequence[str] = (),
    assessed: int | None = None,
    excluded: Reasons | None = None,
    discontinuation_recorded: bool = True,
    waiting: Collection[str] = (),
    without_programme: Collection[str] = (),
) -> Flow:
    """Count the flow of everybody randomised; `outcomes` are (instrument, time point) pairs, `arms`
    None pools.

    `waiting` are the arms that get the programme only later, `without_programme` those that never
    get it.
    """
    by_key = {(row.participant, row.instrument, row.timepoint): row for row in scores}
    counted = []
    for arm in [POOLED] if arms is None else arms:
        people = [p for p in participants if arms is None or p.arm == arm]
        follow_up = tuple(
            _follow_up(people, by_key, outcome, baseline, covariates) for outcome in outcomes
        )
        offered = arm not in waiting and arm not in without_programme
        # Of an arm that nobody is in, what is recorded shows in the others.
        known = all(person.received is not None for person in people or participants)
        made = _arm(arm, people, follow_up, known, discontinuation_recorded and offered)
        counted.append(replace(made, waits=arm in waiting, no_programme=arm in without_programme))
    flow = Flow(assessed, excluded, len(participants), tuple(counted))
    check_flow(flow)
    return flow


def _arm(
    arm: str,
    people: list[Participant],
    follow_up: tuple[FollowUp, ...],
    known: bool,
    discontinuation_recorded: bool,
) -> ArmFlow:
    not_received = Counter(
        p.not_received_reason or NO_REASON for p in people if p.received is False
    )
    stopped = Counter(
        p.programme_stop_reason or NO_REASON for p in people if p.programme_stopped_on is not None
    )
    received = sum(bool(p.received) for p in people) if known else None
    discontinued = dict(stopped) if discontinuation_recorded else None
    reasons = dict(not_received) if known else {}
    return ArmFlow(arm, len(people), received, reasons, discontinued, follow_up)


def _follow_up(
    people: list[Participant],
    scores: Mapping[tuple[str, str, str], Score],
    outcome: tuple[str, str],
    baseline: str,
    covariates: Sequence[str],
) -> FollowUp:
    instrument, timepoint = outcome
    lost: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    analysed = pending = 0
    for person in people:
        row = scores.get((person.code, instrument, timepoint))
        before = scores.get((person.code, instrument, baseline))
        if row is not None and row.state == "pending":
            pending += 1
        elif row is None and not person.withdrawn_reason:
            left_out["not_planned"] += 1  # nobody is lost to what was never asked of them
        elif row is None or row.score is None:
            lost[_reason(person, row)] += 1
        elif before is None or before.score is None:
            left_out["no_baseline"] += 1
        elif any(person.value(code) is None for code in covariates):
            left_out["no_covariate"] += 1
        else:
            analysed += 1
    return FollowUp(instrument, timepoint, dict(lost), analysed, dict(left_out), pending)


def _reason(person: Participant, row: Score | None) -> str:
    """Why there is no score: the reason for leaving, if they had left by then, else its own
    state.
    """
    if person.withdrawn_reason and _had_left(person, row):
        return person.withdrawn_reason
    assert row is not None
    return "not_scorable" if row.state == "answered" else row.state


def _had_left(person: Participant, row: Score | None) -> bool:
    if row is None or row.state == "withdrawn" or row.at is None or person.study_left_at is None:
        return True
    return at_most(person.study_left_at, row.at)


def flow_rows(flow: Flow) -> Iterable[tuple[str, str, str, str, int]]:
    """(arm, stage, outcome, reason, people) for every box and every reason in it."""
    if flow.assessed is not None:
        yield "all", "assessed", "", "", flow.assessed
    yield from _reasons("all", "excluded", "", flow.excluded)
    yield "all", "randomised", "", "", flow.randomised
    for arm in flow.arms:
        yield arm.arm, "allocated", "", "", arm.allocated
        if arm.received is not None:
            yield arm.arm, "received", "", "", arm.received
            yield from _reasons(arm.arm, "not_received", "", arm.not_received)
        yield from _reasons(arm.arm, "discontinued", "", arm.discontinued)
        for row in arm.follow_up:
            outcome = f"{row.instrument}.{row.timepoint}"
            yield from _reasons(arm.arm, "lost", outcome, row.lost)
            if row.pending:
                yield arm.arm, "pending", outcome, "", row.pending
            yield from _reasons(arm.arm, "left_out", outcome, row.left_out)
            yield arm.arm, "analysed", outcome, "", row.analysed


def _reasons(
    arm: str, stage: str, outcome: str, reasons
) -> Iterable[tuple[str, str, str, str, int]]:
    if reasons is not None:
        yield arm, stage, outcome, "", sum(reasons.values())
        yield from ((arm, stage, outcome, reason, n) for reason, n in sorted(reasons.items()))
