"""A made-up trial that has everything a report can show: three arms, modules, calls, reasons. All
from one seed.
"""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from reports.dataset import (
    Arm,
    Attempt,
    Coached,
    Contact,
    Dataset,
    Flow,
    Instrument,
    IntercurrentEvent,
    Meta,
    Module,
    ModuleUse,
    Participant,
    ReliableChange,
    Score,
    Timepoint,
    Usage,
    Variable,
    count_flow,
)
from reports.plan import Adherence, AnalysisPlan, Contacts, Outcome

ARMS = ("coached", "unguided", "waiting")
POINTS = (("pre", "Pretest", 0), ("post1", "Post-test 1", 56), ("post2", "Post-test 2", 147))
PRIMARY = (
    Outcome(instrument="PHQ9", timepoint="post1"),
    Outcome(instrument="CESD", timepoint="post1"),
)
PLAN = AnalysisPlan(
    primary=PRIMARY,
    multiplicity="holm",
    covariates=("sex",),
    adherence=Adherence(
        at_least=4, justification={"en": "The fourth module is the first with a plan of one's own."}
    ),
    contacts=Contacts(at_least=4, justification={"en": "Half of the calls."}),
    estimand={"en": "The mean difference at post-test 1, whatever happened to the treatment."},
)


def a_trial(
    people: int = 120, seed: int = 1, arms: tuple[str, ...] | None = ARMS, simulated: bool = True
) -> Dataset:
    """`arms` None pools the same people."""
    made = _Made(people, seed, arms)
    flow = count_flow(
        made.participants,
        made.scores,
        arms,
        [(o.instrument, o.timepoint) for o in PRIMARY],
        "pre",
        covariates=("sex",),
        assessed=people + 61,
        excluded={"age": 9, "phq9": 40, "declined": 12},
    )
    return _dataset(made, flow, arms, simulated)


def _dataset(made: "_Made", flow: Flow, arms: tuple[str, ...] | None, simulated: bool) -> Dataset:
    names = {
        "coached": "Coached self-help",
        "unguided": "Unguided self-help",
        "waiting": "Waiting list",
    }
    return Dataset(
        meta=Meta(
            {"en": "Guided or not", "nl": "Met of zonder coach"},
            "guided-or-not",
            simulated,
            {"en": "rehearsal, seed 1"},
            "0.1.0+test",
            ("en", "nl"),
            protocol_version=3,
            protocol_sha256="ab" * 32,
            audit_seal="cd" * 32,
            names_published=True,
        ),
        arms=None if arms is None else tuple(Arm(code, {"en": names[code]}) for code in arms),
        participants=made.participants,
        instruments=(
            Instrument(
                "PHQ9",
                {"en": "PHQ-9"},
                reliable_change=ReliableChange(points=6, source="X", status="unverified"),
            ),
            Instrument(
                "CESD",
                {"en": "CES-D"},
                reliable_change=ReliableChange(sd=8, reliability=0.88, source="Y"),
            ),
        ),
        timepoints=tuple(Timepoint(code, {"en": label}, at) for code, label, at in POINTS),
        baseline="pre",
        scores=made.scores,
        flow=flow,
        variables=(
            Variable("age", {"en": "Age"}, "number", "years"),
            Variable(
                "sex", {"en": "Sex"}, "choice", levels={"f": {"en": "woman"}, "m": {"en": "man"}}
            ),
        ),
        modules=tuple(
            Module(f"m{i}", {"en": f"Lesson {i}: a longer title of a lesson"}, i)
            for i in range(1, 9)
        ),
        module_use=tuple(made.module_use),
        usage=tuple(made.usage),
        contacts=tuple(made.contacts),
        attempts=tuple(made.attempts),
        coached=tuple(made.coached),
        intercurrent=None if arms is None else tuple(made.intercurrent),
        idle_after=14,
    )


