"""The snapshot as flat tables, each column with its line in the codebook."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trial.languages import in_language

if TYPE_CHECKING:
    from .snapshot import Dataset

SIMULATED = "Simulated people. Not the published trial."
MISSING = "empty"


@dataclass(frozen=True)
class Column:
    """One line of the codebook: `type` is text, number, date or yes_no; `values` explains codes."""

    name: str
    label: str
    type: str = "text"
    unit: str = ""
    values: str = ""
    missing: str = MISSING


@dataclass(frozen=True)
class Table:
    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]

    def csv(self) -> str:
        """Comma separated, UTF-8, one header line; yes and no in words, nothing for missing."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([column.name for column in self.columns])
        writer.writerows([_cell(value) for value in row] for row in self.rows)
        return out.getvalue()


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return int(value) if value.is_integer() else repr(value)
    return _harmless(value) if isinstance(value, str) else value


def _harmless(text: str) -> str:
    # A spreadsheet runs a cell that begins like a formula; an apostrophe makes it text again.
    return "'" + text if text[:1] in ("=", "+", "@", "\t", "\r") or (text[:1] == "-" and text[1:2].isalpha()) else text


Field = tuple[Column, Callable[[Any], Any]]


def tables(data: "Dataset") -> list[Table]:
    """participants, scores, modules, usage, contacts (those recorded), flow and codebook."""
    made = [_participants(data), _scores(data)]
    if data.module_use is not None:
        made.append(_modules(data))
    if data.usage is not None:
        made.append(_usage(data))
    if data.contacts is not None:
        made.append(_contacts(data))
    made.append(_flow(data))
    if data.meta.simulated:
        made = [_marked(table) for table in made]
    return [*made, _codebook(made)]


def _make(name: str, fields: Sequence[Field], rows: Iterable[Any]) -> Table:
    return Table(name, tuple(c for c, _ in fields), tuple(tuple(get(row) for _, get in fields) for row in rows))


def _marked(table: Table) -> Table:
    mark = Column("simulated", "These rows are of simulated people", values=SIMULATED)
    return Table(table.name, (*table.columns, mark), tuple((*row, SIMULATED) for row in table.rows))


def _participants(data: "Dataset") -> Table:
    unit = data.time_unit
    stay = data.retention
    fields: list[Field] = [
        (Column("participant", "Study code of the participant"), lambda p: p.code),
        *_arm_field(data, lambda p: p.arm),
        (Column("site", "Centre"), lambda p: p.site),
        *[_variable(variable) for variable in data.variables],
        (Column("consented_on", "Day of consent", "date"), lambda p: p.consented_on),
        (Column("randomised_on", "Day of randomisation", "date"), lambda p: p.randomised_on),
        (Column("received", "Began what the arm offers", "yes_no"), lambda p: p.received),
        (Column("not_received_reason", "Why it was not begun"), lambda p: p.not_received_reason),
        (Column("programme_stopped_on", "Day the programme was stopped", "date"), lambda p: p.programme_stopped_on),
        (Column("programme_stop_reason", "Why the programme was stopped"), lambda p: p.programme_stop_reason),
        (Column("study_left_on", "Day of leaving the study", "date"), lambda p: p.study_left_on),
        (Column("withdrawn_reason", "Why the study was left"), lambda p: p.withdrawn_reason),
        (Column("study_time", "Time in the study since randomisation", "number", unit), lambda p: stay[p.code].time),
        (Column("study_left", "Left at study_time (no: last known there)", "yes_no"), lambda p: stay[p.code].ended),
    ]
    return _make("participants", fields, data.participants)


def _arm_field(data: "Dataset", get: Callable[[Any], Any]) -> list[Field]:
    if data.arms is None:
        return []
    values = "; ".join(f"{arm.code} = {in_language(arm.name, 'en')}" for arm in data.arms)
    return [(Column("arm", "Arm allocated", values=values), get)]


def _variable(variable) -> Field:
    values = "; ".join(f"{code} = {in_language(label, 'en')}" for code, label in variable.levels.items())
    kind = "number" if variable.kind == "number" else "text"
    column = Column(variable.code, in_language(variable.label, "en"), kind, variable.unit, values)
    return column, lambda p: p.value(variable.code)


