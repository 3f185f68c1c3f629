"""assessments.yaml as frozen models: what is measured, in whom, and when."""

from typing import Annotated

from pydantic import Field

from outcomes.instruments import Instrument
from trial.folder import Code, Count, Entry, Line, Text
from trial.rules import Rule
from trial.sections import Opening, Study


class NotIncluded(Entry):
    """An instrument of the protocol that may not be shipped."""

    code: Line
    title: Line
    reason: Line


class Timepoint(Entry):
    code: Code
    label: Text  # as staff and reports name it
    asked_as: Text | None = None  # as participants read it; the label where it is left out
    minutes: Count


class Baseline(Entry):
    """Asked of everybody after consent, before allocation."""

    timepoint: Code
    instruments: Annotated[tuple[Code, ...], Field(min_length=1)]
    questions: tuple[Code, ...] = ()


class Planned(Opening):
    """One assessment of a schedule: it opens as `Opening` says and closes after `window` days."""

    timepoint: Code
    window: Count
    instruments: Annotated[tuple[Code, ...], Field(min_length=1)]


class Reminders(Entry):
    """One invitation, and one reminder `remind_after` days after the opening."""

    invite: bool
    remind_after: Count


class Alert(Entry):
    code: Code
    rule: Rule
    within_hours: Annotated[int, Field(ge=1, le=720)]
    text: Text


class Written(Entry):
    """The file as it is written."""

    instruments: Annotated[tuple[Code, ...], Field(min_length=1)]
    not_included: tuple[NotIncluded, ...] = ()
    timepoints: Annotated[tuple[Timepoint, ...], Field(min_length=1)]
    baseline: Baseline
    schedules: Annotated[
        dict[Code, Annotated[tuple[Planned, ...], Field(min_length=1)]], Field(min_length=1)
    ]
    reminders: Reminders
    alerts: tuple[Alert, ...] = ()


class Assessments(Written):
    """`definitions` holds every instrument that is used anywhere, as it was when the folder was
    read.
    """

    definitions: dict[str, Instrument]

    @property
    def timepoint_codes(self) -> tuple[str, ...]:
        return tuple(timepoint.code for timepoint in self.timepoints)

    def planned(self, study: Study, arm: str) -> tuple[Planned, ...]:
        """Everything that an arm is granted, in the order of its schedules."""
        granting = study.arm(arm)
        codes = [grant.code for grant in granting.granted("assessments")] if granting else []
        return tuple(entry for code in codes for entry in self.schedules.get(code, ()))

    def instruments_at(self, study: Study, arm: str, timepoint: str) -> tuple[str, ...]:
        """What an arm is asked at a timepoint; nothing where it does not get it."""
        if timepoint == self.baseline.timepoint:
            return self.baseline.instruments
        return tuple(
            code
            for entry in self.planned(study, arm)
            if entry.timepoint == timepoint
            for code in entry.instruments
        )
