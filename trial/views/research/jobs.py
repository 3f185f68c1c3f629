"""What the pages of reports, exports and verifications have in common: what was asked for, and what
is said to whoever asks for another.
"""

from __future__ import annotations

import math

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from trial.models import Job
from trial.queries import jobs
from trial.requests import PageRequest

ON_A_PAGE = 50
MINUTE = 60


def page_of(request: PageRequest, found: QuerySet[Job]) -> Page[Job]:
    return Paginator(found, ON_A_PAGE).get_page(request.GET.get("page"))


def asked_for(job: Job) -> str:
    """How long it takes, by the last of its kind; only for whoever knows the arms, since it grows
    with how much has happened.
    """
    took = jobs.took(job.study, job.product, job.kind) if job.kind == Job.BY_ARM else None
    if took is None:
        how_long = _("This takes from some seconds to several minutes.")
    elif took.total_seconds() < MINUTE:
        how_long = _("The last one took less than a minute.")
    else:
        minutes = math.ceil(took.total_seconds() / MINUTE)
        how_long = ngettext(
            "The last one took about %(minutes)s minute.",
            "The last one took about %(minutes)s minutes.",
            minutes,
        ) % {"minutes": minutes}
    asked = _("Asked for: the worker goes on with it, also when you leave this page.")
    return f"{asked} {how_long}"
