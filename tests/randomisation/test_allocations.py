"""Allocation: exact, concealed, and repeatable from the seed and the log."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from datetime import timedelta
from fractions import Fraction

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from randomisation import methods, stream
from randomisation.actions import allocations
from randomisation.models import Allocation, Scope, SealedSeed
from randomisation.queries import design, histories
from tests import dump, factories
from tests.randomisation import people, trials
from tests.randomisation.races import checking
from trial import actors, audit, worker
from trial.actions import journey, studies
from trial.grants import Grant
from trial.models import Alert, AuditEvent, Journey, Participant, Study

pytestmark = pytest.mark.django_db
LOCKED = r"^SELECT .*? FROM \"?(trial_study|trial_participant|randomisation_(?:scope|allocation))\b"
FROM = re.compile(LOCKED, re.DOTALL)


@pytest.fixture
def blocks_of_four(tmp_path, now):
    return people.a_study(tmp_path, now)


def allocate(person, at):
    return allocations.allocate(participant=person, by=actors.SYSTEM, at=at)


def by_stratum(study) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in Allocation.objects.filter(study=study).order_by("stratum", "draw_index"):
        found.setdefault(row.stratum, []).append(row.arm)
    return found


def replayed(study) -> dict[str, list[str]]:
    """Every draw once more, from the seed and the stored probabilities alone."""
    sealed = SealedSeed.objects.get(study=study)
    seed = sealed.seed
    found: dict[str, list[str]] = {}
    for row in Allocation.objects.filter(study=study).order_by("stratum", "draw_index"):
        probabilities = {arm: Fraction(share) for arm, share in row.probabilities.items()}
        key = stream.key(seed, row.design_digest, row.stratum)
        found.setdefault(row.stratum, []).append(stream.choose(probabilities, key, row.draw_index))
    return found


def check_log(study) -> None:
    """Numbers without gap, and in each row the history and the probabilities that the rows before
    it make.
    """
    rule = design.rule(study.current)
    for stratum, arms in by_stratum(study).items():
        rows = list(Allocation.objects.filter(study=study, stratum=stratum).order_by("draw_index"))
        assert [row.draw_index for row in rows] == list(range(len(rows)))
        for row in rows:
            history = arms[: row.draw_index]
            assert row.history_digest == trials.digest_of(history)
            assert {
                arm: Fraction(share) for arm, share in row.probabilities.items()
            } == rule.probabilities(history)


def test_the_ratio_is_exact_after_every_block_of_every_stratum(blocks_of_four, now):
    for person in people.consented(blocks_of_four, 32, now):
        allocate(person, now)

    found = by_stratum(blocks_of_four)
    assert {stratum: len(arms) for stratum, arms in found.items()} == {"sex=f": 16, "sex=m": 16}
    for arms in found.values():
        for begin in range(0, 16, 4):
            assert Counter(arms[begin : begin + 4]) == {"guided": 2, "unguided": 2}


def test_the_log_can_be_replayed_from_the_seed(blocks_of_four, now):
    for person in people.consented(blocks_of_four, 14, now):
        allocate(person, now)

    assert replayed(blocks_of_four) == by_stratum(blocks_of_four)
    check_log(blocks_of_four)


def test_another_seed_gives_other_arms(tmp_path, now):
    study = people.a_study(tmp_path, now, seed=2)
    for person in people.consented(study, 20, now):
        allocate(person, now)
    sealed = SealedSeed.objects.get(study=study)
    other = hashlib.sha256(b"another").digest()
    rows = Allocation.objects.order_by("pk")
    drawn = [
        stream.choose(
            {arm: Fraction(share) for arm, share in row.probabilities.items()},
            stream.key(other, sealed.design_digest, row.stratum),
            row.draw_index,
        )
        for row in rows
    ]
    assert drawn != [row.arm for row in rows]


def test_nobody_is_randomised_twice(blocks_of_four, now):
    (person,) = people.consented(blocks_of_four, 1, now)
    allocate(person, now)
    before = Allocation.objects.values().get()
    with pytest.raises(allocations.AlreadyRandomised):
        allocate(person, now)
    assert Allocation.objects.values().get() == before


def test_only_somebody_who_consented_is_randomised(blocks_of_four, now):
    (person,) = people.consented(blocks_of_four, 1, now)
    for state in ("screening", "excluded", "withdrawn", "completed"):
        Participant.objects.filter(pk=person.pk).update(state=state)
        with pytest.raises(allocations.NotEligible):
            allocate(person, now)
    assert Allocation.objects.count() == 0


def test_while_a_study_is_paused_or_closed_nobody_is_randomised(blocks_of_four, now):
    (person,) = people.consented(blocks_of_four, 1, now)
    studies.pause(study=blocks_of_four, by=actors.SYSTEM, at=now)
    with pytest.raises(allocations.RandomisationPaused):
        allocate(person, now)
    studies.close(study=blocks_of_four, by=actors.SYSTEM, at=now)
    with pytest.raises(allocations.RandomisationPaused):
        allocate(person, now)
    assert Allocation.objects.count() == 0


def test_in_a_study_whose_seed_is_not_sealed_yet_nobody_is_randomised(tmp_path, now):
    study = factories.a_loaded_study(people.a_folder(tmp_path), now)
    Study.objects.filter(pk=study.pk).update(state="open")
    [person] = people.consented(study, 1, now)
    with pytest.raises(allocations.RandomisationPaused):
        allocate(person, now)
    assert Allocation.objects.count() == 0


def test_whoever_finished_the_baseline_during_a_pause_is_randomised_when_it_is_over(study, now):
    dan = factories.a_consented_participant(study, now)
    studies.pause(study=study, by=actors.SYSTEM, at=now)
    factories.fill_in(dan, "pre", now)
    assert (dan.state, Alert.objects.count()) == ("consented", 0)

    studies.resume(study=study, by=actors.SYSTEM, at=now + timedelta(days=3))
    worker.tick(now + timedelta(days=3))

    dan.refresh_from_db()
    assert (dan.state, dan.randomised_at) == ("randomised", now + timedelta(days=3))


def test_a_pause_between_the_look_and_the_lock_is_no_alarm(study, now):
    dan = factories.a_consented_participant(study, now)
    for_baseline = Participant.objects.select_related("study").get(pk=dan.pk)
    assert for_baseline.study.is_recruiting
    studies.pause(study=study, by=actors.SYSTEM, at=now)
    factories.fill_in(for_baseline, "pre", now)
    assert (for_baseline.state, Alert.objects.count()) == ("consented", 0)


def test_the_answer_and_the_trail_tell_that_it_happened_and_never_which_arm(blocks_of_four, now):
    persons = people.consented(blocks_of_four, 8, now)
    assert [allocate(person, now) for person in persons] == [person.code for person in persons]
    told = AuditEvent.objects.filter(action__in=("allocated", "randomised", "milestone reached"))
    words = [f"{event.subject} {event.old} {event.new} {event.reason}" for event in told]
    assert [word for word in words if "guided" in word] == []


def test_what_stands_in_the_trail_has_the_same_shape_in_every_arm(study, now):
    guided, unguided = (
        factories.a_participant_in(study, arm, now) for arm in ("guided", "unguided")
    )
    for person in (guided, unguided):
        events = AuditEvent.objects.filter(stream=f"{study.slug}/{person.code}", action="allocated")
        assert [sorted(json.loads(event.new)) for event in events] == [["design"]]


def fails_once(grant, at):
    """An entry of settings.GRANTED that breaks down the first time."""
    if not Journey.objects.filter(participant=grant.participant, failed_at__isnull=False).exists():
        raise RuntimeError("the power went off")


@pytest.fixture
def granting_fails_once(settings):
    settings.GRANTED = [*settings.GRANTED, f"{__name__}.fails_once"]


def test_a_crash_between_allocation_and_granting_is_mended_by_the_next_advance(
    study, now, granting_fails_once
):
    dan = factories.a_randomised_participant(study, now)
    assert (Allocation.objects.count(), Grant.objects.count()) == (1, 0)
    assert list(Alert.objects.values_list("kind", "subject_ref")) == [
        ("journey", "randomisation.granting")
    ]
    arm = factories.arm(dan)

    journey.advance(dan, now + timedelta(minutes=1))

    given = set(Grant.objects.filter(participant=dan).values_list("kind", "code"))
    assert given == {(grant.kind, grant.code) for grant in dan.version.protocol.arm(arm).grants}
    assert (factories.arm(dan), Allocation.objects.count()) == (arm, 1)
    assert audit.verify(study) == []


def test_the_worker_mends_it_too(study, now, granting_fails_once):
    dan = factories.a_randomised_participant(study, now)
    worker.tick(now + timedelta(hours=1))
    assert Grant.objects.filter(participant=dan, kind="assessments").count() == 1
    assert Journey.objects.get(participant=dan).failed_at is None


def test_a_scope_that_carries_nothing_or_another_draw_reads_its_allocations(blocks_of_four, now):
    everybody = people.consented(blocks_of_four, 14, now)
    for person in everybody[:6]:
        allocate(person, now)
    of_three = {scope.pk: scope.carried for scope in Scope.objects.all()}
    for person in everybody[6:8]:
        allocate(person, now)
    too_long = dict.fromkeys(of_three, histories.TOO_LONG)
    for carried in (of_three, too_long, dict.fromkeys(of_three)):
        for number, what in carried.items():
            Scope.objects.filter(pk=number).update(carried=what)
        for person in everybody[8:10]:
            allocate(person, now)
        check_log(blocks_of_four)
        checking.check_carried(blocks_of_four)
        del everybody[8:10]


@pytest.mark.parametrize(
    "randomisation",
    [
        "method: efron\n{ratio}strata: [sex]\np: 0.7\n",
        "method: permuted_blocks\n{ratio}strata: [sex]\nblock_sizes: [6, 8]\n",
        "method: minimisation\n{ratio}factors: [sex]\np: 0.8\n",
    ],
    ids=["counted", "blocks", "whole point"],
)
def test_an_amendment_that_writes_the_ratio_in_another_order_changes_no_draw(
    tmp_path, now, randomisation
):
    text = randomisation.format(ratio="ratio: {guided: 1, unguided: 1}\n")
    study = people.a_study(tmp_path, now, randomisation=text)
    everybody = people.consented(study, 12, now)
    for person in everybody[:6]:  # three in each stratum, so that the arms differ
        allocate(person, now)
    folder = tmp_path / "small_study"
    turned = randomisation.format(ratio="ratio: {unguided: 1, guided: 1}\n")
    (folder / "randomisation.yaml").write_text(turned)
    version = studies.load(path=folder, simulated=True, by=actors.SYSTEM, at=now)
    Participant.objects.filter(study=study, randomised_at=None).update(version=version)

    for person in everybody[6:]:
        allocate(Participant.objects.get(pk=person.pk), now)

    study = Study.objects.get(pk=study.pk)
    assert study.current == version
    checking.check_replay(study, list(Allocation.objects.order_by("pk")))
    checking.check_carried(study)
    checking.check_verified(study)


@pytest.mark.parametrize("sizes", [[4], [2, 4, 6, 8], [8, 10, 12, 14, 16], [*range(4, 49, 2)]])
def test_how_long_what_a_stratum_carries_is_tells_nothing_of_its_blocks(sizes):
    """One length for every plan and draw, also where arms that come by turn leave it longest; and
    what is too long for it is not carried.
    """
    ratio = {"guided": 1, "unguided": 1}
    history = histories.Read(
        methods.build({"method": "permuted_blocks", "ratio": ratio, "block_sizes": sizes})
    )
    column, kept, lengths = Scope._meta.get_field("carried"), [], set()
    for draws in range(1, 201):
        history.add(("guided", "unguided")[draws % 2], {})
        kept.append(history.carried(draws))
        lengths.add(len(column.get_prep_value(kept[-1])))
    assert lengths == {len(column.get_prep_value({}))}
    assert (histories.TOO_LONG in kept) is (len(sizes) > 5)


@pytest.mark.postgresql
def test_person_study_and_stratum_are_locked_in_this_order_and_no_history_is_read(
    blocks_of_four, now
):
    first, _, person = people.consented(blocks_of_four, 3, now)
    allocate(first, now)
    with CaptureQueriesContext(connection) as captured:
        allocate(person, now)
    lock = re.compile(r"FOR (UPDATE|NO KEY UPDATE|SHARE)")
    read = [
        (found.group(1), query["sql"])
        for query in captured.captured_queries
        if (found := FROM.search(query["sql"]))
    ]
    wanted = [
        (table, bool(lock.search(sql)))
        for table, sql in read
        if lock.search(sql) or "draw_index <" in sql
    ]
    assert wanted == [
        ("trial_participant", True),
        ("trial_study", True),
        ("randomisation_scope", True),
    ]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_under_another_isolation_than_read_committed_nothing_is_drawn(blocks_of_four, now):
    from django.db import transaction

    (person,) = people.consented(blocks_of_four, 1, now)
    with pytest.raises(allocations.WrongIsolation), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        allocate(person, now)
    assert Allocation.objects.count() == 0


def test_a_stolen_database_holds_neither_the_seed_nor_the_block_sizes(tmp_path, now):
    study = people.a_study(tmp_path, now, block_sizes="[4, 8, 12]")
    for person in people.consented(study, 6, now):
        allocate(person, now)
    seed = SealedSeed.objects.get(study=study).seed
    assert dump.found([seed.hex(), repr(seed)[2:-1], seed.decode("latin-1")]) == []
    assert dump.found(["block_sizes", "[4, 8, 12]", "4, 8, 12"]) == []
    assert design.plan(study.current)["block_sizes"] == [4, 8, 12]


def test_nothing_stumbles_on_the_arm_from_a_person():
    """No reverse accessor leads from a participant, or from a study, to an allocation or to a
    grant.
    """
    for model in (Participant, Study):
        assert {relation.related_model for relation in model._meta.related_objects} & {
            Allocation,
            Grant,
        } == set()
    for field in (Allocation._meta.get_field("participant"), Grant._meta.get_field("participant")):
        assert field.remote_field.hidden
