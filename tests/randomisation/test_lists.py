"""Lists of a fixed length: a warning at four fifths, and at the end nobody is allocated by
guess.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail

from randomisation import life, methods
from randomisation.actions import allocations
from randomisation.models import Allocation, Scope
from tests import factories
from tests.randomisation import people
from tests.randomisation.test_points import STAGED, STAGES
from tests.randomisation.views.test_research import signed_in
from trial import actors, worker
from trial.entries import Done, Wait
from trial.models import Alert, Message, Study
from trial.queries import messages as ledger

pytestmark = pytest.mark.django_db


@pytest.fixture
def list_of_five(tmp_path, now):
    """One list of six, and eight people: four fifths of six are five."""
    study = people.a_listed_study(tmp_path, now, n=6)
    return study, people.consented(study, 8, now)


def waiting_alerts(study) -> list[str]:
    return list(Alert.objects.filter(study=study).order_by("pk").values_list("kind", flat=True))


def test_the_draw_that_brings_a_list_to_four_fifths_is_told_once(list_of_five, now):
    study, everybody = list_of_five
    told = []
    for person in everybody[:6]:
        assert life.allocation(person, now) == Done()
        told.append(len(waiting_alerts(study)))
    assert told == [0, 0, 0, 0, 1, 1]
    assert waiting_alerts(study) == ["list_low"]


def test_at_the_end_nothing_is_consumed_staff_are_told_and_the_person_waits(list_of_five, now):
    study, everybody = list_of_five
    for person in everybody[:6]:
        allocations.allocate(participant=person, by=actors.SYSTEM, at=now)
    assert [life.allocation(person, now) for person in everybody[6:]] == [Wait()] * 2
    assert (Allocation.objects.count(), Scope.objects.get().next_index) == (6, 6)
    assert waiting_alerts(study) == ["list_exhausted"]
    everybody[6].refresh_from_db()
    assert everybody[6].state == "consented"
    with pytest.raises(methods.ListExhausted):
        allocations.allocate(participant=everybody[6], by=actors.SYSTEM, at=now)


def test_a_rule_without_a_length_warns_of_nothing(study, now):
    for _ in range(3):
        factories.a_randomised_participant(study, now)
    assert waiting_alerts(study) == []


# Of a stage


@pytest.fixture
def stage_of_two(tmp_path, now):
    """A stage with a list of two, and three people who come to it after two weeks."""
    staged = STAGED.replace("method: big_stick", "method: random_allocation").replace(
        "tolerance: 2", "n: 2"
    )
    study = people.a_study(tmp_path, now, randomisation=staged, stages=STAGES)
    for _ in range(3):
        factories.a_participant_in(study, "unguided", now)
    return study


def at_the_stage(study, now, *roles):
    """Two weeks on in a live study, with these roles."""
    Study.objects.filter(pk=study.pk).update(simulated=False)
    staff = [factories.a_staff_member(study, role, "", now) for role in roles]
    mail.outbox.clear()
    for hours in (0, 2):
        worker.tick(now + timedelta(days=15, hours=hours))
    return staff


def test_a_list_of_a_stage_that_runs_out_is_told_by_mail_to_whoever_knows_arms_alone(
    stage_of_two, now
):
    ada, eva = at_the_stage(stage_of_two, now, "researcher", "supervisor")
    assert waiting_alerts(stage_of_two) == []
    told = [letter for letter in mail.outbox if "list" in letter.subject]
    assert [letter.to for letter in told] == [[eva.email]] * 2
    assert ["four fifths" in letter.body.lower() for letter in told] == [True, False]
    assert ["used up" in letter.body for letter in told] == [False, True]

    pages = [
        signed_in(user).get(f"/research/{stage_of_two.slug}/randomisation/") for user in (ada, eva)
    ]
    said = "step_up, from=unguided: 2 of 2 places used"
    assert [said in page.content.decode() for page in pages] == [False, True]


def test_where_nobody_supervises_the_coaches_are_told(stage_of_two, now):
    [ben] = at_the_stage(stage_of_two, now, "coach")
    assert ben.email in {
        address for letter in mail.outbox if "list" in letter.subject for address in letter.to
    }


def test_a_mail_about_a_list_of_a_stage_that_failed_stands_before_whoever_knows_arms_alone(
    stage_of_two, now
):
    at_the_stage(stage_of_two, now, "supervisor")
    Message.objects.filter(kind="stage_list").update(state="failed")
    seen = {
        knows: list(ledger.unsettled(stage_of_two, knows_arms=knows)) for knows in (True, False)
    }
    assert [each.kind for each in seen[True]] == ["stage_list"] * 2
    assert seen[False] == []
    assert ledger.shown(stage_of_two, seen[True][0].handle, knows_arms=False) is None


def test_in_a_rehearsal_a_list_of_a_stage_raises_the_alerts_of_any_list(stage_of_two, now):
    worker.tick(now + timedelta(days=15))
    assert waiting_alerts(stage_of_two) == ["list_low", "list_exhausted"]
