from __future__ import annotations

from functools import cached_property
from typing import Any

from django.db import models

from trial import lifecycles, sections


class Study(models.Model):
    """A study and where it stands. What it is stands in its protocol versions."""

    slug = models.SlugField(unique=True)
    public_slug = models.SlugField(unique=True)
    code_prefix = models.CharField(max_length=3)
    state = models.CharField(max_length=10, choices=lifecycles.states("study"), default="draft")
    simulated = models.BooleanField(default=False)
    loaded_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    locked_at = models.DateTimeField(null=True, blank=True)
    open_languages = models.JSONField(default=list)

    def __str__(self) -> str:
        return self.slug

    @cached_property
    def current(self) -> ProtocolVersion:
        """The newest protocol version: what newcomers consent to."""
        return self.versions.order_by("-number")[0]

    @property
    def is_recruiting(self) -> bool:
        return self.state == "open"


class ProtocolVersion(models.Model):
    """What a study folder said, word for word, at one moment. Nothing edits one in place; the database refuses it."""

    append_only = True

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    document = models.JSONField()
    sealed = models.TextField(blank=True)  # the restriction of the randomisation, under the master keys
    loaded_at = models.DateTimeField()
    loaded_by = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["study", "number"], name="one_version_per_number")]

    def __str__(self) -> str:
        return f"{self.study} version {self.number}"

    @cached_property
    def protocol(self) -> sections.Study:
        return sections.Study.model_validate(self.document["study"])

    @cached_property
    def programme(self) -> sections.Programme | None:
        found = self.document.get("programme")
        return sections.Programme.model_validate(found) if found else None

    @cached_property
    def consent(self) -> sections.Consent:
        return sections.Consent.model_validate(self.document["consent"])

    def section(self, name: str) -> dict[str, Any]:
        """The part of the document that another app parses."""
        return self.document[name]


class Confirmation(models.Model):
    """A person's recorded word that something not official is right: a wording, a crisis line."""

    append_only = True

    version = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="confirmations")
    kind = models.CharField(max_length=20)  # wording | crisis_line
    subject = models.CharField(max_length=120)  # PHQ9:nl, or the line's name
    simulated = models.BooleanField(default=False)
    confirmed_by = models.CharField(max_length=80)
    confirmed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "kind", "subject"], name="one_confirmation")]
