"""A file that the worker made, on its way to whoever may have it."""

from __future__ import annotations

from datetime import datetime

from django.http import StreamingHttpResponse

from trial.actions import looks
from trial.actors import Actor
from trial.models import Job, JobFile
from trial.queries import jobs
from trial.sealed_files import NotWhole


def given(
    job: Job,
    name: str,
    *,
    form: str,
    content_type: str,
    saved_as: str = "",
    by: Actor,
    at: datetime,
) -> StreamingHttpResponse:
    """The file `name` of a job that is made, to be saved or to be seen; that it was taken, in which
    `form`, is recorded. Raises NotWhole before anything is recorded or given.
    """
    try:
        file = job.files.select_related("job").get(name=name)
    except JobFile.DoesNotExist:  # removed a moment ago
        raise NotWhole(name) from None
    content = jobs.content(file)
    looks.downloaded(study=job.study, product=job.product, number=job.pk, kind=form, by=by, at=at)
    headers = {"Content-Length": str(file.size), "X-Content-Type-Options": "nosniff"}
    if saved_as:
        headers["Content-Disposition"] = f'attachment; filename="{saved_as}"'
    return StreamingHttpResponse(content, content_type=content_type, headers=headers)
