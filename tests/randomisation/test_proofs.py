"""Exporting the randomisation and replaying it: who may have the export, what is said, and what is
left in the trail.
"""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils.module_loading import import_string

from randomisation import merkle, verifier
from randomisation.actions import allocations, code_breaks, proofs
from randomisation.models import Allocation, SealedSeed
from randomisation.queries import design, lists
from tests import factories, made
from tests.beside import meanwhile, on_disk
from tests.emptied import lift_triggers
from tests.randomisation import people
from tests.randomisation.exported import export_of
from tests.randomisation.leaves import leads_to
from tests.randomisation.test_points import CLUSTERED, MINIMISED, STAGED, STAGES
from trial import actors, audit, worker
from trial.actions import jobs, studies, verifications
from trial.models import AuditEvent, Job, Participant, Study
from trial.settings import PRODUCTS

pytestmark = pytest.mark.django_db
REPLAYED = ("all draws made again", "randomisation replay made")
FINN, BY = actors.staff(9, "statistician"), actors.staff(2, "supervisor")


@pytest.fixture
def trial(tmp_path, now):
    """Twelve people of the small study, rehearsed."""
    study = people.a_study(tmp_path, now, block_sizes="[2, 4]")
    for person in people.consented(study, 12, now):
        allocations.allocate(participant=person, by=actors.SYSTEM, at=now)
    return study


def as_if_live(study, state="open"):
    Study.objects.filter(pk=study.pk).update(simulated=False, state=state)
    study.refresh_from_db()
    return study


def turn_one_arm():
    """What only the owner of the tables could do, with the triggers lifted."""
    lift_triggers()
    row = Allocation.objects.order_by("pk")[4]
    Allocation.objects.filter(pk=row.pk).update(
        arm={"guided": "unguided", "unguided": "guided"}[row.arm]
    )
    return row


def told(capsys):
    return capsys.readouterr().out.splitlines()


def test_the_root_over_all_lists_is_stored_and_in_the_trail_before_anybody_is_allocated(trial, now):
    sealed = SealedSeed.objects.get(study=trial)
    version, seed = trial.current, sealed.seed
    (point,) = lists.points(version, seed)
    assert (point.strata, point.covered) == (["sex=f", "sex=m"], version.protocol.target)
    every = merkle.slots(
        design.rule(version), seed, sealed.design_digest, "start", point.strata, point.covered
    )
    assert sealed.merkle_root == merkle.root(merkle.leaves(seed, every))
    event = AuditEvent.objects.get(action="randomisation sealed")
    assert json.loads(event.new) == {
        "commitment": sealed.commitment,
        "design": sealed.design_digest,
        "merkle_root": sealed.merkle_root,
    }
    assert event.at < Allocation.objects.earliest("allocated_at").allocated_at


def test_what_is_drawn_is_what_the_lists_hold(trial):
    seed = SealedSeed.objects.get(study=trial).seed
    held = {
        (slot.stratum, slot.position): slot.arm
        for slot in lists.slots(lists.points(trial.current, seed)[0], seed)
    }
    rows = Allocation.objects.filter(study=trial)
    assert [held[row.stratum, row.draw_index] for row in rows] == [row.arm for row in rows]


def test_one_place_of_the_lists_can_be_shown_without_another(trial):
    sealed = SealedSeed.objects.get(study=trial)
    row = Allocation.objects.filter(study=trial).last()
    shown = lists.Committed(trial.current, sealed.seed).proof("start", row.stratum, row.draw_index)
    slot = merkle.Slot("start", row.stratum, row.draw_index, row.arm)
    steps = [merkle.Step(*step) for step in shown["path"]]
    assert leads_to(sealed.merkle_root, bytes.fromhex(shown["salt"]), slot, steps)
    export = export_of(trial, reveal=False)
    export["code_breaks"] = [
        {"point": "start", "participant": row.participant.code, "arm": row.arm, **shown}
    ]
    assert [said.split(":")[0] for said in verifier.check(export, None)] == [
        "point start",
        "code breaks",
    ]


