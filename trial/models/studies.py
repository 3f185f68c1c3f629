from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import models

from trial import lifecycles, sections
from trial.facts import SELF, Fact


class Study(Fact):
    """A study and where it stands. What it is stands in its protocol versions."""

    fact_columns = {
        1: "slug public_slug code_prefix state simulated loaded_at opened_at closed_at locked_at "
        "open_languages"
    }
    facts_of = ""
    facts_in = SELF

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

    @classmethod
    def held(cls) -> models.QuerySet[Study]:
        """Locked: taken before any other row of the study, and the head of its trail last. Rows
        that only point at the study do not wait for it: they ask for its key when they are
        committed, with the head in hand.
        """
        return cls.objects.select_for_update(no_key=True)

    def __str__(self) -> str:
        return self.slug

    @cached_property
    def current(self) -> ProtocolVersion:
        """The newest protocol version: what newcomers consent to."""
        return self.versions.order_by("-number")[0]

    @property
    def is_recruiting(self) -> bool:
        return self.state == "open"


class ProtocolVersion(Fact):
    """What a study folder said, word for word, at one moment. Nothing edits one in place; the
    database refuses it.
    """

    append_only = True
    fact_columns = {1: "study number sha256 loaded_at loaded_by"}
    facts_of = ""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    loaded_at = models.DateTimeField()
    loaded_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "number"], name="one_version_per_number")
        ]

    def __str__(self) -> str:
        return f"{self.study} version {self.number}"

    @property
    def document(self) -> dict[str, Any]:
        return _parsed(self).document

    @property
    def protocol(self) -> sections.Study:
        return _parsed(self).protocol

    @property
    def programme(self) -> sections.Programme:
        return _parsed(self).programme

    @property
    def consent(self) -> sections.Consent:
        return _parsed(self).consent

    def section(self, name: str) -> dict[str, Any]:
        """The part of the document that another app parses."""
        return self.document[name]

    @property
    def sealed(self) -> str:
        """The restriction of the randomisation, under the master keys."""
        return ProtocolText.objects.values_list("sealed", flat=True).get(version=self)


class ProtocolText(Fact):
    """The content of a version, in a table of its own: it is large, and rows that point at a
    version are read often.
    """

    append_only = True
    fact_columns = {1: "version document sealed"}
    sealed_under = {"sealed": "master"}
    facts_of = ""
    facts_in = "version__study"

    version = models.OneToOneField(ProtocolVersion, on_delete=models.PROTECT, related_name="+")
    document = models.JSONField()
    sealed = models.TextField(blank=True)


@dataclass(frozen=True)
class _Parsed:
    document: dict[str, Any]
    protocol: sections.Study
    programme: sections.Programme
    consent: sections.Consent


_by_content: dict[str, _Parsed] = {}
MOST_PARSED = 32
NO_PROGRAMME = sections.Programme.model_validate(
    {
        "code": "none",
        "title": {},
        "weekly_minutes": 1,
        "pacing": {"days": 0, "needs_previous": False},
        "modules": [],
    }
)


def _parsed(version: ProtocolVersion) -> _Parsed:
    """Parsed once per process: a version never changes, and its hash says what is in it."""
    found = _by_content.get(version.sha256)
    if found is None:
        document = ProtocolText.objects.values_list("document", flat=True).get(version=version)
        programme = document.get("programme")
        found = _Parsed(
            document,
            sections.Study.model_validate(document["study"]),
            sections.Programme.model_validate(programme) if programme else NO_PROGRAMME,
            sections.Consent.model_validate(document["consent"]),
        )
        while len(_by_content) >= MOST_PARSED:
            _by_content.pop(next(iter(_by_content)))
        _by_content[version.sha256] = found
    return found


class Confirmation(Fact):
    """A person's recorded word that something not official is right: a wording, a crisis line."""

    append_only = True
    fact_columns = {1: "version kind subject simulated confirmed_by confirmed_at"}
    facts_of = ""
    facts_in = "version__study"

    version = models.ForeignKey(
        ProtocolVersion, on_delete=models.PROTECT, related_name="confirmations"
    )
    kind = models.CharField(max_length=20)  # wording | crisis_line
    subject = models.CharField(max_length=120)  # PHQ9:nl, or the line's name
    simulated = models.BooleanField(default=False)
    confirmed_by = models.CharField(max_length=80)
    confirmed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "kind", "subject"], name="one_confirmation")
        ]
