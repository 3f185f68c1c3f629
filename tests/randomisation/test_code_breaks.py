"""The arm of one person to one person, once: who asked, who agreed, why; and alone only in an
emergency.
"""

from __future__ import annotations

import json

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from randomisation import merkle, verifier
from randomisation.actions import code_breaks, proposals
from randomisation.models import Allocation, CodeBreak, Impact, SealedSeed
from randomisation.queries.dashboard import panel
from randomisation.queries.tables import tables
from tests import dump, factories
from tests.randomisation.exported import export_of
from tests.randomisation.leaves import leads_to
from trial import actors, audit
from trial.actions.proposals import SamePerson
from trial.models import Alert, AuditEvent, RequestKey

pytestmark = pytest.mark.django_db
EVA, ADA = actors.staff(2, "supervisor"), actors.staff(1, "researcher")


def asked(dan, at, **more):
    allocation = allocation_of(dan)
    return proposals.propose_code_break(
        allocation=allocation, reason="serious_event", by=EVA, at=at, **more
    )


def allocation_of(dan) -> Allocation:
    return Allocation.objects.select_related("participant__study", "participant__version").get(
        participant=dan
    )


def agreed(dan, at, **more):
    proposal = asked(dan, at, **more)
    proposals.decide(proposal=proposal, is_agreed=True, by=ADA, at=at)
    return proposal


def test_whoever_asked_is_shown_the_arm_once_after_a_second_person_agreed(dan, now):
    proposal = agreed(dan, now)
    revealed = code_breaks.show(proposal=proposal, by=EVA, at=now)
    assert revealed.arm == factories.arm(dan)
    row = CodeBreak.objects.get()
    assert (row.by, row.role, row.agreed_by, row.agreed_role) == (
        "staff 2",
        "supervisor",
        "staff 1",
        "researcher",
    )
    assert (row.is_emergency, row.is_drill, row.reason) == (False, False, "serious_event")
    with pytest.raises(code_breaks.AlreadyShown):
        code_breaks.show(proposal=proposal, by=EVA, at=now)


def test_the_same_request_again_gets_the_same_answer_and_the_arm_is_not_kept_with_its_key(dan, now):
    proposal = agreed(dan, now)
    first = code_breaks.show(proposal=proposal, key="k", by=EVA, at=now)
    again = code_breaks.show(proposal=proposal, key="k", by=EVA, at=now)
    assert (again, CodeBreak.objects.count()) == (first, 1)
    stored = RequestKey.objects.get(action__endswith="_shown").result
    assert stored == {"model": "randomisation.CodeBreak", "pk": first.code_break.pk}


def test_without_agreement_with_a_no_and_to_anybody_else_nothing_is_shown(dan, now):
    proposal = asked(dan, now)
    with pytest.raises(code_breaks.NotAgreed):
        code_breaks.show(proposal=proposal, by=EVA, at=now)
    with pytest.raises(SamePerson):
        proposals.decide(proposal=proposal, is_agreed=True, by=EVA, at=now)
    proposals.decide(proposal=proposal, is_agreed=False, by=ADA, at=now)
    with pytest.raises(code_breaks.NotAgreed):
        code_breaks.show(proposal=proposal, by=EVA, at=now)
    other = agreed(dan, now)
    with pytest.raises(code_breaks.NotWhoAsked):
        code_breaks.show(proposal=other, by=ADA, at=now)
    assert CodeBreak.objects.count() == 0


def test_a_proposal_for_something_else_shows_no_arm(dan, now):
    proposal = proposals.propose_mark(
        allocation=allocation_of(dan), reason="test_entry", by=EVA, at=now
    )
    proposals.decide(proposal=proposal, is_agreed=True, by=ADA, at=now)
    with pytest.raises(code_breaks.NotAgreed):
        code_breaks.show(proposal=proposal, by=EVA, at=now)


def test_in_an_emergency_one_person_is_enough_and_the_others_are_told(dan, now):
    revealed = code_breaks.break_at_once(
        allocation=allocation_of(dan), reason="acute_danger", by=EVA, at=now
    )
    assert revealed.arm == factories.arm(dan)
    assert (revealed.code_break.is_emergency, revealed.code_break.agreed_by) == (True, "")
    alert = Alert.objects.get(kind="code_break")
    assert (alert.participant, alert.subject_ref) == (dan, f"code-break {revealed.code_break.pk}")
    assert (alert.deadline_at - now).total_seconds() == 4 * 3600