def test_beyond_what_was_committed_to_there_is_nothing_to_show(trial):
    seed, target = SealedSeed.objects.get(study=trial).seed, trial.current.protocol.target
    assert lists.Committed(trial.current, seed).proof("start", "sex=f", target - 1) is not None
    assert lists.Committed(trial.current, seed).proof("start", "sex=f", target) is None


def test_there_are_no_more_leaves_than_opening_has_time_for(trial):
    (point,) = lists.points(trial.current, bytes(32), most=31)
    assert (point.covered, len(point.strata) * point.covered) == (15, 30)


def test_while_it_is_sealed_the_export_has_neither_seed_nor_plan(trial):
    export = export_of(trial, reveal=False)
    assert (export["seed"], [point["plan"] for point in export["points"]]) == (None, [None])
    revealed = export_of(trial, reveal=True)
    assert revealed["seed"] == SealedSeed.objects.get().seed.hex()
    assert revealed["points"][0]["plan"] == design.plan(trial.current)


def test_the_export_of_a_locked_study_is_made_after_a_look_that_is_recorded(trial, now):
    asked = proofs.request_export(study=as_if_live(trial, "locked"), by=FINN, at=now)
    assert jobs.make_due(now) == 1
    given = json.loads(made.content(asked, "randomisation.json"))
    assert (given["seed"] is not None, len(given["allocations"])) == (True, 12)
    events = AuditEvent.objects.filter(stream=trial.slug).order_by("-number")[:3]
    assert [(each.action, each.by, each.reason) for each in reversed(events)] == [
        ("randomisation export requested", "staff 9", ""),
        ("all arms looked at", "system worker", f"{asked}, asked for by staff 9"),
        ("randomisation export made", "system worker", ""),
    ]


@pytest.mark.parametrize("state", ["open", "paused", "closed"])
def test_the_export_of_a_running_study_is_refused_and_leaves_none(trial, now, state):
    with pytest.raises(proofs.ListsConcealed):
        proofs.request_export(study=as_if_live(trial, state), by=FINN, at=now)
    assert not Job.objects.exists()


def test_what_was_asked_for_before_the_lock_tells_no_arm_after_it(trial, now):
    row = turn_one_arm()
    asked = proofs.request_replay(study=as_if_live(trial), by=FINN, at=now)
    as_if_live(trial, "locked")
    assert jobs.make_due(now) == 1
    said = made.content(asked, "replay.txt").decode()
    assert (row.participant.code in said, "guided" in said) == (True, False)


written: list[Participant] = []  # who was allocated while a proof was made


def make_while_others_write(job, by, at):
    """The product as it is, held once it has read everything, before its snapshot is over."""
    making = import_string(PRODUCTS[job.product])(job, by, at)

    def make(files):
        finish = making(files)
        (person,) = job.study.participants.filter(state="consented")
        meanwhile(lambda: allocations.allocate(participant=person, by=actors.SYSTEM, at=at))
        meanwhile(lambda: studies.pause(study=job.study, by=actors.SYSTEM, at=at))
        written.append(person)
        return finish

    return make


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("ask", "found"),
    [
        (proofs.request_replay, {"equal": "yes"}),
        (proofs.request_export, {}),
        (verifications.request, {"places": "0"}),
    ],
)
def test_nobody_who_writes_waits_for_a_proof_and_it_does_not_see_them(
    trial, now, tmp_path, settings, ask, found
):
    """A draw and a pause, on a connection that fails instead of waiting: they lock what is locked
    of a study.
    """
    written.clear()
    people.one(trial, 12, now)
    with on_disk(tmp_path):
        job = ask(study=trial, by=FINN, at=now)
        settings.PRODUCTS = {job.product: f"{__name__}.make_while_others_write"}
        assert jobs.make_due(now) == 1
        job.refresh_from_db()
        assert (job.state, {**job.found, **found} == job.found) == ("made", True)
        assert (len(written), Allocation.objects.count()) == (1, 13)
        assert Study.objects.get().state == "paused"
        assert audit.verify(trial) == []
        if job.files.filter(name="randomisation.json"):
            told_of = json.loads(made.content(job, "randomisation.json"))["allocations"]
            assert len(told_of) == 12


