"""Ways in which people got stuck, were lost from sight or gave their arm away, each kept from
coming back.
"""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from outcomes.actions import assessments
from outcomes.models import Assessment, Schedule
from tests import factories
from tests.conftest import SMALL
from trial import actors, audit, hooks, worker
from trial.actions import journey, participants, studies
from trial.entries import Wait
from trial.models import Alert, AuditEvent, Journey, Membership, Message, Participant, Study
from trial.queries import dashboard
from trial.queries import participants as reads

pytestmark = pytest.mark.django_db
A_DAY = timedelta(days=1)
LIVING_POSITIVE = Path(__file__).parents[2] / "trial" / "studies" / "living-positive"


def test_whoever_is_randomised_after_a_pause_is_asked_everything_and_gets_to_the_end(study, now):
    dan = factories.a_consented_participant(study, now)
    studies.pause(study=study, by=actors.SYSTEM, at=now)
    factories.fill_in(dan, "pre", now)
    studies.resume(study=study, by=actors.SYSTEM, at=now + A_DAY)

    for day in range(1, 200):
        worker.tick(now + day * A_DAY, seal=False)

    dan.refresh_from_db()
    undated = list(
        Schedule.objects.filter(participant=dan, opens_at=None).values_list("timepoint", flat=True)
    )
    assert (dan.state, undated) == ("completed", [])


def test_whoever_leaves_the_baseline_undone_for_a_month_is_out_of_the_study(study, now):
    dan = factories.a_consented_participant(study, now)

    worker.tick(now + 29 * A_DAY)
    dan.refresh_from_db()
    assert dan.state == "consented"
    worker.tick(now + 31 * A_DAY)

    dan.refresh_from_db()
    assert (dan.state, dan.left_stage, dan.left_reason) == (
        "withdrawn",
        "consented",
        "baseline_not_done",
    )


def test_whoever_waits_for_the_end_of_a_pause_with_the_baseline_done_stays_in(study, now):
    dan = factories.a_consented_participant(study, now)
    studies.pause(study=study, by=actors.SYSTEM, at=now)
    factories.fill_in(dan, "pre", now)

    worker.tick(now + 40 * A_DAY)

    dan.refresh_from_db()
    assert dan.state == "consented"


def test_whoever_signed_and_is_not_allocated_when_recruitment_closes_is_told_and_not_left_waiting(
    study, now
):
    dan, eve = _signed(study, now), factories.a_consented_participant(study, now)
    in_time = factories.a_randomised_participant(study, now)
    studies.close(study=study, by=actors.SYSTEM, at=now)

    worker.tick(now)
    worker.tick(now + timedelta(hours=1))

    for person in (dan, eve, in_time):
        person.refresh_from_db()
    assert [(p.state, p.left_reason) for p in (dan, eve)] == [
        ("withdrawn", "recruitment_closed")
    ] * 2
    assert in_time.state == "randomised"
    sent = [each.to for each in mail.outbox if "has closed and takes nobody any more" in each.body]
    assert sent == [[dan.identity.email], [eve.identity.email]]


def test_whoever_looks_at_their_page_before_the_worker_does_reads_it_there(study, now):
    dan = factories.a_consented_participant(study, now)
    client = Client()
    client.force_login(dan.user)
    studies.close(study=study, by=actors.SYSTEM, at=now)

    assert (
        "The study takes nobody any more"
        in client.get(reverse("participant:home")).content.decode()
    )
    dan.refresh_from_db()
    assert (dan.state, Message.objects.filter(kind="recruitment_closed").count()) == (
        "withdrawn",
        1,
    )


def test_whoever_never_says_when_to_call_does_not_wait_for_ever(study, now):
    dan = _signed(study, now)
    assert journey.advance(dan, now).task.leads_to.name == "call_times"

    worker.tick(now + 31 * A_DAY)

    dan.refresh_from_db()
    assert (dan.state, dan.left_reason) == ("withdrawn", "baseline_not_done")


def test_of_two_who_move_somebody_on_at_once_the_later_does_not_lose_the_date_of_the_other(
    study, now, monkeypatch
):
    dan = factories.a_randomised_participant(study, now)
    sooner = now + timedelta(hours=1)

    def step(participant, at):
        """While this one waits for long, another finds something that is due soon."""
        Journey.objects.filter(participant=participant).update(due_at=sooner)
        return Wait(now + 300 * A_DAY)

    monkeypatch.setattr(hooks, "JOURNEY", (step,))
    journey.advance(dan, now)

    assert Journey.objects.get(participant=dan).due_at <= sooner


