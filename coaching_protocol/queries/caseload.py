"""Whom to call now: people with their next call, sorted by what is due, a page at a time, and one
person with every call so far.

A coach sees their own people; a supervisor everybody of the study who is coached. Nothing here
knows an arm or a score.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypedDict

from django.db.models import (
    Count,
    Exists,
    F,
    FilteredRelation,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.urls import reverse

from coaching_protocol.models import (
    Attempt,
    CallSummary,
    CoachAssignment,
    CoachingPlan,
    Contact,
    Correction,
)
from coaching_protocol.queries import plans, turns
from coaching_protocol.queries.turns import Days, Share, Turn
from coaching_protocol.sections import Protocol
from trial.actors import Actor
from trial.models import AuditEvent, Membership, Participant, RequestKey, Study, User
from trial.queries import programme, studies

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class _Who(TypedDict):
        coach_pk: int | None
        coach_name: str | None
        supervised: bool
        last_outcome: str | None
        last_tried_at: datetime | None
        phone_changed_at: datetime | None

    class _Tries(TypedDict):
        tries: int
        last_try_at: datetime | None
        is_begun: bool

    Coached = WithAnnotations[CoachingPlan, _Who]
    Tried = WithAnnotations[Contact, _Tries]

NOBODY = "none"
TAKEN_BACK = "call taken back"  # the event of a call that was begun by mistake
LOGGED = Attempt.objects.filter(contact__plan=OuterRef("pk"), logged_at__isnull=False).order_by(
    "-logged_at", "-pk"
)
TRIED = LOGGED.values("started_at")[:1]
CHANGED = "participant__identity__phone_changed_at"


@dataclass(frozen=True)
class Row:
    """A person of the caseload, with every call of theirs."""

    plan: Coached
    turn: Turn
    contacts: tuple[Tried, ...]

    @property
    def contact(self) -> Tried | None:
        """The next call; None when every call is over."""
        return next((each for each in self.contacts if each.number == self.turn.number), None)

    @property
    def group(self) -> str:
        return self.turn.group

    @property
    def appointment_at(self) -> datetime | None:
        return self.turn.appointment_at

    @property
    def participant(self) -> Participant:
        return self.plan.participant

    @property
    def appointment_place(self) -> str:
        """Whether the appointment lies before, within or after the days of its call; within, where
        there is none.
        """
        return self.place(self.appointment_at) if self.appointment_at else "within"

    def place(self, at: datetime) -> str:
        """Where a moment lies by the days of the next call; within, when every call is over."""
        return self.contact.place(at, self.participant.timezone) if self.contact else "within"

    @property
    def has_wrong_number(self) -> bool:
        """The newest try went to somebody else, and the person has not given another number
        since.
        """
        return _is_wrong(
            self.plan.last_outcome, self.plan.last_tried_at, self.plan.phone_changed_at
        )

    @property
    def is_listed(self) -> bool:
        """Whoever has completed the study and has no call left is in no list any more."""
        return self.contact is not None or self.participant.completed_at is None

    @property
    def held(self) -> int:
        return sum(contact.state == "held" for contact in self.contacts)

    @property
    def total(self) -> int:
        return len(self.contacts)

    @property
    def protocol(self) -> Protocol:
        return plans.protocol(self.participant.version, self.plan.protocol)


@dataclass(frozen=True)
class Caseload:
    """Everybody whom `user` may call, read a slice at a time. `coach` is the number of one coach,
    `none` for people without one, empty for everybody.
    """

    user: User
    days: Days
    shares: Sequence[Share]
    supervised: Collection[int]
    calls: QuerySet[CallSummary]
    coach: str

    @property
    def groups(self) -> Counter[str]:
        """How many people each group has."""
        found = Counter[str]()
        for share in self.shares:
            if not self.coach or _name_of(share) == self.coach:
                found[share.group] += share.people
        return found

    def _groups_with(self, first: int, last: int) -> tuple[list[str], int]:
        """The groups in which these places of the list lie, and how many people come before them:
        nobody else is put in order.
        """
        among: list[str] = []
        before = place = 0
        for groups in turns.IN_ORDER:
            people = sum(self.groups[group] for group in groups)
            if place + people <= first:
                before += people
            elif place < last:
                among += groups
            place += people
        return among, before

    @property
    def coaches(self) -> list[tuple[str, str]]:
        """(value, name) of the coaches there are to choose between; an empty name stands for
        nobody.
        """
        found = {share.coach for share in self.shares if share.study in self.supervised}
        users = User.objects.filter(pk__in=[each for each in found if each]) if found else ()
        named = [(str(user.pk), user.full_name) for user in users]
        nobody = [(NOBODY, "")] if None in found else []
        return sorted([*named, *nobody], key=lambda coach: (coach[1], coach[0]))

    @property
    def studies(self) -> set[int]:
        return {share.study for share in self.shares}

    def __len__(self) -> int:
        return self.groups.total()

    def __iter__(self) -> Iterator[Row]:
        return iter(self[:])

    def __getitem__(self, part: slice) -> list[Row]:
        """What is due first. Three queries, however many people."""
        first, last, _ = part.indices(len(self))
        groups, before = self._groups_with(first, last)
        found = turns.listed(self.calls, self.days, groups)[first - before : last - before]
        return _rows(self.user, [turns.read(row) for row in found])


@dataclass(frozen=True)
class Call:
    """A planned call with the tries at it, as one person's page lists it."""

    contact: Contact
    tries: tuple[Try, ...]


