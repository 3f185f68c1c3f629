"""Invitations and roles: what a link gives, for how long, and what is kept of a role that ended."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from tests.conftest import SMALL
from trial import actors, audit, life
from trial.actions import agreements
from trial.actions import staff as actions
from trial.models import AuditEvent, Invitation, Membership, Message, Study, User
from trial.queries import roles

CLEO = "cleo@example.org"
MACHINE = actors.Actor("system", "invite")
pytestmark = pytest.mark.django_db


@pytest.fixture
def invite(study, now):
    def send(email=CLEO, role="assessor", at=now):
        return actions.invite(study=study, email=email, role=role, by=actors.SYSTEM, at=at)

    return send


def accept(invitation, at):
    token = actions.token_of(invitation)
    return actions.accept(
        token=token, full_name="Cleo Bakker", password="a quiet walk", by=actors.SYSTEM, at=at
    )


def end(study, user, at):
    membership = Membership.objects.get(study=study, user=user, ended_at__isnull=True)
    return actions.end_role(membership=membership, by=actors.SYSTEM, at=at)


def test_an_address_is_invited_to_a_role_once_while_the_link_works(invite, now):
    first = invite()
    with pytest.raises(actions.AlreadyInvited) as refused:
        invite("Cleo@Example.org ", at=now + timedelta(days=1))
    assert refused.value.invitation == first
    invite(role="coach", at=now + timedelta(days=1))
    invite(at=now + actions.VALID)
    assert Invitation.objects.count() == 3


def test_whoever_has_the_role_is_not_invited_to_it(study, invite, now):
    accept(invite(), now)
    with pytest.raises(actions.HasRole):
        invite("Cleo@example.org")


def test_ending_a_role_ends_the_links_that_would_give_it_back(study, invite, now):
    cleo = accept(invite(), now)
    membership = Membership.objects.get(user=cleo)
    Membership.objects.filter(pk=membership.pk).update(
        ended_at=now
    )  # invited anew while the role was away
    again = invite(at=now + timedelta(days=1))
    elsewhere = invite(role="coach", at=now + timedelta(hours=25))
    Membership.objects.filter(pk=membership.pk).update(ended_at=None)

    end(study, cleo, now + timedelta(days=2))

    with pytest.raises(actions.InvitationNotValid):
        accept(again, now + timedelta(days=3))
    assert actions.find(actions.token_of(elsewhere), now + timedelta(days=3)) == elsewhere
    assert (
        AuditEvent.objects.filter(
            action="invitation withdrawn", subject=f"invitation {again.pk}"
        ).count()
        == 1
    )


def test_a_role_that_is_given_again_leaves_the_first_time_as_it_was(study, invite, now):
    cleo = accept(invite(), now)
    end(study, cleo, now + timedelta(days=1))
    accept(invite(at=now + timedelta(days=2)), now + timedelta(days=2))
    kept = list(
        Membership.objects.filter(user=cleo).order_by("pk").values_list("since_at", "ended_at")
    )
    assert kept == [(now, now + timedelta(days=1)), (now + timedelta(days=2), None)]


def test_a_role_that_is_held_is_not_given_a_second_time(study, staff, now):
    ada = staff("researcher")
    actions.join(
        study=study, user=ada, role="researcher", by=actors.SYSTEM, at=now + timedelta(days=1)
    )
    assert Membership.objects.get(user=ada).since_at == now
    assert AuditEvent.objects.filter(action="role given", subject=f"staff {ada.pk}").count() == 1


def test_a_withdrawn_invitation_has_no_link_and_no_mail_and_is_withdrawn_once(invite, now):
    invited = invite()
    actions.withdraw_invitation(invitation=invited, by=actors.SYSTEM, at=now)
    with pytest.raises(actions.InvitationNotValid):
        accept(invited, now)
    with pytest.raises(actions.InvitationNotValid):
        actions.withdraw_invitation(invitation=invited, by=actors.SYSTEM, at=now)
    assert life.compose_invitation(Message.objects.get(kind="invitation"), now) is None
    assert invite(at=now + timedelta(hours=1)).pk != invited.pk


def test_the_command_gives_the_link_again_to_whoever_lost_it(capsys):
    for _ in range(2):
        call_command("invite", "ada@example.org", role="researcher")
    first, again = capsys.readouterr().out.strip().split("Invited already; ")
    assert first.splitlines()[1] == again.splitlines()[1]
    assert Invitation.objects.count() == 1


def test_the_mail_of_a_first_invitation_speaks_of_no_study(invite, now):
    actions.invite(study=None, email="ada@example.org", role="researcher", by=actors.SYSTEM, at=now)
    invite()
    first, second = (
        life.compose_invitation(each, now).body for each in Message.objects.order_by("pk")
    )
    assert first.startswith(
        "You are invited to Handvat, to load studies and run them. Open this link"
    )
    assert second.startswith("You are invited to work on a study as assessor. Open this link")


# Roles that would unblind


@pytest.fixture
def live(study):
    Study.objects.filter(pk=study.pk).update(simulated=False)
    study.refresh_from_db()
    return study


def hold(study, role, at):
    """Cleo, with an account and this role."""
    cleo = User.objects.filter(email=CLEO).first()
    cleo = cleo or actions.make_user(email=CLEO, full_name="Cleo Bakker", password="a quiet walk")
    actions.join(study=study, user=cleo, role=role, by=actors.SYSTEM, at=at)
    return cleo


HOUR = timedelta(hours=1)
KNOW = ("coach", "supervisor")
REFUSED = [
    *((a, b) for a in ("assessor", "statistician") for b in KNOW),
    ("coach", "assessor"),
    ("supervisor", "assessor"),
    ("researcher", "statistician"),
    ("statistician", "researcher"),
]
ASKED = [*(("researcher", each) for each in KNOW), *((each, "researcher") for each in KNOW)]


@pytest.mark.parametrize(("held", "role"), REFUSED)
def test_nobody_holds_two_roles_that_are_to_be_two_people(live, now, held, role):
    hold(live, held, now)
    with pytest.raises(actions.WouldUnblind) as refused:
        actions.invite(
            study=live,
            email=CLEO.upper(),
            role=role,
            knowingly=True,
            by=actors.SYSTEM,
            at=now + HOUR,
        )
    assert refused.value.roles == [held]
    with pytest.raises(actions.WouldUnblind):
        actions.join(
            study=live, user=User.objects.get(email=CLEO), role=role, by=actors.SYSTEM, at=now
        )


def test_an_invitation_that_works_counts_as_the_role(live, invite, now):
    sent = invite(role="assessor")
    with pytest.raises(actions.WouldUnblind):
        invite(role="coach", at=now + HOUR)
    actions.withdraw_invitation(invitation=sent, by=actors.SYSTEM, at=now)
    assert invite(role="coach", at=now + HOUR).role == "coach"


@pytest.mark.parametrize(("held", "role"), ASKED)
def test_a_researcher_coaches_or_supervises_knowingly_and_the_trail_says_so(
    live, invite, now, held, role
):
    hold(live, held, now)
    with pytest.raises(actions.NotKnowingly):
        invite(role=role, at=now + HOUR)
    sent = actions.invite(
        study=live, email=CLEO, role=role, knowingly=True, by=actors.SYSTEM, at=now + HOUR
    )
    event = AuditEvent.objects.get(action="staff invited")
    assert json.loads(event.new) == {"knowingly_beside": [held], "role": role} | (
        {"proposal": sent.proposal_id} if role == "coach" else {}
    )
    if sent.proposal:
        agreements.decide(proposal=sent.proposal, is_agreed=True, by=actors.WORKER, at=now + HOUR)
    accept(sent, now + HOUR)
    assert set(Membership.objects.filter(user__email=CLEO).values_list("role", flat=True)) == {
        held,
        role,
    }
    assert audit.verify(live) == []


@pytest.mark.parametrize(
    ("held", "role"),
    [("coach", "supervisor"), ("assessor", "statistician"), ("assessor", "researcher")],
)
def test_other_roles_go_together(live, invite, now, held, role):
    hold(live, held, now)
    assert invite(role=role, at=now + HOUR).role == role


def test_a_role_that_has_ended_and_a_simulated_study_keep_nobody_out(study, invite, now):
    cleo = accept(invite(role="assessor"), now)
    assert invite(role="coach", at=now + HOUR).role == "coach"  # simulated
    actions.withdraw_invitation(
        invitation=Invitation.objects.get(role="coach"), by=actors.SYSTEM, at=now + HOUR
    )
    Study.objects.filter(pk=study.pk).update(simulated=False)
    study.refresh_from_db()
    end(study, cleo, now + HOUR)
    assert invite(role="coach", at=now + 2 * HOUR).role == "coach"


def test_who_was_given_another_role_after_the_invitation_is_told_so(live, invite, now):
    cleo = hold(live, "researcher", now)
    sent = actions.invite(
        study=live, email=CLEO, role="supervisor", knowingly=True, by=actors.SYSTEM, at=now + HOUR
    )
    actions.join(study=live, user=cleo, role="assessor", by=actors.SYSTEM, at=now)
    with time_machine.travel(now + HOUR, tick=False):
        answer = Client().post(
            reverse("accept_invitation", args=[actions.token_of(sent)]), {"request_key": "k"}
        )
    assert answer.status_code == 409
    assert "another role in this study that does not go with" in answer.content.decode()
    assert not Membership.objects.filter(user=cleo, role="supervisor").exists()


def test_the_command_asks_for_the_word(live, invite, now, capsys):
    hold(live, "researcher", now)
    with time_machine.travel(now + HOUR, tick=False):
        with pytest.raises(CommandError, match="if it is to be so, add --knowingly"):
            call_command("invite", CLEO, role="supervisor", study=live.slug)
        call_command("invite", CLEO, role="supervisor", study=live.slug, knowingly=True)
        accept(invite("dora@example.org", role="assessor"), now)
        with pytest.raises(CommandError, match="nobody holds both"):
            call_command(
                "invite", "dora@example.org", role="coach", study=live.slug, knowingly=True
            )


def test_nobody_is_invited_to_a_role_that_does_not_exist(invite):
    with pytest.raises(actions.UnknownRole, match="'king' is not a role; roles are"):
        invite(role="king")
    assert Invitation.objects.count() == 0


def test_an_invitation_without_a_study_is_withdrawn_and_no_trail_of_a_study_says_so(now):
    invited = actions.invite(study=None, email=CLEO, role="researcher", by=actors.SYSTEM, at=now)
    actions.withdraw_invitation(invitation=invited, by=actors.SYSTEM, at=now)
    with pytest.raises(actions.InvitationNotValid):
        accept(invited, now)
    assert AuditEvent.objects.filter(action="invitation withdrawn").count() == 0


def test_the_ground_of_a_role_says_that_nobody_had_to_agree(study, now):
    Study.objects.filter(pk=study.pk).update(simulated=False)
    study.refresh_from_db()
    ada = actors.staff(998, "researcher")
    invited = actions.invite(study=study, email=CLEO, role="assessor", by=ada, at=now)
    membership = Membership.objects.get(user=accept(invited, now))
    assert (roles.ground(membership), roles.asker(membership)) == ("free", str(ada))
    loaded = Membership.objects.get(study=study, role="coach")
    assert (roles.ground(loaded), roles.asker(loaded)) == ("loaded", "")


def test_whoever_has_an_account_accepts_with_it_and_signs_in(study, staff, invite, now):
    eva = staff("supervisor")
    with time_machine.travel(now, tick=False):
        browser = Client()
        link = reverse("accept_invitation", args=[actions.token_of(invite(email=eva.email))])
        answer = browser.post(link, {"request_key": "k"})
    assert (answer.status_code, answer.url) == (302, reverse("account_login"))
    assert Membership.objects.filter(user=eva, role="assessor", ended_at=None).count() == 1
    assert "_auth_user_id" not in browser.session


# A study that the machine loads


def invited_to_the_installation(email: str, at) -> User:
    return accept(actions.invite(study=None, email=email, role="researcher", by=MACHINE, at=at), at)


def loaded_by_the_machine(capsys) -> str:
    call_command("load_study", SMALL)
    return capsys.readouterr().out


def on_the_page_of(user: User) -> str:
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser.get(reverse("research:studies")).content.decode()


@pytest.mark.parametrize("first", ["invited", "loaded"])
def test_a_researcher_finds_the_study_of_the_machine_whichever_came_first(
    first, capsys, settings, now
):
    with time_machine.travel(now, tick=False):
        if first == "loaded":
            assert (
                "Nobody works on it yet: whoever comes by manage.py invite"
                in loaded_by_the_machine(capsys)
            )
        ada = invited_to_the_installation("ada@example.org", now)
        if first == "invited":
            assert "Nobody works on it" not in loaded_by_the_machine(capsys)
        [membership] = Membership.objects.all()
        assert (membership.user, membership.study.slug, membership.role) == (
            ada,
            "small-study",
            "researcher",
        )
        assert f'href="{reverse("research:dashboard", args=["small-study"])}"' in on_the_page_of(
            ada
        )
        assert audit.verify(membership.study) == []


def test_nobody_else_is_given_a_study_and_who_could_be_meant_is_asked(capsys, now):
    with time_machine.travel(now, tick=False):
        loaded_by_the_machine(capsys)
        ada, bob = (
            invited_to_the_installation(f"{name}@example.org", now) for name in ("ada", "bob")
        )
        assert [row.user for row in Membership.objects.all()] == [ada]
        assert "someone who runs it can invite you" in on_the_page_of(bob)
        Membership.objects.update(ended_at=now)  # a role that has ended is not free again
        invited_to_the_installation("cas@example.org", now)
        assert not Membership.objects.filter(ended_at=None).exists()


def test_where_several_could_be_meant_the_machine_asks_for_one(capsys, now):
    with time_machine.travel(now, tick=False):
        for name in ("ada", "bob"):
            invited_to_the_installation(f"{name}@example.org", now)
        said = loaded_by_the_machine(capsys)
        assert (
            "Nobody works on it yet: manage.py invite E-MAIL --role researcher --study small-study"
            in said
        )
        assert not Membership.objects.exists()
        call_command("invite", "dora@example.org", role="researcher", study="small-study")
        invited_to_the_installation("cas@example.org", now)  # it is promised to somebody
        assert not Membership.objects.exists()
