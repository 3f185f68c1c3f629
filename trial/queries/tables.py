"""The people of a study as tables: who came, got in and left, and (by arm only) what they did with
the programme.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, QuerySet

from trial import hooks
from trial.entries import Column, IntercurrentEvent, Table
from trial.languages import in_language
from trial.models import AuditEvent, ModuleUse, Participant, ProtocolVersion, Study
from trial.queries import programme
from trial.sections.study import Question

BATCH = 500  # people
IDLE_AFTER = 14  # days without use after which somebody is counted as having stopped
FIXED = (
    Column("participant", "Study code of the participant"),
    Column("site", "Centre", "code"),
    Column("language", "Language the participant reads", "code"),
    Column("state", "Where the participant stands", "code"),
    Column("began_on", "Day of the agreement to be screened", "date"),
    Column("consented_on", "Day of signed consent", "date", missing="empty: did not consent"),
    Column("randomised_on", "Day of randomisation", "date", missing="empty: not randomised"),
    Column(
        "left_on",
        "Day of being turned away, stopping or withdrawing",
        "date",
        missing="empty: did not leave",
    ),
    Column("left_stage", "Where they were when they left", "code", missing="empty: did not leave"),
    Column(
        "left_reason", "Why they left", "code", missing="empty: did not leave, or no reason given"
    ),
    Column(
        "corrected_page",
        "Screening page at which an answer that had turned them away was put right",
        "code",
        missing="empty: none was",
    ),
    Column("simulated", "A simulated person", "boolean"),
)
# Both hang on what the arm was given: how long its schedule runs, and whether there are lessons to
# stop with.
BY_ARM = (
    Column(
        "programme_stopped_on",
        "Day of stopping with the lessons",
        "date",
        missing="empty: did not stop",
    ),
    Column(
        "programme_stop_reason",
        "Why they stopped with the lessons",
        "code",
        missing="empty: did not stop or say why",
    ),
    Column(
        "completed_on",
        "Day the last questionnaire was behind them",
        "date",
        missing="empty: not completed",
    ),
)
ASKED_TO_BE_ERASED = ("asked_by_participant", "data_protection_request")
EVENTS = {
    "allocation_forced": "the arm was given and not drawn",
    "programme_stopped": "stopped with the lessons",
    "too_few_contacts": "so many calls were given up that as many as the analysis plan asks for "
    "were out of reach",
    "consent_withdrawn": "asked that everything that tells who they are be erased",
}
INTERCURRENT = (
    Column("participant", "Study code of the participant"),
    Column("event", "What happened after randomisation", "code", values=EVENTS),
    Column("on", "Day on which it did", "date"),
)
PROGRAMME = (
    Column("participant", "Study code of the participant"),
    Column("module", "Code of the module", "code"),
    Column("number", "Place of the module in the programme, from 1", "integer"),
    Column("opened_on", "Day the programme opened to the participant", "date"),
    Column("begun_on", "Day the module was begun", "date", missing="empty: never begun"),
    Column("last_used_on", "Last day the module was used", "date", missing="empty: never begun"),
    Column("done_on", "Day the module was marked done", "date", missing="empty: not done"),
    Column(
        "finished_on", "Day the whole programme was done", "date", missing="empty: not finished"
    ),
    Column(
        "known_until",
        "Last day that could have shown use: leaving the study, the day of the export, or 15 days "
        "after the last use, whichever comes first",
        "date",
    ),
)
SCREENING = (
    Column("stage", "Screening page or step at which they left", "code"),
    Column("reason", "The criterion that did not hold, or stopped", "code"),
    Column("people", "How many", "integer"),
)
MODULES = (
    Column("module", "Code of the module", "code"),
    Column("number", "Place of the module in the programme, from 1", "integer"),
    Column("title", "Title"),
    Column("component", "What the module is about", "code"),
)


def tables(study: Study, by: object, at: datetime, arms: bool) -> list[Table]:
    """Entry of settings.TABLES. Without `arms` nothing that the arm decides: no lessons, no end of
    the programme.
    """
    version = study.current
    people = Participant.objects.filter(study=study, began_at__lte=at)
    found = [
        _participants(version, people, _stop_reasons(study, at) if arms else None),
        _screening(people),
    ]
    if arms and version.programme:
        found += [_modules(version), _programme(study, version, people, at)]
    if arms:
        found.append(_intercurrent(study, people, at))
    return found


def intercurrent_events(
    study: Study, people: Sequence[Participant], at: datetime
) -> Iterator[IntercurrentEvent]:
    """Entry of settings.INTERCURRENT_EVENTS: who stopped with the lessons, and who took back that
    we may know who they are. Leaving the study is none: it is why an outcome is missing.
    """
    zone, keys = ZoneInfo(study.current.protocol.timezone), {p.code: p.pk for p in people}
    for person in people:
        if person.programme_stopped_at and person.programme_stopped_at <= at:
            on = person.programme_stopped_at.astimezone(zone).date()
            yield IntercurrentEvent(person.pk, "programme_stopped", on)
    erased = AuditEvent.objects.filter(
        study=study.slug,
        action="identity erased",
        reason__in=ASKED_TO_BE_ERASED,
        subject__in=keys,
        at__lte=at,
    )
    for code, moment in erased.values_list("subject", "at"):
        yield IntercurrentEvent(keys[code], "consent_withdrawn", moment.astimezone(zone).date())


def _intercurrent(study: Study, people: QuerySet[Participant], at: datetime) -> Table:
    """By person in order of arrival, and of each by day."""
    return Table(
        "intercurrent_events",
        "Intercurrent events that are on record",
        INTERCURRENT,
        (
            row
            for batch in in_batches(people.filter(randomised_at__lte=at))
            for row in _intercurrent_rows(study, batch, at)
        ),
    )


def _intercurrent_rows(
    study: Study, batch: Sequence[Participant], at: datetime
) -> Iterator[tuple[str, str, date]]:
    place = {person.pk: (number, person.code) for number, person in enumerate(batch)}
    found = (event for entry in hooks.INTERCURRENT_EVENTS for event in entry(study, batch, at))
    for event in sorted(found, key=lambda e: (place[e.participant][0], e.on, e.what)):
        yield place[event.participant][1], event.what, event.on


def in_batches(people: QuerySet[Participant]) -> Iterator[list[Participant]]:
    """Everybody in order of arrival, some at a time, so that what is theirs can be read for all of
    these at once and for no more.
    """
    rest = people.order_by("began_at", "pk").iterator(chunk_size=BATCH)
    while batch := list(islice(rest, BATCH)):
        yield batch


def local_day(moment: datetime | None, zone: ZoneInfo) -> date | None:
    """The calendar day of a moment in the study's time zone."""
    return moment.astimezone(zone).date() if moment else None