@dataclass(frozen=True)
class Try:
    """A try as its log stands; `corrections` hold what stood there before, the first log first."""

    attempt: Attempt
    steps_required: int
    not_kept: tuple[dict[str, str], ...]
    note: str
    place: str  # whether it was made before, within or after the days of the call
    corrections: tuple[Earlier, ...] = ()


@dataclass(frozen=True)
class Earlier:
    correction: Correction
    not_kept: tuple[dict[str, str], ...]
    note: str


@dataclass(frozen=True)
class Coach:
    user: User
    people: int
    taken_back: int  # calls begun by mistake


@dataclass(frozen=True)
class Progress:
    """How somebody gets on in the programme: that and when, never what they wrote."""

    modules: tuple[programme.ModuleState, ...]

    @property
    def begun(self) -> int:
        return sum(module.begun_at is not None for module in self.modules)

    @property
    def done(self) -> int:
        return sum(module.done_at is not None for module in self.modules)

    @property
    def last_used_at(self) -> datetime | None:
        return max(
            (module.last_used_at for module in self.modules if module.last_used_at), default=None
        )

    def is_open(self, at: datetime) -> bool:
        return any(module.is_open(at) for module in self.modules)


def visible(user: User) -> QuerySet[Coached]:
    """Plans of people whom `user` may call. Each carries `coach_pk`, `coach_name` (None: nobody),
    `supervised`, `last_outcome` and `last_tried_at`, of the newest try that was logged, and
    `phone_changed_at`.
    """
    roles = Membership.objects.filter(study=OuterRef("study"), user=user, ended_at__isnull=True)
    return (
        CoachingPlan.objects.annotate(
            now=FilteredRelation("assignments", condition=Q(assignments__ended_at__isnull=True)),
            coach_pk=F("now__coach"),
            coach_name=F("now__coach__full_name"),
            supervised=Exists(roles.filter(role="supervisor")),
            last_outcome=Subquery(LOGGED.values("outcome")[:1]),
            last_tried_at=Subquery(TRIED),
            phone_changed_at=F(CHANGED),
        )
        .filter(Q(supervised=True) | Q(Exists(roles.filter(role="coach")), coach_pk=user.pk))
        .select_related("participant__study", "participant__version", "participant__key", "study")
    )


def has_wrong_number(participant: Participant) -> bool:
    """Whether somebody who is called has to give another number before they can be."""
    plan = CoachingPlan.objects.filter(participant=participant, ended_at__isnull=True)
    known = plan.values_list(Subquery(LOGGED.values("outcome")[:1]), Subquery(TRIED), F(CHANGED))
    return any(_is_wrong(*each) for each in known)


def _is_wrong(outcome: str | None, tried_at: datetime | None, changed_at: datetime | None) -> bool:
    """By the newest try that was logged, and by when the person gave another number, if ever."""
    if outcome != "wrong_number" or tried_at is None:
        return False
    return changed_at is None or changed_at < tried_at


def find(user: User, code: str, *, also_ended: bool = False) -> Coached | None:
    """The plan of one person of this caseload; `also_ended` for a call that is being made while
    somebody leaves.
    """
    found = visible(user).filter(participant__code=code)
    return (found if also_ended else found.filter(ended_at__isnull=True)).first()


def of(user: User, at: datetime, coach: str = "") -> Caseload:
    roles = Membership.objects.filter(
        user=user, role__in=("coach", "supervisor"), ended_at__isnull=True
    )
    held = set(roles.values_list("role", "study"))
    supervised, coached = (
        {study for role, study in held if role == wanted} for wanted in ("supervisor", "coach")
    )
    calls = CallSummary.objects.filter(
        Q(study__in=supervised) | Q(study__in=coached, coach=user), is_ended=False
    )
    days = turns.days(at, supervised | coached)
    shares = turns.shares(calls, days)
    return Caseload(user, days, shares, supervised, _of_coach(calls, shares, coach), coach)


def _of_coach(
    calls: QuerySet[CallSummary], shares: Sequence[Share], coach: str
) -> QuerySet[CallSummary]:
    if not coach:
        return calls
    if coach == NOBODY:
        return calls.filter(coach__isnull=True)
    return calls.filter(coach__in={share.coach for share in shares if _name_of(share) == coach})


def _name_of(share: Share) -> str:
    """A coach as the address names them."""
    return str(share.coach or NOBODY)


