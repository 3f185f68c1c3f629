"""The plan: time points, questionnaires with their reference values, and what is asked of people at
baseline.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from outcomes.queries import definitions
from reports.dataset import Instrument, Participant, ReliableChange, Timepoint, Variable
from reports.queries.dataset.people import OTHER_SITES, largest
from reports.queries.plan import MANY
from reports.queries.tables import records
from trial.entries import Table
from trial.models import ProtocolVersion
from trial.rules import names
from trial.sections.study import Question


def timepoints(version: ProtocolVersion, found: list[Table]) -> tuple[Timepoint, ...]:
    labels = {each.code: dict(each.label) for each in definitions.assessments(version).timepoints}
    rows = records(found, "timepoints")
    return tuple(Timepoint(row["timepoint"], labels[row["timepoint"]], row["day"]) for row in rows)


def baseline(found: list[Table]) -> str:
    return next(row["timepoint"] for row in records(found, "timepoints") if row["is_baseline"])


def instruments(version: ProtocolVersion, found: list[Table]) -> tuple[Instrument, ...]:
    titles = {
        code: dict(each.title)
        for code, each in definitions.assessments(version).definitions.items()
    }
    asked = definitions.assessments(version).baseline.instruments
    return tuple(
        _instrument(row, titles[row["instrument"]], asked) for row in records(found, "instruments")
    )


def _instrument(row: dict, title: dict[str, str], asked: Sequence[str]) -> Instrument:
    change = None
    if row["change_source"]:
        change = ReliableChange(
            row["change_points"],
            row["change_sd"],
            row["change_reliability"],
            row["change_source"],
            row["change_status"],
        )
    longer = tuple(part.partition(".")[0] for part in row["sum_of"])
    return Instrument(
        row["instrument"],
        title,
        row["direction"],
        change,
        minimum=row["lowest"],
        maximum=row["highest"],
        baseline_from=longer
        if row["instrument"] not in asked and set(longer) <= set(asked)
        else (),
    )


def variables(version: ProtocolVersion, people: Sequence[Participant]) -> tuple[Variable, ...]:
    """The study's questions and its centres.

    Left out are questions that let people in by one answer only, and answers that let nobody in:
    they say nothing of those who got in.
    """
    return tuple(_variables(version, people))


def _variables(version: ProtocolVersion, people: Sequence[Participant]) -> Iterator[Variable]:
    decided = {
        code for criterion in version.protocol.eligibility for code in names(criterion.rule).answers
    }
    for question in version.protocol.questions:
        if question.kind == "site":
            yield Variable(question.code, question.name, levels=_sites(version, people))
        elif (
            question.code not in decided
            or len({person.value(question.code) for person in people}) > 1
        ):
            yield _variable(version, question)


def _sites(version: ProtocolVersion, people: Sequence[Participant]) -> dict[str, dict[str, str]]:
    """Every centre where they are few; else the largest, and the rest together (see
    `people.grouped`).
    """
    named = {site.code: {"en": site.name} for site in version.protocol.sites}
    if len(named) <= MANY:
        return named
    return {code: named[code] for code in largest(people)} | {
        OTHER_SITES: {"en": "Other centres", "nl": "Andere centra"}
    }


def _variable(version: ProtocolVersion, question: Question) -> Variable:
    admitting = version.protocol.admitting(question)
    options = {each.code: dict(each.text) for each in question.options if each.code in admitting}
    return Variable(question.code, question.name, question.kind, levels=options)
