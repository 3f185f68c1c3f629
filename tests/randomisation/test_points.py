"""Methods that read across strata, clusters, and stages, through the service."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from fractions import Fraction

import pytest

from randomisation import life, stream
from randomisation.actions import allocations, switches
from randomisation.methods import ListExhausted
from randomisation.models import Allocation, Scope, StageDecision
from randomisation.queries import design, stages
from tests import factories
from tests.randomisation import people
from tests.randomisation.test_allocations import allocate, replayed
from trial import actors, audit, worker
from trial.actions import journey, participants, programme, studies
from trial.entries import Wait
from trial.grants import Grant
from trial.models import AuditEvent, Journey, Participant

pytestmark = pytest.mark.django_db
MINIMISED = """
method: minimisation
ratio: {guided: 2, unguided: 1}
factors: {sex: 1, site: 2}
unequal: fake-arms
p: 0.8
"""
CLUSTERED = """
method: permuted_blocks
ratio: {guided: 1, unguided: 1}
block_sizes: [2]
cluster: site
"""
STAGES = """stages:
  - code: step_up
    arms:
      - code: coached
        name: {en: Coached, nl: Gecoacht}
        description: {en: From now on a coach calls you., nl: Vanaf nu belt een coach je.}
        grants: [{coaching: support}]
      - code: go_on
        name: {en: Go on, nl: Ga door}
        description: {en: You go on as you do now., nl: Je gaat door zoals nu.}
"""
STAGED = """
method: permuted_blocks
ratio: {guided: 1, unguided: 1}
block_sizes: [2]
stages:
  - code: step_up
    from: [unguided]
    opens: {anchor: randomised, days: 14}
    when: {answer: modules_begun, at_most: 0}
    method: big_stick
    ratio: {coached: 1, go_on: 1}
    tolerance: 2
