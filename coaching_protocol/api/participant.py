"""The calls, for whoever is called. For everybody else this does not exist."""

from __future__ import annotations

from django.http import Http404
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from coaching_protocol.models import CoachingPlan, Contact
from coaching_protocol.queries import plans
from trial.api import described, doors
from trial.requests import Request


class PlannedCall(serializers.Serializer):
    number = serializers.IntegerField()
    due_on = serializers.DateField()
    appointment_at = serializers.DateTimeField(allow_null=True)


class HeldCall(serializers.Serializer):
    number = serializers.IntegerField()
    held_at = serializers.DateTimeField()


class CallsShape(serializers.Serializer):
    next = PlannedCall(allow_null=True)
    later = PlannedCall(many=True)
    held = HeldCall(many=True)
    minutes = serializers.IntegerField()


class CallsView(APIView):
    @described.reads("calls", "The next call, what comes later and what was held", CallsShape)
    def get(self, request: Request) -> Response:
        person = doors.in_the_study(request)
        plan = CoachingPlan.objects.filter(participant=person).first()
        if plan is None:
            raise Http404
        contacts = list(Contact.objects.filter(plan=plan))
        planned = [
            contact for contact in contacts if contact.state == "planned" and plan.ended_at is None
        ]
        answer = {
            "next": planned[0] if planned else None,
            "later": planned[1:],
            "held": [contact for contact in contacts if contact.state == "held"],
            "minutes": plans.protocol(person.version, plan.protocol).minutes,
        }
        return Response(CallsShape(answer).data)
