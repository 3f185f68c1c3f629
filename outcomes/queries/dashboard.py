"""Completeness for the researcher, pooled or of one person. What would tell the arm waits: see
`concealment`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _

from outcomes import schedules
from outcomes.models import Assessment
from outcomes.queries import concealment, definitions, states
from outcomes.queries.concealment import Plan
from outcomes.schedules import AssessmentState
from trial.entries import Figure, Panel
from trial.models import Participant, ProtocolVersion, Study, User
from trial.queries import studies
from trial.words import short_day, text

Counts = Mapping[tuple[str, str], Counter[AssessmentState]]
NOT_DUE = (AssessmentState.UNSCHEDULED, AssessmentState.UPCOMING)
ENDED = (
    AssessmentState.SUBMITTED,
    AssessmentState.DECLINED,
    AssessmentState.MISSED,
    AssessmentState.WITHDRAWN,
)
OPEN = (AssessmentState.OPEN, AssessmentState.STARTED)


def panel(study: Study, person: User, at: datetime) -> Panel:
    """Per timepoint and questionnaire: how many people were due, and what became of it."""
    version, concealed = study.current, not studies.knows_arms(study, person)
    plans = {(plan.timepoint, plan.instrument): plan for plan in _plans(version)}
    shown = {name: plan for name, plan in plans.items() if plan.is_shared or not concealed}
    counts = _counts(study, shown, concealed, at)
    return Panel(
        title=_("Completeness"),
        figures=_figures(version, counts, shown),
        head=[
            _("Questionnaire"),
            _("Due"),
            _("Answered"),
            _("Declined"),
            _("Missed"),
            _("Withdrawn"),
            _("Open now"),
        ],
        rows=_rows(version, counts),
        note=" ".join(_notes(plans, concealed)),
        tells_arm=_differ(plans) and not concealed,
    )


def _plans(version: ProtocolVersion) -> list[Plan]:
    return concealment.plans(definitions.assessments(version), version.protocol)


def _counts(
    study: Study, shown: Mapping[tuple[str, str], Plan], concealed: bool, at: datetime
) -> Counts:
    counts: dict[tuple[str, str], Counter[AssessmentState]] = {name: Counter() for name in shown}
    apart = [plan for plan in shown.values() if concealed and not plan.is_dated_alike]
    withheld = {(plan.timepoint, plan.instrument) for plan in apart}
    for (timepoint, instrument, state), count in states.counted(study, at).items():
        if (timepoint, instrument) in shown.keys() - withheld:
            counts[timepoint, instrument][state] += count
    for timepoint, instrument, state, count in _told_apart(study, apart, at):
        if state and (timepoint, instrument) in withheld:
            counts[timepoint, instrument][AssessmentState(state)] += count
    return counts


def _told_apart(study: Study, apart: Sequence[Plan], at: datetime) -> Iterable[Any]:
    """Of what arms are asked at different times, by the person: what may be told of it already."""
    if not apart:
        return ()
    said = states.told(apart, study.current.protocol.timezone, at)
    rows = Assessment.objects.filter(study=study, timepoint__in={plan.timepoint for plan in apart})
    counted = rows.order_by().annotate(said=said).values_list("timepoint", "instrument", "said")
    return counted.annotate(count=Count("*"))


def _notes(plans: Mapping[tuple[str, str], Plan], concealed: bool) -> list[str]:
    lines = [
        _("People, pooled over the arms. Due: the window has opened, or it ended before it could."),
        _(
            "Answered: submitted, blank items allowed. Missed: the window passed. Withdrawn: left "
            "the study first."
        ),
    ]
    one_sided = _names(plan for plan in plans.values() if not plan.is_shared)
    apart = _names(plan for plan in plans.values() if plan.is_shared and not plan.is_dated_alike)
    if concealed and apart:
        lines.append(
            _("Counted only for whom the window is over in every arm: %(codes)s.")
            % {"codes": apart}
        )
    if concealed and one_sided:
        lines.append(
            _("Left out until the study is locked, since not every arm has it: %(codes)s.")
            % {"codes": one_sided}
        )
    return lines


def _names(plans: Any) -> str:
    return ", ".join(dict.fromkeys(plan.timepoint for plan in plans))


def _rows(version: ProtocolVersion, counts: Counts) -> list[list[str]]:
    labels = _labels(version)
    rows: list[list[str]] = []
    last = None
    for (timepoint, instrument), counted in counts.items():
        if timepoint != last:
            rows.append([labels[timepoint]])
        rows.append([instrument, *map(str, _line(counted))])
        last = timepoint
    return rows


def _line(counted: Counter[AssessmentState]) -> list[int]:
    due = sum(counted.values()) - sum(counted[state] for state in NOT_DUE)
    return [due, *(counted[state] for state in ENDED), sum(counted[state] for state in OPEN)]


def _figures(
    version: ProtocolVersion, counts: Counts, shown: Mapping[tuple[str, str], Plan]
) -> list[Figure]:
    """One figure for each primary outcome: answered, of those that are over."""
    labels = _labels(version)
    return [
        Figure(
            label=f"{each['instrument']}, {labels[each['timepoint']]}",
            value=str(counts[name][AssessmentState.SUBMITTED]),
            of=_("answered, of %(count)s that are over")
            % {"count": sum(counts[name][state] for state in ENDED)},
            definition=_(
                "A primary outcome. Over: answered, declined, missed or withdrawn; not what is "
                "still open."
            ),
        )
        for each in version.section("analysis")["primary"]
        if (name := (each["timepoint"], each["instrument"])) in shown
    ]


def _labels(version: ProtocolVersion) -> dict[str, str]:
    timepoints = definitions.assessments(version).timepoints
    return {each.code: text(each.label) for each in timepoints}


def person_panel(participant: Participant, study: Study, at: datetime) -> Panel:
    """Entry of settings.PERSON_PANELS: the questionnaires of one person, as far as they do not tell
    the arm.
    """
    version, concealed = participant.version, studies.is_concealed(study)
    plans = {(plan.timepoint, plan.instrument): plan for plan in _plans(version)}
    labels, order = _labels(version), list(plans)
    assessments = Assessment.objects.filter(participant=participant)
    rows = []
    for row in sorted(assessments, key=lambda row: order.index((row.timepoint, row.instrument))):
        plan = plans[row.timepoint, row.instrument]
        state = _told(row, plan, participant, at) if concealed else schedules.state(row, at)
        if state:
            is_dated = plan.is_dated_alike or not concealed
            rows.append([labels[row.timepoint], row.instrument, *_cells(row, state, is_dated)])
    return Panel(
        title=_("Questionnaires"),
        head=[
            _("Timepoint"),
            _("Questionnaire"),
            _("State"),
            _("Opens"),
            _("Closes"),
            _("Answered"),
        ],
        rows=rows,
        note=_person_note(plans) if concealed else "",
        tells_arm=_differ(plans) and not concealed,
    )


def _told(row: Assessment, plan: Plan, person: Participant, at: datetime) -> AssessmentState | None:
    if not plan.is_shared:
        return None
    return concealment.outcome(
        row,
        plan,
        randomised_at=person.randomised_at,
        withdrew_at=person.left_at if person.state == "withdrawn" else None,
        timezone=person.version.protocol.timezone,
        at=at,
    )


def _cells(row: Assessment, state: AssessmentState, is_dated: bool) -> list[str]:
    """State and dates; no dates where those of the arms differ."""
    said = str(_state_words()[state])
    if not is_dated:
        return [said, "–", "–", "–"]
    return [said, _day(row.opens_at), _day(row.closes_at), _day(row.submitted_at)]


def _differ(plans: Mapping[tuple[str, str], Plan]) -> bool:
    """Whether the arms are asked differently."""
    return not all(plan.is_shared and plan.is_dated_alike for plan in plans.values())


def _person_note(plans: Mapping[tuple[str, str], Plan]) -> str:
    codes = _names(plan for plan in plans.values() if not (plan.is_shared and plan.is_dated_alike))
    if not _differ(plans):
        return ""
    return _(
        "Left out or without dates until the study is locked, since they tell the arm: %(codes)s."
    ) % {"codes": codes}


def _state_words() -> dict[AssessmentState, str]:
    return {
        AssessmentState.UNSCHEDULED: _("no date yet"),
        AssessmentState.UPCOMING: _("upcoming"),
        AssessmentState.OPEN: _("open"),
        AssessmentState.STARTED: _("begun"),
        AssessmentState.SUBMITTED: _("answered"),
        AssessmentState.DECLINED: _("declined"),
        AssessmentState.MISSED: _("missed"),
        AssessmentState.WITHDRAWN: _("withdrawn"),
    }


def _day(moment: datetime | None) -> str:
    """A day in the active zone, which a page of the research room sets to the study's."""
    return short_day(timezone.localtime(moment)) if moment else "–"