"""


def test_minimisation_draws_fake_arms_and_keeps_the_profiles_it_read(tmp_path, now):
    study = people.a_study(tmp_path, now, randomisation=MINIMISED)
    for person in people.consented(study, 12, now):
        allocate(person, now)

    rows = list(Allocation.objects.order_by("draw_index"))
    rule = design.rule(study.current)
    assert [row.draw_index for row in rows] == list(range(12))
    assert {row.stratum for row in rows} == {""}
    assert [row.covariates for row in rows[:2]] == [
        {"sex": "f", "site": "main"},
        {"sex": "m", "site": "main"},
    ]
    assert [rule.arm(row.fake_arm) for row in rows] == [row.arm for row in rows]
    history = [[row.fake_arm, row.covariates] for row in rows]
    for number, row in enumerate(rows):
        expected = rule.lot_probabilities(history[:number], row.covariates)
        assert {lot: Fraction(text) for lot, text in row.probabilities.items()} == expected
    assert replayed(study) == {"": [row.fake_arm for row in rows]}
    assert Scope.objects.get().next_index == 12


def test_whoever_comes_with_a_cluster_has_its_arm_and_takes_no_draw(tmp_path, now):
    study = people.a_study(tmp_path, now, randomisation=CLUSTERED, sites=4)
    persons = people.consented(study, 8, now)
    for number, person in enumerate(persons):
        Participant.objects.filter(pk=person.pk).update(
            site=("main", "site2", "site3", "site4")[number % 4]
        )
        allocate(person, now)

    rows = list(Allocation.objects.order_by("pk"))
    assert [row.kind for row in rows] == ["drawn"] * 4 + ["cluster"] * 4
    assert [row.draw_index for row in rows] == [0, 1, 2, 3, None, None, None, None]
    assert [row.arm for row in rows[4:]] == [row.arm for row in rows[:4]]
    assert Counter(row.arm for row in rows[:4]) == {"guided": 2, "unguided": 2}
    assert [row.probabilities for row in rows[4:]] == [row.probabilities for row in rows[:4]]
    assert audit.verify(study) == []


def test_a_list_that_is_full_allocates_nobody_and_consumes_nothing(tmp_path, now):
    plan = "method: maximal\nratio: {guided: 1, unguided: 1}\nn: 4\ntolerance: 2\n"
    study = people.a_study(tmp_path, now, randomisation=plan)
    *first, last = people.consented(study, 5, now)
    for person in first:
        allocate(person, now)
    with pytest.raises(ListExhausted):
        allocate(last, now)
    assert Counter(Allocation.objects.values_list("arm", flat=True)) == {"guided": 2, "unguided": 2}
    assert Participant.objects.get(pk=last.pk).state == "consented"
    assert Scope.objects.get().next_index == 4


@pytest.fixture
def staged(tmp_path, now):
    return people.a_study(tmp_path, now, randomisation=STAGED, stages=STAGES)


def two_weeks_on(now):
    return now + timedelta(days=15)


def test_at_a_stage_whoever_did_not_start_is_randomised_again_with_the_chances_kept(staged, now):
    idle = factories.a_participant_in(staged, "unguided", now)
    worker.tick(two_weeks_on(now))

    row = Allocation.objects.get(participant=idle, point="step_up")
    assert (row.kind, row.draw_index, row.covariates, row.stratum) == (
        "drawn",
        0,
        {"from": "unguided"},
        "from=unguided",
    )
    assert row.probabilities == {"coached": "1/2", "go_on": "1/2"}
    decision = StageDecision.objects.get(participant=idle)
    assert (decision.is_eligible, decision.facts) == (
        True,
        {"answers": {"modules_begun": "0"}, "scores": {}},
    )
    start = Allocation.objects.get(participant=idle, point="start")
    assert row.design_digest != start.design_digest
    # The product of the stored chances is the weight's denominator.
    chances = [Fraction(each.probabilities[each.arm]) for each in (start, row)]
    assert chances[1] == Fraction(1, 2)
    coaching = Grant.objects.filter(participant=idle, kind="coaching").exists()
    assert coaching == (row.arm == "coached")
    assert audit.verify(staged) == []


def test_whoever_started_or_is_in_another_arm_is_not_randomised_again(staged, now):
    guided = factories.a_participant_in(staged, "guided", now)
    started = factories.a_participant_in(staged, "unguided", now)
    module = started.version.programme.modules[0].code
    programme.begin_module(
        participant=started, module=module, by=actors.participant(started.code), at=now
    )
    worker.tick(two_weeks_on(now))

    for person in (guided, started):
        assert StageDecision.objects.get(participant=person).is_eligible is False
        assert Allocation.objects.filter(participant=person, point="step_up").count() == 0


def test_the_trail_of_a_stage_has_one_shape_whatever_came_out(staged, now):
    people_ = [factories.a_participant_in(staged, arm, now) for arm in ("guided", "unguided")]
    worker.tick(two_weeks_on(now))
    shapes = []
    for person in people_:
        events = AuditEvent.objects.filter(
            stream=f"{staged.slug}/{person.code}", subject="step_up"
        ).order_by("number")
        shapes.append(
            [(event.action, len(event.new), event.reason, event.role) for event in events]
        )
    assert [action for action, *_ in shapes[0]] == ["stage decided", "stage settled"]
    assert shapes[0] == shapes[1]


def test_points_draw_from_streams_of_their_own():
    seed = bytes(range(32))
    first, second = (stream.key(seed, digest, "") for digest in ("a" * 64, "b" * 64))
    assert [stream.draw(first, number) for number in range(3)] != [
        stream.draw(second, number) for number in range(3)
    ]


def test_nobody_is_randomised_at_a_stage_who_was_not_found_eligible(staged, now):
    person = factories.a_participant_in(staged, "unguided", now)
    with pytest.raises(allocations.NotEligible):
        allocations.allocate(
            participant=person, point="step_up", origin="unguided", by=actors.SYSTEM, at=now
        )
    assert Allocation.objects.filter(point="step_up").count() == 0


def test_nobody_is_randomised_twice_at_a_stage(staged, now):
    person = factories.a_participant_in(staged, "unguided", now)
    worker.tick(two_weeks_on(now))
    with pytest.raises(allocations.AlreadyRandomised):
        allocations.allocate(
            participant=person, point="step_up", origin="unguided", by=actors.SYSTEM, at=now
        )
    assert Allocation.objects.filter(point="step_up").count() == 1


def test_whoever_is_not_randomised_yet_waits_for_the_stages(staged, now):
    [person] = people.consented(staged, 1, now)
    assert life.tailoring(person, two_weeks_on(now)) == Wait()
    assert StageDecision.objects.count() == 0


def test_a_stage_that_is_halted_halts_nobody_who_is_randomised_first(staged, now):
    person = factories.a_participant_in(staged, "unguided", now)
    switches.halt(
        study=staged,
        level="point",
        target="step_up",
        reason="safety",
        by=actors.staff(2, "supervisor"),
        at=now,
    )
    newcomer = people.consented(staged, 1, now)[0]
    allocate(newcomer, now)
    worker.tick(two_weeks_on(now))
    assert StageDecision.objects.get(participant=person).is_eligible is True
    assert set(Allocation.objects.values_list("point", flat=True)) == {"start"}
    assert Allocation.objects.filter(participant=newcomer).count() == 1


def test_a_stage_reads_the_scores_of_its_timepoint_once_they_are_handed_in(tmp_path, now):
    scored = STAGED.replace("from: [unguided]", "from: [unguided]\n    timepoint: post").replace(
        "{answer: modules_begun, at_most: 0}", "{score: PHQ9, at_least: 5}"
    )
    study = people.a_study(tmp_path, now, randomisation=scored, stages=STAGES)
    person = factories.a_participant_in(study, "unguided", now)
    [stage] = stages.of(study.current)
    assert stages.facts(person, stage).scores == {}
    later = now + timedelta(days=44)
    journey.advance(person, later)
    factories.fill_in(person, "post", later, value=2)
    assert (
        stages.facts(person, stage).scores["PHQ9"] == 16
    )  # eight items of 2, and none of the last


def test_designs_that_were_not_asked_for_lately_are_worked_out_again_alike(staged, monkeypatch):
    monkeypatch.setattr(design, "MOST_KNOWN", 1)
    monkeypatch.setattr(design, "_known", {})
    first = [design.of(staged.current, point).plan for point in ("start", "step_up")]
    assert [design.of(staged.current, point).plan for point in ("start", "step_up")] == first
    assert len(design._known) == 1


def test_a_stage_waits_while_the_study_is_paused_and_goes_on_when_it_is_closed(staged, now):
    person = factories.a_participant_in(staged, "unguided", now)
    studies.pause(study=staged, by=actors.SYSTEM, at=now)
    worker.tick(two_weeks_on(now))
    assert StageDecision.objects.get(participant=person).is_eligible is True
    assert Allocation.objects.filter(point="step_up").count() == 0

    studies.close(study=staged, by=actors.SYSTEM, at=two_weeks_on(now))
    worker.tick(two_weeks_on(now) + timedelta(hours=2))
    assert Allocation.objects.filter(participant=person, point="step_up").count() == 1


def test_whoever_withdrew_meets_no_stage(staged, now):
    person = factories.a_participant_in(staged, "unguided", now)
    participants.withdraw(participant=person, by=actors.participant(person.code), at=now)
    worker.tick(two_weeks_on(now))
    assert StageDecision.objects.filter(participant=person).count() == 0


def fails_once(grant, at):
    """An entry of settings.GRANTED that breaks down the first time a coach is granted at the
    stage.
    """
    journey = Journey.objects.get(participant=grant.participant)
    if (
        grant.kind == "coaching"
        and at > grant.participant.randomised_at
        and journey.failed_at is None
    ):
        raise RuntimeError("the power went off")


def test_a_stage_that_is_cut_off_before_its_grants_is_mended(staged, now, settings):
    settings.GRANTED = [*settings.GRANTED, f"{__name__}.fails_once"]
    persons = [factories.a_participant_in(staged, "unguided", now) for _ in range(6)]
    worker.tick(two_weeks_on(now))
    coached = Allocation.objects.filter(point="step_up", arm="coached").values_list(
        "participant", flat=True
    )
    assert 0 < len(coached) < len(persons)
    failed = set(
        Journey.objects.filter(failed_at__isnull=False).values_list("participant", flat=True)
    )
    granted = Grant.objects.filter(participant__in=persons, kind="coaching")
    assert (failed, granted.count()) == (set(coached), 0)

    worker.tick(two_weeks_on(now) + timedelta(hours=1))

    assert set(granted.values_list("participant", flat=True)) == set(coached)
    assert Journey.objects.filter(failed_at__isnull=False).count() == 0


def test_an_allocation_leaves_a_note_so_that_whoever_is_cut_off_is_moved_on(staged, now):
    person = factories.a_consented_participant(staged, now)
    allocations.allocate(participant=person, by=actors.SYSTEM, at=now)
    assert (Journey.objects.get(participant=person).due_at, Grant.objects.count()) == (now, 0)

    worker.tick(now)

    assert Grant.objects.filter(participant=person, kind="assessments").count() == 1
    assert person.milestones.get(name="randomised").reached_at == now
