"""Signing off a wording that is not official."""

from __future__ import annotations

from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from trial.api import described
from trial.api.studies import Confirmed, confirmed
from trial.requests import Request


class Wording(serializers.Serializer):
    subject = serializers.CharField(max_length=120, help_text="Such as PHQ9:nl.")


class ConfirmWordingView(APIView):
    @described.writes(
        "confirm_wording", "Put one's name to a wording that is not official", Wording, Confirmed
    )
    def post(self, request: Request, slug: str) -> Response:
        return confirmed(request, slug, "wording", Wording)
