"""Having the audit trail of a study gone through by the worker, and what came of it."""

from __future__ import annotations

from django.http import Http404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from trial.actions import verifications as actions
from trial.api import doors, shapes
from trial.api.described import PAGE, reads, writes
from trial.models import Job
from trial.queries import jobs
from trial.queries import verifications as queries
from trial.requests import Request


class VerificationShape(serializers.Serializer):
    number = serializers.IntegerField(source="pk")
    state = serializers.CharField(help_text="requested, made or failed")
    failure = serializers.CharField(allow_blank=True, help_text="Why it failed, as a code.")
    requested_at = serializers.DateTimeField()
    made_at = serializers.DateTimeField(allow_null=True)
    seal = serializers.CharField(
        allow_blank=True, help_text="The newest seal of the audit trail when it was made."
    )
    places = serializers.IntegerField(
        allow_null=True,
        help_text="How many places do not hold together; none until it is made. Which they are "
        "says manage.py verify_audit.",
    )


class VerificationPage(shapes.Page):
    results = VerificationShape(many=True)


class VerificationsView(APIView):
    @reads(
        "audit_verifications",
        "Verifications of the audit trail that were asked for, newest first",
        VerificationPage,
        PAGE,
    )
    def get(self, request: Request, slug: str) -> Response:
        study, _by = doors.study_for(request, slug, "dashboard")
        return Response(VerificationPage(doors.paged(queries.asked_for(study), request)).data)

    @writes(
        "audit_verification_request",
        "Ask for the whole audit trail to be gone through; the worker does it",
        None,
        VerificationShape,
        status=202,
    )
    def post(self, request: Request, slug: str) -> Response:
        study, by = doors.study_for(request, slug, "dashboard")
        asked = actions.request(study=study, key=doors.key(request), by=by, at=timezone.now())
        return Response(VerificationShape(asked).data, status=202)


class VerificationView(APIView):
    @reads("audit_verification", "One of them: what came out", VerificationShape)
    def get(self, request: Request, slug: str, number: int) -> Response:
        study, _by = doors.study_for(request, slug, "dashboard")
        try:
            found = jobs.of_study(study, queries.VERIFICATION, number)
        except Job.DoesNotExist:
            raise Http404 from None
        return Response(VerificationShape(found).data)