def _scores(data: "Dataset") -> Table:
    label = {point.code: in_language(point.label, "en") for point in data.timepoints}
    scales = "; ".join(f"{i.code} = {in_language(i.title, 'en')} ({i.direction})" for i in data.instruments)
    states = "answered; missed; declined; withdrawn; pending = not yet due; unknown = no answer, why is not recorded"
    fields: list[Field] = [
        (Column("participant", "Study code of the participant"), lambda s: s.participant),
        (Column("instrument", "Questionnaire", values=scales), lambda s: s.instrument),
        (Column("timepoint", "Code of the time point"), lambda s: s.timepoint),
        (Column("label", "Name of the time point"), lambda s: label.get(s.timepoint, s.timepoint)),
        (Column("at", "Time since randomisation: answered, else planned", "number", data.time_unit), lambda s: s.at),
        (
            Column("opened", "Opened to this person, since randomisation", "number", data.time_unit),
            lambda s: s.opened_at,
        ),
        (Column("score", "Score", "number", "points"), lambda s: s.score),
        (Column("state", "What became of it", values=states), lambda s: s.state),
    ]
    return _make("scores", fields, data.scores)


def _modules(data: "Dataset") -> Table:
    number = {module.code: module.number for module in data.modules or ()}
    fields: list[Field] = [
        (Column("participant", "Study code of the participant"), lambda m: m.participant),
        (Column("module", "Code of the module"), lambda m: m.module),
        (Column("number", "Place of the module in the programme", "number"), lambda m: number.get(m.module)),
        (Column("opened", "First opened, since randomisation", "number", data.time_unit), lambda m: m.opened_at),
        (Column("completed", "Marked done, since randomisation", "number", data.time_unit), lambda m: m.completed_at),
    ]
    return _make("modules", fields, data.module_use or ())


def _usage(data: "Dataset") -> Table:
    time = data.use or {}
    unit = data.time_unit
    fields: list[Field] = [
        (Column("participant", "Study code of the participant"), lambda u: u.participant),
        (
            Column("access", "Programme opened to the person, since randomisation", "number", unit),
            lambda u: u.access_at,
        ),
        (Column("last_use", "Last use, since randomisation", "number", unit), lambda u: u.last_use_at),
        (Column("completed", "Finished, since randomisation", "number", unit), lambda u: u.completed_at),
        (Column("use_time", "Time in use since access", "number", unit), lambda u: time[u.participant].time),
        (
            Column("use_stopped", "Stopped at use_time (no: finished or in use)", "yes_no"),
            lambda u: time[u.participant].ended,
        ),
    ]
    return _make("usage", fields, data.usage or ())


def _contacts(data: "Dataset") -> Table:
    fields: list[Field] = [
        (Column("participant", "Study code of the participant"), lambda c: c.participant),
        (Column("number", "Number of the planned contact", "number"), lambda c: c.number),
        (Column("planned", "Planned, since randomisation", "number", data.time_unit), lambda c: c.planned_at),
        (Column("attempts", "Attempts made", "number"), lambda c: c.attempts),
        (Column("held", "A conversation took place", "yes_no"), lambda c: c.held),
        (Column("minutes", "Minutes of conversation", "number", "minute"), lambda c: c.minutes),
    ]
    return _make("contacts", fields, data.contacts or ())


def _flow(data: "Dataset") -> Table:
    columns = (
        Column("arm", "Arm (all = before allocation, or pooled)"),
        Column("stage", "Box of the flow diagram"),
        Column("outcome", "Outcome and time point the box is about"),
        Column("reason", "Reason (empty: the whole box)"),
        Column("n", "People", "number"),
    )
    return Table("flow", columns, tuple(flow_rows(data.flow)))


def flow_rows(flow) -> Iterable[tuple[str, str, str, str, int]]:
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


def _reasons(arm: str, stage: str, outcome: str, reasons) -> Iterable[tuple[str, str, str, str, int]]:
    if reasons is not None:
        yield arm, stage, outcome, "", sum(reasons.values())
        yield from ((arm, stage, outcome, reason, n) for reason, n in sorted(reasons.items()))


def _codebook(made: Sequence[Table]) -> Table:
    columns = tuple(Column(name, name) for name in ("table", "column", "label", "type", "unit", "values", "missing"))
    rows = tuple((t.name, c.name, c.label, c.type, c.unit, c.values, c.missing) for t in made for c in t.columns)
    return Table("codebook", columns, rows)