def row(plan: Coached, at: datetime) -> Row:
    """One person as the caseload lists them, or would; `plan` as `find` gives it."""
    days = Days(at, [plan.participant.timezone])
    return Row(plan, turns.of(plan, days), tuple(_contacts([plan.pk])))


def _rows(user: User, found: Sequence[Turn]) -> list[Row]:
    coached = visible(user).in_bulk([turn.plan for turn in found])
    contacts: dict[int, list[Tried]] = {pk: [] for pk in coached}
    for contact in _contacts(list(coached)):
        contacts[contact.plan_id].append(contact)
    return [
        Row(coached[turn.plan], turn, tuple(contacts[turn.plan]))
        for turn in found
        if turn.plan in coached
    ]


def calls(row: Row) -> list[Call]:
    """Every planned call of a person with its tries, notes readable."""
    tries: dict[int, list[Try]] = {}
    corrections: dict[int, list[Correction]] = {}
    for each in Correction.objects.filter(attempt__contact__plan=row.plan).select_related(
        "corrected_by"
    ):
        corrections.setdefault(each.attempt_id, []).append(each)
    for attempt in Attempt.objects.filter(contact__plan=row.plan).select_related(
        "contact", "coach"
    ):
        tries.setdefault(attempt.contact_id, []).append(
            _try(row.participant, attempt, corrections.get(attempt.pk, ()))
        )
    return [Call(contact, tuple(tries.get(contact.pk, ()))) for contact in row.contacts]


def tried(participant: Participant, attempt: Attempt) -> Try:
    """One try, with every log it had."""
    return _try(participant, attempt, attempt.corrections.select_related("corrected_by"))


def log_form(code: str, attempt: int) -> str:
    """The form in which a call is logged, as static/handvat/drafts.js names it."""
    return f"{reverse('coach:attempt', args=[code, attempt])}#attempt={attempt}"


def progress(participant: Participant) -> Progress:
    return Progress(tuple(programme.modules(participant)))


def has_later(contact: Contact) -> bool:
    """Whether a call after this one is still planned."""
    return Contact.objects.filter(
        plan=contact.plan_id, state="planned", number__gt=contact.number
    ).exists()


def coaches(study: Study) -> list[Coach]:
    """Who coaches in this study, how many people each has now, and how many calls each began by
    mistake.
    """
    mistakes = dict(
        AuditEvent.objects.filter(study=study.slug, action=TAKEN_BACK)
        .values_list("subject")
        .annotate(Count("number"))
    )
    load = dict(
        CallSummary.objects.filter(study=study, is_ended=False)
        .values_list("coach")
        .annotate(Count("pk"))
    )
    members = Membership.objects.filter(
        study=study, role="coach", ended_at__isnull=True
    ).select_related("user")
    return [
        Coach(each.user, load.get(each.user_id, 0), mistakes.get(f"staff {each.user_id}", 0))
        for each in members.order_by("user__full_name", "user_id")
    ]


def teams(found: Caseload) -> list[tuple[Study, list[Coach]]]:
    """The coaches of every study of these people that the reader supervises."""
    supervised = studies.by_slug(found.studies & set(found.supervised))
    return [(study, coaches(study)) for study in supervised]


def history(plan: CoachingPlan) -> list[CoachAssignment]:
    return list(
        CoachAssignment.objects.filter(plan=plan).select_related("coach").order_by("since_at", "pk")
    )


def number_shown_at(by: Actor, key: str) -> datetime | None:
    """When this very press of the button showed a number, if it did before."""
    pressed = RequestKey.objects.filter(
        person=str(by), action="coaching_protocol.calls.show_number", key=key
    )
    return pressed.values_list("claimed_at", flat=True).first()


def _contacts(plan_ids: list[int]) -> QuerySet[Tried]:
    """Contacts with `tries`, `last_try_at` and `is_begun` (somebody is on the phone, or forgot to
    log).
    """
    open_try = Attempt.objects.filter(contact=OuterRef("pk"), logged_at__isnull=True)
    found = Contact.objects.filter(plan__in=plan_ids).annotate(
        tries=Count("attempts"), last_try_at=Max("attempts__started_at"), is_begun=Exists(open_try)
    )
    return found.order_by("plan", "number")  # counting drops the model's own order


def _try(participant: Participant, attempt: Attempt, corrections: Iterable[Correction]) -> Try:
    described = plans.protocol(participant.version, attempt.protocol)

    def rules(codes: Collection[str]) -> tuple[dict[str, str], ...]:
        return tuple(each.text for each in described.must_not if each.code in codes)

    return Try(
        attempt=attempt,
        steps_required=len(described.steps),
        not_kept=rules(attempt.deviations),
        note=participant.unsealed(attempt.note_sealed),
        place=attempt.contact.place(attempt.started_at, participant.zone_at(attempt.started_at)),
        corrections=tuple(
            Earlier(each, rules(each.deviations), participant.unsealed(each.note_sealed))
            for each in corrections
        ),
    )
