from __future__ import annotations

from datetime import timedelta

import pytest

from outcomes.actions import screening
from outcomes.models import Assessment, ScreeningAnswer
from randomisation.models import Allocation
from tests import factories
from trial import actors, audit
from trial.actions import participants
from trial.grants import Grant
from trial.models import AuditEvent, Participant

pytestmark = pytest.mark.django_db


def test_the_whole_way_from_screening_to_access(study, now):
    dan = factories.a_randomised_participant(study, now)

    assert dan.state == "randomised"
    allocation = Allocation.objects.get(participant=dan)
    arm = dan.version.protocol.arm(allocation.arm)
    granted = set(Grant.objects.filter(participant=dan).values_list("kind", "code"))
    assert granted == {(grant.kind, grant.code) for grant in arm.grants}
    actions = list(
        AuditEvent.objects.filter(stream=f"{study.slug}/{dan.code}").values_list(
            "action", flat=True
        )
    )
    assert (
        actions.index("consent signed")
        < actions.index("allocated")
        < actions.index("access granted")
    )


def test_a_person_outside_the_criteria_leaves_only_reason_site_date_and_stage(study, now):
    turned_away = factories.a_screening_participant(study, now, age=17)

    assert (turned_away.state, turned_away.left_stage, turned_away.left_reason) == (
        "excluded",
        "basics",
        "age",
    )
    assert turned_away.site == "main"
    assert turned_away.left_at == now
    assert "age" not in turned_away.answers
    participants.erase(participant=turned_away, reason="did_not_get_in", by=actors.WORKER, at=now)
    turned_away.refresh_from_db()
    assert turned_away.answers == {}
    assert ScreeningAnswer.objects.count() == 0


def test_the_baseline_is_a_new_measurement_and_screening_answers_are_gone_from_outcomes(study, now):
    dan = factories.a_consented_participant(study, now)
    assert ScreeningAnswer.objects.filter(participant=dan).count() == 1
    factories.fill_in(dan, "pre", now)

    assert (dan.state, ScreeningAnswer.objects.count()) == ("randomised", 0)
    assert AuditEvent.objects.filter(action="screening answers deleted").count() == 1
    pretest = Assessment.objects.get(participant=dan, timepoint="pre", instrument="PHQ9")
    assert pretest.scores == {"PHQ9": 8.0, "PHQ2": 2.0}
    assert pretest.submitted_at == now


def test_whoever_withdraws_before_allocation_leaves_no_screening_answers_either(study, now):
    dan = factories.a_consented_participant(study, now)
    participants.withdraw(participant=dan, by=actors.participant(dan.code), at=now)

    assert (ScreeningAnswer.objects.count(), audit.verify(study)) == (0, [])


def test_screening_answers_are_deleted_once_and_the_trail_keeps_them_sealed(study, now):
    dan = factories.a_randomised_participant(study, now)
    screening.forget(participant=dan, by=actors.SYSTEM, at=now)

    actions = list(
        AuditEvent.objects.filter(stream=f"{study.slug}/{dan.code}").values_list(
            "action", flat=True
        )
    )
    assert (actions.count("screening answered"), actions.count("screening answers deleted")) == (
        1,
        1,
    )


def test_post_waits_for_the_end_of_the_programme_and_comes_at_the_latest_day_without_it(study, now):
    from trial import worker

    dan = factories.a_randomised_participant(study, now)
    post = Assessment.objects.get(participant=dan, timepoint="post", instrument="PHQ9")
    assert post.opens_at is None

    for day in range(1, 43):
        worker.tick(now + timedelta(days=day))
    post.refresh_from_db()

    assert (post.opens_at - now).days in {41, 42}
    assert Participant.objects.get(pk=dan.pk).state == "randomised"


def test_after_the_last_window_the_study_is_completed(study, now):
    from trial import worker

    dan = factories.a_randomised_participant(study, now)
    for day in range(1, 200):
        worker.tick(now + timedelta(days=day), seal=False)
    dan.refresh_from_db()

    assert dan.state == "completed"
