"""Who works on a study, and the mails of which nobody knows whether they went out."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from trial import permissions
from trial.actions import messages as message_actions
from trial.actions import staff as actions
from trial.api import doors
from trial.api.described import reads, writes
from trial.api.fields import EmailAddressField
from trial.models import Invitation, Membership, Message
from trial.queries import messages as ledger
from trial.queries import roles
from trial.queries import staff as queries


class MemberShape(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField(source="user.full_name")
    role = serializers.CharField()
    since_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    given = serializers.SerializerMethodField(help_text="loaded (the study), rehearsal, free, agreed or waited.")
    asked_by = serializers.SerializerMethodField()
    agreed_by = serializers.SerializerMethodField()

    def get_given(self, member: Membership) -> str:
        return roles.ground(member)

    def get_asked_by(self, member: Membership) -> str:
        return roles.asker(member)

    def get_agreed_by(self, member: Membership) -> str:
        return roles.second(member)


class Invite(serializers.Serializer):
    email = EmailAddressField()
    role = serializers.ChoiceField(choices=sorted(permissions.ROLES))
    knowingly = serializers.BooleanField(
        default=False, help_text="That a researcher who coaches or supervises knows the arms; kept in the audit trail."
    )


class Invited(serializers.Serializer):
    id = serializers.IntegerField()
    role = serializers.CharField()
    expires_at = serializers.DateTimeField()
    agreement = serializers.IntegerField(
        source="proposal_id", allow_null=True, help_text="In a live study: what a second person has to agree to."
    )
    offered_at = serializers.DateTimeField(allow_null=True, help_text="null: the link does not work yet.")


class StaffView(APIView):
    @reads("staff", "Who works on a study, and in which role", MemberShape(many=True))
    def get(self, request: Request, slug: str) -> Response:
        study, _by = doors.study_for(request, slug, "invite")
        return Response(MemberShape(roles.given(study), many=True).data)

    @writes("staff_invite", "Invite somebody to a role", Invite, Invited, status=201)
    def post(self, request: Request, slug: str) -> Response:
        study, by = doors.study_for(request, slug, "invite")
        given = doors.given(Invite, request)
        invited = actions.invite(study=study, **given, key=doors.key(request), by=by, at=timezone.now())
        return Response(Invited(invited).data, status=201)


class InvitationShape(Invited):
    email = serializers.EmailField()
    invited_at = serializers.DateTimeField()


class InvitationsView(APIView):
    @reads("invitations", "Invitations that were neither accepted nor withdrawn", InvitationShape(many=True))
    def get(self, request: Request, slug: str) -> Response:
        study, _by = doors.study_for(request, slug, "invite")
        return Response(InvitationShape(queries.unanswered(study), many=True).data)


class WithdrawInvitationView(APIView):
    @writes("invitation_withdraw", "Withdraw an invitation: its link stops working", None, InvitationShape)
    def post(self, request: Request, slug: str, invitation: int) -> Response:
        study, by = doors.study_for(request, slug, "invite")
        found = get_object_or_404(Invitation, pk=invitation, study=study)
        withdrawn = actions.withdraw_invitation(invitation=found, key=doors.key(request), by=by, at=timezone.now())
        return Response(InvitationShape(withdrawn).data)


class EndRoleView(APIView):
    @writes("staff_end", "End a role; what the person did stays theirs", None, MemberShape)
    def post(self, request: Request, slug: str, membership: int) -> Response:
        study, by = doors.study_for(request, slug, "invite")
        found = get_object_or_404(Membership.objects.select_related("study", "user"), pk=membership, study=study)
        if found.user_id == request.user.pk and found.role == "researcher":
            raise PermissionDenied  # somebody else who runs the study can
        ended = actions.end_role(membership=found, key=doors.key(request), by=by, at=timezone.now())
        return Response(MemberShape(ended).data)


class MessageShape(serializers.Serializer):
    id = serializers.IntegerField()
    kind = serializers.CharField()
    state = serializers.CharField()
    due_at = serializers.DateTimeField()


class UncertainView(APIView):
    @reads("messages", "Mails of which nobody knows whether they went out", MessageShape(many=True))
    def get(self, request: Request, slug: str) -> Response:
        study, _by = doors.study_for(request, slug, "run")
        return Response(MessageShape(ledger.uncertain(study), many=True).data)


class SendAgainView(APIView):
    @writes("message_again", "Queue such a mail again", None, MessageShape)
    def post(self, request: Request, slug: str, message: int) -> Response:
        study, by = doors.study_for(request, slug, "run")
        found = get_object_or_404(Message, pk=message, study=study)
        again = message_actions.send_again(message=found, key=doors.key(request), by=by, at=timezone.now())
        return Response(MessageShape(again).data)
