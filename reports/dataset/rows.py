"""The rows of a snapshot. Times (`at`, `..._at`) count from randomisation in the snapshot's
`time_unit`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

Texts = Mapping[str, str]
Value = float | str | None


@dataclass(frozen=True)
class Arm:
    code: str
    name: Texts


@dataclass(frozen=True)
class ReliableChange:
    """The bar for reliable change: `points`, or `sd` with `reliability`; never from the trial's own
    SD.
    """

    points: float | None = None
    sd: float | None = None
    reliability: float | None = None
    source: str = ""
    status: str = "unverified"


@dataclass(frozen=True)
class Instrument:
    """`direction` is higher_worse or higher_better.

    `baseline_from` names the questionnaires that hold its questions, where it is not asked by
    itself at baseline.
    """

    code: str
    title: Texts
    direction: str = "higher_worse"
    reliable_change: ReliableChange | None = None
    source: str = ""
    minimum: float | None = None
    maximum: float | None = None
    baseline_from: tuple[str, ...] = ()


@dataclass(frozen=True)
class Timepoint:
    """`at` is the planned time; where arms are seen at different times, the earliest. See
    `Dataset.day_of`.
    """

    code: str
    label: Texts
    at: float


@dataclass(frozen=True)
class Variable:
    """What is known of a participant at baseline besides scores; `kind` is number or choice."""

    code: str
    label: Texts
    kind: str = "choice"
    unit: str = ""
    levels: Mapping[str, Texts] = field(default_factory=dict)


@dataclass(frozen=True)
class Participant:
    """`values` by code of a Variable. `received` is whether the arm's treatment was begun (None:
    not recorded).
    """

    code: str
    arm: str | None = None
    site: str | None = None
    values: Mapping[str, Value] = field(default_factory=dict)
    consented_on: date | None = None
    randomised_on: date | None = None
    received: bool | None = None
    not_received_reason: str | None = None
    programme_stopped_on: date | None = None
    programme_stop_reason: str | None = None
    study_left_on: date | None = None
    study_left_at: float | None = None
    withdrawn_reason: str | None = None

    def value(self, code: str) -> Value:
        """What is known by this code; `site` is the centre unless it is also a variable."""
        return self.values.get(code, self.site if code == "site" else None)


@dataclass(frozen=True)
class Score:
    """One instrument at one time point. `state`: answered, missed, declined, withdrawn, pending
    (not yet due), unknown (no answer, and why is not recorded).

    `score` is None where there is none, also for answers with too many blanks. `at` is when it was
    answered, else planned. `opened_at` is when it opened to this person; None where that is not
    told.
    """

    participant: str
    instrument: str
    timepoint: str
    score: float | None
    state: str = "answered"
    at: float | None = None
    opened_at: float | None = None


@dataclass(frozen=True)
class Module:
    code: str
    title: Texts
    number: int


@dataclass(frozen=True)
class ModuleUse:
    """A module that was opened to a person's hand: without `opened_at` it was never begun."""

    participant: str
    module: str
    opened_at: float | None
    completed_at: float | None


@dataclass(frozen=True)
class Usage:
    """One row for each person who has been given the programme, whether or not it was ever opened.

    `access_at` is when it opened to them, `last_use_at` the last day they used it (None: never),
    `completed_at` when the last module was done, `observed_until` the last day that the snapshot
    can know of.
    """

    participant: str
    last_use_at: float | None
    access_at: float = 0.0
    completed_at: float | None = None
    observed_until: float | None = None


@dataclass(frozen=True)
class Contact:
    """A planned call: how many times it was tried, whether it was held, for how many minutes, and
    by which coach (a code of the study; None where it was not held or that is not recorded).
    """

    participant: str
    number: int
    planned_at: float | None
    attempts: int
    held: bool
    minutes: float | None
    coach: str | None = None


@dataclass(frozen=True)
class Attempt:
    """One try at a planned call that was logged. `steps_done` of `steps_required` by the protocol
    are None where nobody was reached; `deviations` are the rules that were not kept, `corrections`
    how often the log was put right.
    """

    participant: str
    contact: int
    coach: str
    steps_done: int | None
    steps_required: int | None
    deviations: tuple[str, ...] = ()
    corrections: int = 0


@dataclass(frozen=True)
class Coached:
    """Who had a participant, from when and until when (None: still, or until the end)."""

    participant: str
    coach: str
    since_at: float | None
    until_at: float | None


@dataclass(frozen=True)
class IntercurrentEvent:
    """What happened to somebody after allocation that bears on what their outcomes mean; `what` is
    programme_stopped, too_few_contacts, allocation_forced or consent_withdrawn.
    """

    participant: str
    what: str
    at: float | None
