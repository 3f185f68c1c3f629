"""Invitations of staff, and their names, for pages only: the audit trail and the rows keep the
number.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from allauth.account.models import EmailAddress
from django.db.models import QuerySet

from trial import vault
from trial.models import Invitation, Membership, Study, User


def number(actor: str) -> int | None:
    """The number of `staff 3`; None for anybody else."""
    kind, _, identifier = actor.partition(" ")
    return int(identifier) if kind == "staff" and identifier.isdigit() else None


def account_at(email: str) -> int | None:
    """The number of the account with this address."""
    return (
        EmailAddress.objects.filter(email__iexact=email.strip())
        .values_list("user", flat=True)
        .first()
    )


def standing(at: datetime) -> QuerySet[Invitation]:
    """Invitations whose link works, or will once a second person agrees."""
    return Invitation.objects.filter(
        accepted_at__isnull=True, withdrawn_at__isnull=True, expires_at__gt=at
    )


def unanswered(study: Study) -> QuerySet[Invitation]:
    """Invitations to a study that were neither accepted nor withdrawn, newest first; some are
    over.
    """
    found = Invitation.objects.filter(
        study=study, accepted_at__isnull=True, withdrawn_at__isnull=True
    )
    return found.order_by("-invited_at", "-pk")


def roles_at(email: str, study: Study, at: datetime) -> set[str]:
    """The roles in a study of whoever has this address: held now, or offered by a link that
    works.
    """
    people = EmailAddress.objects.filter(email__iexact=email.strip()).values("user")
    addresses = {
        email,
        *EmailAddress.objects.filter(user__in=people).values_list("email", flat=True),
    }
    held = Membership.objects.filter(study=study, user__in=people, ended_at__isnull=True)
    offered = standing(at).filter(
        study=study, email_hash__in={vault.address_hash(each) for each in addresses}
    )
    return {*held.values_list("role", flat=True), *offered.values_list("role", flat=True)}


def nobodys_studies(at: datetime) -> QuerySet[Study]:
    """Drafts on which nobody works or ever did, and to which nobody is invited: the machine loaded
    them.
    """
    promised = standing(at).filter(study__isnull=False).values("study")
    return (
        Study.objects.filter(state="draft", memberships=None)
        .exclude(pk__in=promised)
        .order_by("pk")
    )


def loaders() -> QuerySet[User]:
    """Who may load studies without being researcher of one: for whom the installation was
    started.
    """
    return User.objects.filter(is_staff=True, is_active=True)


def only_loader() -> User | None:
    """Whom a study is for that the machine loads; None where that is nobody, or could be
    several.
    """
    found = list(loaders()[:2])
    return found[0] if len(found) == 1 else None


def names(actors: Iterable[str]) -> dict[str, str]:
    """Names by actor such as `staff 3`; whoever is no staff stays out."""
    numbers = {actor.removeprefix("staff ") for actor in actors if actor.startswith("staff ")}
    if not numbers:
        return {}
    people = User.objects.filter(pk__in=numbers).values_list("pk", "full_name", "email")
    return {f"staff {pk}": name or email for pk, name, email in people}
