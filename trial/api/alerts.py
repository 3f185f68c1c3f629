"""Alerts: the oldest deadline first, taken by somebody, closed with a note of what was done."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from trial.actions import alerts as actions
from trial.api import doors, shapes
from trial.api.described import PAGE, reads, writes
from trial.models import Alert, Study
from trial.queries import alerts
from trial.requests import Request
from trial.words import text


class AlertShape(serializers.Serializer):
    number = serializers.IntegerField()
    kind = serializers.CharField()
    meaning = serializers.CharField()
    participant = serializers.CharField(allow_null=True)
    state = serializers.CharField()
    raised_at = serializers.DateTimeField()
    deadline_at = serializers.DateTimeField()
    is_overdue = serializers.BooleanField()
    taken_by = serializers.CharField(allow_blank=True)
    holder = serializers.CharField(
        allow_blank=True, help_text="Whoever has it, as `take` asks for it."
    )
    taken_at = serializers.DateTimeField(allow_null=True)
    closed_by = serializers.CharField(allow_blank=True)
    closed_at = serializers.DateTimeField(allow_null=True)


class AlertsPage(shapes.Page):
    results = AlertShape(many=True)


class AlertsView(APIView):
    @reads(
        "alerts",
        "Open alerts, the oldest deadline first, then those closed, the newest first",
        AlertsPage,
        PAGE,
    )
    def get(self, request: Request, slug: str) -> Response:
        study, _by = doors.study_for(request, slug, "alerts")
        page = doors.paged(alerts.listed(study), request)
        page["results"] = _rows(study, page["results"], timezone.now())
        return Response(AlertsPage(page).data)


def _rows(study: Study, found: list[Alert], at: datetime) -> list[dict[str, Any]]:
    shown = []
    for row in alerts.rows(found, at, {study.pk: study.current}):
        alert = row.alert
        shown.append(
            {
                **shapes.facts(AlertShape, alert),
                "number": alert.pk,
                "meaning": text(row.meaning),
                "participant": alert.participant.code if alert.participant else None,
                "is_overdue": row.is_overdue,
                "taken_by": row.taken_by,
                "holder": alert.taken_by,
                "closed_by": row.closed_by,
            }
        )
    return shown


class Take(serializers.Serializer):
    holder = serializers.CharField(
        default="",
        allow_blank=True,
        help_text="Whoever has it as you saw it; left out where that is nobody.",
    )


class TakeView(APIView):
    @writes(
        "alert_take",
        "Take an alert over; 409 where somebody else has it than `holder`",
        Take,
        AlertShape,
    )
    def post(self, request: Request, slug: str, number: int) -> Response:
        study, by = doors.study_for(request, slug, "alerts")
        at, holder = timezone.now(), doors.given(Take, request)["holder"]
        actions.take(
            alert=_find(study, number), holder=holder, key=doors.key(request), by=by, at=at
        )
        return _answer(study, number, at)


class ContactShape(serializers.Serializer):
    name = serializers.CharField(allow_blank=True)
    phone = serializers.CharField(allow_blank=True)
    language = serializers.CharField(allow_blank=True)


class ContactView(APIView):
    @writes(
        "alert_contact",
        "Name and number, for whoever took the alert; recorded each time",
        None,
        ContactShape,
    )
    def post(self, request: Request, slug: str, number: int) -> Response:
        study, by = doors.study_for(request, slug, "alerts")
        reached = actions.show_contact(
            alert=_find(study, number), key=doors.key(request), by=by, at=timezone.now()
        )
        return Response(ContactShape(reached).data)


class Done(serializers.Serializer):
    done = serializers.CharField(help_text="What was done and agreed; kept encrypted.")


class CloseView(APIView):
    @writes("alert_close", "Close an alert with a note of what was done", Done, AlertShape)
    def post(self, request: Request, slug: str, number: int) -> Response:
        study, by = doors.study_for(request, slug, "alerts")
        at, done = timezone.now(), doors.given(Done, request)["done"]
        actions.close(alert=_find(study, number), done=done, key=doors.key(request), by=by, at=at)
        return _answer(study, number, at)


def _find(study: Study, number: int) -> Alert:
    found = Alert.objects.filter(pk=number, study=study).select_related(
        "study", "participant__key", "participant__study"
    )
    alert = found.first()
    if alert is None:
        raise Http404
    return alert


def _answer(study: Study, number: int, at: datetime) -> Response:
    [row] = _rows(study, [_find(study, number)], at)
    return Response(AlertShape(row).data)
