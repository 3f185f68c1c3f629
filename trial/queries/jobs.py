"""What was asked of the worker, and what it made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import QuerySet

from trial import sealed_files, stamp
from trial.models import Job, JobFile, Study

SECONDS = "seconds"  # in what was found: how long the making took


def asked_for(study: Study, product: str, *, by_arm: bool) -> QuerySet[Job]:
    """Newest first; those by arm only for whoever may see them."""
    found = Job.objects.filter(study=study, product=product).order_by("-pk")
    return found if by_arm else found.exclude(kind=Job.BY_ARM)


def of_study(study: Study, product: str, number: int) -> Job:
    """One in whatever state; raises Job.DoesNotExist."""
    return Job.objects.select_related("study").get(study=study, product=product, pk=number)


def took(study: Study, product: str, kind: str) -> timedelta | None:
    """How long the newest that is made of this kind took, or None."""
    made = Job.objects.filter(study=study, product=product, kind=kind, made_at__isnull=False)
    found = made.order_by("-pk").values_list("found", flat=True).first()
    return timedelta(seconds=int(found[SECONDS])) if found and SECONDS in found else None


def content(file: JobFile) -> Iterator[bytes]:
    """Raises NotWhole."""
    return sealed_files.content(folder(file.job) / file.place, file.key_sealed)


def folder(job: Job) -> Path:
    return all_folders() / job.folder


def all_folders() -> Path:
    """Of this installation: two databases may be given the same directory by mistake, and neither
    sweeps what is the other's.
    """
    return settings.FILES / stamp.installation()
