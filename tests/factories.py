"""People with sensible defaults, and journeys that use the real actions. Everybody here is made
up.
"""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from outcomes.actions import assessments, screening
from outcomes.queries import assessments as assessment_reads
from outcomes.queries import definitions
from randomisation.actions import seeds
from randomisation.models import Allocation
from tests.frozen import frozen
from trial import actors
from trial.actions import journey, own_details, participants, staff, studies
from trial.models import Participant, Study, User

CAST = {
    "researcher": "Ada Visser",
    "coach": "Ben Smit",
    "assessor": "Cleo Bakker",
    "supervisor": "Eva de Wit",
    "statistician": "Finn Meijer",
}
PASSWORD = "a quiet morning walk"
numbers = itertools.count(1)


@frozen
def a_loaded_study(path: Path, at: datetime, *, simulated: bool = True) -> Study:
    version = studies.load(
        path=path, simulated=simulated, by=actors.SYSTEM, at=at - timedelta(days=2)
    )
    return version.study


@frozen
def an_open_study(path: Path, at: datetime, *, simulated: bool = True, seed: int = 1) -> Study:
    """Loaded, one coach, seeded and open since yesterday. Simulated, so that nobody needs to sign
    off its wordings.
    """
    study = a_loaded_study(path, at, simulated=simulated)
    a_staff_member(study, "coach", "Ben Smit", at - timedelta(days=1))
    seeds.make(study=study, rehearsal_seed=seed, by=actors.SYSTEM, at=at - timedelta(days=1))
    return studies.open_study(study=study, by=actors.SYSTEM, at=at - timedelta(days=1))


@frozen
def a_staff_member(study: Study, role: str, name: str, at: datetime) -> User:
    """A user with a role; the e-mail is made from the role and a number."""
    email = f"{role}{next(numbers)}@example.org"
    user = staff.make_user(email=email, full_name=name or CAST[role], password=PASSWORD)
    staff.join(study=study, user=user, role=role, by=actors.SYSTEM, at=at)
    return user


def answers_to(study: Study, instrument: str, value: int, **items: int) -> dict[str, int]:
    """Every item of an instrument answered with `value`, but for those named (i9=0)."""
    definition = definitions.instrument(study.current, instrument)
    return dict.fromkeys(definition.item_codes, value) | {
        key[1:]: each for key, each in items.items()
    }


@frozen
def a_screening_participant(study: Study, at: datetime, **answers: Any) -> Participant:
    participant = participants.begin(study=study, language="en", by=actors.visitor("new"), at=at)
    given = {"age": 41, "sex": "f", "site": study.current.protocol.sites[0].code, **answers}
    screened = set(study.current.protocol.screened_questions)
    by = actors.visitor(participant.code)
    participants.answer_questions(
        participant=participant,
        answers={k: v for k, v in given.items() if k in screened},
        by=by,
        at=at,
    )
    journey.advance(participant, at)
    participant.refresh_from_db()
    return participant


@frozen
def a_screened_participant(
    study: Study, at: datetime, *, value: int = 1, **answers: Any
) -> Participant:
    """Past the whole screening: every item `value`, but item 9 of the PHQ-9 zero: a sum of 8 where
    `value` is 1.
    """
    participant = a_screening_participant(study, at, **answers)
    by = actors.visitor(participant.code)
    for code in study.current.protocol.screened_instruments:
        given = answers_to(study, code, value)
        if code == "PHQ9":
            given["9"] = 0
        screening.answer_instrument(
            participant=participant, instrument=code, answers=given, by=by, at=at
        )
        journey.advance(participant, at)
    participant.refresh_from_db()
    return participant


@frozen
def a_verified_participant(
    study: Study, at: datetime, name: str = "Dan Jansen", **answers: Any
) -> Participant:
    participant = a_screened_participant(study, at, **answers)
    number = next(numbers)
    participants.verify(
        participant=participant,
        name=name,
        email=f"dan{number}@example.org",
        phone=f"+31 6 {number:08d}",
        by=actors.visitor(participant.code),
        at=at,
    )
    participant.refresh_from_db()
    return participant


@frozen
def a_consented_participant(
    study: Study, at: datetime, name: str = "Dan Jansen", **answers: Any
) -> Participant:
    participant = a_verified_participant(study, at, name, **answers)
    by = actors.participant(participant.code)
    letter = participant.version.consent.letters["en"]
    participants.sign_consent(
        participant=participant,
        language="en",
        statements=[each.code for each in letter.statements],
        comprehension={each.code: 1 for each in letter.comprehension},
        signature=name,
        by=by,
        at=at,
    )
    own_details.set_call_times(participant=participant, times=["mon-evening"], by=by, at=at)
    unasked = set(assessment_reads.missing_baseline_questions(participant))
    given = {code: _an_answer(study, code) for code in unasked}
    if given:
        participants.answer_questions(participant=participant, answers=given, by=by, at=at)
    journey.advance(participant, at)
    participant.refresh_from_db()
    return participant


@frozen
def a_randomised_participant(
    study: Study, at: datetime, name: str = "Dan Jansen", **answers: Any
) -> Participant:
    """Baseline complete (every item 1, item 9 zero), allocated and granted."""
    participant = a_consented_participant(study, at, name, **answers)
    fill_in(participant, definitions.assessments(participant.version).baseline.timepoint, at)
    return participant


def fill_in(participant: Participant, timepoint: str, at: datetime, value: int = 1) -> None:
    """Answer every open questionnaire of a timepoint, and move on."""
    sitting = assessment_reads.sitting(participant, timepoint)
    assert sitting is not None
    for row in sitting.remaining(at):
        given = answers_to(participant.study, row.instrument, value)
        if row.instrument == "PHQ9":
            given["9"] = 0
        assessments.submit(
            assessment=row,
            answers=given,
            language="en",
            by=actors.participant(participant.code),
            at=at,
        )
    journey.advance(participant, at)
    participant.refresh_from_db()


def arm(participant: Participant) -> str:
    """For assertions only: which arm, read past every door."""
    return Allocation.objects.get(participant=participant).arm


@frozen
def a_participant_in(study: Study, wanted: str, at: datetime, **answers: Any) -> Participant:
    """Randomise people until one lands in the wanted arm."""
    for _ in range(40):
        participant = a_randomised_participant(study, at, **answers)
        if arm(participant) == wanted:
            return participant
    raise AssertionError(f"nobody of 40 was allocated to {wanted}")


def _an_answer(study: Study, code: str) -> Any:
    question = study.current.protocol.question(code)
    return question.options[0].code if question.kind == "choice" else 1
