"""Facts beside an allocation, and halting: the same functions that the pages call."""

from __future__ import annotations

from rest_framework.response import Response
from rest_framework.views import APIView

from randomisation.actions import exceptions as actions
from randomisation.actions import matches, proposals, switches
from randomisation.api import finding, shapes
from randomisation.queries import switches as reads
from trial.api import doors
from trial.api.described import reads as describe_read
from trial.api.described import writes
from trial.requests import Request


class SwitchesView(APIView):
    @describe_read(
        "switches", "Every time randomisation was halted or went on", shapes.SwitchShape(many=True)
    )
    def get(self, request: Request, slug: str) -> Response:
        study, _by = doors.study_for(request, slug, "exceptions")
        return Response(shapes.SwitchShape(reads.events(study.pk), many=True).data)

    @writes(
        "switch",
        "Halt randomisation or a part of it, or let it go on",
        shapes.Switch,
        shapes.SwitchShape,
        status=201,
    )
    def post(self, request: Request, slug: str) -> Response:
        study, by = doors.study_for(request, slug, "switch")
        given = doors.given(shapes.Switch, request)
        act = switches.halt if given.pop("halted") else switches.go_on
        return Response(
            shapes.SwitchShape(act(study=study, **given, **finding.who(request, by))).data,
            status=201,
        )


class CorrectionsView(APIView):
    @writes(
        "correct",
        "Put a covariate of an allocation right",
        shapes.Correct,
        shapes.CorrectionShape,
        status=201,
    )
    def post(self, request: Request, slug: str, code: str) -> Response:
        row = actions.correct(**finding.about(request, slug, code, "correct", shapes.Correct))
        return Response(shapes.CorrectionShape(row).data, status=201)


class MarksView(APIView):
    @writes(
        "mark",
        "Ask for a mark `error`, which a second person agrees to",
        shapes.Mark,
        shapes.ProposalShape,
        status=201,
    )
    def post(self, request: Request, slug: str, code: str) -> Response:
        row = proposals.propose_mark(**finding.about(request, slug, code, "correct", shapes.Mark))
        return Response(shapes.ProposalShape(row).data, status=201)


class IneligibleView(APIView):
    @writes(
        "ineligible",
        "Record that somebody was not eligible",
        shapes.Ineligible,
        shapes.FactShape,
        status=201,
    )
    def post(self, request: Request, slug: str, code: str) -> Response:
        row = actions.mark_ineligible(
            **finding.about(request, slug, code, "correct", shapes.Ineligible)
        )
        return Response(shapes.FactShape(row).data, status=201)


class ReceivedView(APIView):
    @writes(
        "received",
        "Record another treatment than theirs; it is sealed",
        shapes.Received,
        shapes.FactShape,
        status=201,
    )
    def post(self, request: Request, slug: str, code: str) -> Response:
        row = actions.record_received(
            **finding.about(request, slug, code, "received", shapes.Received)
        )
        return Response(shapes.FactShape(row).data, status=201)


class ForceView(APIView):
    @writes(
        "force",
        "Ask for an allocation that is not drawn",
        shapes.Force,
        shapes.ProposalShape,
        status=201,
    )
    def post(self, request: Request, slug: str, code: str) -> Response:
        study, by = doors.study_for(request, slug, "force")
        row = proposals.propose_forced(
            participant=finding.person(study, code),
            **doors.given(shapes.Force, request),
            **finding.who(request, by),
        )
        return Response(shapes.ProposalShape(row).data, status=201)


class SettleView(APIView):
    @writes(
        "settle",
        "Say who it is that has an earlier person's number",
        shapes.Settle,
        shapes.MatchShape,
        status=201,
    )
    def post(self, request: Request, slug: str, code: str) -> Response:
        study, by = doors.study_for(request, slug, "exceptions")
        verdict = doors.given(shapes.Settle, request)["verdict"]
        row = matches.settle(
            participant=finding.person(study, code), verdict=verdict, **finding.who(request, by)
        )
        return Response(shapes.MatchShape(row).data, status=201)