def test_one_who_moves_on_at_the_last_moment_does_not_stop_the_round_of_the_worker(
    study, now, monkeypatch
):
    first, second = (factories.a_screening_participant(study, now) for _ in range(2))

    def consents_meanwhile(participant, at):
        Participant._base_manager.filter(pk=second.pk).update(
            state="consented"
        )  # by another, whose event is not ours

    monkeypatch.setattr(hooks, "ERASURE", (*hooks.ERASURE, consents_meanwhile))
    done = worker.tick(now + 2 * A_DAY)

    states = dict(Participant.objects.values_list("code", "state"))
    assert (states, done.stopped) == ({first.code: "excluded", second.code: "consented"}, 1)


def test_that_nobody_can_coach_is_told_without_telling_whom(study, now):
    Membership.objects.filter(study=study, role="coach").update(ended_at=now)
    people = [
        factories.a_participant_in(study, arm.code, now) for arm in study.current.protocol.arms
    ]

    assert list(Alert.objects.values_list("participant", "kind", "subject_ref")) == [
        (None, "no_coach", now.date().isoformat())
    ]
    raised = AuditEvent.objects.filter(action="alert raised").values_list("stream", flat=True)
    assert (list(raised), len(people)) == ([study.slug], 2)


def test_the_stage_at_which_somebody_withdrew_does_not_tell_that_they_were_through(db, now):
    """In this study the arms are followed up for longer or shorter, so that being through tells the
    arm.
    """
    study = factories.a_loaded_study(LIVING_POSITIVE, now)
    dan = Participant.objects.create(
        study=study,
        version=study.current,
        code="SP-34679",
        language="en",
        state="completed",
        began_at=now,
    )
    participants.withdraw(participant=dan, reason="no_time", by=actors.SYSTEM, at=now)
    dan.refresh_from_db()
    assert (dan.left_stage, reads.shown_stage(dan, study)) == (
        "completed",
        "completed",
    )  # simulated: nothing is hidden
    study.simulated = False

    assert reads.shown_stage(dan, study) == "randomised"
    rows = dashboard.panel_flow(study, None, now).rows
    assert ["randomised", "takes too much time", "1"] in rows


def test_whoever_loads_a_study_gets_its_role_on_the_record(db, now):
    from trial.actions import staff

    ada = staff.make_user(
        email="ada@example.org", full_name="Ada Visser", password=factories.PASSWORD
    )
    studies.load(path=SMALL, simulated=True, user=ada, by=actors.staff(ada.pk), at=now)

    given = AuditEvent.objects.filter(action="role given")
    assert list(given.values_list("subject", "new")) == [
        (f"staff {ada.pk}", '{"role":"researcher"}')
    ]
    assert audit.verify(Study.objects.get()) == []


def _signed(study: Study, now) -> Participant:
    """Signed, and not yet asked when to be called."""
    dan = factories.a_verified_participant(study, now)
    letter = dan.version.consent.letters["en"]
    participants.sign_consent(
        participant=dan,
        language="en",
        statements=[each.code for each in letter.statements],
        comprehension={each.code: 1 for each in letter.comprehension},
        signature="Dan Jansen",
        by=actors.participant(dan.code),
        at=now,
    )
    dan.refresh_from_db()
    return dan


def test_when_somebody_is_asked_again_does_not_hang_on_when_they_answered(tmp_path, now):
    folder = shutil.copytree(SMALL, tmp_path / "small_study")
    text = (folder / "assessments.yaml").read_text()
    (folder / "assessments.yaml").write_text(
        text.replace("assessment_closed:post", "assessment_opened:post")
    )
    study = factories.an_open_study(folder, now)
    at_once, half, never = (factories.a_randomised_participant(study, now) for _ in range(3))

    for day in range(1, 170):
        at = now + day * A_DAY
        worker.tick(at, seal=False)
        if Schedule.objects.filter(
            participant=at_once, timepoint="post", opens_at__lte=at, closed_at=None
        ).exists():
            factories.fill_in(at_once, "post", at)
            row = Assessment.objects.get(participant=half, timepoint="post", instrument="PHQ9")
            given = factories.answers_to(study, "PHQ9", 1)
            assessments.submit(
                assessment=row, answers=given, language="en", by=actors.SYSTEM, at=at
            )

    gaps = []
    for person in (at_once, half, never):
        opens = dict(
            Schedule.objects.filter(participant=person).values_list("timepoint", "opens_at")
        )
        gaps.append((opens["followup"].date() - opens["post"].date()).days)
        person.refresh_from_db()
        assert person.state == "completed"
    assert gaps == [91, 91, 91]
