"""Signing off a wording that is not official."""

from __future__ import annotations

from django.utils import timezone
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from trial.actions import studies as actions
from trial.api import described, doors
from trial.api.studies import Confirmed
from trial.requests import Request


class Wording(serializers.Serializer):
    subject = serializers.CharField(max_length=120, help_text="Such as PHQ9:nl.")


class ConfirmWordingView(APIView):
    @described.writes(
        "confirm_wording", "Put one's name to a wording that is not official", Wording, Confirmed
    )
    def post(self, request: Request, slug: str) -> Response:
        study, by = doors.study_for(request, slug, "run")
        subject = doors.given(Wording, request)["subject"]
        confirmed = actions.confirm(
            version=study.current,
            kind="wording",
            subject=subject,
            key=doors.key(request),
            by=by,
            at=timezone.now(),
        )
        return Response(Confirmed(confirmed).data)
