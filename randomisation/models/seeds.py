from __future__ import annotations

from django.db import models

from trial import vault
from trial.facts import Fact
from trial.models import Study


class SealedSeed(Fact):
    """The secret that every draw of a study comes from: encrypted under keys outside the database,
    with what was published of it before the first allocation.
    """

    append_only = True
    fact_columns = {1: "study ciphertext commitment design_digest method merkle_root made_at"}
    sealed_under = {"ciphertext": "master"}
    facts_of = ""

    study = models.OneToOneField(Study, on_delete=models.PROTECT, related_name="+")
    ciphertext = models.TextField()
    commitment = models.CharField(max_length=64)
    design_digest = models.CharField(
        max_length=64
    )  # of the first point; those of the stages follow from the plan
    method = models.CharField(max_length=30)
    merkle_root = models.CharField(
        max_length=64, blank=True
    )  # over the salted leaves of the lists; none, no lists
    made_at = models.DateTimeField()

    @property
    def seed(self) -> bytes:
        """Opened with the keys from outside the database. Never to be shown before the study is
        locked.
        """
        return bytes.fromhex(vault.unseal(self.ciphertext))