def test_the_command_replays_a_study_and_counts(trial, capsys):
    call_command("verify_randomisation", trial.slug)
    assert told(capsys)[-1] == "12 allocations replayed, all equal"
    look, event = AuditEvent.objects.filter(action__in=REPLAYED).order_by("number")
    assert (look.action, look.by) == ("all draws made again", "system verify_randomisation")
    assert (event.by, json.loads(event.new)) == (
        "system verify_randomisation",
        {"equal": "yes", "kind": "by_arm"},
    )
    assert audit.verify(trial) == []


def test_the_command_names_the_first_difference_and_fails(trial, capsys):
    row = turn_one_arm()
    with pytest.raises(CommandError) as failed:
        call_command("verify_randomisation", trial.slug)
    assert failed.value.returncode == 1
    assert told(capsys)[-1] == (
        f"allocation 5 ({row.participant.code} at start, stratum 'sex=f', draw 2): arm differs: "
        f"expected {row.arm!r}, found {Allocation.objects.get(pk=row.pk).arm!r}"
    )
    event = AuditEvent.objects.get(action="randomisation replay made")
    assert json.loads(event.new) == {"equal": "no", "kind": "by_arm"}


def test_in_a_running_study_the_command_says_where_and_never_which_arm(trial, capsys):
    row = turn_one_arm()
    with pytest.raises(CommandError):
        call_command("verify_randomisation", as_if_live(trial).slug)
    said = told(capsys)
    assert (
        said[-1]
        == f"allocation 5 ({row.participant.code} at start, stratum 'sex=f', draw 2): arm differs"
    )
    assert [line for line in said if "guided" in line] == []


def test_the_command_writes_what_a_third_party_verifies(trial, tmp_path, capsys):
    path = tmp_path / "export.json"
    call_command("verify_randomisation", as_if_live(trial, "locked").slug, export=path)
    said = []
    assert verifier.main([str(path)], say=said.append) == 0
    assert said == told(capsys)


def test_the_command_writes_no_arm_of_a_running_study(trial, tmp_path):
    with pytest.raises(CommandError, match="once the study is locked"):
        call_command(
            "verify_randomisation", as_if_live(trial).slug, export=tmp_path / "export.json"
        )
    assert list(tmp_path.glob("export.json")) == []


def test_the_command_knows_no_study_without_a_seed(db):
    with pytest.raises(CommandError, match="no study 'nowhere' with a seed"):
        call_command("verify_randomisation", "nowhere")


def test_a_site_that_a_later_version_adds_changes_nothing_of_what_was_committed_to(trial):
    sealed = SealedSeed.objects.get(study=trial)
    version = lists.sealed_version(sealed)
    later = type(version).objects.create(
        study=trial,
        number=2,
        sha256="0" * 64,
        loaded_at=sealed.made_at.replace(year=2030),
        loaded_by="system",
    )
    assert lists.sealed_version(sealed) == version != later


def test_minimisation_over_fake_arms_is_replayed(tmp_path, now, capsys):
    study = people.a_study(tmp_path, now, randomisation=MINIMISED)
    for person in people.consented(study, 9, now):
        allocations.allocate(participant=person, by=actors.SYSTEM, at=now)
    call_command("verify_randomisation", study.slug)
    said = told(capsys)
    assert (said[-3], said[-1]) == (
        "Merkle root: equal over 0 leaves",
        "9 allocations replayed, all equal",
    )
    assert SealedSeed.objects.get(study=study).merkle_root == ""