def answer_column(question: Question) -> str:
    """The column of an answer: the question's code, unless a column of every study is called so."""
    taken = {column.name for column in (*FIXED, *BY_ARM)}
    return f"answer_{question.code}" if question.code in taken else question.code


def asked(version: ProtocolVersion) -> list[Question]:
    """The study's own questions; the centre has a column of its own."""
    return [question for question in version.protocol.questions if question.kind != "site"]


def _stop_reasons(study: Study, at: datetime) -> dict[str, str]:
    """Why people stopped with the lessons, by code; the trail alone holds it."""
    events = AuditEvent.objects.filter(study=study.slug, action="programme stopped", at__lte=at)
    return dict(events.values_list("subject", "reason"))


def _participants(
    version: ProtocolVersion, people: QuerySet[Participant], stops: dict[str, str] | None
) -> Table:
    """`stops` None: pooled, without what hangs on the arm."""
    arms, zone, questions = stops is not None, ZoneInfo(version.protocol.timezone), asked(version)
    sites = {site.code: site.name for site in version.protocol.sites}
    fixed = [replace(column, values=sites) if column.name == "site" else column for column in FIXED]
    columns = (
        *fixed,
        *(BY_ARM if arms else ()),
        *(_question_column(question) for question in questions),
    )
    return Table(
        "participants",
        "Participants",
        columns,
        (_person(p, zone, questions, stops) for batch in in_batches(people) for p in batch),
    )