class _Made:
    def __init__(self, people: int, seed: int, arms: tuple[str, ...] | None) -> None:
        self.rng = np.random.default_rng(seed)
        self.module_use: list[ModuleUse] = []
        self.usage: list[Usage] = []
        self.contacts: list[Contact] = []
        self.attempts: list[Attempt] = []
        self.coached: list[Coached] = []
        self.intercurrent: list[IntercurrentEvent] = []
        participants, scores = [], []
        for i in range(people):
            arm = ARMS[i % 3]
            left = self.rng.random() < 0.2
            modules = int(self.rng.integers(0, 9)) if arm != "waiting" else 0
            code = f"SP-{i:03d}"
            participants.append(self._person(code, arm if arms else None, arm, left, modules, i))
            scores += self._scores(code, arm, left)
            if arm != "waiting":
                self._programme(code, modules)
            if arm == "coached":
                self._calls(code)
        self.participants, self.scores = tuple(participants), tuple(scores)

    def _person(
        self, code: str, shown: str | None, arm: str, left: bool, modules: int, i: int
    ) -> Participant:
        start = date(2026, 1, 5) + timedelta(days=i)
        stopped = 0 < modules < 6
        return Participant(
            code,
            shown,
            "c01",
            {
                "age": float(round(self.rng.normal(45, 11))),
                "sex": "f" if self.rng.random() < 0.4 else "m",
            },
            start,
            start,
            received=arm == "waiting" or modules > 0,
            not_received_reason="never opened it" if arm != "waiting" and not modules else None,
            programme_stopped_on=start + timedelta(days=7 * modules)
            if stopped and arm != "waiting"
            else None,
            programme_stop_reason="no time" if stopped and arm != "waiting" else None,
            study_left_on=start + timedelta(days=40) if left else None,
            study_left_at=40.0 if left else None,
            withdrawn_reason="too busy" if left else None,
        )

    def _scores(self, code: str, arm: str, left: bool):
        gain = {"coached": 5.0, "unguided": 3.5, "waiting": 1.5}[arm]
        for instrument, mean, sd in (("PHQ9", 12.0, 3.0), ("CESD", 24.0, 6.0)):
            before = round(self.rng.normal(mean, sd))
            yield Score(code, instrument, "pre", before, "answered", 0)
            for point, at in (("post1", 56.0), ("post2", 147.0)):
                after = round(before - gain * sd / 3 + self.rng.normal(0, sd))
                if left:
                    yield Score(code, instrument, point, None, "withdrawn", at)
                elif point == "post2" and self.rng.random() < 0.1:
                    yield Score(code, instrument, point, None, "missed", at)
                else:
                    yield Score(code, instrument, point, after, "answered", at + 2)

    def _programme(self, code: str, modules: int) -> None:
        for i in range(1, 9):
            opened = 7.0 * (i - 1) if i <= modules + 1 and modules else None
            self.module_use.append(
                ModuleUse(code, f"m{i}", opened, 7.0 * i - 2 if i <= modules else None)
            )
        last = 7.0 * modules if modules else None
        self.usage.append(Usage(code, last, 0.0, 7.0 * 8 - 2 if modules == 8 else None, 200.0))

    def _calls(self, code: str) -> None:
        coach = f"C{1 + len(self.coached) % 2}"
        self.coached.append(Coached(code, coach, 0.0, None))
        missed = 0
        for number in range(1, 9):
            held = self.rng.random() < 0.8
            attempts = int(self.rng.integers(1, 4))
            contact = Contact(code, number, 7.0 * number - 4, attempts, held, None)
            if held:
                contact = replace(contact, minutes=15.0, coach=coach)
                self.attempts.append(Attempt(code, number, coach, 4, 5))
            self.contacts.append(contact)
            missed += not held
            if missed == 5 and not held:
                event = IntercurrentEvent(code, "too_few_contacts", 7.0 * number - 1)
                self.intercurrent.append(event)
