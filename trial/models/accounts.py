from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models

from trial import vault
from trial.facts import Fact


class User(AbstractUser):
    """A login. Staff have an e-mail address; a participant's login has a random name and an empty
    address.
    """

    no_facts = "a login: what somebody is to a study stands in a membership"

    first_name = None  # type: ignore[assignment]  # a name is kept in Identity, or not at all
    last_name = None  # type: ignore[assignment]
    full_name = models.CharField(max_length=120, blank=True)  # staff only

    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return f"user {self.pk}"


class Membership(Fact):
    """Who does what in which study, and did: a role that is given again is a row of its own."""

    fact_columns = {1: "study user role invitation since_at ended_at"}
    facts_of = ""

    study = models.ForeignKey("trial.Study", on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=20)
    # None: they loaded the study, or it is a rehearsal's.
    invitation = models.ForeignKey(
        "trial.Invitation", null=True, on_delete=models.PROTECT, related_name="+"
    )
    since_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["study", "user", "role"],
                condition=models.Q(ended_at__isnull=True),
                name="one_open_membership_per_role",
            )
        ]


class Invitation(models.Model):
    """An invitation of staff: the address encrypted, the link's token only as a hash.

    Without `offered_at` the link does not work: it waits for what comes of `proposal`.
    """

    no_facts = "an offer: what came of it is a membership"
    sealed_under = {"email_sealed": "master"}

    study = models.ForeignKey(
        "trial.Study", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    role = models.CharField(max_length=20)
    email_sealed = models.TextField()
    email_hash = models.CharField(max_length=64)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.CharField(max_length=80)
    invited_at = models.DateTimeField()
    proposal = models.OneToOneField(
        "trial.Proposal", null=True, on_delete=models.PROTECT, related_name="invitation"
    )
    offered_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    @property
    def email(self) -> str:
        return vault.unseal(self.email_sealed)


class ApiToken(models.Model):
    """What a program signs in with, for at most 90 days: known by its hash alone, so that nobody
    can read it from here.
    """

    no_facts = "how somebody signs in: nothing of a study"

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=60)
    salt = models.CharField(max_length=64)
    token_hash = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
