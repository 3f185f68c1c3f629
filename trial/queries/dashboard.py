"""Panels of the researcher's dashboard. Everything is pooled over the arms; every number has its
definition.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet
from django.db.models.functions import TruncMonth
from django.utils import formats
from django.utils.translation import gettext as _

from trial import sections
from trial.entries import Figure, Panel
from trial.models import Alert, ModuleUse, Participant, Study, User
from trial.queries import studies
from trial.queries.participants import left_words
from trial.words import short_day

MOMENTS = ("began_at", "consented_at", "randomised_at")


class Group(NamedTuple):
    """How many people there are of one state and site who left at the same point, and how far they
    came, whatever came later.
    """

    state: str
    site: str
    left_stage: str
    left_reason: str
    corrected_stage: str
    screened: int
    verified: int
    consented: int
    randomised: int


def groups(study: Study) -> list[Group]:
    """Everybody who agreed to be screened. Kept on the study in hand: several panels count the same
    people.
    """
    kept = vars(study).get("_counted_people")
    if kept is None:
        rows = _people(study).values_list(*Group._fields[:5])
        counted = rows.annotate(
            screened=Count("pk"),
            verified=Count("verified_at"),
            consented=Count("consented_at"),
            randomised=Count("randomised_at"),
        )
        kept = vars(study)["_counted_people"] = [Group(*row) for row in counted]
    return kept


def _people(study: Study) -> QuerySet[Participant]:
    return Participant.objects.filter(study=study).order_by()


def _counted(found: Iterable[Group], by: str, what: str = "screened") -> Counter[str]:
    counts = Counter[str]()
    for each in found:
        counts[getattr(each, by)] += getattr(each, what)
    return counts


def _sum(found: Iterable[Group], what: str) -> int:
    return sum(getattr(each, what) for each in found)


def panel_recruitment(study: Study, person: User, at: datetime) -> Panel:
    """Randomised against target; by site and by month."""
    protocol = study.current.protocol
    everybody = groups(study)
    allocated = _people(study).aggregate(
        first=Min("randomised_at"),
        lately=Count("pk", filter=Q(randomised_at__gt=at - timedelta(days=30))),
    )
    return Panel(
        title=_("Recruitment"),
        figures=[
            Figure(
                _("Randomised"),
                str(_sum(everybody, "randomised")),
                of=_("of %(target)s") % {"target": protocol.target},
                definition=_(
                    "People with an allocation, against the target of the protocol; also whoever "
                    "withdrew later."
                ),
            ),
            Figure(
                _("In the last 30 days"),
                str(allocated["lately"]),
                definition=_("People allocated in the 30 days before now."),
            ),
            registration(study, allocated["first"]),
        ],
        head=[_("Site or month"), _("Screened"), _("Consented"), _("Randomised")],
        rows=[
            [_("By site")],
            *_by_site(everybody, protocol),
            [_("By month, each event in the month it happened")],
            *_by_month(study, ZoneInfo(protocol.timezone)),
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


def _by_site(everybody: Iterable[Group], protocol: sections.Study) -> list[list[str]]:
    names = {site.code: site.name for site in protocol.sites}
    by_site: dict[str, list[Group]] = {}
    for each in everybody:
        by_site.setdefault(protocol.site_of(each.site), []).append(each)
    rows = [
        _counts(names.get(code, code), by_site[code])
        for code in [*names, *sorted(by_site.keys() - names.keys() - {""})]
        if code in by_site
    ]
    return [*rows, *([_counts(_("Site not asked yet"), by_site[""])] if "" in by_site else [])]


def _counts(label: str, found: list[Group]) -> list[str]:
    return [label, *(str(_sum(found, what)) for what in ("screened", "consented", "randomised"))]


def _by_month(study: Study, zone: ZoneInfo) -> list[list[str]]:
    columns = [_months(study, moment, zone) for moment in MOMENTS]
    return [
        [f"{month:%Y-%m}", *(str(column[month]) for column in columns)]
        for month in sorted(set().union(*columns))
    ]


def _months(study: Study, moment: str, zone: ZoneInfo) -> Counter[datetime]:
    """How many people came past a moment in each month, by when the month began."""
    months = (
        _people(study).exclude(**{moment: None}).annotate(month=TruncMonth(moment, tzinfo=zone))
    )
    return Counter(dict(months.values_list("month").annotate(Count("pk"))))


def panel_flow(study: Study, person: User, at: datetime) -> Panel:
    """From the first screening answer to leaving, pooled; where people left and why."""
    everybody = groups(study)
    states = _counted(everybody, "state")
    return Panel(
        title=_("Flow of participants"),
        figures=[
            Figure(
                _("Screened"),
                str(_sum(everybody, "screened")),
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
                str(_sum(everybody, "verified")),
                definition=_("Entered the code that was mailed to them, whatever came later."),
            ),
            Figure(
                _("Consented"),
                str(_sum(everybody, "consented")),
                definition=_("Signed the consent form, whatever came later."),
            ),
            Figure(
                _("Randomised"),
                str(_sum(everybody, "randomised")),
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


def _corrected(everybody: Iterable[Group]) -> Figure:
    pages = _counted((each for each in everybody if each.corrected_stage), "corrected_stage")
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


def _left(everybody: Iterable[Group], study: Study) -> list[list[str]]:
    told = {"completed": "randomised"} if studies.hides_completion(study) else {}
    left = Counter[tuple[str, str, str]]()
    for each in everybody:
        if each.state in {"excluded", "withdrawn"}:
            stage = told.get(each.left_stage, each.left_stage)
            left[each.state, stage, each.left_reason] += each.screened
    rows: list[list[str]] = []
    protocol = study.current.protocol
    for state, heading in (("excluded", _("Before consent")), ("withdrawn", _("After consent"))):
        found = [
            [*left_words(stage, reason, protocol), str(count)]
            for (left_as, stage, reason), count in sorted(left.items())
            if left_as == state
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
    randomised = _sum(groups(study), "randomised")
    uses = ModuleUse.objects.filter(
        participant__study=study, participant__randomised_at__isnull=False
    )
    used = uses.aggregate(begun=Count("pk"), done=Count("done_at"))
    users = _people(study).filter(
        Exists(ModuleUse.objects.filter(participant=OuterRef("pk"))), randomised_at__isnull=False
    )
    return Panel(
        title=_("Adherence"),
        figures=[
            Figure(
                _("Began the programme"),
                str(users.count()),
                of=_("of %(count)s randomised") % {"count": randomised},
                definition=_(
                    "Opened at least one module. Of everybody randomised, with access to the "
                    "programme or without."
                ),
            ),
            Figure(
                _("Modules begun"),
                _per_person(used["begun"], randomised),
                of=_("per person randomised; %(count)s in all") % {"count": used["begun"]},
                definition=_(
                    "Modules opened, divided by everybody randomised, with access or without."
                ),
            ),
            Figure(
                _("Modules done"),
                _per_person(used["done"], randomised),
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
