"""The design before it is locked: what it does beside others, what is to be watched, and the text
for the protocol.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override
from django.views.decorators.http import require_GET

from randomisation.actions import annexes
from randomisation.forms.design import Compare
from randomisation.queries import comparison
from randomisation.queries.comparison import Studied
from randomisation.sentences import cautions, protocol, rules
from randomisation.sentences.table import COLUMNS, Row, as_csv, table
from trial.languages import LANGUAGES
from trial.models import Study
from trial.requests import PageRequest
from trial.views.posted import posted_from
from trial.views.research.finding import conflict_if_reused, key, study_for
from trial.words import spoken

KINDS = {"txt": "text/plain; charset=utf-8", "md": "text/markdown; charset=utf-8"}
WIDE, HIGH, EDGE = 320, 200, 24  # of the figure


@require_GET
def design(request: PageRequest, slug: str) -> HttpResponse:
    """The figures are for whoever writes designs, while they may be shown; the protocol's text is
    for everybody here.
    """
    study, _actor = study_for(request, slug, "dashboard")
    may_see, published = _may_see(request, study), comparison.commitment(study)
    of = comparison.studied(study)
    described = {each: comparison.described(of, each, published) for each in LANGUAGES}
    context: dict[str, Any] = {
        "may_see": may_see,
        "may_load": "load" in request.may,
        "is_draft": study.state == "draft",
        "described": described[spoken()],
        "described_in": spoken(),
        "restriction": rules.restriction(of.plan),
        "ratio": rules.ratio(of.ratio),
        "texts": [(each, protocol.as_text(described[each], each, "txt")) for each in LANGUAGES],
    }
    if not may_see:
        return render(
            request, "research/randomisation/design.html", {**context, **_short(study, of)}
        )
    form = _form(request, of)
    is_asked = not form.is_bound or form.is_valid()
    context |= {"form": form, **(_figures(of, form) if is_asked else {})}
    return render(
        request, "research/randomisation/design.html", context, status=200 if is_asked else 400
    )


@require_GET
def design_table(request: PageRequest, slug: str) -> HttpResponse:
    study, _actor = study_for(request, slug, "dashboard")
    if not _may_see(request, study):
        raise Http404
    of = comparison.studied(study)
    form = _form(request, of)
    if form.is_bound and not form.is_valid():
        return redirect(f"{reverse('research:design', args=[slug])}?{request.GET.urlencode()}")
    with override("en"):
        text = as_csv(comparison.compared(of, form.asked))
    return _file(text, f"{slug}-randomisation-designs.csv", "text/csv; charset=utf-8")


@require_GET
def design_text(request: PageRequest, slug: str, language: str, kind: str) -> HttpResponse:
    study, _actor = study_for(request, slug, "dashboard")
    if language not in LANGUAGES or kind not in KINDS:
        raise Http404
    described = comparison.described(
        comparison.studied(study), language, comparison.commitment(study)
    )
    return _file(
        protocol.as_text(described, language, kind),
        f"{slug}-randomisation-{language}.{kind}",
        KINDS[kind],
    )


@posted_from("research:design", "slug")
@conflict_if_reused
def design_annex(request: PageRequest, slug: str) -> HttpResponse:
    """The sealed annex as a file. Who took it is recorded."""
    study, actor = study_for(request, slug, "load")
    language = spoken()
    if not comparison.is_shown(study):
        # a key that is sent again is answered from store, and the study may have opened since
        raise Http404
    try:
        annexes.give(study=study, language=language, key=key(request), by=actor, at=timezone.now())
    except annexes.Concealed:
        raise Http404 from None
    text = protocol.annex(comparison.described(comparison.studied(study), language), language)
    return _file(text, f"{slug}-sealed-annex-{language}.txt", KINDS["txt"])


def _may_see(request: PageRequest, study: Study) -> bool:
    return "load" in request.may and comparison.is_shown(study)


def _form(request: PageRequest, of: Studied) -> Compare:
    names = {factor.name: of.name_of(factor.name, spoken()) for factor in of.factors}
    at_first = comparison.asked_at_first(of)
    return Compare(
        request.GET or None, at_first=at_first, ratio=of.ratio, names=names, auto_id="compare_%s"
    )


def _short(study: Study, of: Studied) -> dict[str, Any]:
    """For whoever is not to know the sizes: sentences alone, and only while something can still be
    changed.
    """
    if study.state != "draft":
        return {}
    found = comparison.cautions(of, comparison.asked_at_first(of))
    return {"cautions": [cautions.in_short(each) for each in found]}


def _figures(of: Studied, form: Compare) -> dict[str, Any]:
    rows = table(comparison.compared(of, form.asked))
    shown = [row for row in rows if row.found]
    return {
        "columns": COLUMNS,
        "rows": rows,
        "own": next(row for row in rows if row.is_own),
        "draws": max((row.found.draws for row in shown if row.found), default=0),
        "is_unequal": len(set(of.ratio.values())) > 1,
        "points": _points(shown),
        "cautions": [cautions.in_full(each) for each in comparison.cautions(of, form.asked)],
        "asked": form.asked,
        "strata": prod(len(factor.levels) for factor in form.asked.factors),
    }


@dataclass(frozen=True)
class Point:
    row: Row
    x: int
    y: int


def _points(rows: Sequence[Row]) -> list[Point]:
    """Guessed right, from one half to all, against the imbalance on the way; in the figure's own
    units.
    """
    found = [(row, row.found.furthest.value, row.found.correct.value) for row in rows if row.found]
    widest = max((furthest for _, furthest, _ in found), default=1.0) or 1.0
    highest = max((correct for _, _, correct in found), default=1.0)
    lowest = min(0.5, *(correct for _, _, correct in found)) if found else 0.5
    room = (highest - lowest) or 1.0
    across, up = WIDE - 2 * EDGE, HIGH - 2 * EDGE
    return [
        Point(
            row,
            round(EDGE + across * furthest / widest),
            round(HIGH - EDGE - up * (correct - lowest) / room),
        )
        for row, furthest, correct in found
    ]


def _file(text: str, name: str, kind: str) -> HttpResponse:
    return HttpResponse(
        text,
        headers={
            "Content-Type": kind,
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )
