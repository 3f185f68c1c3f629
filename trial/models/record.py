from __future__ import annotations

from django.db import models

from trial.models.fields import Bytes


class Stamp(models.Model):
    """What this database is for: a rehearsal or a live study. Written once, at the first
    migration.
    """

    append_only = True
    no_facts = "of the database, not of a study; append-only"
    sealed_under = {"marker_sealed": "master"}

    kind = models.CharField(max_length=10)
    stamped_at = models.DateTimeField()
    marker_sealed = (
        models.TextField()
    )  # says nothing: whether it opens tells whether these are the keys of this database


class AuditEvent(models.Model):
    """One thing that happened. Text on its own: no foreign keys, no contact details, no answers in
    clear.

    The primary key is the stream and the number in it, so that every column is covered by the
    chain.
    """

    append_only = True
    no_facts = "the trail itself"

    pk = models.CompositePrimaryKey("stream", "number")
    stream = Bytes(max_length=80)
    number = models.PositiveIntegerField()
    study = models.CharField(max_length=50)
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=120)
    by = models.CharField(max_length=80)
    role = models.CharField(max_length=20, blank=True)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    old = models.TextField(blank=True)
    new = models.TextField(blank=True)
    reason = models.TextField(blank=True)
    # The rows it is about, as they stand after it (trial/facts.py), and the audit key of their
    # digests: null in an event from before there were digests.
    facts = models.TextField(blank=True)
    facts_key = models.PositiveSmallIntegerField(null=True)
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        indexes = [models.Index(fields=["study", "action", "subject"], name="events_by_action")]

    @property
    def key(self) -> str:
        return f"{self.stream}#{self.number}"


class AuditHead(models.Model):
    """The newest link of a stream: the row a writer locks last."""

    no_facts = "the trail itself"

    stream = Bytes(primary_key=True, max_length=80)
    study = models.CharField(max_length=50)
    number = models.PositiveIntegerField()
    hash = models.CharField(max_length=64)

    class Meta:
        indexes = [models.Index(fields=["study", "stream"], name="heads_of_study")]


class AuditSeal(models.Model):
    """All stream heads of a study that moved since the seal before, in one chain. The newest is
    printed in every report.
    """

    append_only = True
    no_facts = "the trail itself"

    key = models.CharField(primary_key=True, max_length=90)
    study = models.CharField(max_length=50)
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "number"], name="one_seal_per_number")
        ]


class AuditSealedHead(models.Model):
    """How far a stream was when a seal was made. By its primary key no head is sealed twice."""

    append_only = True
    no_facts = "the trail itself"

    pk = models.CompositePrimaryKey("stream", "number")
    seal = Bytes(max_length=90)
    stream = Bytes(max_length=80)
    number = models.PositiveIntegerField()
    hash = models.CharField(max_length=64)

    class Meta:
        indexes = [models.Index(fields=["seal", "stream"], name="heads_of_seal")]

    @property
    def key(self) -> str:
        return f"{self.seal}/{self.stream}"


class FailedSignIns(models.Model):
    """How often signing in as staff failed in one hour; told to the trail when the hour is over."""

    no_facts = "a count that is told to the trail once its hour is over"

    hour = models.DateTimeField(unique=True)
    count = models.PositiveIntegerField(default=0)
    told_at = models.DateTimeField(null=True, blank=True)
