from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from django.db import models

from trial import lifecycles, vault
from trial.facts import SELF, Fact
from trial.models.accounts import User
from trial.models.studies import ProtocolVersion, Study
from trial.prepared import Answer, Statement, at_once, prepared


class Participant(Fact):
    """A person in a study, known by a code. Begins at the first screening answer, without a login
    or a name.

    `answers` holds what was answered to the study's own questions (age, site); it is emptied with
    the screening answers when somebody does not get in, or as soon as they cannot correct it any
    more.
    """

    fact_columns = {
        1: (
            "study version code state simulated language timezone earlier_zones site answers "
            "began_at verified_at consented_at "
            "randomised_at completed_at left_at left_stage left_reason corrected_stage "
            "programme_stopped_at erased_at"
        )
    }
    no_facts = {"user": "the login, which goes when the person is erased"}
    facts_of = SELF

    study = models.ForeignKey(  # the indexes below begin with it
        Study, on_delete=models.PROTECT, related_name="participants", db_index=False
    )
    version = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=12, unique=True)
    user = models.OneToOneField(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="participant"
    )
    state = models.CharField(
        max_length=10, choices=lifecycles.states("participant"), default="screening"
    )
    simulated = models.BooleanField(default=False)
    language = models.CharField(max_length=5)
    timezone = models.CharField(max_length=40)
    earlier_zones = models.JSONField(default=list)  # [until when, time zone], the oldest first
    site = models.CharField(max_length=20, blank=True)
    answers = models.JSONField(default=dict)
    began_at = models.DateTimeField()
    verified_at = models.DateTimeField(null=True, blank=True)
    consented_at = models.DateTimeField(null=True, blank=True)
    randomised_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    left_at = models.DateTimeField(null=True, blank=True)  # withdrew, or was turned away
    left_stage = models.CharField(max_length=20, blank=True)
    left_reason = models.CharField(max_length=40, blank=True)
    corrected_stage = models.CharField(
        max_length=20, blank=True
    )  # where a slip at the screening was put right
    programme_stopped_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["study", "state"]),
            models.Index(fields=["study", "timezone"], name="zones_of_study"),
            models.Index(fields=["study", "-began_at", "-id"], name="newest_of_study"),
            # Of whoever left and is not forgotten yet. The condition names no state, since SQLite
            # uses no index for `state = ?` whose condition says what it is.
            models.Index(
                fields=["state", "left_at"],
                name="left_and_not_forgotten",
                condition=models.Q(erased_at__isnull=True, left_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @classmethod
    def held(cls) -> models.QuerySet[Participant]:
        """Locked: taken before any other row of the person, and the head of their trail last. Rows
        that only point at the person (an alert, a message) do not wait for it.
        """
        return cls.objects.select_for_update(no_key=True)

    @staticmethod
    def standing(number: int, *asked: Statement) -> tuple[Participant, Sequence[Answer]]:
        """A row as it stands, locked, and what is asked as soon as it is; raises
        Participant.DoesNotExist.
        """
        locked, *answers = at_once(_standing.asked(number), *asked)
        found = _standing.made(locked.rows)
        if not found:
            raise Participant.DoesNotExist
        return found[0], answers

    def zone_at(self, moment: datetime) -> str:
        """The time zone in which this person was at a moment, as far as they told."""
        earlier = (
            zone for until, zone in self.earlier_zones if moment < datetime.fromisoformat(until)
        )
        return next(earlier, self.timezone)

    @property
    def reads_one_language(self) -> bool:
        """Whether pages and questions are all in the language that this person chose."""
        return self.state == "screening" or self.is_in_study

    @property
    def is_in_study(self) -> bool:
        return self.state in {"consented", "randomised", "completed"}

    @property
    def correctable(self) -> frozenset[str]:
        """The questions that turned this person away and that they may still correct: once, while
        their key is there.
        """
        if self.state != "excluded" or self.corrected_stage or self.erased_at:
            return frozenset()
        criterion = self.version.protocol.criterion(self.left_reason)
        return criterion.correctable if criterion else frozenset()

    def reread(self) -> None:
        """Lock the row and take over what has changed; study and version never do, so they are not
        asked again.
        """
        standing, _ = Participant.standing(self.pk)
        for field in self._meta.concrete_fields:
            if field.name not in {"study", "version"}:
                setattr(self, field.attname, getattr(standing, field.attname))
        self._state.fields_cache.pop("identity", None)

    def sealed(self, text: str) -> str:
        """`text` under this person's key; raises PersonKey.DoesNotExist once the person is
        erased.
        """
        return vault.seal_for(self.key.sealed_key, text) if text else ""

    def unsealed(self, token: str) -> str:
        return vault.unseal_for(self.key.sealed_key, token) if token else ""


@prepared
def _standing(person: int) -> models.QuerySet[Participant]:
    return Participant.held().filter(pk=person)


class PersonKey(models.Model):
    """The key of one person's contact details, free text and audit values. Deleting it erases them
    everywhere.
    """

    no_facts = "a key: what it opens is checked with it"
    sealed_under = {"sealed_key": "master"}

    participant = models.OneToOneField(Participant, on_delete=models.PROTECT, related_name="key")
    sealed_key = models.TextField()


class Identity(Fact):
    """Contact details, apart from research data and encrypted with the person's key."""

    fact_columns = {
        1: (
            "participant study name_sealed email_sealed phone_sealed call_times_sealed verified_at "
            "phone_changed_at"
        )
    }
    no_facts = {
        "email_hash": "finds the address that is a fact; made anew with another key",
        "phone_hash": "the same of the number",
    }
    sealed_under = {
        "name_sealed": "person",
        "email_sealed": "person",
        "phone_sealed": "person",
        "call_times_sealed": "person",
    }

    participant = models.OneToOneField(
        Participant, on_delete=models.PROTECT, related_name="identity"
    )
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    name_sealed = models.TextField()
    email_sealed = models.TextField()
    phone_sealed = models.TextField()
    call_times_sealed = models.TextField(blank=True)
    email_hash = models.CharField(max_length=64)
    phone_hash = models.CharField(max_length=64)
    verified_at = models.DateTimeField()
    phone_changed_at = models.DateTimeField(
        null=True, blank=True
    )  # whatever was known of the old number is over

    class Meta:
        verbose_name_plural = "identities"
        constraints = [
            models.UniqueConstraint(fields=["study", "email_hash"], name="one_person_per_address")
        ]
        indexes = [
            models.Index(fields=["email_hash"]),
            models.Index(fields=["study", "phone_hash"]),
        ]

    @property
    def name(self) -> str:
        return self.participant.unsealed(self.name_sealed)

    @property
    def email(self) -> str:
        return self.participant.unsealed(self.email_sealed)

    @property
    def phone(self) -> str:
        return self.participant.unsealed(self.phone_sealed)

    @property
    def call_times(self) -> list[str]:
        """Preferred times for calls: codes such as `mon-evening`, in the order of the week."""
        return json.loads(self.participant.unsealed(self.call_times_sealed) or "[]")


class AddressChange(models.Model):
    """Another e-mail address, the only key to sign in. The old one can take it back for seven days.

    One that staff asked for has a `proposal` and waits until `due_at`; the old address can stop it
    before. The new address stands here alone, and only while it waits.
    """

    no_facts = "the way back for the old address; the address itself is a fact of Identity"
    sealed_under = {"old_sealed": "person", "new_sealed": "person"}

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="+")
    proposal = models.OneToOneField(
        "trial.Proposal", null=True, on_delete=models.PROTECT, related_name="address_change"
    )
    old_sealed = models.TextField()
    new_sealed = models.TextField(blank=True)
    nonce = models.CharField(max_length=32)  # what the link that is mailed is derived from
    token_hash = models.CharField(max_length=64, unique=True)
    due_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)  # over before it took effect
    taken_back_at = models.DateTimeField(null=True, blank=True)

    @property
    def is_waiting(self) -> bool:
        return self.changed_at is None and self.stopped_at is None


class Consent(Fact):
    """What was agreed to, word for word, and when. Signed by the verified person."""

    append_only = True
    fact_columns = {
        1: (
            "participant version kind text_version language text_sha256 statements comprehension "
            "signature_sealed "
            "signed_at"
        )
    }
    sealed_under = {"signature_sealed": "person"}

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="consents")
    version = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, default="study")  # screening | study
    text_version = models.CharField(max_length=20)
    language = models.CharField(max_length=5)
    text_sha256 = models.CharField(max_length=64)
    statements = models.JSONField(default=list)
    comprehension = models.JSONField(default=dict)  # attempts per question until right
    signature_sealed = models.TextField(blank=True)
    signed_at = models.DateTimeField()
