"""The entries of outcomes in the lists of settings."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import override

from outcomes import schedules
from outcomes.actions import assessments
from outcomes.actions.screening import decide, forget
from outcomes.models import Assessment, Schedule, ScreeningAnswer
from outcomes.queries import assessments as reads
from outcomes.queries import concealment, definitions, wordings
from outcomes.queries.dashboard import panel, person_panel
from outcomes.queries.tables import tables
from outcomes.rehearsal import behave
from outcomes.schedules import AssessmentState
from outcomes.sections import section
from trial import anchors, daytime, sections
from trial.actions import milestones, participants
from trial.actors import SYSTEM
from trial.entries import Ask, Destination, Done, Mail, Outcome, Task, Wait
from trial.languages import in_language
from trial.models import Message, Participant, ProtocolVersion, Study
from trial.prepared import prepared
from trial.queries.addresses import home_url, letter

__all__ = [
    "baseline",
    "behave",
    "completion",
    "compose",
    "dating",
    "erase",
    "is_mailed_alike",
    "open_languages",
    "panel",
    "person_panel",
    "requirements",
    "screening",
    "section",
    "sign_offs",
    "tables",
    "today",
    "withdrawn",
]


def requirements(study: Study) -> list[str]:
    """Primary outcomes need a wording in some language, and every wording that is not official a
    recorded sign-off.
    """
    version = study.current
    described = definitions.assessments(version)
    if study.simulated:
        return []
    confirmed = set(version.confirmations.filter(kind="wording").values_list("subject", flat=True))
    languages = definitions.open_languages(version)
    if not languages:
        return [
            _(
                "No language has a wording of every primary outcome. Paste the wordings you hold a "
                "licence for."
            )
        ]
    return [
        _("%(code)s (%(language)s): the wording is %(status)s; sign it off first.")
        % {"code": code, "language": language, "status": instrument.wordings[language].status}
        for code, instrument in described.definitions.items()
        for language in languages
        if language in instrument.wordings
        and instrument.wordings[language].status != "official"
        and f"{code}:{language}" not in confirmed
    ]


def sign_offs(version: ProtocolVersion) -> dict[tuple[str, str], str]:
    """Wordings that are not official, in every language of the study."""
    unofficial = wordings.unofficial(version)
    return {
        ("wording", subject): wording.model_dump_json()
        for subject, wording in sorted(unofficial.items())
    }


def open_languages(study: Study) -> list[str]:
    """Nobody is shown a primary outcome in a language they did not choose."""
    return definitions.open_languages(study.current)


def screening(participant: Participant, at: datetime) -> Outcome:
    """Step: the screening pages one by one, each checked against the criteria that come after
    it.
    """
    if participant.state != "screening":
        return Done()
    for page in participant.version.protocol.screening:
        if not definitions.is_answered(participant, page):
            leads_to = Destination("join", "screening", (participant.study.public_slug, page.code))
            return Ask(Task(title=_("Some questions first"), leads_to=leads_to, kind="join"))
        if not decide(participant, page.code, SYSTEM, at):
            participant.reread()  # turned away: the steps after this one must see it
            return Wait()
    return Done()


def baseline(participant: Participant, at: datetime) -> Outcome:
    """Step: the questionnaires before allocation. The pretest is a new measurement, not the
    screening one.
    """
    if participant.state != "consented":
        return Done() if participant.randomised_at else Wait()
    described = definitions.assessments(participant.version).baseline
    if not Schedule.objects.filter(participant=participant, timepoint=described.timepoint).exists():
        assessments.begin_baseline(participant=participant, by=SYSTEM, at=at)
    ask = _baseline_task(participant, described.timepoint)
    if ask is None:
        _close_passed(reads.unclosed(participant), at)
        return Done()
    closes_at = reads.closes_at(participant, described.timepoint)
    if closes_at and closes_at <= at:
        participants.withdraw(participant=participant, reason=participants.UNDONE, by=SYSTEM, at=at)
        participant.reread()  # the steps after this one must see it
        return Wait()
    return Ask(ask, until=closes_at)


def _baseline_task(participant: Participant, timepoint: str) -> Task | None:
    """What is left to do before allocation."""
    if reads.missing_baseline_questions(participant):
        leads_to = Destination("participant", "questions")
        return Task(title=_("A few questions about you"), leads_to=leads_to, kind="questionnaire")
    if reads.is_baseline_complete(participant):
        return None
    sitting = reads.sitting(participant, timepoint)
    assert sitting is not None  # its rows were made a moment ago
    return _task(sitting, participant)


def dating(participant: Participant, at: datetime) -> Outcome:
    """Step: close what has passed, and date what hangs on it. Done when every timepoint is
    closed.
    """
    if participant.state == "withdrawn":
        return Done()
    if participant.randomised_at is None:
        # allocation waits for the end of a pause; nothing is planned yet, which is not to be
        # through
        return Wait()
    moved = True
    while moved:
        left = reads.unclosed(participant)
        if not left:
            return Done()
        moved = _close_passed(left, at)
        events = _note_opened(left, milestones.reached(participant), at)
        for schedule in left:
            moved = _date(schedule, participant, events, at) or moved
    return Wait(_next_look(left, participant, events, at))


def _close_passed(left: list[Schedule], at: datetime) -> bool:
    """Close every timepoint of one person of which all questionnaires are behind them."""
    due = [schedule for schedule in left if schedule.opens_at and schedule.opens_at <= at]
    rows: dict[str, list[Assessment]] = {}
    for row in reads.of_person(due[0].participant_id) if due else ():
        rows.setdefault(row.timepoint, []).append(row)
    moved = False
    for schedule in due:
        closings = [schedules.closed_at(row, at) for row in rows.get(schedule.timepoint, [])]
        if all(closings):
            # Nothing to answer (no wording in the person's language): over as soon as it opens.
            assessments.close(
                schedule, max((c for c in closings if c), default=schedule.opens_at or at), at
            )
            moved = True
    return moved


def _note_opened(
    left: list[Schedule], events: dict[str, datetime], at: datetime
) -> dict[str, datetime]:
    """That a timepoint has opened is a date which others hang on, whatever comes of it. The events,
    with what is new.
    """
    opened = [schedule for schedule in left if schedule.opens_at and schedule.opens_at <= at]
    new = [
        schedule for schedule in opened if f"assessment_opened:{schedule.timepoint}" not in events
    ]
    reached = [assessments.note_opened(schedule) for schedule in new]
    return {**events, **{milestone.name: milestone.reached_at for milestone in reached}}


def _expected(
    schedule: Schedule, participant: Participant, events: dict[str, datetime], at: datetime
):
    return anchors.expected(
        sections.Opening.model_validate(schedule.opening),
        randomised_at=participant.randomised_at or schedule.granted_at,
        granted_at=schedule.granted_at,
        events=events,
        timezone=participant.version.protocol.timezone,
        at=at,
    )


def _date(
    schedule: Schedule, participant: Participant, events: dict[str, datetime], at: datetime
) -> bool:
    """Date one schedule once its anchor is certain; True when it was dated now."""
    if schedule.opens_at or schedule.closed_at or not schedule.opening:
        return False
    expected = _expected(schedule, participant, events, at)
    if not expected.certain:
        return False
    window = schedules.window_from(
        expected.opens_at, schedule.window, participant.version.protocol.timezone
    )
    assessments.date(schedule, window, at)
    return True


def _next_look(
    left: list[Schedule], participant: Participant, events: dict[str, datetime], at: datetime
) -> datetime | None:
    """When a window opens or closes, or a latest day comes."""
    moments = [
        schedule.closes_at or _expected(schedule, participant, events, at).opens_at
        for schedule in left
    ]
    moments += [schedule.opens_at for schedule in left]
    return min((moment for moment in moments if moment and moment > at), default=None)


def completion(participant: Participant, at: datetime) -> Outcome:
    """Step: with the last timepoint closed the study is over for this person."""
    if participant.state == "consented":
        return Wait()
    if participant.state == "randomised":
        if reads.unclosed(participant):
            return Wait()
        participants.complete(participant=participant, by=SYSTEM, at=at)
    return Done()


def today(participant: Participant, at: datetime) -> list[Task]:
    """Questionnaires that are open, and those whose date is known."""
    if not participant.is_in_study:
        return []
    found = []
    for sitting in reads.sittings(participant):
        upcoming = sitting.state(at) == AssessmentState.UPCOMING
        if sitting.remaining(at) or upcoming:
            found.append(_task(sitting, participant))
    return found


def _task(sitting: reads.Sitting, participant: Participant) -> Task:
    label = in_language(sitting.label, participant.language)
    return Task(
        title=_("Questionnaires: %(label)s") % {"label": label},
        leads_to=Destination("participant", "sitting", (sitting.timepoint,)),
        kind="questionnaire",
        opens_at=sitting.opens_at,
        due_at=sitting.closes_at,
        minutes=sitting.minutes,
        code=sitting.timepoint,
    )


def is_mailed_alike(message: Message) -> bool:
    """Whether every arm is asked at this timepoint, and then."""
    participant = message.participant
    assert participant is not None  # questions are put to somebody
    found = [
        plan
        for plan in concealment.plans(
            definitions.assessments(participant.version), participant.version.protocol
        )
        if plan.timepoint == message.subject_ref
    ]
    return bool(found) and all(plan.is_shared and plan.is_dated_alike for plan in found)


def compose(message: Message, at: datetime) -> Mail | Wait | None:
    """An invitation or a reminder, unless it is no longer wanted: answered, closed, moved or
    withdrawn. A reminder waits for its days after the hand-over of the invitation.
    """
    participant = message.participant
    if participant is None or not participant.is_in_study:
        return None
    sitting = reads.sitting(participant, message.subject_ref)
    if sitting is None or not sitting.remaining(at):
        return None
    not_before = (
        _reminded_from(participant, message.subject_ref, at)
        if message.kind == "assessment_reminder"
        else at
    )
    if not_before > at:
        return Wait(not_before)
    with override(participant.language):
        if message.kind == "assessment_invitation":
            subject = _("%(title)s: new questions for you")
            lead = _("There are new questions for you.")
        else:
            subject = _("%(title)s: your questions are still open")
            lead = _("Your questions are still open. You can also leave them.")
        return letter(
            participant,
            subject,
            lead,
            _("It takes about %(minutes)s minutes. You can stop in between and go on later.")
            % {"minutes": sitting.minutes},
            *_last_day(sitting.closes_at, participant.timezone),
            home_url(),
            _(
                "Nobody reads your answers live. If you need help now, the page above has a help "
                "button."
            ),
        )


def _reminded_from(participant: Participant, timepoint: str, at: datetime) -> datetime:
    """The earliest moment of a reminder. While the invitation waits, or failed and may yet be sent,
    that is later.
    """
    days = definitions.assessments(participant.version).reminders.remind_after
    zone = participant.timezone
    invitation = _invitation.first(participant.pk, timepoint)
    if invitation is None or invitation.state == "cancelled":
        return at
    if invitation.state in {"sent", "uncertain"} and invitation.handed_over_at:
        return daytime.from_then(daytime.days_after(invitation.handed_over_at, days, zone), zone)
    return daytime.from_then(daytime.days_after(max(at, invitation.due_at), days, zone), zone)


@prepared
def _invitation(person: int, timepoint: str) -> QuerySet[Message]:
    return Message.objects.filter(
        participant=person, kind="assessment_invitation", subject_ref=timepoint
    )


def _last_day(closes_at: datetime | None, timezone: str) -> list[str]:
    """Until when it can be answered, on the person's own clock; with the time where that is not the
    end of the day.
    """
    if closes_at is None:
        return []
    local = closes_at.astimezone(ZoneInfo(timezone))
    day = formats.date_format(local.date(), "l j F")
    if local.time() >= schedules.LAST_MINUTE:
        return [_("The last day for this is %(day)s.") % {"day": day}]
    return [_("You can do this until %(day)s, %(time)s.") % {"day": day, "time": f"{local:%H:%M}"}]


def withdrawn(participant: Participant, at: datetime) -> None:
    assessments.end_all(participant, at)
    forget(participant=participant, by=SYSTEM, at=at)


def erase(participant: Participant, at: datetime) -> None:
    """Screening answers go; answers to the study's questionnaires stay under the code unless the
    person never got in.
    """
    ScreeningAnswer.objects.filter(participant=participant).delete()
