"""Inviting staff to a study, and their accepting. In a live study a second person agrees before a
link works.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.db import transaction

from trial import audit, contact_details, hooks, permissions, vault
from trial.actions import drafts, lost_mailbox, messages, proposals, tokens
from trial.actions.once import once
from trial.actors import Actor
from trial.models import Decision, Invitation, Membership, Proposal, Study, User
from trial.queries import proposals as asked
from trial.queries import staff as reads
from trial.queries.installation import the_installation

VALID = timedelta(days=14)


class UnknownRole(Exception):
    """The role is not one of permissions.ROLES."""


class InvitationNotValid(Exception):
    """The link was used, has expired or never existed."""


class AlreadyInvited(Exception):
    """This address has an invitation to this role that still works: `invitation`."""

    def __init__(self, invitation: Invitation) -> None:
        self.invitation = invitation
        super().__init__(
            f"invited as {invitation.role} already, until {invitation.expires_at:%Y-%m-%d}"
        )


class HasRole(Exception):
    """The person at this address has this role in this study."""


class WouldUnblind(Exception):
    """Two roles that nobody holds together: one is blinded and the other knows who is called, or
    one runs the study and the other locks it. `roles` are held or offered already.
    """

    def __init__(self, roles: set[str]) -> None:
        self.roles = sorted(roles)
        super().__init__(f"is {', '.join(self.roles)} of this study: nobody holds both")


class NotKnowingly(Exception):
    """A researcher would learn who is called: allowed, where whoever invites them says that they
    know. See `roles`.
    """

    def __init__(self, roles: set[str]) -> None:
        self.roles = sorted(roles)
        super().__init__(
            f"is {', '.join(self.roles)} of this study: both would tell a researcher the arms"
        )


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def token_of(invitation: Invitation) -> str:
    """The link's token: derived, so that the mail can be composed at hand-over and nothing readable
    is stored.
    """
    return vault.keyed_hash(
        "invitation", f"{invitation.email_hash}|{invitation.invited_at.isoformat()}"
    )


@once
def invite(
    *, study: Study | None, email: str, role: str, knowingly: bool = False, by: Actor, at: datetime
) -> Invitation:
    """Invite somebody by mail to a role in a study; without a study, to start an installation as a
    researcher.

    In a study that is not simulated the link works once a second person has agreed. Before the
    first allocation one person of each role needs none (docs/adr/0008).

    Raises AlreadyInvited while an earlier invitation to the same works or waits, and HasRole where
    there is nothing to invite to; in a study that is not simulated WouldUnblind, and NotKnowingly
    unless `knowingly`.
    """
    if role not in permissions.ROLES:
        raise UnknownRole(f"{role!r} is not a role; roles are {', '.join(permissions.ROLES)}")
    email = contact_details.email_address(email)
    _check_new(study, email, role, at)
    beside = _check_blinding(study, email, role, knowingly, at) if study else []
    proposal = None
    if study and not _is_free(study, role, at):
        receiver = reads.account_at(email)
        proposal = proposals.ask_staff(study=study, kind="role", receiver=receiver, by=by, at=at)
    invitation = Invitation(
        study=study,
        role=role,
        email_sealed=vault.seal(email),
        email_hash=vault.address_hash(email),
        invited_by=str(by),
        invited_at=at,
        proposal=proposal,
        expires_at=at + VALID,
    )
    invitation.token_hash = token_hash(token_of(invitation))
    invitation.save()
    if study:
        new: dict[str, object] = {"role": role}
        new |= {"knowingly_beside": beside} if beside else {}
        new |= {"proposal": proposal.pk} if proposal else {}
        audit.record(
            study, "staff invited", subject=f"invitation {invitation.pk}", new=new, by=by, at=at
        )
    else:
        audit.record(
            the_installation(), "staff invited", subject=f"invitation {invitation.pk}", by=by, at=at
        )
    if proposal is None:
        _offer(invitation, by=by, at=at)
    return invitation


def _is_free(study: Study, role: str, at: datetime) -> bool:
    """Nobody is there to be unblinded to in a simulated study; before the first allocation one of
    each role is free.
    """
    if study.simulated:
        return True
    is_first = not Membership.objects.filter(study=study, role=role).exists()
    is_first = is_first and not reads.standing(at).filter(study=study, role=role).exists()
    return is_first and asked.first_allocation(study) is None


def _offer(invitation: Invitation, *, by: Actor, at: datetime) -> None:
    """From now on the link works, and it is mailed."""
    invitation.offered_at, invitation.expires_at = at, at + VALID
    invitation.save(update_fields=["offered_at", "expires_at"])
    ref = str(invitation.pk)
    messages.queue(
        study=invitation.study,
        participant=None,
        kind="invitation",
        subject_ref=ref,
        due_at=at,
        at=at,
        by=by,
    )


def decided(*, proposal: Proposal, is_agreed: bool, by: Actor, at: datetime) -> None:
    """What follows when a second person has agreed to a role, or has not."""
    invitation = Invitation.objects.select_for_update().get(proposal=proposal)
    if is_agreed:
        _offer(invitation, by=by, at=at)
    elif invitation.withdrawn_at is None:
        _withdraw(invitation, by=by, at=at)


def _check_new(study: Study | None, email: str, role: str, at: datetime) -> None:
    if study:
        Study.held().get(pk=study.pk)  # two invitations at one moment: the second sees the first
    invited = (
        reads.standing(at)
        .filter(study=study, role=role, email_hash=vault.address_hash(email))
        .first()
    )
    if invited:
        raise AlreadyInvited(invited)
    held = Membership.objects.filter(study=study, role=role, ended_at__isnull=True)
    if study and held.filter(user__emailaddress__email__iexact=email).exists():
        raise HasRole(f"is {role} of {study.slug} already")


def _check_blinding(
    study: Study, email: str, role: str, knowingly: bool, at: datetime
) -> list[str]:
    """The roles beside which this one tells a researcher the arms. In a simulated study there are
    no arms to know of.
    """
    if study.simulated:
        return []
    held = reads.roles_at(email, study, at)
    if undone := held & permissions.never_beside(role):
        raise WouldUnblind(undone)
    beside = held & permissions.knowingly_beside(role)
    if beside and not knowingly:
        raise NotKnowingly(beside)
    return sorted(beside)


@once
def withdraw_invitation(*, invitation: Invitation, by: Actor, at: datetime) -> Invitation:
    """The link stops working and a mail that is still to go does not go. Raises InvitationNotValid
    when it is over.
    """
    found = reads.standing(at).select_for_update().filter(pk=invitation.pk).first()
    if found is None:
        raise InvitationNotValid
    return _withdraw(found, by=by, at=at)


def _withdraw(invitation: Invitation, *, by: Actor, at: datetime) -> Invitation:
    invitation.withdrawn_at = at
    invitation.save(update_fields=["withdrawn_at"])
    if invitation.proposal and not Decision.objects.filter(proposal=invitation.proposal).exists():
        proposals.settle(proposal=invitation.proposal, is_agreed=False, by=by, at=at)
    if invitation.study:
        audit.record(
            invitation.study,
            "invitation withdrawn",
            subject=f"invitation {invitation.pk}",
            old={"role": invitation.role},
            by=by,
            at=at,
        )
    return invitation


def find(token: str, at: datetime) -> Invitation:
    """The invitation of a link; raises InvitationNotValid."""
    found = (
        reads.standing(at).filter(token_hash=token_hash(token), offered_at__isnull=False).first()
    )
    if found is None:
        raise InvitationNotValid
    return found


def existing_user(invitation: Invitation) -> User | None:
    address = (
        EmailAddress.objects.filter(email__iexact=invitation.email).select_related("user").first()
    )
    return address.user if address else None


@transaction.atomic
def accept(*, token: str, full_name: str = "", password: str = "", by: Actor, at: datetime) -> User:
    """Use the link: makes the account unless the address has one, and gives the role. The link
    works once.

    Whoever starts an installation is researcher of what the machine loaded and nobody works on
    (docs/adr/0008).
    """
    invitation = reads.standing(at).select_for_update().filter(pk=find(token, at).pk).first()
    if invitation is None:
        raise InvitationNotValid
    user = existing_user(invitation) or make_user(
        email=invitation.email, full_name=full_name, password=password
    )
    invitation.accepted_at = at
    invitation.save(update_fields=["accepted_at"])
    if invitation.study is None:
        user.is_staff = True  # may load studies
        user.save(update_fields=["is_staff"])
        audit.record(
            the_installation(), "may load studies", subject=f"staff {user.pk}", by=by, at=at
        )
        list(Study.held().filter(state="draft"))  # one at a time: the second finds somebody there
        for study in reads.nobodys_studies(at):
            join(study=study, user=user, role="researcher", invitation=invitation, by=by, at=at)
    else:
        join(
            study=invitation.study,
            user=user,
            role=invitation.role,
            invitation=invitation,
            by=by,
            at=at,
        )
    return user


def make_user(*, email: str, full_name: str, password: str) -> User:
    """An account; without a password nobody can sign in to it."""
    user = User.objects.create_user(
        username=secrets.token_hex(16), email=email, password=password or None, full_name=full_name
    )
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


@transaction.atomic
def join(
    *,
    study: Study,
    user: User,
    role: str,
    invitation: Invitation | None = None,
    by: Actor,
    at: datetime,
) -> Membership:
    """Give a role, and tell all staff. Whoever has it keeps it, since when they have it; whoever
    had it gets it anew.

    Without an invitation only to whoever loads a study, and in a rehearsal. Raises WouldUnblind.
    """
    undone = permissions.roles(user, study) & permissions.never_beside(role)
    if undone and not study.simulated:
        raise WouldUnblind(undone)
    membership, is_new = Membership.objects.get_or_create(
        study=study,
        user=user,
        role=role,
        ended_at=None,
        defaults={"since_at": at, "invitation": invitation},
    )
    if is_new:
        audit.record(
            study, "role given", subject=f"staff {user.pk}", new={"role": role}, by=by, at=at
        )
        proposals.tell_staff(study=study, kind="role_given", about=membership.pk, by=by, at=at)
    return membership


@once
def end_role(*, membership: Membership, by: Actor, at: datetime) -> Membership:
    """Take a role away, and with it every link that would give it back and what its holder asked
    for and nobody decided; what the person did stays theirs.
    """
    if membership.ended_at is None:
        # First, since it locks people, who are locked before the trail of the study.
        lost_mailbox.take_back_asked_by(membership, by=by, at=at)
        membership.ended_at = at
        membership.save(update_fields=["ended_at"])
        for follow in hooks.ROLE_ENDED:
            follow(membership, at)
        drafts.forget_of_role(membership)
        audit.record(
            membership.study,
            "role ended",
            subject=f"staff {membership.user_id}",
            old={"role": membership.role},
            by=by,
            at=at,
        )
        _take_back(membership, by=by, at=at)
        tokens.end_all(user=membership.user, by=by, at=at)
    invited = reads.standing(at).filter(study=membership.study, role=membership.role)
    for invitation in invited.filter(email_hash=vault.address_hash(membership.user.email)):
        _withdraw(invitation, by=by, at=at)
    return membership


def _take_back(membership: Membership, *, by: Actor, at: datetime) -> None:
    """What was asked for in a role goes with it."""
    whose = {"by": f"staff {membership.user_id}", "role": membership.role}
    open_ones = Proposal.objects.filter(
        study=membership.study, kind__in=asked.AGREES, decision__isnull=True, **whose
    )
    for proposal in open_ones.order_by("pk"):
        proposals.settle(proposal=proposal, is_agreed=False, by=by, at=at)
        if proposal.kind == "role":
            decided(proposal=proposal, is_agreed=False, by=by, at=at)
