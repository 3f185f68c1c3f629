"""Breaking the code of one person, and the second person's yes or no."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.views import APIView

from randomisation import permissions
from randomisation.actions import code_breaks as actions
from randomisation.actions import proposals
from randomisation.api import finding, shapes
from randomisation.models import CodeBreak
from randomisation.queries.proposals import person_of
from trial.actions import journey
from trial.api import doors
from trial.api.agreements import Decide
from trial.api.described import writes
from trial.requests import Request


class CodeBreakView(APIView):
    @writes(
        "code_break",
        "Ask for one person's arm; in an emergency it is the answer",
        shapes.BreakCode,
        shapes.AskedShape,
        status=201,
    )
    def post(self, request: Request, slug: str, code: str) -> Response:
        given = finding.about(request, slug, code, "break_code", shapes.BreakCode)
        is_emergency, given["is_drill"] = given.pop("emergency"), given.pop("drill")
        answer = {
            "proposal": None if is_emergency else proposals.propose_code_break(**given),
            "revealed": actions.break_at_once(**given) if is_emergency else None,
        }
        return Response(shapes.AskedShape(answer).data, status=201)


class DecisionView(APIView):
    @writes(
        "decide", "The second person agrees, or does not", Decide, shapes.DecisionShape, status=201
    )
    def post(self, request: Request, slug: str, number: int) -> Response:
        study, _by = doors.study_for(request, slug, "exceptions")
        proposal = finding.proposal(request, study, number)
        study, by = doors.study_for(
            request, slug, permissions.to_decide(proposal, f"staff {request.user.pk}")
        )
        is_agreed, at = doors.given(Decide, request)["agreed"], timezone.now()
        row = proposals.decide(
            proposal=proposal, is_agreed=is_agreed, key=doors.key(request), by=by, at=at
        )
        if proposal.kind == "forced":
            journey.advance(person_of(proposal), at)
        return Response(shapes.DecisionShape(row).data, status=201)


class ShowView(APIView):
    @writes(
        "show_arm",
        "The arm, once, to whoever asked and was agreed with",
        None,
        shapes.RevealedShape,
    )
    def post(self, request: Request, slug: str, number: int) -> Response:
        study, by = doors.study_for(request, slug, "break_code")
        revealed = actions.show(
            proposal=finding.proposal(request, study, number), **finding.who(request, by)
        )
        return Response(shapes.RevealedShape(revealed).data)


class ImpactView(APIView):
    @writes(
        "impact",
        "What a code-break means for the blinding",
        shapes.Impact,
        shapes.ImpactShape,
        status=201,
    )
    def post(self, request: Request, slug: str, number: int) -> Response:
        study, by = doors.study_for(request, slug, "agree_code_break")
        rows = CodeBreak.objects.select_related(
            "participant__key", "participant__study", "participant__version"
        )
        found = get_object_or_404(rows, study=study, pk=number)
        row = actions.assess(
            code_break=found, **doors.given(shapes.Impact, request), **finding.who(request, by)
        )
        return Response(shapes.ImpactShape(row).data, status=201)
