"""Who may be the second person, and what waits for one."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F, Max, Min, Q, QuerySet

from trial import permissions
from trial.models import Decision, Invitation, Membership, Participant, Proposal, Study, User
from trial.prepared import prepared
from trial.queries import staff

# kind of proposal -> what whoever agrees to it may do
AGREES = {"role": "agree_role", "lock": "agree_lock", "address": "agree_address"}
# Of these one of the two people knows arms; others of the staff neither hear nor read of them. ->
# what whoever asks may do
NEVER_CONCEALED_ALONE = {"address": "ask_address"}
LONG_ENOUGH = timedelta(days=14)
Neither = tuple[str, int | None]  # whoever asks, and the account that would get a role
RECENT = 50


def first_allocation(study: Study) -> datetime | None:
    """When the first person was randomised; None before that."""
    return Participant.objects.filter(study=study).aggregate(at=Min("randomised_at"))["at"]


def seconds(study: Study, kind: str, neither: Neither, at: datetime) -> QuerySet[User]:
    """Who may agree at `at`: staff who held a role before the first allocation or for 14 days, were
    not invited by whoever asks, and are `neither` that person nor the one who would get the
    role.
    """
    held = Membership.objects.filter(study=study, ended_at__isnull=True)
    found = _able(held, study, kind, neither, at)
    return User.objects.filter(pk__in=found.values("user")).order_by("pk")


def left_at(study: Study, kind: str, neither: Neither, at: datetime) -> datetime | None:
    """When the last of those who could have agreed left, if that is less than 14 days ago: nobody
    is to be sent away so that there is nobody.
    """
    left = Membership.objects.filter(study=study, ended_at__gt=at - LONG_ENOUGH)
    return _able(left, study, kind, neither, at).aggregate(at=Max("ended_at"))["at"]


def _able(
    among: QuerySet[Membership], study: Study, kind: str, neither: Neither, at: datetime
) -> QuerySet[Membership]:
    asked_by, receiver = neither
    every, first = Membership.objects.filter(study=study), first_allocation(study)
    long_enough = Q(ended_at__isnull=True, since_at__lte=at - LONG_ENOUGH) | Q(
        ended_at__gte=F("since_at") + LONG_ENOUGH
    )
    known = every if first is None else every.filter(Q(since_at__lt=first) | long_enough)
    return (
        among.filter(
            role__in=_agreeing(study, kind, asked_by),
            user__is_active=True,
            user__in=known.values("user"),
        )
        .exclude(user__in=every.filter(invitation__invited_by=asked_by).values("user"))
        .exclude(user__in=[number for number in (staff.number(asked_by), receiver) if number])
    )


def _agreeing(study: Study, kind: str, asked_by: str) -> frozenset[str]:
    """The roles of the second person."""
    asks = NEVER_CONCEALED_ALONE.get(kind)
    if asks:
        held = Membership.objects.filter(
            study=study, user=staff.number(asked_by), ended_at__isnull=True
        )
        if not held.filter(role__in=permissions.may_knowing_arms(asks)).exists():
            return permissions.may_knowing_arms(AGREES[kind])
    return _allowing(AGREES[kind])


def _allowing(*verbs: str) -> frozenset[str]:
    return frozenset(role for role, may in permissions.MAY.items() if may & set(verbs))


def may_agree(proposal: Proposal, at: datetime) -> QuerySet[User]:
    """Who may agree to this one."""
    return seconds(proposal.study, proposal.kind, (proposal.by, receiver(proposal)), at)


def receiver(proposal: Proposal) -> int | None:
    """The account that would get a role, where there is one."""
    invitation = Invitation.objects.filter(proposal=proposal).first()
    return staff.account_at(invitation.email) if invitation else None


def to_tell(study: Study, at: datetime) -> list[int]:
    """Everybody who works on a study, and whoever did until 14 days ago: that somebody was sent
    away first is told too.
    """
    recent = Q(ended_at__isnull=True) | Q(ended_at__gt=at - LONG_ENOUGH)
    found = Membership.objects.filter(recent, study=study, user__is_active=True)
    return list(found.order_by("user").values_list("user", flat=True).distinct())


def to_tell_of(study: Study, kind: str) -> list[int]:
    """Whoever may ask or agree to what not all of the staff are told of."""
    held = Membership.objects.filter(study=study, ended_at__isnull=True, user__is_active=True)
    found = held.filter(role__in=_allowing(NEVER_CONCEALED_ALONE[kind], AGREES[kind]))
    return list(found.order_by("user").values_list("user", flat=True).distinct())


def of_staff(user: User) -> QuerySet[Proposal]:
    """What was asked of the staff in the studies of this person; what waits first, then the
    newest.
    """
    held = Membership.objects.filter(user=user, ended_at__isnull=True)
    seen = Q(study__in=held.values("study"), kind__in=AGREES.keys() - NEVER_CONCEALED_ALONE.keys())
    for kind, asks in NEVER_CONCEALED_ALONE.items():
        able = held.filter(role__in=_allowing(asks, AGREES[kind]))
        seen |= Q(study__in=able.values("study"), kind=kind)
    return (
        Proposal.objects.filter(seen)
        .select_related("study", "decision", "invitation", "participant__key", "address_change")
        .order_by(F("decision__pk").desc(nulls_first=True), "-pk")
    )


def role_in(user: User, proposal: Proposal) -> str:
    """The role in which this person speaks about it: one that may agree, where they have one."""
    return role_for(
        user, proposal.study, AGREES[proposal.kind], proposal.kind in NEVER_CONCEALED_ALONE
    )


def role_for(user: User, study: Study, verb: str, prefers_knowing: bool) -> str:
    """The role in which somebody does this: one that may, and if wanted one that knows arms, so
    that the trail shows it.
    """
    held = permissions.roles(user, study)
    able = {role for role in held if verb in permissions.MAY[role]}
    knowing = able & permissions.KNOW_ARMS if prefers_knowing else set()
    return min(knowing or able or held, default="")


def is_late(proposal: Proposal, at: datetime) -> bool:
    """Whether its time is over, and nobody's silence makes it pass."""
    return proposal.until_at is not None and proposal.until_at <= at and not proposal.passes_alone


def is_over(proposal: Proposal, at: datetime) -> bool:
    """Whether nobody can agree any more."""
    return is_late(proposal, at) or Decision.objects.filter(proposal=proposal).exists()


def waiting(study: Study, kind: str) -> Proposal | None:
    """The newest of its kind that nothing came of yet."""
    return (
        Proposal.objects.filter(study=study, kind=kind, decision__isnull=True)
        .order_by("-pk")
        .first()
    )


def agreed(study: Study, kind: str) -> Proposal | None:
    """The newest of its kind that was agreed to, or that nobody objected to."""
    found = Proposal.objects.filter(
        study=study, kind=kind, decision__is_agreed=True
    ).select_related("decision")
    return found.order_by("-pk").first()


@prepared
def due(at: datetime) -> QuerySet[Proposal]:
    """Those whose time is over."""
    return (
        Proposal.objects.filter(decision__isnull=True, until_at__lte=at)
        .select_related("study")
        .order_by("pk")
    )
