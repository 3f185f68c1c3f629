"""What the worker makes because somebody asked for it, and the files that came of it."""

from __future__ import annotations

from django.db import models

from trial import lifecycles
from trial.models.studies import Study
from trial.models.work import new_handle


class EndedBefore(Exception):
    """Somebody else has ended this job meanwhile."""


class MadeInVain(Exception):
    """Each worker that began this job was gone before it had ended it."""


class Job(models.Model):
    """Something that was asked for: the worker makes it, once. `product` is a name of
    settings.PRODUCTS. What was made is kept as it was made, until somebody removes it; the row
    stays.
    """

    no_facts = "made from facts: its event names the hash of its snapshot"

    BLINDED, BY_ARM = "blinded", "by_arm"
    REQUESTED, MADE, FAILED, REMOVED = "requested", "made", "failed", "removed"

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    product = models.CharField(max_length=30)
    kind = models.CharField(max_length=10, choices=[(BLINDED, BLINDED), (BY_ARM, BY_ARM)])
    language = models.CharField(max_length=5, default="en")
    state = models.CharField(max_length=10, choices=lifecycles.states("job"), default=REQUESTED)
    requested_by = models.CharField(max_length=80)
    requested_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True, blank=True)  # a worker is at it since then
    claim = models.CharField(max_length=20, blank=True)  # of that worker, and of no other
    attempts = models.PositiveSmallIntegerField(default=0)
    # Its folder on disk. Not its number: a copy of this database gives the same number to another.
    folder = models.CharField(max_length=20, editable=False, default=new_handle)
    made_at = models.DateTimeField(null=True, blank=True)
    failure = models.CharField(max_length=60, blank=True)  # a code, or the kind of an error
    # What its event says of it (snapshot, seal, outcome), and the seconds that it took.
    found = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["state", "requested_at"])]

    def __str__(self) -> str:
        return f"{self.product} {self.pk}"

    @property
    def is_by_arm(self) -> bool:
        return self.kind == self.BY_ARM

    @property
    def snapshot_hash(self) -> str:
        return self.found.get("snapshot_sha256", "")

    @property
    def places(self) -> int | None:
        """How many places of the audit trail did not hold together, where that was asked."""
        return int(self.found["places"]) if "places" in self.found else None

    @property
    def seal(self) -> str:
        """The newest seal of the audit trail when it was made."""
        return self.found.get("seal", "")

    @property
    def seal_number(self) -> str:
        return self.seal.partition(":")[0]


class JobFile(models.Model):
    """A file of a job. `place` is its name in the folder of the job, `size` and `sha256` are of its
    content. Without the key, which goes with the row, nobody reads it, wherever a copy lies.
    """

    no_facts = "of what was made from facts"
    sealed_under = {"key_sealed": "master"}

    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="files")
    name = models.CharField(max_length=40)
    place = models.CharField(max_length=40, unique=True)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    key_sealed = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "name"], name="one_file_of_a_name_for_a_job")
        ]
