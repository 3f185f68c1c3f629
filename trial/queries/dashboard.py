"""Panels of the researcher's dashboard. Everything is pooled over the arms; every number has its
definition.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Count, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import formats
from django.utils.translation import gettext as _

from trial import sections
from trial.entries import Figure, Panel
from trial.models import Alert, ModuleUse, Participant, Study, User
from trial.queries import studies
from trial.queries.participants import left_words
from trial.words import short_day


class Person(NamedTuple):
    """What the panels need of one participant."""

    state: str
    site: str
    left_stage: str
    left_reason: str
    corrected_stage: str
    began_at: datetime
    verified_at: datetime | None
    consented_at: datetime | None
    randomised_at: datetime | None
    modules_begun: int
    modules_done: int


def people(study: Study) -> list[Person]:
    """Everybody who agreed to be screened. Kept on the study in hand: several panels count the same
    people.
    """
    kept = vars(study).get("_counted_people")
    if kept is None:
        rows = (
            Participant.objects.filter(study=study)
            .annotate(modules_begun=_modules("pk"), modules_done=_modules("done_at"))
            .order_by("pk")
            .values_list(*Person._fields)
        )
        kept = vars(study)["_counted_people"] = [Person(*row) for row in rows]
    return kept


def _modules(counted: str) -> Coalesce:
    """How many modules a person began, or has done."""
    used = ModuleUse.objects.filter(participant=OuterRef("pk")).order_by().values("participant")
    return Coalesce(Subquery(used.annotate(count=Count(counted)).values("count")), 0)


def panel_recruitment(study: Study, person: User, at: datetime) -> Panel:
    """Randomised against target; by site and by month."""
    protocol = study.current.protocol
    everybody = people(study)
    randomised = [each.randomised_at for each in everybody if each.randomised_at]
    lately = sum(moment > at - timedelta(days=30) for moment in randomised)
    return Panel(
        title=_("Recruitment"),
        figures=[
            Figure(
                _("Randomised"),
                str(len(randomised)),
                of=_("of %(target)s") % {"target": protocol.target},
                definition=_(
                    "People with an allocation, against the target of the protocol; also whoever "
                    "withdrew later."
                ),
            ),
            Figure(
                _("In the last 30 days"),
                str(lately),
                definition=_("People allocated in the 30 days before now."),
            ),
            registration(study, min(randomised, default=None)),
        ],
        head=[_("Site or month"), _("Screened"), _("Consented"), _("Randomised")],
        rows=[
            [_("By site")],
            *_by_site(everybody, protocol),
            [_("By month, each event in the month it happened")],
            *_by_month(everybody, ZoneInfo(protocol.timezone)),
        ],
    )


def registration(study: Study, first: datetime | None) -> Figure:
    """The date of registration against the first allocation: afterwards is for all to see."""
    registered = study.current.protocol.registration
    definition = _(
        "The registration date that the study folder states, against the date of the first "
        "allocation here."
    )
    if registered is None:
        return Figure(_("Registration"), _("None"), definition=definition)
    zone = ZoneInfo(study.current.protocol.timezone)
    where = _("%(id)s, %(day)s") % {"id": registered.id, "day": short_day(registered.on)}
    if first is None:
        return Figure(
            _("Registration"),
            "–",
            of=_("%(where)s; nobody randomised yet") % {"where": where},
            definition=definition,
        )
    first_on = first.astimezone(zone).date()
    word = _("Before") if registered.on <= first_on else _("After")
    since = _("the first allocation on %(day)s: %(where)s") % {
        "where": where,
        "day": short_day(first_on),
    }
    return Figure(_("Registration"), word, of=since, definition=definition)


def _by_site(everybody: Iterable[Person], protocol: sections.Study) -> list[list[str]]:
    names = {site.code: site.name for site in protocol.sites}
    by_site: dict[str, list[Person]] = {}
    for each in everybody:
        by_site.setdefault(protocol.site_of(each.site), []).append(each)
    rows = [
        _counts(names.get(code, code), by_site[code])
        for code in [*names, *sorted(by_site.keys() - names.keys() - {""})]
        if code in by_site
    ]
    return [*rows, *([_counts(_("Site not asked yet"), by_site[""])] if "" in by_site else [])]


def _counts(label: str, group: list[Person]) -> list[str]:
    consented = sum(each.consented_at is not None for each in group)
    randomised = sum(each.randomised_at is not None for each in group)
    return [label, str(len(group)), str(consented), str(randomised)]


def _by_month(everybody: list[Person], zone: ZoneInfo) -> list[list[str]]:
    def months(moment: Callable[[Person], datetime | None]) -> Counter[str]:
        return Counter(
            found.astimezone(zone).strftime("%Y-%m") for found in map(moment, everybody) if found
        )

    columns = [
        months(lambda each: each.began_at),
        months(lambda each: each.consented_at),
        months(lambda each: each.randomised_at),
    ]
    return [
        [month, *(str(column[month]) for column in columns)]
        for month in sorted(set().union(*columns))
    ]


def panel_flow(study: Study, person: User, at: datetime) -> Panel:
    """From the first screening answer to leaving, pooled; where people left and why."""
    everybody = people(study)
    states = Counter(each.state for each in everybody)
    return Panel(
        title=_("Flow of participants"),
        figures=[
            Figure(
                _("Screened"),
                str(len(everybody)),
                definition=_("People who agreed to be screened."),
            ),
            Figure(
                _("Did not get in"),
                str(states["excluded"]),
                definition=_(
                    "Turned away by a criterion, or stopped by themselves before consent."
                ),
            ),
            _corrected(everybody),
            Figure(
                _("Still at the screening"),
                str(states["screening"]),
                definition=_("Screened, and neither turned away nor consented yet."),
            ),
            Figure(
                _("Address verified"),
                str(sum(each.verified_at is not None for each in everybody)),
                definition=_("Entered the code that was mailed to them, whatever came later."),
            ),
            Figure(
                _("Consented"),
                str(sum(each.consented_at is not None for each in everybody)),
                definition=_("Signed the consent form, whatever came later."),
            ),
            Figure(
                _("Randomised"),
                str(sum(each.randomised_at is not None for each in everybody)),
                definition=_("Have an allocation, whatever came later."),
            ),
            Figure(
                _("Withdrawn"),
                str(states["withdrawn"]),
                definition=_(
                    "Left the study after consent. Stopping the programme only is not counted here."
                ),
            ),
            *_completed(study, states),
        ],
        head=[_("Left at"), _("Reason"), _("People")],
        rows=_left(everybody, study),
        words=2,
        note=_("Below allocation nothing is told by arm before the study is locked."),
    )


def _corrected(everybody: Iterable[Person]) -> Figure:
    pages = Counter(each.corrected_stage for each in everybody if each.corrected_stage)
    return Figure(
        _("Corrected an answer"),
        str(pages.total()),
        of=", ".join(f"{page}: {count}" for page, count in sorted(pages.items())),
        definition=_(
            "Turned away by an answer to a question, and answered it once more in the same "
            "session; by screening page. "
            "Each counts as one person, by what became of them in the end."
        ),
    )


def _completed(study: Study, states: Counter[str]) -> list[Figure]:
    if studies.hides_completion(study):
        return []
    return [
        Figure(
            _("Completed"),
            str(states["completed"]),
            definition=_("Every assessment of theirs is closed, answered or not."),
        )
    ]


def _left(everybody: Iterable[Person], study: Study) -> list[list[str]]:
    told = {"completed": "randomised"} if studies.hides_completion(study) else {}
    left = Counter(
        (each.state, told.get(each.left_stage, each.left_stage), each.left_reason)
        for each in everybody
        if each.state in {"excluded", "withdrawn"}
    )
    rows: list[list[str]] = []
    protocol = study.current.protocol
    for state, heading in (("excluded", _("Before consent")), ("withdrawn", _("After consent"))):
        found = [
            [*left_words(stage, reason, protocol), str(count)]
            for (each, stage, reason), count in sorted(left.items())
            if each == state
        ]
        rows += [[heading], *found] if found else []
    return rows


def panel_adherence(study: Study, person: User, at: datetime) -> Panel | None:
    """Use of the programme over everybody randomised, for whoever knows the arms: a count of who
    has access would tell the size of the arms, and use from day to day who has it.
    """
    programme = study.current.programme
    if programme is None or not studies.knows_arms(study, person):
        return None
    users = [each for each in people(study) if each.randomised_at]
    randomised = len(users)
    begun = sum(each.modules_begun for each in users)
    done = sum(each.modules_done for each in users)
    return Panel(
        title=_("Adherence"),
        figures=[
            Figure(
                _("Began the programme"),
                str(sum(each.modules_begun > 0 for each in users)),
                of=_("of %(count)s randomised") % {"count": randomised},
                definition=_(
                    "Opened at least one module. Of everybody randomised, with access to the "
                    "programme or without."
                ),
            ),
            Figure(
                _("Modules begun"),
                _per_person(begun, randomised),
                of=_("per person randomised; %(count)s in all") % {"count": begun},
                definition=_(
                    "Modules opened, divided by everybody randomised, with access or without."
                ),
            ),
            Figure(
                _("Modules done"),
                _per_person(done, randomised),
                of=_("per person randomised, of %(count)s modules")
                % {"count": len(programme.modules)},
                definition=_(
                    "Modules marked as done, divided by everybody randomised, with access or "
                    "without."
                ),
            ),
        ],
        note=_(
            "Pooled over the arms. Adherence among those who were given the programme stands in "
            "the report."
        ),
        tells_arm=True,
    )


def _per_person(count: int, persons: int) -> str:
    # number_format cuts off, so round first
    return formats.number_format(round(count / persons, 1), 1) if persons else "–"


def panel_alerts(study: Study, person: User, at: datetime) -> Panel:
    """Alerts that wait, and whether those that are closed were closed in time."""
    unclosed = ~Q(state="closed")
    counts = Alert.objects.filter(study=study).aggregate(
        waiting=Count("pk", filter=unclosed),
        untaken=Count("pk", filter=Q(state="raised")),
        overdue=Count("pk", filter=unclosed & Q(deadline_at__lt=at)),
        closed=Count("pk", filter=~unclosed),
        late=Count("pk", filter=~unclosed & Q(closed_at__gt=F("deadline_at"))),
    )
    return Panel(
        title=_("Alerts"),
        figures=[
            Figure(
                _("Open"),
                str(counts["waiting"]),
                of=_("%(count)s not taken by anybody") % {"count": counts["untaken"]},
                definition=_("Raised and not closed."),
            ),
            Figure(
                _("Overdue"),
                str(counts["overdue"]),
                definition=_("Open, and the deadline has passed."),
            ),
            Figure(
                _("Closed"),
                str(counts["closed"]),
                of=_("%(count)s after the deadline") % {"count": counts["late"]},
                definition=_("Closed with a note of what was done."),
            ),
        ],
    )
