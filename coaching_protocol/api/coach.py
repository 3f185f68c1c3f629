"""The coach's desk: whom to call, one person, one call. Anybody outside the own caseload does not
exist here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from coaching_protocol.actions import calls, plans
from coaching_protocol.models import Attempt, CoachingPlan, Contact
from coaching_protocol.queries import caseload as reads
from coaching_protocol.queries.caseload import Call, Row, Try
from coaching_protocol.words import REASONS_CORRECTED, REASONS_NOT_HELD, REASONS_REASSIGNED
from trial import actors, permissions
from trial.actors import Actor
from trial.api import described, doors, shapes
from trial.languages import in_language
from trial.models import Membership, User
from trial.requests import Request
from trial.words import spoken

NOT_KEPT = "Codes of the rules in must_not that were not kept."


class CaseloadRow(serializers.Serializer):
    participant = serializers.CharField(source="participant.code")
    study = serializers.CharField(source="plan.study.slug")
    group = serializers.CharField(help_text="log, overdue, today, week, later or finished.")
    number = serializers.IntegerField(source="contact.number", default=None, allow_null=True)
    opens_on = serializers.DateField(source="contact.opens_on", default=None, allow_null=True)
    closes_on = serializers.DateField(source="contact.closes_on", default=None, allow_null=True)
    appointment_at = serializers.DateTimeField(allow_null=True)
    held = serializers.IntegerField()
    total = serializers.IntegerField()
    coach = serializers.CharField(source="plan.coach_name", allow_null=True)
    was_tried_today = serializers.BooleanField(
        source="turn.was_tried_today",
        help_text="Comes after everybody else who is due, until an appointment.",
    )
    has_wrong_number = serializers.BooleanField(
        help_text="The newest try went to somebody else; no other number yet."
    )


class CaseloadPage(shapes.Page):
    results = CaseloadRow(many=True)


class CaseloadView(APIView):
    @described.reads("caseload", "Whom to call, what is due first", CaseloadPage, described.PAGE)
    def get(self, request: Request) -> Response:
        if not Membership.objects.filter(
            user=request.user.pk, role__in=("coach", "supervisor"), ended_at__isnull=True
        ).exists():
            raise Http404
        page = doors.paged(reads.of(request.user, timezone.now()), request)
        return Response(CaseloadPage(page).data)


class CoachShape(serializers.Serializer):
    coach = serializers.IntegerField(source="user.pk")
    name = serializers.CharField(source="user.full_name")
    people = serializers.IntegerField()
    taken_back = serializers.IntegerField(help_text="Calls begun by mistake, and taken back.")


class CoachesView(APIView):
    @described.reads(
        "coaches", "Who coaches in a study, for its supervisors", CoachShape(many=True)
    )
    def get(self, request: Request, slug: str) -> Response:
        study, _by = doors.study_for(request, slug, "supervise")
        return Response(CoachShape(reads.coaches(study), many=True).data)


class StepShape(serializers.Serializer):
    code = serializers.CharField()
    text = serializers.CharField()


class ProtocolShape(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()
    version = serializers.CharField()
    minutes = serializers.IntegerField()
    steps = StepShape(many=True)
    must_not = StepShape(many=True, help_text="Rules: each says what a coach leaves out.")
    escalation = serializers.CharField()


class EarlierShape(serializers.Serializer):
    """What a log said before it was corrected."""

    corrected_at = serializers.DateTimeField()
    reason = serializers.CharField()
    outcome = serializers.CharField()
    minutes = serializers.IntegerField(allow_null=True)
    steps_done = serializers.ListField(child=serializers.CharField())
    deviations = serializers.ListField(child=serializers.CharField(), help_text=NOT_KEPT)
    note = serializers.CharField(allow_blank=True)


class TryShape(serializers.Serializer):
    id = serializers.IntegerField()
    started_at = serializers.DateTimeField()
    logged_at = serializers.DateTimeField(allow_null=True)
    outcome = serializers.CharField(allow_blank=True)
    minutes = serializers.IntegerField(allow_null=True)
    steps_done = serializers.ListField(child=serializers.CharField())
    deviations = serializers.ListField(child=serializers.CharField(), help_text=NOT_KEPT)
    note = serializers.CharField(allow_blank=True)
    place = serializers.ChoiceField(
        choices=["before", "within", "after"],
        help_text="When it was made, by the days of the call.",
    )
    corrections = EarlierShape(many=True)


class LoggedCall(serializers.Serializer):
    number = serializers.IntegerField()
    state = serializers.CharField()
    opens_on = serializers.DateField()
    due_on = serializers.DateField()
    closes_on = serializers.DateField()
    appointment_at = serializers.DateTimeField(allow_null=True)
    tries = TryShape(many=True)


class ModuleShape(serializers.Serializer):
    code = serializers.CharField()
    number = serializers.IntegerField()
    title = serializers.CharField()
    begun_at = serializers.DateTimeField(allow_null=True)
    done_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)


class CaseloadPerson(CaseloadRow):
    protocol = ProtocolShape()
    calls = LoggedCall(many=True)
    modules = ModuleShape(many=True, help_text="That and when, never what was written.")


class PersonView(APIView):
    @described.reads(
        "caseload_person",
        "One person: programme progress and calls; no scores, no arm",
        CaseloadPerson,
    )
    def get(self, request: Request, code: str) -> Response:
        return _person(_find(request, code), timezone.now())


def _find(request: Request, code: str, *, also_ended: bool = False) -> CoachingPlan:
    plan = reads.find(request.user, code, also_ended=also_ended)
    if plan is None:
        raise Http404
    return plan


def _actor(request: Request, plan: CoachingPlan) -> Actor:
    return actors.staff(request.user.pk, permissions.check_may(request.user, plan.study, "coach"))


def _person(plan: CoachingPlan, at: datetime) -> Response:
    row = reads.row(plan, at)  # type: ignore[arg-type]
    extra = {
        "protocol": _protocol(row),
        "calls": [_call(each) for each in reads.calls(row)],
        "modules": reads.progress(plan.participant).modules,
    }
    return Response({**CaseloadRow(row).data, **_described(extra)})


def _described(extra: dict[str, Any]) -> dict[str, Any]:
    fields = CaseloadPerson().fields
    return {name: fields[name].to_representation(value) for name, value in extra.items()}


def _protocol(row: Row) -> dict[str, Any]:
    language = spoken()
    found = row.protocol
    return {
        "code": row.plan.protocol,
        "name": in_language(found.name, language),
        "version": found.version,
        "minutes": found.minutes,
        "steps": [
            {"code": step.code, "text": in_language(step.text, language)} for step in found.steps
        ],
        "must_not": [
            {"code": step.code, "text": in_language(step.text, language)} for step in found.must_not
        ],
        "escalation": in_language(found.escalation, language),
    }


def _call(call: Call) -> dict[str, Any]:
    return {**shapes.facts(LoggedCall, call.contact), "tries": [_try(each) for each in call.tries]}


def _try(each: Try) -> dict[str, Any]:
    corrections = [
        {**shapes.facts(EarlierShape, old.correction), "note": old.note} for old in each.corrections
    ]
    return {
        **shapes.facts(TryShape, each.attempt),
        "note": each.note,
        "place": each.place,
        "corrections": corrections,
    }


class DetailsShape(serializers.Serializer):
    name = serializers.CharField(allow_blank=True, help_text="What they want to be called.")
    phone = serializers.CharField(allow_blank=True)
    language = serializers.CharField(allow_blank=True)
    call_times = serializers.ListField(child=serializers.CharField())


class ShowNumberView(APIView):
    @described.writes(
        "show_number", "Name, number, language and preferred times; recorded", None, DetailsShape
    )
    def post(self, request: Request, code: str) -> Response:
        plan = _find(request, code)
        calls.show_number(
            participant=plan.participant,
            coach=request.user,
            key=doors.key(request),
            by=_actor(request, plan),
            at=timezone.now(),
        )
        identity = calls.details(plan.participant)
        if identity is None:
            return Response({"name": "", "phone": "", "language": "", "call_times": []})
        answer = {
            "name": identity.name,
            "phone": identity.phone,
            "language": identity.participant.language,
            "call_times": identity.call_times,
        }
        return Response(DetailsShape(answer).data)


class StartView(APIView):
    @described.writes(
        "call_start", "Begin one try; one that is open already is gone on with", None, TryShape
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        plan = _find(request, code)
        begun = calls.start(
            contact=get_object_or_404(Contact, plan=plan, number=number),
            coach=request.user,
            key=doors.key(request),
            by=_actor(request, plan),
            at=timezone.now(),
        )
        return _attempt(begun, plan)


def _attempt(attempt: Attempt, plan: CoachingPlan) -> Response:
    return Response(TryShape(_try(reads.tried(plan.participant, attempt))).data)


class CallLog(serializers.Serializer):
    outcome = serializers.ChoiceField(choices=Attempt.OUTCOMES)
    minutes = serializers.IntegerField(required=False, allow_null=True)
    steps_done = serializers.ListField(child=serializers.CharField(), default=list)
    deviations = serializers.ListField(
        child=serializers.CharField(), default=list, help_text=NOT_KEPT
    )
    note = serializers.CharField(default="", allow_blank=True, max_length=4000)
    next_at = serializers.DateTimeField(required=False, allow_null=True, help_text="To the minute.")
    began_at = serializers.DateTimeField(
        required=False,
        allow_null=True,
        help_text="To the minute; left out: when it was started here.",
    )


class TakeBackView(APIView):
    @described.writes(
        "call_take_back",
        "A call begun by mistake: no try, and counted for its coach",
        None,
        LoggedCall,
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        plan, at, key = _find(request, code, also_ended=True), timezone.now(), doors.key(request)
        by = _actor(request, plan)
        if doors.is_repeat("coaching_protocol.calls.take_back", by, key):
            contact = get_object_or_404(Contact, plan=plan, number=number)
        else:
            attempt = _open_attempt(plan, number, None, by)
            contact = calls.take_back(attempt=attempt, coach=request.user, key=key, by=by, at=at)
        return Response(LoggedCall(_call(Call(contact, ()))).data)


class LogView(APIView):
    @described.writes(
        "call_log",
        "Log the try that was begun against the checklist of its protocol",
        CallLog,
        TryShape,
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        plan, at, key = _find(request, code, also_ended=True), timezone.now(), doors.key(request)
        by = _actor(request, plan)
        attempt = _open_attempt(plan, number, key, by)
        logged = calls.log(attempt=attempt, **doors.given(CallLog, request), key=key, by=by, at=at)
        return _attempt(logged, plan)


def _open_attempt(plan: CoachingPlan, number: int, key: str | None, by: Actor) -> Attempt:
    """The try that is open; on a repeat the one that was logged last."""
    tries = Attempt.objects.filter(contact__plan=plan, contact__number=number).select_related(
        "contact__plan"
    )
    if doors.is_repeat("coaching_protocol.calls.log", by, key):
        tries = tries.filter(logged_at__isnull=False).order_by("-logged_at")
    else:
        tries = tries.filter(logged_at__isnull=True)
    found = tries.first()
    if found is None:
        raise calls.NotStarted
    return found


class CallCorrection(CallLog):
    reason = serializers.ChoiceField(choices=list(REASONS_CORRECTED))


class CorrectView(APIView):
    @described.writes(
        "call_correct",
        "Put a log right or add to it; what stood there is kept",
        CallCorrection,
        TryShape,
    )
    def post(self, request: Request, code: str, attempt: int) -> Response:
        plan, at = _find(request, code, also_ended=True), timezone.now()
        found = get_object_or_404(
            Attempt.objects.select_related("contact__plan"), pk=attempt, contact__plan=plan
        )
        calls.check_own(request.user, found)
        corrected = calls.correct(
            attempt=found,
            coach=request.user,
            **doors.given(CallCorrection, request),
            key=doors.key(request),
            by=_actor(request, plan),
            at=at,
        )
        return _attempt(corrected, plan)


class GiveUpReason(serializers.Serializer):
    reason = serializers.ChoiceField(choices=list(REASONS_NOT_HELD))


class GiveUpView(APIView):
    @described.writes("call_give_up", "A call that will not be held", GiveUpReason, LoggedCall)
    def post(self, request: Request, code: str, number: int) -> Response:
        plan = _find(request, code)
        contact = get_object_or_404(Contact, plan=plan, number=number)
        reason = doors.given(GiveUpReason, request)["reason"]
        calls.give_up(
            contact=contact,
            reason=reason,
            key=doors.key(request),
            by=_actor(request, plan),
            at=timezone.now(),
        )
        contact.refresh_from_db()
        return Response(LoggedCall(_call(Call(contact, ()))).data)


class OtherCoach(serializers.Serializer):
    coach = serializers.IntegerField()
    reason = serializers.ChoiceField(choices=list(REASONS_REASSIGNED))


class Assigned(serializers.Serializer):
    coach = serializers.IntegerField(source="coach_id")
    since_at = serializers.DateTimeField()


class ReassignView(APIView):
    @described.writes(
        "reassign", "Another coach, by a supervisor; the history stays", OtherCoach, Assigned
    )
    def post(self, request: Request, code: str) -> Response:
        plan = _find(request, code)
        role = permissions.check_may(request.user, plan.study, "supervise")
        given = doors.given(OtherCoach, request)
        coach = User.objects.filter(pk=given["coach"]).first()
        if coach is None:
            raise plans.NotACoach
        assigned = plans.reassign(
            plan=plan,
            coach=coach,
            reason=given["reason"],
            key=doors.key(request),
            by=actors.staff(request.user.pk, role),
            at=timezone.now(),
        )
        return Response(Assigned(assigned).data)
