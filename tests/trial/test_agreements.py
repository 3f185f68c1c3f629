"""Roles and the lock of a live study take two people: who is asked, who may agree, and what comes
of it.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command

from tests import factories
from trial import actors, audit, worker
from trial.actions import agreements, proposals, staff, studies
from trial.models import (
    AuditEvent,
    Decision,
    Invitation,
    Membership,
    Message,
    Participant,
    Proposal,
    Study,
    User,
)
from trial.queries import proposals as reads
from trial.queries import roles

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NEW = "new@example.org"
pytestmark = pytest.mark.django_db


@pytest.fixture
def live(study):
    """A live study with Ben, its coach since yesterday, in which nobody is allocated."""
    Study.objects.filter(pk=study.pk).update(simulated=False)
    study.refresh_from_db()
    return study


@pytest.fixture
def begun(live, now):
    """The same, in which somebody was allocated an hour ago."""
    person = factories.a_screening_participant(live, now)
    Participant.objects.filter(pk=person.pk).update(randomised_at=now - HOUR)
    return live


@pytest.fixture
def member(study, now):
    """`member("researcher", days=2)` has had the role for so many days."""
    return lambda role, days=0.0: factories.a_staff_member(
        study, role, "", now - timedelta(days=days)
    )


def as_staff(user, role="researcher"):
    return actors.staff(user.pk, role)


def invite(study, by, at, role="supervisor", email=NEW):
    return staff.invite(study=study, email=email, role=role, by=as_staff(by), at=at)


def agree(asked, user, at, yes=True):
    proposal = asked.proposal if isinstance(asked, Invitation) else asked
    return agreements.decide(proposal=proposal, is_agreed=yes, by=as_staff(user, "coach"), at=at)


def works(invitation, at):
    try:
        return staff.find(staff.token_of(invitation), at) == invitation
    except staff.InvitationNotValid:
        return False


def accept(invitation, at):
    by = actors.Actor("visitor", "invited")
    return staff.accept(
        token=staff.token_of(invitation),
        full_name="Nina Bos",
        password="a quiet walk",
        by=by,
        at=at,
    )


def mails(kind, at):
    """Who is told, by address, with the body of each mail."""
    from trial import hooks

    found = [
        hooks.MESSAGES[kind](each, at) for each in Message.objects.filter(kind=kind).order_by("pk")
    ]
    return {mail.to: mail.body for mail in found if mail}


# Who needs a second person


def test_one_researcher_alone_invites_no_second_address_to_a_study_that_has_begun(
    begun, member, now
):
    ada = member("researcher", days=2)
    sent = invite(begun, ada, now)
    assert not works(sent, now)
    assert not Message.objects.filter(kind="invitation").exists()
    with pytest.raises(proposals.SamePerson):
        agree(sent, ada, now)


def test_before_the_first_allocation_one_of_each_role_is_free_and_no_more(live, member, now):
    ada = member("researcher")
    first = [
        invite(live, ada, now, role, f"{role}@example.org")
        for role in ("statistician", "supervisor", "assessor")
    ]
    assert [works(each, now) for each in first] == [True, True, True]
    again = [
        invite(live, ada, now, role, f"second.{role}@example.org")
        for role in ("supervisor", "coach", "researcher")
    ]
    assert [each.offered_at for each in again] == [None, None, None]
    staff.withdraw_invitation(invitation=first[1], by=as_staff(ada), at=now)
    assert (
        works(invite(live, ada, now + HOUR, "supervisor", "third@example.org"), now + HOUR) is False
    )  # one waits


def test_a_role_that_ended_is_not_free_again(live, member, now):
    ada, eva = member("researcher"), member("supervisor")
    staff.end_role(membership=Membership.objects.get(user=eva), by=as_staff(ada), at=now)
    assert not works(invite(live, ada, now), now)


def test_a_simulated_study_asks_nobody_and_mails_nobody(study, member, now):
    ada, finn = member("researcher"), member("statistician")
    assert all(works(invite(study, ada, now, "coach", f"{n}@example.org"), now) for n in range(3))
    studies.close(study=study, by=as_staff(ada), at=now)
    assert studies.lock(study=study, by=as_staff(finn, "statistician"), at=now).state == "locked"
    assert not Message.objects.filter(kind__in=("two_people", "role_given")).exists()
    assert not Proposal.objects.exists()


# Who may agree


def test_who_was_there_before_the_first_allocation_or_for_14_days_agrees(begun, member, now):
    ada = member("researcher", days=20)
    early, new, long = member("assessor", days=1), member("coach"), member("coach", days=0)
    ben = Membership.objects.get(role="coach", since_at=now - DAY).user
    Membership.objects.filter(user=new).update(since_at=now - HOUR / 2)
    Membership.objects.filter(user=long).update(since_at=now - HOUR / 2)
    later = now + 14 * DAY
    sent = invite(begun, ada, now)
    assert list(reads.may_agree(sent.proposal, now)) == sorted(
        [ben, early], key=lambda each: each.pk
    )
    with pytest.raises(proposals.NotSecond):
        agree(sent, new, now)
    assert new not in reads.may_agree(sent.proposal, later - HOUR)
    assert new in reads.may_agree(sent.proposal, later)


def test_who_was_invited_by_whoever_asks_agrees_to_nothing_of_theirs(live, member, now):
    ada = member("researcher")
    nina = accept(invite(live, ada, now), now)
    sent = invite(live, ada, now + 30 * DAY, "assessor", "a@example.org")
    assert works(sent, now + 30 * DAY)
    second = invite(live, ada, now + 30 * DAY, "assessor", "b@example.org")
    with pytest.raises(proposals.NotSecond):
        agree(second, nina, now + 30 * DAY)
    ben = Membership.objects.get(role="coach").user
    assert list(reads.may_agree(second.proposal, now + 30 * DAY)) == [ben]


def test_nobody_agrees_to_a_role_of_their_own(begun, member, now):
    ada, ben = member("researcher", days=3), Membership.objects.get(role="coach").user
    cleo = member("assessor", days=2)
    sent = invite(begun, ada, now, "supervisor", ben.email.upper())
    assert list(reads.may_agree(sent.proposal, now)) == [cleo]


# What comes of it


def test_after_a_second_person_agrees_the_link_is_mailed_and_all_staff_are_told(begun, member, now):
    ada, ben = member("researcher", days=3), Membership.objects.get(role="coach").user
    sent = invite(begun, ada, now)
    asked = mails("two_people", now)
    assert asked.keys() == {ada.email, ben.email}
    assert (
        "Ada Visser asks that new@example.org works on the study as supervisor." in asked[ben.email]
    )
    assert "the software cannot" in asked[ben.email]

    agree(sent, ben, now + HOUR)
    sent.refresh_from_db()
    assert works(sent, now + HOUR + 13 * DAY)
    assert Message.objects.filter(kind="invitation", subject_ref=str(sent.pk)).count() == 1
    assert mails("two_people", now + HOUR) == {}  # nobody is asked what was answered
    nina = accept(sent, now + 2 * HOUR)

    given = mails("role_given", now + 2 * HOUR)
    assert given.keys() == {ada.email, ben.email, NEW}
    assert "Nina Bos (new@example.org) now works on the study as supervisor." in given[ada.email]
    assert "How: asked by Ada Visser, agreed to by Ben Smit." in given[ada.email]
    row = roles.given(begun).get(user=nina)
    assert (roles.ground(row), roles.asker(row), roles.second(row)) == (
        "agreed",
        f"staff {ada.pk}",
        f"staff {ben.pk}",
    )
    found = audit.examine(begun)
    assert found.places == [*found.facts.places]  # the events themselves hold together


def test_a_no_of_any_of_the_staff_ends_it(begun, member, now):
    ada = member("researcher", days=3)
    new = member("coach")
    sent = invite(begun, ada, now)
    agree(sent, new, now, yes=False)
    sent.refresh_from_db()
    assert sent.withdrawn_at == now
    with pytest.raises(proposals.AlreadyDecided):
        agree(sent, Membership.objects.get(role="coach", since_at=now - DAY).user, now)
    assert AuditEvent.objects.filter(action="second person did not agree").count() == 1
    assert invite(begun, ada, now + HOUR).pk != sent.pk


def test_whoever_asked_takes_it_back_here_or_by_withdrawing_the_invitation(begun, member, now):
    ada = member("researcher", days=3)
    agree(invite(begun, ada, now), ada, now, yes=False)
    second = invite(begun, ada, now + HOUR)
    staff.withdraw_invitation(invitation=second, by=as_staff(ada), at=now + HOUR)
    assert list(Decision.objects.values_list("is_agreed", flat=True)) == [False, False]
    assert AuditEvent.objects.filter(action="taken back").count() == 2


def test_where_somebody_could_agree_and_nobody_does_it_is_over_after_14_days(begun, member, now):
    sent = invite(begun, member("researcher", days=3), now)
    worker.tick(now + 14 * DAY - HOUR, seal=False)
    assert not Decision.objects.exists()
    worker.tick(now + 14 * DAY, seal=False)
    decision = Decision.objects.get()
    assert (decision.is_agreed, decision.by) == (False, "system worker")
    assert not works(sent, now + 14 * DAY)


@pytest.fixture
def alone(begun, member, now):
    """Ada, with nobody beside her who could agree: Ben was not there before and came a day ago."""
    Membership.objects.filter(role="coach").delete()
    return member("researcher", days=3)


def test_where_nobody_could_agree_it_takes_effect_after_24_hours(begun, alone, now):
    sent = invite(begun, alone, now)
    assert (sent.proposal.passes_alone, sent.proposal.until_at) == (True, now + DAY)
    assert (
        "Nobody on the staff can be the second person. It takes effect on"
        in mails("two_people", now)[alone.email]
    )
    worker.tick(now + DAY - HOUR, seal=False)
    assert not works(sent, now + DAY - HOUR)
    worker.tick(now + DAY, seal=False)
    sent.refresh_from_db()
    assert works(sent, now + DAY)
    nina = accept(sent, now + DAY)
    row = roles.given(begun).get(user=nina)
    assert (
        roles.how(row, {}) == f"asked by staff {alone.pk}; nobody could agree, and nobody said no"
    )


def test_a_no_within_the_24_hours_stops_it(begun, alone, member, now):
    Membership.objects.filter(user=member("coach")).update(since_at=now - HOUR / 2)
    new = Membership.objects.get(role="coach").user
    sent = invite(begun, alone, now)
    assert sent.proposal.passes_alone
    agree(sent, new, now + HOUR, yes=False)
    worker.tick(now + 2 * DAY, seal=False)
    assert not works(sent, now + 2 * DAY)


def test_sending_somebody_away_first_makes_nobody_alone(begun, member, now):
    """Who could have agreed is told for 14 days more, and it waits as long."""
    ada, eva = member("researcher", days=3), Membership.objects.get(role="coach")
    staff.end_role(membership=eva, by=as_staff(ada), at=now)
    sent = invite(begun, ada, now + HOUR)
    assert (sent.proposal.passes_alone, sent.proposal.until_at) == (True, now + 14 * DAY)
    assert mails("two_people", now + HOUR).keys() == {ada.email, eva.user.email}


def test_what_was_asked_in_a_role_ends_with_it(begun, alone, member, now):
    other = member("researcher", days=1)
    sent = invite(begun, alone, now)
    staff.end_role(membership=Membership.objects.get(user=alone), by=as_staff(other), at=now + HOUR)
    worker.tick(now + 15 * DAY, seal=False)
    assert not works(sent, now + HOUR)
    assert Decision.objects.get().by == f"staff {other.pk}"


def test_the_same_is_asked_once(begun, member, now):
    ada = member("researcher", days=3)
    invite(begun, ada, now)
    with pytest.raises(staff.AlreadyInvited):
        invite(begun, ada, now + HOUR, email="New@Example.org")
    assert Proposal.objects.count() == 1


def test_the_machine_obeys_too(begun, now, capsys):
    with time_machine.travel(now, tick=False):
        call_command("invite", NEW, role="supervisor", study=begun.slug)
        call_command("invite", NEW, role="supervisor", study=begun.slug)
    assert "when a second person agrees, before 2026-03-16 10:00 UTC" in capsys.readouterr().out
    sent = Invitation.objects.get()
    assert not works(sent, now)
    agree(sent, Membership.objects.get(role="coach").user, now)
    nina = accept(Invitation.objects.get(), now)
    row = roles.given(begun).get(user=nina)
    assert roles.how(row, {}).startswith(
        "asked by the machine itself (manage.py invite), agreed to by staff"
    )


def test_the_machine_says_where_nobody_can_agree_and_each_can_say_no(begun, now, capsys):
    Membership.objects.all().delete()
    with time_machine.travel(now, tick=False):
        call_command("invite", NEW, role="supervisor", study=begun.slug)
    assert (
        "2026-03-03 10:00 UTC: nobody of them can agree, each can say no."
        in capsys.readouterr().out
    )


# The lock


@pytest.fixture
def closed(live, member, now):
    ada = member("researcher", days=2)
    return studies.close(study=live, by=as_staff(ada), at=now)


def test_locking_takes_two(closed, member, now):
    finn = member("statistician", days=2)
    asked = studies.lock(study=closed, reason="All in", by=as_staff(finn, "statistician"), at=now)
    assert asked.state == "closed"
    proposal = Proposal.objects.get()
    with pytest.raises(proposals.SamePerson):
        agree(proposal, finn, now)
    with pytest.raises(proposals.AlreadyProposed):
        studies.lock(study=closed, reason="Again", by=as_staff(finn, "statistician"), at=now)
    with pytest.raises(
        proposals.NotSecond
    ):  # Ben calls people: he cannot judge whether the data are complete
        agree(proposal, Membership.objects.get(role="coach").user, now)
    agree(proposal, Membership.objects.get(role="researcher").user, now + HOUR)
    closed.refresh_from_db()
    assert (closed.state, closed.locked_at) == ("locked", now + HOUR)


def test_a_lock_that_cannot_be_any_more_is_over(closed, member, now):
    studies.lock(study=closed, by=as_staff(member("statistician", days=2), "statistician"), at=now)
    Membership.objects.filter(role__in=("researcher", "coach")).delete()
    Study.objects.filter(pk=closed.pk).update(state="locked")
    assert agreements.settle_due(now + 14 * DAY) == 1
    assert Decision.objects.get().is_agreed is False


def test_where_nobody_else_could_agree_the_lock_follows_after_24_hours(closed, member, now):
    Membership.objects.filter(role="researcher").delete()
    studies.lock(
        study=closed, reason="All in", by=as_staff(member("statistician"), "statistician"), at=now
    )
    worker.tick(now + DAY, seal=False)
    closed.refresh_from_db()
    assert (closed.state, closed.locked_at) == ("locked", now + DAY)


def test_a_lock_that_was_asked_for_in_a_role_is_over_with_that_role(closed, member, now):
    finn = member("statistician", days=2)
    studies.lock(study=closed, reason="All in", by=as_staff(finn, "statistician"), at=now)
    staff.end_role(membership=finn.memberships.get(), by=actors.SYSTEM, at=now + HOUR)
    decision = Decision.objects.get()
    assert (decision.proposal.kind, decision.is_agreed) == ("lock", False)
    closed.refresh_from_db()
    assert closed.state == "closed"


def test_a_no_to_a_role_whose_invitation_was_withdrawn_withdraws_it_no_second_time(
    begun, member, now
):
    asked = invite(begun, member("researcher", days=20), now)
    Invitation.objects.filter(pk=asked.pk).update(withdrawn_at=now)
    staff.decided(proposal=asked.proposal, is_agreed=False, by=actors.SYSTEM, at=now + HOUR)
    assert AuditEvent.objects.filter(action="invitation withdrawn").count() == 0
    asked.refresh_from_db()
    assert asked.withdrawn_at == now


def test_nobody_whose_account_is_closed_is_told(begun, member, now):
    ada, eva = member("researcher", days=20), member("supervisor", days=20)
    invite(begun, ada, now, role="assessor")
    assert eva.email in mails("two_people", now)
    User.objects.filter(pk=eva.pk).update(is_active=False)
    assert eva.email not in mails("two_people", now)