def _question_column(question: Question) -> Column:
    values = {option.code: in_language(option.text, "en") for option in question.options}
    kind = "number" if question.kind == "number" else "code"
    missing = "empty: not asked, not answered, or erased because the person did not get in"
    return Column(
        answer_column(question),
        in_language(question.text, "en"),
        kind,
        values=values,
        missing=missing,
    )


def _person(
    p: Participant, zone: ZoneInfo, questions: Sequence[Question], stops: dict[str, str] | None
) -> tuple[Any, ...]:
    arms = stops is not None
    days = (
        local_day(moment, zone)
        for moment in (p.began_at, p.consented_at, p.randomised_at, p.left_at)
    )
    row: list[Any] = [
        p.code,
        p.site,
        p.language,
        _told(p.state, arms),
        *days,
        _told(p.left_stage, arms),
        p.left_reason,
    ]
    row += [p.corrected_stage, p.simulated]
    if stops is not None:
        row += [
            local_day(p.programme_stopped_at, zone),
            stops.get(p.code, ""),
            local_day(p.completed_at, zone),
        ]
    # What is kept for a day, for whoever may correct a slip, is theirs alone.
    answers = {} if p.state == "excluded" else p.answers
    return (*row, *(answers.get(question.code) for question in questions))


def _told(state: str, arms: bool) -> str:
    """When somebody is through depends on the schedule of their arm."""
    return "randomised" if state == "completed" and not arms else state


def _screening(people: QuerySet[Participant]) -> Table:
    left = people.filter(state="excluded").values_list("left_stage", "left_reason")
    rows = sorted(left.annotate(people=Count("pk")).order_by())  # by code, as Python sorts
    return Table("screening", "Who did not get in, and why", SCREENING, rows)


def _modules(version: ProtocolVersion) -> Table:
    described = enumerate(version.programme.modules if version.programme else (), 1)
    rows = [
        (module.code, number, in_language(module.title, "en"), module.component)
        for number, module in described
    ]
    return Table("modules", "Modules of the programme", MODULES, rows)


def _programme(
    study: Study, version: ProtocolVersion, people: QuerySet[Participant], at: datetime
) -> Table:
    return Table(
        "programme",
        "What was done with the programme, by everybody it was open to",
        PROGRAMME,
        _programme_rows(study, version, people, at),
    )


def _programme_rows(
    study: Study, version: ProtocolVersion, people: QuerySet[Participant], at: datetime
) -> Iterator[tuple[Any, ...]]:
    for batch in in_batches(people):
        opened = programme.opened(study, at).filter(participant__in=batch)
        given = {grant.participant_id: grant for grant in opened}
        uses = {
            (use.participant_id, use.module): use
            for use in ModuleUse.objects.filter(participant__in=batch)
        }
        for person in batch:
            if person.pk in given:
                yield from _use_of(person, given[person.pk], uses, version, at)


def _use_of(
    p: Participant, grant: Any, uses: dict, version: ProtocolVersion, at: datetime
) -> Iterator[tuple[Any, ...]]:
    zone = ZoneInfo(version.protocol.timezone)
    opened_on, finished_on = local_day(grant.opens_at, zone), local_day(grant.finished_at, zone)
    known_until = _known_until(p, grant, uses, version, at)
    for number, module in enumerate(version.programme.modules if version.programme else (), 1):
        use = uses.get((p.pk, module.code))
        days = (
            (local_day(m, zone) for m in (use.begun_at, use.last_used_at, use.done_at))
            if use
            else (None,) * 3
        )
        yield p.code, module.code, number, opened_on, *days, finished_on, known_until


def _known_until(
    p: Participant, grant: Any, uses: dict, version: ProtocolVersion, at: datetime
) -> date | None:
    """A day more than IDLE_AFTER without use settles it. Later days add nothing, so that the
    snapshot of a finished study is the same whenever it is taken.
    """
    zone = ZoneInfo(version.protocol.timezone)
    modules = version.programme.modules if version.programme else ()
    known = (uses.get((p.pk, module.code)) for module in modules)
    used = (local_day(use.last_used_at, zone) for use in known if use)
    opened_on = local_day(grant.opens_at, zone)
    last = max((day for day in used if day), default=opened_on)
    until = local_day(min(p.left_at or at, at), zone)
    return min(until, last + timedelta(days=IDLE_AFTER + 1)) if until and last else until