def test_a_code_that_was_broken_where_no_list_was_committed_to_is_held_to_its_allocation_alone(
    tmp_path, now
):
    study = people.a_study(tmp_path, now, randomisation=MINIMISED)
    [person] = people.consented(study, 1, now)
    allocations.allocate(participant=person, by=actors.SYSTEM, at=now)
    row = Allocation.objects.select_related("participant__study", "participant__version").get()
    code_breaks.break_at_once(allocation=row, reason="acute_danger", by=BY, at=now)
    export = export_of(study)
    [told] = export["code_breaks"]
    assert told.get("path") is None
    assert "code breaks: 1, each the arm of the allocation" in list(
        verifier.check(export, bytes.fromhex(export["seed"]))
    )
    told["arm"] = {"guided": "unguided", "unguided": "guided"}[told["arm"]]
    with pytest.raises(verifier.Difference, match=r"code break of .* at start"):
        list(verifier.check(export, bytes.fromhex(export["seed"])))


def test_clusters_are_replayed(tmp_path, now, capsys):
    study = people.a_study(tmp_path, now, randomisation=CLUSTERED, sites=4)
    for number, person in enumerate(people.consented(study, 8, now)):
        Participant.objects.filter(pk=person.pk).update(
            site=("main", "site2", "site3", "site4")[number % 4]
        )
        allocations.allocate(participant=person, by=actors.SYSTEM, at=now)
    call_command("verify_randomisation", study.slug)
    said = told(capsys)
    assert (
        "4 drawn in 1 strata, without gap and in order; 4 with the arm of their cluster" in said[1]
    )
    assert said[-1] == "4 allocations replayed, all equal"


def test_what_is_said_of_a_stage_in_a_running_study_names_neither_the_person_nor_the_arm_they_come_from(  # noqa: E501
    tmp_path, now, capsys
):
    study = people.a_study(tmp_path, now, randomisation=STAGED, stages=STAGES)
    person = factories.a_participant_in(study, "unguided", now)
    worker.tick(now + timedelta(days=15))
    again = Allocation.objects.select_related(
        "participant__study", "participant__key", "participant__version"
    )
    row = again.get(participant=person, point="step_up")
    code_breaks.break_at_once(allocation=row, reason="acute_danger", by=BY, at=now)
    export = export_of(study, reveal=True)
    number = next(
        i for i, each in enumerate(export["allocations"], 1) if each["point"] == "step_up"
    )
    for rows, field, expected in (
        (
            "allocations",
            "history_digest",
            f"allocation {number} (at step_up, draw 0): history_digest differs",
        ),
        ("code_breaks", "arm", "code break 1: arm differs"),
    ):
        changed = json.loads(json.dumps(export))
        changed[rows][number - 1 if rows == "allocations" else 0][field] = "0"
        said = []
        assert verifier.main(["-", "--conceal"], io.StringIO(json.dumps(changed)), said.append) == 1
        assert said[-1] == expected
        assert [line for line in said if person.code in line or "guided" in line] == []


def test_a_stage_is_replayed_with_the_first_randomisation(tmp_path, now, capsys):
    study = people.a_study(tmp_path, now, randomisation=STAGED, stages=STAGES)
    factories.a_participant_in(study, "unguided", now)
    worker.tick(now + timedelta(days=15))
    start, stage = lists.points(study.current, bytes(32))
    assert (stage.strata, stage.covered, start.strata) == (["from=unguided"], start.covered, [""])
    call_command("verify_randomisation", study.slug)
    drawn = Allocation.objects.count()
    said = told(capsys)
    assert [line.split(":")[0] for line in said[1:3]] == ["point start", "point step_up"]
    assert said[3] == f"Merkle root: equal over {start.covered + stage.covered} leaves"
    assert said[-1] == f"{drawn} allocations replayed, all equal"
