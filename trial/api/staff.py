"""Who works on a study, and what became of mail."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from trial import permissions
from trial.actions import looks, mail_host
from trial.actions import messages as message_actions
from trial.actions import staff as actions
from trial.api import doors, shapes
from trial.api.described import PAGE, reads, writes
from trial.api.fields import EmailAddressField
from trial.models import Invitation, Membership, Participant, Study
from trial.queries import messages as ledger
from trial.queries import roles, studies
from trial.queries import staff as queries
from trial.requests import Request


class MemberShape(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField(source="user.full_name")
    role = serializers.CharField()
    since_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    given = serializers.SerializerMethodField(
        help_text="loaded (the study), rehearsal, free, agreed or waited."
    )
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
        default=False,
        help_text="That a researcher who coaches or supervises knows the arms; kept in the audit "
        "trail.",
    )


class Invited(serializers.Serializer):
    id = serializers.IntegerField()
    role = serializers.CharField()
    expires_at = serializers.DateTimeField()
    agreement = serializers.IntegerField(
        source="proposal_id",
        allow_null=True,
        help_text="In a live study: what a second person has to agree to.",
    )
    offered_at = serializers.DateTimeField(
        allow_null=True, help_text="null: the link does not work yet."
    )


class StaffView(APIView):
    @reads("staff", "Who works on a study, and in which role", MemberShape(many=True))
    def get(self, request: Request, slug: str) -> Response:
        study, _by = doors.study_for(request, slug, "invite")
        return Response(MemberShape(roles.given(study), many=True).data)

    @writes("staff_invite", "Invite somebody to a role", Invite, Invited, status=201)
    def post(self, request: Request, slug: str) -> Response:
        study, by = doors.study_for(request, slug, "invite")
        given = doors.given(Invite, request)
        invited = actions.invite(
            study=study, **given, key=doors.key(request), by=by, at=timezone.now()
        )
        return Response(Invited(invited).data, status=201)


class InvitationShape(Invited):
    email = serializers.EmailField()
    invited_at = serializers.DateTimeField()


class InvitationsView(APIView):
    @reads(
        "invitations",
        "Invitations that were neither accepted nor withdrawn",
        InvitationShape(many=True),
    )
    def get(self, request: Request, slug: str) -> Response:
        study, by = doors.study_for(request, slug, "invite")
        looks.contacts_listed(study=study, what="invitations", by=by, at=timezone.now())
        return Response(InvitationShape(queries.unanswered(study), many=True).data)


class WithdrawInvitationView(APIView):
    @writes(
        "invitation_withdraw",
        "Withdraw an invitation: its link stops working",
        None,
        InvitationShape,
    )
    def post(self, request: Request, slug: str, invitation: int) -> Response:
        study, by = doors.study_for(request, slug, "invite")
        found = get_object_or_404(Invitation, pk=invitation, study=study)
        withdrawn = actions.withdraw_invitation(
            invitation=found, key=doors.key(request), by=by, at=timezone.now()
        )
        return Response(InvitationShape(withdrawn).data)


class EndRoleView(APIView):
    @writes("staff_end", "End a role; what the person did stays theirs", None, MemberShape)
    def post(self, request: Request, slug: str, membership: int) -> Response:
        study, by = doors.study_for(request, slug, "invite")
        found = get_object_or_404(
            Membership.objects.select_related("study", "user"), pk=membership, study=study
        )
        if found.user_id == request.user.pk and found.role == "researcher":
            raise PermissionDenied  # somebody else who runs the study can
        ended = actions.end_role(membership=found, key=doors.key(request), by=by, at=timezone.now())
        return Response(MemberShape(ended).data)


class MessageShape(serializers.Serializer):
    handle = serializers.CharField(help_text="By which it is sent again.")
    kind = serializers.CharField()
    state = serializers.CharField()
    due_at = serializers.DateTimeField()
    problem = serializers.CharField(
        help_text="What stood in the way: host, sender, address, words or making; or empty."
    )
    person = serializers.CharField(source="participant.code", allow_null=True, default=None)


class MailShape(shapes.Page):
    """`unreached` and `messages` are leafed through at once; the count is of the longer one."""

    host_away_since = serializers.DateTimeField(allow_null=True)
    unreached = serializers.ListField(
        child=serializers.CharField(),
        help_text="People whom mail does not reach. Which mail it was is not told before the study "
        "is locked, "
        "except to whoever knows the arms.",
    )
    messages = MessageShape(
        many=True, help_text="That failed or are uncertain, as far as they may be told."
    )


class PersonAgain(serializers.Serializer):
    person = serializers.CharField(source="code")


class MailView(APIView):
    @reads(
        "messages",
        "Whether mail goes out, whom it does not reach, and what failed or is uncertain",
        MailShape(),
        PAGE,
    )
    def get(self, request: Request, slug: str) -> Response:
        study, _by = doors.study_for(request, slug, "mail")
        knows_arms = _knows_arms(request, study)
        unreached = ledger.unreached(study, knows_arms=knows_arms)
        unsettled = ledger.unsettled(study, knows_arms=knows_arms)
        longer = max(unreached, unsettled, key=lambda rows: rows.count())
        page = doors.paged(longer, request)
        part = slice((page["page"] - 1) * doors.ON_A_PAGE, page["page"] * doors.ON_A_PAGE)
        found = {
            **page,
            "host_away_since": mail_host.away_since(),
            "unreached": [person.code for person in unreached[part]],
            "messages": unsettled[part],
        }
        return Response(MailShape(found).data)


class SendAgainView(APIView):
    @writes(
        "message_again", "Queue a message that failed or is uncertain again", None, MessageShape
    )
    def post(self, request: Request, slug: str, message: str) -> Response:
        study, by = doors.study_for(request, slug, "mail")
        found = ledger.shown(study, message, knows_arms=_knows_arms(request, study))
        if found is None:
            raise Http404
        again = message_actions.send_again(
            message=found, key=doors.key(request), by=by, at=timezone.now()
        )
        return Response(MessageShape(again).data)


class SendAllAgainView(APIView):
    @writes(
        "mail_again", "Queue whatever of a person's mail did not go out again", None, PersonAgain
    )
    def post(self, request: Request, slug: str, code: str) -> Response:
        study, by = doors.study_for(request, slug, "mail")
        person = get_object_or_404(Participant, study=study, code=code)
        knows_arm, at = _knows_arms(request, study), timezone.now()
        message_actions.send_all_again(
            participant=person, knows_arm=knows_arm, key=doors.key(request), by=by, at=at
        )
        return Response(PersonAgain(person).data)


def _knows_arms(request: Request, study: Study) -> bool:
    held = permissions.roles(request.user, study)
    return studies.may_know_arms(study, set().union(*(permissions.MAY[role] for role in held)))
