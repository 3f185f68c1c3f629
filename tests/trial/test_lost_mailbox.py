"""Somebody lost their mailbox: one of the staff asks for another address, another calls the number
on record and agrees.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import time_machine
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import reverse

from tests import dump, factories
from tests.api import clients
from tests.conftest import NOW
from trial import actors, audit
from trial.actions import (
    agreements,
    lost_mailbox,
    own_address,
    own_details,
    participants,
    proposals,
    tokens,
)
from trial.actions import staff as invitations
from trial.models import (
    AddressChange,
    ApiToken,
    AuditEvent,
    Decision,
    Identity,
    Membership,
    Message,
    Proposal,
    Study,
)
from trial.queries import participants as listed
from trial.queries import proposals as reads
from trial.worker import tick

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
DUE = NOW + 2 * DAY
NEW = "dan.new@example.org"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as clock:
        cache.clear()
        yield clock


@pytest.fixture
def live(study):
    """A live study; everybody here worked in it before anybody was allocated, unless a test says
    otherwise.
    """
    Study.objects.filter(pk=study.pk).update(simulated=False)
    study.refresh_from_db()
    return study


@pytest.fixture
def dan(live):
    return factories.a_randomised_participant(live, NOW)


@pytest.fixture
def member(live):
    """`member("researcher", days=2)` has had the role for so many days."""
    return lambda role, days=20.0, name="": factories.a_staff_member(
        live, role, name, NOW - timedelta(days=days)
    )


@pytest.fixture
def ada(member):
    return member("researcher")


@pytest.fixture
def eva(member):
    return member("supervisor")


def role_of(user):
    return user.memberships.filter(ended_at=None).order_by("-role").first().role


def by(user):
    return actors.staff(user.pk, role_of(user))


def ask(dan, user, email=NEW, at=NOW, reason="mailbox_lost", key=None, is_told=True):
    """With `is_told` the old address was told at once, as where the mail host is there."""
    proposal = lost_mailbox.ask(
        participant=dan, email=email, reason=reason, key=key, by=by(user), at=at
    )
    if is_told:
        warning_of(proposal).update(state="sent", handed_over_at=at, settled_at=at)
    return proposal


def warning_of(proposal):
    return Message.objects.filter(kind="address_asked", subject_ref=str(change_of(proposal).pk))


def agree(proposal, user, email=NEW, at=NOW + HOUR, called=True, looks=True, key=None):
    if looks:
        lost_mailbox.show_number(proposal=proposal, by=by(user), at=at)
    given = {"called": called, "email": email, "key": key}
    return agreements.decide(proposal=proposal, is_agreed=True, **given, by=by(user), at=at)


def say_no(proposal, user, at=NOW + HOUR):
    return agreements.decide(proposal=proposal, is_agreed=False, by=by(user), at=at)


def address_of(person):
    return Identity.objects.get(participant=person).email


def signed_in(user):
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def change_of(proposal):
    return AddressChange.objects.get(proposal=proposal)


def link(proposal):
    return reverse("take_back_address", args=[own_address.token_of(change_of(proposal))])


def events(person):
    found = AuditEvent.objects.filter(stream__endswith=f"/{person.code}").exclude(
        action__startswith="message "
    )
    return list(found.order_by("number").values_list("action", flat=True))


def text(answer):
    plain = re.sub(
        r"<[^>]+>", " ", re.sub(r"(?s)<(style|script).*?</\1>", " ", answer.content.decode())
    )
    return " ".join(plain.split())


def key():
    return {"request_key": str(uuid4())}


def mailed(at):
    mail.outbox.clear()
    tick(at, seal=False)
    return {each.to[0]: f"{each.subject}\n{each.body}" for each in mail.outbox}


# What happens when all goes well


def test_it_takes_effect_48_hours_after_it_was_asked_for_to_the_second(dan, ada, eva, live):
    old = address_of(dan)
    proposal = ask(dan, ada)
    agree(proposal, eva)
    tick(DUE - SECOND, seal=False)
    assert address_of(dan) == old
    tick(DUE, seal=False)
    assert address_of(dan) == NEW
    made = change_of(proposal)
    assert (made.changed_at, made.new_sealed, dan.unsealed(made.old_sealed)) == (DUE, "", old)
    assert AuditEvent.objects.get(action="e-mail address changed").by == "system worker"
    tick(DUE + HOUR, seal=False)
    assert AuditEvent.objects.filter(action="e-mail address changed").count() == 1
    assert audit.verify(live) == []


def test_agreed_to_later_than_48_hours_it_takes_effect_in_the_next_round(dan, ada, eva):
    proposal = ask(dan, ada)
    tick(DUE + DAY, seal=False)
    assert address_of(dan) != NEW
    agree(proposal, eva, at=DUE + 2 * DAY)
    tick(DUE + 2 * DAY, seal=False)
    assert address_of(dan) == NEW


def test_nobody_agreed_to_it_within_14_days_and_it_is_over(dan, ada, eva):
    proposal = ask(dan, ada)
    with pytest.raises(proposals.AlreadyDecided):
        agree(proposal, eva, at=NOW + 14 * DAY)
    tick(NOW + 14 * DAY, seal=False)
    assert (Decision.objects.get().is_agreed, change_of(proposal).stopped_at) == (
        False,
        NOW + 14 * DAY,
    )
    assert change_of(proposal).new_sealed == ""


def test_whoever_reads_the_lost_mailbox_does_not_stay_signed_in(dan, ada, eva):
    intruder = signed_in(dan.user)
    tokens.make(user=dan.user, name="an app", by=actors.participant(dan.code), at=NOW)
    agree(ask(dan, ada), eva)
    assert intruder.get(reverse("participant:data")).status_code == 200
    tick(DUE, seal=False)
    assert intruder.get(reverse("participant:data")).status_code == 302
    assert ApiToken.objects.get().ended_at == DUE


def test_the_trail_says_that_it_changed_and_nothing_holds_what(dan, ada, eva, live):
    old = address_of(dan)
    proposal = ask(dan, ada, key="ask")
    assert dump.found([old, NEW]) == []
    agree(proposal, eva, key="agree")
    assert dump.found([old, NEW]) == []
    tick(DUE, seal=False)
    assert dump.found([old, NEW]) == []
    about = AuditEvent.objects.filter(stream__endswith=f"/{dan.code}", recorded_at__gte=NOW)
    assert not any(NEW in f"{each.old}{each.new}{each.reason}{each.subject}" for each in about)
    assert events(dan)[-4:] == [
        "second person asked",
        "contact details shown",
        "second person agreed",
        "e-mail address changed",
    ]
    assert audit.verify(live) == []


# Whom it is refused to, and which addresses


def test_only_researchers_and_supervisors_open_the_page(dan, member, live):
    url = reverse("research:lost_mailbox", args=[live.slug, dan.code])
    found = {role: signed_in(member(role)).get(url).status_code for role in factories.CAST}
    assert found == {
        "researcher": 200,
        "supervisor": 200,
        "statistician": 403,
        "coach": 404,
        "assessor": 404,
    }
    assert signed_in(dan.user).get(url).status_code == 404


@pytest.mark.parametrize(
    ("asks", "second", "is_enough"),
    [
        ("researcher", "supervisor", True),
        ("supervisor", "researcher", True),
        ("supervisor", "supervisor", True),
        ("researcher", "researcher", False),
        *(("supervisor", role, False) for role in ("coach", "assessor", "statistician")),
    ],
)
def test_one_of_the_two_knows_arms_and_both_are_researcher_or_supervisor(
    dan, member, asks, second, is_enough
):
    first, other = member(asks), member(second, name="Somebody Else")
    if asks != "researcher" or second != "researcher":
        member("supervisor", name="Third Person")  # so that it can be asked at all
        proposal = ask(dan, first)
        assert (other in reads.may_agree(proposal, NOW)) is is_enough
    else:
        with pytest.raises(lost_mailbox.NobodySecond):
            ask(dan, first)
    if is_enough:
        agree(proposal, other)
        tick(DUE, seal=False)
        assert address_of(dan) == NEW


def test_a_researcher_cannot_agree_to_what_a_researcher_asked(dan, ada, eva, member):
    proposal = ask(dan, ada)
    other = member("researcher", name="Gijs Mol")
    with pytest.raises(proposals.NotSecond):
        agree(proposal, other)
    with pytest.raises(proposals.NotSecond):
        agree(proposal, other, looks=False)


def test_whoever_is_both_acts_as_the_one_who_knows_arms(dan, ada, eva, member, live):
    factories.staff.join(
        study=live, user=ada, role="supervisor", by=actors.SYSTEM, at=NOW - 20 * DAY
    )
    other = member("researcher", name="Gijs Mol")
    page = signed_in(ada).post(
        reverse("research:lost_mailbox", args=[live.slug, dan.code]),
        {"email": NEW, "reason": "other", **key()},
    )
    assert page.status_code == 302
    proposal = Proposal.objects.get()
    assert proposal.role == "supervisor"
    agree(proposal, other)


def test_who_came_lately_or_was_invited_by_whoever_asks_is_no_second_person(dan, ada, member, live):
    late = member("supervisor", days=-0.01, name="Late Lena")
    invited = invitations.invite(
        study=live, email="i@example.org", role="supervisor", by=by(ada), at=NOW - 20 * DAY
    )
    Membership.objects.filter(user=member("supervisor", name="Invited Ivo")).update(
        invitation=invited
    )
    with pytest.raises(lost_mailbox.NobodySecond):
        ask(dan, ada)
    proposal = ask(dan, ada, at=NOW + 15 * DAY)
    assert list(reads.may_agree(proposal, NOW + 15 * DAY)) == [late]


def test_nobody_second_is_said_on_the_page_and_nothing_is_stored(dan, ada, live):
    url = reverse("research:lost_mailbox", args=[live.slug, dan.code])
    answer = signed_in(ada).post(url, {"email": NEW, "reason": "mailbox_lost", **key()})
    assert answer.status_code == 409
    assert "Nobody on the staff could be the second person" in text(answer)
    assert (Proposal.objects.count(), AddressChange.objects.count()) == (0, 0)


def test_an_address_of_anybody_who_works_here_is_refused(dan, ada, eva, member, live):
    gone = member("coach")
    Membership.objects.filter(user=gone).update(ended_at=NOW)
    invitations.invite(
        study=None, email="Nina@EXAMPLE.org", role="researcher", by=actors.SYSTEM, at=NOW
    )
    contacts = live.current.protocol.contacts
    for email in (
        ada.email.upper(),
        f"Eva <{eva.email}>",
        gone.email,
        "nina@example.org",
        contacts.team.email,
    ):
        with pytest.raises(lost_mailbox.AddressOfStaff):
            ask(dan, ada, email)
    with pytest.raises(participants.NotACode):
        ask(dan, ada, reason="Dan phoned me")


def test_an_address_of_somebody_who_was_invited_meanwhile_does_not_take_effect(dan, ada, eva):
    old, proposal = address_of(dan), ask(dan, ada)
    agree(proposal, eva)
    invitations.invite(study=None, email=NEW, role="researcher", by=actors.SYSTEM, at=NOW + HOUR)
    tick(DUE, seal=False)
    assert (address_of(dan), events(dan)[-1]) == (old, "e-mail address could not be changed")


def test_it_is_asked_once_until_it_took_effect(dan, ada, eva):
    proposal = ask(dan, ada, key="one press")
    assert ask(dan, ada, key="one press") == proposal
    with pytest.raises(proposals.AlreadyProposed):
        ask(dan, eva, "other@example.org")
    agree(proposal, eva)
    with pytest.raises(proposals.AlreadyProposed):
        ask(dan, ada, "other@example.org", at=NOW + HOUR)
    tick(DUE, seal=False)
    assert ask(dan, ada, "other@example.org", at=DUE).pk != proposal.pk


def test_without_a_number_or_in_no_study_it_cannot_be_done(dan, ada, eva, live):
    url = reverse("research:lost_mailbox", args=[live.slug, dan.code])
    Identity.objects.filter(participant=dan).update(phone_sealed="")
    with pytest.raises(lost_mailbox.NoNumber):
        ask(dan, ada)
    assert "There is no phone number on record" in text(signed_in(ada).get(url))
    participants.withdraw(participant=dan, by=actors.participant(dan.code), at=NOW)
    with pytest.raises(participants.NotAskedNow):
        ask(dan, ada)
    assert "This person is not in the study" in text(signed_in(ada).get(url))


# Whether another participant has it, or they themselves, is not told at asking


def test_the_address_that_they_have_is_asked_for_like_any_other_and_changes_nothing(
    dan, ada, eva, live
):
    old = address_of(dan)
    proposal = ask(dan, ada, old.upper())
    agree(proposal, eva, old)
    tick(DUE, seal=False)
    assert (address_of(dan), change_of(proposal).stopped_at, change_of(proposal).new_sealed) == (
        old,
        DUE,
        "",
    )
    assert events(dan)[-1] == "e-mail address could not be changed"
    assert audit.verify(live) == []


def test_an_address_of_another_participant_is_taken_like_any_other_and_changes_nothing(
    dan, ada, eva, live
):
    old, other = address_of(dan), factories.a_verified_participant(live, NOW)
    proposal = ask(dan, ada, address_of(other))
    agree(proposal, eva, address_of(other))
    tick(DUE, seal=False)
    assert (address_of(dan), change_of(proposal).stopped_at, change_of(proposal).new_sealed) == (
        old,
        DUE,
        "",
    )
    event = AuditEvent.objects.get(action="e-mail address could not be changed")
    assert (event.old, event.new, event.reason, event.subject) == (
        "",
        "",
        "",
        f"proposal {proposal.pk}",
    )
    assert "It could not be done" in text(
        signed_in(ada).get(reverse("staff:agreement", args=[proposal.pk]))
    )
    assert mailed(DUE + HOUR).keys() == {ada.email, eva.email}  # that it is over
    assert audit.verify(live) == []


# The second person


def test_the_second_person_looks_up_the_number_calls_and_types_the_same_address(dan, ada, eva):
    proposal = ask(dan, ada, "Dan.New@example.org")
    with pytest.raises(lost_mailbox.NotCalled):
        agree(proposal, eva, looks=False)
    with pytest.raises(lost_mailbox.NotCalled):
        agree(proposal, eva, called=False)
    for email in ("", "dan.now@example.org"):
        with pytest.raises(lost_mailbox.OtherAddress):
            agree(proposal, eva, email)
    assert not Decision.objects.exists()
    agree(proposal, eva, "Dan Jansen <dan.new@EXAMPLE.org>")


def test_a_number_that_changed_since_it_was_looked_up_is_looked_up_again(dan, ada, eva):
    proposal = ask(dan, ada)
    lost_mailbox.show_number(proposal=proposal, by=by(eva), at=NOW)
    own_details.correct_contact(
        participant=dan, phone="06 9999 9999", by=actors.participant(dan.code), at=NOW + HOUR
    )
    with pytest.raises(lost_mailbox.NotCalled):
        agree(proposal, eva, looks=False, at=NOW + 2 * HOUR)
    reached = lost_mailbox.show_number(proposal=proposal, by=by(eva), at=NOW + 2 * HOUR)
    assert (reached.phone, reached.changed_at) == ("+31699999999", NOW + HOUR)
    agree(proposal, eva, looks=False, at=NOW + 2 * HOUR)


def test_the_number_is_shown_to_whoever_may_agree_and_to_nobody_else(dan, ada, eva, member):
    proposal, other = ask(dan, ada), member("researcher", name="Gijs Mol")
    with pytest.raises(proposals.SamePerson):
        lost_mailbox.show_number(proposal=proposal, by=by(ada), at=NOW)
    with pytest.raises(proposals.NotSecond):
        lost_mailbox.show_number(proposal=proposal, by=by(other), at=NOW)
    assert "contact details shown" not in events(dan)
    lost_mailbox.show_number(proposal=proposal, key="k", by=by(eva), at=NOW)
    lost_mailbox.show_number(proposal=proposal, key="k", by=by(eva), at=NOW)
    assert events(dan).count("contact details shown") == 1
    say_no(proposal, eva)
    with pytest.raises(proposals.AlreadyDecided):
        lost_mailbox.show_number(proposal=proposal, by=by(eva), at=NOW)


def test_a_no_takes_no_call_and_whoever_asked_takes_it_back(dan, ada, eva):
    say_no(ask(dan, ada), eva)
    second = ask(dan, ada, at=NOW + 2 * HOUR)
    with pytest.raises(proposals.SamePerson):
        agree(second, ada, looks=False)
    say_no(second, ada)
    assert [
        each for each in events(dan) if each in ("second person did not agree", "taken back")
    ] == [
        "second person did not agree",
        "taken back",
    ]
    assert set(AddressChange.objects.values_list("new_sealed", flat=True)) == {""}
    tick(DUE, seal=False)
    assert address_of(dan) != NEW


def test_after_somebody_agreed_each_of_the_two_still_stops_it_until_it_takes_effect(
    dan, ada, eva, live
):
    old, proposal = address_of(dan), ask(dan, ada)
    agree(proposal, eva)
    one, client = reverse("staff:agreement", args=[proposal.pk]), signed_in(ada)
    assert "each of you can stop it" in text(client.get(one))
    sent = {"is_agreed": "no", **key()}
    assert [client.post(one, sent).status_code for _ in range(2)] == [302, 302]
    assert "It was stopped by one of the staff." in text(client.get(one))
    assert events(dan).count("change of address stopped by staff") == 1
    tick(DUE, seal=False)
    assert (address_of(dan), change_of(proposal).new_sealed) == (old, "")
    second = ask(dan, ada, at=DUE)
    agree(second, eva, at=DUE + HOUR)
    tick(DUE + 2 * DAY, seal=False)
    with pytest.raises(proposals.AlreadyDecided):
        say_no(second, ada, at=DUE + 2 * DAY)
    assert address_of(dan) == NEW
    assert audit.verify(live) == []


def test_the_end_of_its_time_stops_nothing_that_somebody_agreed_to_a_moment_before(dan, ada, eva):
    proposal = ask(dan, ada, at=NOW)
    agree(proposal, eva, at=NOW + 14 * DAY - SECOND)
    with pytest.raises(proposals.AlreadyDecided):
        agreements.decide(proposal=proposal, is_agreed=False, by=actors.WORKER, at=NOW + 14 * DAY)
    assert "change of address stopped by staff" not in events(dan)
    assert change_of(proposal).is_waiting


def test_what_was_asked_in_a_role_ends_with_it(dan, ada, eva, member, live):
    proposal, other = ask(dan, ada), member("researcher", name="Gijs Mol")
    invitations.end_role(membership=ada.memberships.get(), by=by(other), at=NOW + HOUR)
    assert (Decision.objects.get().is_agreed, change_of(proposal).stopped_at) == (False, NOW + HOUR)
    assert audit.verify(live) == []


@pytest.mark.parametrize("whose", ["ada", "eva"])
def test_what_was_agreed_to_ends_with_the_role_of_whoever_asked_or_agreed(
    dan, ada, eva, member, live, whose
):
    old, other, proposal = address_of(dan), member("supervisor", name="Hana Vos"), ask(dan, ada)
    agree(proposal, eva)
    gone = {"ada": ada, "eva": eva}[whose]
    invitations.end_role(membership=gone.memberships.get(), by=by(other), at=NOW + 2 * HOUR)
    assert (change_of(proposal).stopped_at, change_of(proposal).new_sealed) == (NOW + 2 * HOUR, "")
    assert events(dan)[-1] == "change of address over with a role"
    shown = text(signed_in(other).get(reverse("staff:agreement", args=[proposal.pk])))
    assert "whoever asked or agreed does not have that role any more" in shown
    told = mailed(NOW + 2 * HOUR)
    assert "did not take effect" in told[other.email]
    assert "did not take effect" not in told.get(gone.email, "")
    tick(DUE, seal=False)
    assert address_of(dan) == old
    assert audit.verify(live) == []


def test_agreed_to_at_the_moment_when_the_role_ended_it_does_not_take_effect(dan, ada, eva):
    proposal = ask(dan, ada)
    agree(proposal, eva)
    Membership.objects.filter(user=eva).update(ended_at=NOW + HOUR)
    tick(DUE, seal=False)
    assert address_of(dan) != NEW
    assert events(dan)[-1] == "change of address over with a role"


def test_the_end_of_another_role_stops_nothing(dan, ada, eva, member):
    proposal, other = ask(dan, ada), member("supervisor", name="Hana Vos")
    agree(proposal, eva)
    invitations.end_role(membership=other.memberships.get(), by=by(eva), at=NOW + 2 * HOUR)
    tick(DUE, seal=False)
    assert address_of(dan) == NEW


@pytest.mark.parametrize("how", ["by staff", "old address", "of staff by now"])
def test_who_may_ask_or_agree_is_mailed_that_what_was_agreed_to_ended_without_effect(
    dan, ada, eva, member, how
):
    member("coach")
    member("statistician")
    proposal = ask(dan, ada)
    agree(proposal, eva)
    mailed(NOW + HOUR)
    if how == "by staff":
        say_no(proposal, ada, at=DUE - HOUR)
    if how == "old address":
        own_address.take_back(
            token=own_address.token_of(change_of(proposal)),
            by=actors.Actor("visitor", "link"),
            at=DUE,
        )
    if how == "of staff by now":
        invitations.invite(
            study=None, email=NEW, role="researcher", by=actors.SYSTEM, at=NOW + HOUR
        )
    told = {**mailed(DUE), **mailed(DUE + HOUR)}
    over = {
        to: said for to, said in told.items() if "a change of address did not take effect" in said
    }
    assert over.keys() == {ada.email, eva.email}
    assert not any(
        secret in said for said in over.values() for secret in (dan.code, NEW, address_of(dan))
    )


def test_nobody_is_mailed_of_the_end_of_what_took_effect(dan, ada, eva):
    agree(ask(dan, ada), eva)
    tick(DUE, seal=False)
    assert not Message.objects.filter(kind="address_over").exists()


def test_the_fifth_other_address_that_is_typed_ends_it_and_each_stands_in_the_trail(
    dan, ada, eva, live
):
    proposal = ask(dan, ada)
    for number in range(5):
        assert not hasattr(Proposal.objects.get(pk=proposal.pk), "decision")
        with pytest.raises(lost_mailbox.OtherAddress):
            agree(proposal, eva, email=f"guess{number}@example.org", key=f"press {number}")
        assert events(dan).count("another address typed than was asked for") == number + 1
        if number == 0:  # the second press of a double click
            with pytest.raises(lost_mailbox.OtherAddress):
                agree(proposal, eva, email="guess0@example.org", key="press 0")
    assert (change_of(proposal).is_waiting, change_of(proposal).new_sealed) == (False, "")
    with pytest.raises(proposals.AlreadyDecided):
        agree(proposal, eva, looks=False)
    shown = text(signed_in(ada).get(reverse("staff:agreement", args=[proposal.pk])))
    assert "five times an address was typed that was not asked for" in shown
    assert dump.found(["guess0@example.org"]) == []
    assert audit.verify(live) == []


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_second_persons_at_the_same_moment_are_one(dan, ada, eva, member):
    proposal, hana = ask(dan, ada), member("supervisor", name="Hana Vos")
    for user in (eva, hana):
        lost_mailbox.show_number(proposal=proposal, by=by(user), at=NOW)
    barrier = Barrier(2, timeout=20)

    def decides(user):
        barrier.wait()
        try:
            agree(proposal, user, looks=False)
            return "agreed"
        except proposals.AlreadyDecided:
            return "too late"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(decides, (eva, hana)))
    assert sorted(said) == ["agreed", "too late"]
    assert Decision.objects.count() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_stop_and_two_rounds_of_the_worker_at_one_moment_end_in_one_of_both(dan, ada, eva, live):
    old, proposal = address_of(dan), ask(dan, ada)
    agree(proposal, eva)
    token, barrier = own_address.token_of(change_of(proposal)), Barrier(3, timeout=20)

    def stops():
        barrier.wait()
        own_address.take_back(token=token, by=actors.Actor("visitor", "link"), at=DUE)

    def works():
        barrier.wait()
        lost_mailbox.put_due_in_force(DUE)

    def then_closed(do):
        try:
            do()
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(then_closed, (stops, works, works)))
    assert address_of(dan) == old  # stopped before, or taken back after
    assert AuditEvent.objects.filter(action="e-mail address changed").count() <= 1
    assert [
        each for each in audit.verify(live) if "trial.study" not in each
    ] == []  # `live` is made so in no action


# The old address


@pytest.mark.parametrize("state", ["queued", "sending"])
def test_while_the_warning_has_not_left_the_address_does_not_change(dan, ada, eva, live, state):
    proposal = ask(dan, ada, is_told=False)
    agree(proposal, eva)
    warning_of(proposal).update(state=state, due_at=NOW + 30 * DAY, handed_over_at=NOW + 3 * DAY)
    tick(NOW + 3 * DAY, seal=False)
    assert (address_of(dan) == NEW, change_of(proposal).is_waiting) == (False, True)
    shown = text(signed_in(ada).get(reverse("staff:agreement", args=[proposal.pk])))
    assert "changes 48 hours after the old address has been told" in shown
    page = text(signed_in(ada).get(reverse("research:lost_mailbox", args=[live.slug, dan.code])))
    assert "It takes effect 48 hours after the old address has been told" in page
    own = text(signed_in(dan.user).get(reverse("participant:data")))
    assert "It changes 48 hours after we mailed your present address about it" in own


def test_nobody_reads_an_hour_before_the_old_address_has_been_told(dan, ada, eva):
    shown = text(
        signed_in(eva).get(reverse("staff:agreement", args=[ask(dan, ada, is_told=False).pk]))
    )
    assert "the address changes, not before the old address has been told for 48 hours" in shown


@pytest.mark.parametrize("state", ["sent", "uncertain"])
def test_it_changes_48_hours_after_the_warning_left(dan, ada, eva, state):
    proposal, left_at = ask(dan, ada, is_told=False), NOW + 3 * DAY
    agree(proposal, eva)
    warning_of(proposal).update(state=state, handed_over_at=left_at)
    tick(left_at + 2 * DAY - SECOND, seal=False)
    assert address_of(dan) != NEW
    tick(left_at + 2 * DAY, seal=False)
    assert address_of(dan) == NEW


def test_a_warning_that_the_mail_host_refuses_holds_nothing_up(dan, ada, eva):
    proposal = ask(dan, ada, is_told=False)
    agree(proposal, eva)
    warning_of(proposal).update(state="failed", handed_over_at=NOW + DAY, settled_at=NOW + DAY)
    tick(DUE, seal=False)
    assert address_of(dan) == NEW


def test_the_old_address_is_told_at_once_and_stops_it(dan, ada, eva, live, clock):
    old, proposal, home = address_of(dan), ask(dan, ada, is_told=False), signed_in(dan.user)
    agree(proposal, eva)
    told = mailed(NOW + HOUR)
    assert link(proposal) in told[old]
    assert (
        "It changes on 4 March at 12:00 at the earliest" in told[old]
    )  # handed over an hour later
    assert not any(NEW in body or dan.code in body for body in told.values())
    visitor = Client()
    assert "It has not changed yet." in text(visitor.get(link(proposal)))
    assert "Nothing changes: you sign in with this address, as before." in text(
        visitor.post(link(proposal))
    )
    assert (visitor.get(link(proposal)).status_code, visitor.post(link(proposal)).status_code) == (
        410,
        200,
    )
    tick(DUE, seal=False)
    assert (address_of(dan), change_of(proposal).new_sealed) == (old, "")
    assert home.get(reverse("participant:data")).status_code == 200  # nobody is signed out for it
    assert events(dan).count("change of address stopped by the old address") == 1
    page = text(signed_in(ada).get(reverse("staff:agreement", args=[proposal.pk])))
    assert "It was stopped from the old address." in page
    assert audit.verify(live) == []


def test_stopped_before_anybody_agreed_nobody_can_agree_any_more(dan, ada, eva, live):
    proposal = ask(dan, ada)
    Client().post(link(proposal))
    decision = Decision.objects.get()
    assert (decision.is_agreed, decision.by) == (False, "visitor link")
    with pytest.raises(proposals.AlreadyDecided):
        agree(proposal, eva)
    shown = text(signed_in(ada).get(reverse("staff:agreement", args=[proposal.pk])))
    assert "What came of it It was stopped from the old address." in shown
    told = mailed(NOW + HOUR)  # nobody is asked or warned of what is over
    assert not any(
        "address" in body.splitlines()[0] or "two people" in body for body in told.values()
    )
    assert audit.verify(live) == []


def test_after_the_old_address_stopped_one_no_other_is_asked_for_within_seven_days(
    dan, ada, eva, live, clock
):
    url, first = reverse("research:lost_mailbox", args=[live.slug, dan.code]), ask(dan, ada)
    Client().post(link(first))
    clock.move_to(NOW + 7 * DAY - SECOND)
    with pytest.raises(lost_mailbox.StoppedLately):
        ask(dan, ada, at=NOW + 7 * DAY - SECOND)
    shown = text(signed_in(ada).get(url))
    assert "The old address stopped another address, Mon 2 Mar 2026, 11:00" in shown
    assert "from Mon 9 Mar 2026, 11:00" in shown
    assert signed_in(ada).post(url, {"email": NEW, "reason": "other", **key()}).status_code == 409
    clock.move_to(NOW + 7 * DAY)
    second = ask(dan, ada, at=NOW + 7 * DAY)
    before = text(signed_in(eva).get(reverse("staff:agreement", args=[second.pk])))
    assert "Stopped from the old address before Mon 2 Mar 2026, 11:00" in before
    assert "Stopped from the old address before" not in text(
        signed_in(eva).get(reverse("staff:agreement", args=[first.pk]))
    )


def test_after_it_took_effect_the_old_address_takes_it_back_for_seven_days(dan, ada, eva, clock):
    old, proposal = address_of(dan), ask(dan, ada)
    agree(proposal, eva)
    tick(DUE, seal=False)
    clock.move_to(DUE)
    told = mailed(DUE + HOUR)
    assert set(told) == {old}
    assert "was changed" in told[old]
    clock.move_to(DUE + 7 * DAY - SECOND)
    assert "You sign in with this address again." in text(Client().post(link(proposal)))
    assert address_of(dan) == old
    assert "taken back from the old address" in text(
        signed_in(ada).get(reverse("staff:agreement", args=[proposal.pk]))
    )


def test_after_seven_days_it_stands(dan, ada, eva, clock):
    proposal = ask(dan, ada)
    agree(proposal, eva)
    tick(DUE, seal=False)
    clock.move_to(DUE + 7 * DAY)
    assert Client().post(link(proposal)).status_code == 410
    assert address_of(dan) == NEW


def test_the_person_reads_it_on_their_page_and_stops_it_there(dan, ada, eva):
    home = signed_in(dan.user)
    assert "study team was asked" not in text(home.get(reverse("participant:data")))
    proposal = ask(dan, ada)
    page = home.get(reverse("participant:data"))
    assert "It changes on Wed 4 Mar, 11:00 at the earliest" in text(page)
    [found] = re.findall(r'href="([^"]*)">I did not ask for this', page.content.decode())
    assert found == link(proposal)
    home.post(found)
    assert "study team was asked" not in text(home.get(reverse("participant:data")))


# What goes before it


@pytest.mark.parametrize("is_agreed", [False, True])
@pytest.mark.parametrize("what", ["own change", "leaves", "is erased"])
def test_ones_own_change_leaving_or_being_erased_ends_it(dan, ada, eva, live, what, is_agreed):
    proposal = ask(dan, ada)
    if is_agreed:
        agree(proposal, eva)
    own, later = actors.participant(dan.code), NOW + 2 * HOUR
    if what == "own change":
        own_address.change(participant=dan, email="own@example.org", by=own, at=later)
    if what == "leaves":
        participants.withdraw(participant=dan, by=own, at=later)
    if what == "is erased":
        participants.erase(participant=dan, reason="other", by=by(ada), at=later)
        assert not AddressChange.objects.exists()
    else:
        assert (change_of(proposal).stopped_at, change_of(proposal).new_sealed) == (later, "")
    assert Decision.objects.get().is_agreed is is_agreed
    tick(NOW + 15 * DAY, seal=False)
    assert not Identity.objects.filter(
        participant=dan, email_hash=own_address.vault.address_hash(NEW)
    ).exists()
    over = {"own change": "overtaken by another"}.get(what, "over with the study")
    assert f"change of address {over}" in events(dan)
    shown = text(signed_in(ada).get(reverse("staff:agreement", args=[proposal.pk])))
    assert ("It is over" in shown) or (what == "is erased" and is_agreed)
    assert audit.verify(live) == []


def test_an_earlier_change_that_is_taken_back_takes_what_was_asked_with_it(dan, ada, eva, clock):
    old, own = address_of(dan), actors.participant(dan.code)
    first = own_address.change(participant=dan, email="intruder@example.org", by=own, at=NOW)
    proposal = ask(dan, ada)
    agree(proposal, eva)
    own_address.take_back(
        token=own_address.token_of(first), by=actors.Actor("visitor", "link"), at=NOW + DAY
    )
    tick(DUE, seal=False)
    assert (address_of(dan), change_of(proposal).stopped_at) == (old, NOW + DAY)


# Who hears of it


def test_only_whoever_may_ask_or_agree_is_mailed_and_reads_of_it(dan, ada, eva, member, live):
    others = [member(role) for role in ("coach", "assessor", "statistician")]
    proposal = ask(dan, ada)
    told = {to: body for to, body in mailed(NOW).items() if "something takes two people" in body}
    assert told.keys() == {ada.email, eva.email}
    assert (
        "Ada Visser asks that a participant signs in with another e-mail address."
        in told[eva.email]
    )
    assert dan.code not in told[eva.email]
    one = reverse("staff:agreement", args=[proposal.pk])
    for user in others:
        client = signed_in(user)
        assert dan.code not in text(client.get(reverse("staff:agreements")))
        assert client.get(one).status_code == 404
        assert client.post(one, {"is_agreed": "no", **key()}).status_code == 404
        assert (
            client.post(reverse("staff:show_number", args=[proposal.pk]), key()).status_code == 404
        )
        assert (
            clients.Client(user).post(f"agreements/{proposal.pk}/", {"agreed": False}).status_code
            == 404
        )
    assert dan.code in text(signed_in(eva).get(reverse("staff:agreements")))


def test_in_a_simulated_study_staff_are_not_mailed(dan, ada, eva, live):
    Study.objects.update(simulated=True)
    dan.study.refresh_from_db()
    ask(dan, ada, is_told=False)
    assert set(Message.objects.filter(due_at=NOW).values_list("kind", flat=True)) >= {
        "address_asked"
    }
    assert not Message.objects.filter(kind="two_people").exists()


def test_mails_are_in_the_language_of_whoever_reads_them(dan, ada, eva):
    participants.Participant.objects.filter(pk=dan.pk).update(language="nl")
    old, proposal = address_of(dan), ask(dan, ada, is_told=False)
    told = mailed(NOW)[old]
    assert "ander e-mailadres" in told
    assert "op 4 maart om 11:00" in told
    agree(proposal, eva)
    tick(DUE, seal=False)
    assert "je adres is veranderd" in mailed(DUE)[old]


def test_a_concealed_researcher_reads_nothing_of_it_in_the_trail_since_who_asks_can_tell_the_arm(
    dan, ada, eva, live
):
    page = reverse("research:person", args=[live.slug, dan.code])
    said = [(each.action, each.by) for each in listed.events(dan, live)]
    assert said
    ask_one = ask(dan, eva)
    say_no(ask_one, eva)
    say_no(ask(dan, eva), ada)
    agree(ask(dan, eva), ada)
    tick(DUE, seal=False)
    assert [(each.action, each.by) for each in listed.events(dan, live)] == said
    shown = text(signed_in(ada).get(page))
    for action in (
        "second person",
        "contact details shown",
        "taken back",
        "e-mail address changed",
        "proposal",
    ):
        assert action not in shown
    assert "They lost their mailbox: another address" in shown
    trail = text(signed_in(ada).get(reverse("research:audit", args=[live.slug])))
    assert "second person" not in trail
    assert dan.code not in trail


def test_that_somebody_changed_their_address_themselves_a_concealed_researcher_reads(dan, live):
    own_address.change(
        participant=dan, email="own@example.org", by=actors.participant(dan.code), at=NOW
    )
    assert [
        each.by for each in listed.events(dan, live) if each.action == "e-mail address changed"
    ] == [f"participant {dan.code}"]


# The pages


def test_it_is_asked_and_agreed_to_on_the_pages(dan, ada, eva, live):
    asks, second = signed_in(ada), signed_in(eva)
    page = reverse("research:lost_mailbox", args=[live.slug, dan.code])
    blank = asks.post(page, key())
    assert (blank.status_code, set(blank.context["form"].errors)) == (400, {"email", "reason"})
    refused = asks.post(page, {"email": eva.email, "reason": "mailbox_lost", **key()})
    assert (refused.status_code, set(refused.context["form"].errors)) == (409, {"email"})
    sent = {"email": NEW, "reason": "mailbox_hacked", **key()}
    one = reverse("staff:agreement", args=[_asked_by_page(asks, page, sent)])
    assert [urlsplit(asks.post(page, sent).url).path for _ in range(2)] == [one] * 2
    warning_of(Proposal.objects.get()).update(state="sent", handed_over_at=NOW)
    own = text(asks.get(one))
    assert "Somebody else reads their mailbox" in own
    assert "Take it back" in own
    assert "Show the number" not in own
    assert "Ada Visser asked for another address" in text(asks.get(page))

    shown = text(second.get(one))
    assert f"About {dan.code}" in shown
    assert "the address changes, Wed 4 Mar 2026, 11:00 at the earliest" in shown
    phone = Identity.objects.get(participant=dan).phone
    assert phone[-4:] not in shown
    number = second.post(reverse("staff:show_number", args=[Proposal.objects.get().pk]), key())
    assert phone in number.content.decode()
    assert NEW not in number.content.decode()
    empty = second.post(one, {"is_agreed": "yes", **key()})
    assert (empty.status_code, set(empty.context["form"].errors)) == (400, {"called", "email"})
    other = second.post(
        one, {"is_agreed": "yes", "called": "on", "email": "x@example.org", **key()}
    )
    assert (other.status_code, "This is not the address that was asked for." in text(other)) == (
        409,
        True,
    )
    right = {"is_agreed": "yes", "called": "on", "email": NEW, **key()}
    assert [second.post(one, right).status_code for _ in range(2)] == [302, 302]
    assert "changes shortly after Wed 4 Mar 2026, 11:00" in text(second.get(one))
    assert "A second person agreed." in text(asks.get(page))
    tick(DUE, seal=False)
    assert "was changed, Wed 4 Mar 2026, 11:00" in text(second.get(one))


def _asked_by_page(client, page, sent):
    return int(urlsplit(client.post(page, sent).url).path.rstrip("/").rsplit("/", 1)[-1])


def test_without_having_looked_up_the_number_the_page_says_what_to_do(dan, ada, eva):
    one = reverse("staff:agreement", args=[ask(dan, ada).pk])
    sent = {"is_agreed": "yes", "called": "on", "email": NEW, **key()}
    answer = signed_in(eva).post(one, sent)
    assert (answer.status_code, "Show the number on record, call it" in text(answer)) == (409, True)


def test_a_supervisor_finds_the_page_from_a_caseload_and_from_the_exceptions(live, ada, eva):
    dan = factories.a_participant_in(live, "guided", NOW)
    url = reverse("research:lost_mailbox", args=[live.slug, dan.code])
    client, ben = signed_in(eva), signed_in(Membership.objects.get(role="coach").user)
    assert url in client.get(reverse("coach:person", args=[dan.code])).content.decode()
    assert (
        url
        in client.get(reverse("research:exceptions", args=[live.slug, dan.code])).content.decode()
    )
    assert url not in ben.get(reverse("coach:person", args=[dan.code])).content.decode()


def test_an_exception_to_a_randomisation_is_not_mixed_up_with_it(dan, ada, eva, live):
    proposal = ask(dan, ada)
    client = signed_in(eva)
    assert client.get(reverse("research:decide", args=[live.slug, proposal.pk])).status_code == 404
    exceptions = client.get(reverse("research:exceptions", args=[live.slug, dan.code]))
    assert "Asked of a second person" not in text(exceptions)
    assert "Waits for a second person Nothing." in text(
        client.get(reverse("research:randomisation", args=[live.slug]))
    )