def test_a_drill_goes_both_ways_and_shows_nothing(dan, now):
    by_two = code_breaks.show(proposal=agreed(dan, now, is_drill=True), by=EVA, at=now)
    alone = code_breaks.break_at_once(
        allocation=allocation_of(dan), reason="acute_danger", is_drill=True, by=EVA, at=now
    )
    assert [(each.arm, each.name, each.proof) for each in (by_two, alone)] == [("", {}, None)] * 2
    assert list(CodeBreak.objects.values_list("is_drill", flat=True)) == [True, True]
    assert Alert.objects.filter(kind="code_break_drill").count() == 2
    assert Alert.objects.filter(kind="code_break").count() == 0


def test_neither_the_trail_nor_an_alert_nor_a_list_tells_the_arm(dan, now):
    code_breaks.show(proposal=agreed(dan, now, note="She is in hospital"), by=EVA, at=now)
    events = AuditEvent.objects.filter(action__contains="code").values_list(
        "action", "subject", "old", "new", "reason"
    )
    told = json.dumps([list(events), list(Alert.objects.values_list("kind", "subject_ref"))])
    assert "guided" not in told
    assert dump.found(["She is in hospital"]) == []
    shown = panel(dan.study, None, now)
    listed = next(
        each for each in tables(dan.study, None, now, arms=False) if each.name == "code_breaks"
    )
    assert "guided" not in repr([shown, listed])
    assert [row[0] for row in shown.rows] == [row[0] for row in listed.rows] == [dan.code]


def test_the_impact_is_written_down_later_and_sealed(dan, now):
    row = code_breaks.break_at_once(
        allocation=allocation_of(dan), reason="acute_danger", by=EVA, at=now
    ).code_break
    with pytest.raises(code_breaks.NothingWritten):
        code_breaks.assess(code_break=row, text=" ", by=ADA, at=now)
    impact = code_breaks.assess(code_break=row, text="Nobody who assesses knows.", by=ADA, at=now)
    assert dan.unsealed(impact.text_sealed) == "Nobody who assesses knows."
    assert dump.found(["Nobody who assesses knows."]) == []


def test_the_database_lets_nobody_break_a_code_alone_outside_an_emergency(dan, now):
    for given in ({"is_emergency": False}, {"is_emergency": True, "agreed_by": "staff 2"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            CodeBreak.objects.create(
                study=dan.study,
                participant=dan,
                allocation=allocation_of(dan),
                reason="acute_danger",
                by="staff 2",
                at=now,
                **given,
            )


@pytest.mark.parametrize("model", [CodeBreak, Impact])
def test_the_database_refuses_to_change_or_delete_it(dan, now, model):
    row = code_breaks.break_at_once(
        allocation=allocation_of(dan), reason="acute_danger", by=EVA, at=now
    ).code_break
    code_breaks.assess(code_break=row, text="Known to one.", by=ADA, at=now)
    for change in (
        lambda: model.objects.update(by="staff 9"),
        lambda: model.objects.all()._raw_delete("default"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_the_answer_holds_the_path_from_this_one_leaf_to_the_root_that_was_published(dan, now):
    row = allocation_of(dan)
    revealed = code_breaks.show(proposal=agreed(dan, now), by=EVA, at=now)
    slot = merkle.Slot("start", row.stratum, row.draw_index, revealed.arm)
    steps = [merkle.Step(*step) for step in revealed.proof["path"]]
    root = SealedSeed.objects.get(study=dan.study).merkle_root
    assert leads_to(root, bytes.fromhex(revealed.proof["salt"]), slot, steps)


def test_the_export_for_verification_tells_what_was_shown_and_no_drill(dan, now):
    code_breaks.break_at_once(allocation=allocation_of(dan), reason="acute_danger", by=EVA, at=now)
    code_breaks.show(proposal=agreed(dan, now, is_drill=True), by=EVA, at=now)
    export = export_of(dan.study)
    [told] = export["code_breaks"]
    assert (told["participant"], told["arm"], told["emergency"]) == (
        dan.code,
        factories.arm(dan),
        True,
    )
    assert list(verifier.check(export, bytes.fromhex(export["seed"])))[-1].startswith(
        "code breaks: 1"
    )


def test_a_code_break_changes_no_allocation(dan, now):
    before = list(Allocation.objects.values_list())
    code_breaks.show(proposal=agreed(dan, now), by=EVA, at=now)
    assert list(Allocation.objects.values_list()) == before
    assert audit.verify(dan.study) == []
