"""Each row of the table of errors and exceptions: what is recorded, and that nothing else
changes.
"""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from randomisation import verifier
from randomisation.actions import allocations, exceptions, proposals
from randomisation.models import (
    Allocation,
    CodeBreak,
    Correction,
    ErrorMark,
    ForcedAllocation,
    Impact,
    Match,
    Switch,
    TreatmentReceived,
)
from randomisation.queries import design, histories
from randomisation.queries import exceptions as reads
from randomisation.queries.tables import tables
from randomisation.words import NoteMissing, UnknownReason
from tests import dump
from tests.randomisation import people, trials
from tests.randomisation.exported import export_of
from tests.randomisation.races import checking
from trial import actors, audit
from trial.actions import participants
from trial.actions.proposals import AlreadyDecided, AlreadyProposed, SamePerson
from trial.models import Alert, AuditEvent, Decision, Participant, PersonKey, Proposal

pytestmark = pytest.mark.django_db
ADA, EVA = actors.staff(1, "researcher"), actors.staff(2, "supervisor")


@pytest.fixture
def trial_of_eight(tmp_path, now):
    """Eight of ten are allocated, women and men by turn."""
    study = people.a_study(tmp_path, now)
    everybody = people.consented(study, 10, now)
    for person in everybody[:8]:
        allocations.allocate(participant=person, by=actors.SYSTEM, at=now)
    return study, everybody


def first(study) -> Allocation:
    rows = Allocation.objects.select_related(
        "participant__version", "participant__study", "participant__key"
    )
    return rows.filter(study=study).order_by("pk")[0]


def marked(allocation, at) -> ErrorMark:
    proposal = proposals.propose_mark(
        allocation=allocation, reason="randomised_twice", by=ADA, at=at
    )
    proposals.decide(proposal=proposal, is_agreed=True, by=EVA, at=at)
    return ErrorMark.objects.get(proposal=proposal)


def every_allocation() -> list[tuple]:
    return list(Allocation.objects.order_by("pk").values_list())


def test_a_wrong_covariate_is_put_right_beside_the_allocation_which_stays(trial_of_eight, now):
    study, _everybody = trial_of_eight
    before, allocation = every_allocation(), first(study)
    row = exceptions.correct(
        allocation=allocation, values={"sex": "m"}, reason="entered_wrongly", by=ADA, at=now
    )
    assert (row.values, row.reason, row.counts_from) == ({"sex": "m"}, "entered_wrongly", 4)
    assert reads.standing(allocation) == {"sex": "m"}
    assert allocation.covariates == {"sex": "f"}
    assert every_allocation() == before


def test_a_second_correction_stands_over_the_first_and_the_first_stays(trial_of_eight, now):
    study, _everybody = trial_of_eight
    allocation = first(study)
    for value in ("m", "f"):
        exceptions.correct(
            allocation=allocation, values={"sex": value}, reason="entered_wrongly", by=ADA, at=now
        )
    assert [row.values["sex"] for row in Correction.objects.order_by("pk")] == ["m", "f"]
    assert reads.standing(allocation) == {"sex": "f"}


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"sex": "x"}, exceptions.ValueNotAllowed),
        ({"age": "41"}, exceptions.ValueNotAllowed),
        ({"sex": "f"}, exceptions.SameValues),
        ({}, exceptions.SameValues),
    ],
)
def test_only_another_value_that_the_question_allows_is_a_correction(
    trial_of_eight, now, values, error
):
    study, _everybody = trial_of_eight
    with pytest.raises(error):
        exceptions.correct(
            allocation=first(study), values=values, reason="entered_wrongly", by=ADA, at=now
        )
    assert Correction.objects.count() == 0


def test_only_a_factor_that_is_still_asked_and_has_levels_can_be_put_right(trial_of_eight):
    used = {"sex": "f", "site": "main", "age": "40", "town": "Delft"}
    study, *_ = trial_of_eight
    allowed = reads.allowed_values(study.current, used)
    assert {factor: [code for code, _words in values] for factor, values in allowed.items()} == {
        "sex": ["f", "m"],
        "site": ["main"],
    }


def test_a_reason_is_a_code_of_the_list_and_another_one_is_said_in_words_that_are_sealed(
    trial_of_eight, now
):
    study, _everybody = trial_of_eight
    allocation = first(study)
    with pytest.raises(UnknownReason):
        exceptions.correct(
            allocation=allocation, values={"sex": "m"}, reason="because", by=ADA, at=now
        )
    with pytest.raises(NoteMissing):
        exceptions.correct(
            allocation=allocation, values={"sex": "m"}, reason="other", note=" ", by=ADA, at=now
        )
    words = "Her sister had filled it in"
    row = exceptions.correct(
        allocation=allocation, values={"sex": "m"}, reason="other", note=words, by=ADA, at=now
    )
    assert row.participant.unsealed(row.note_sealed) == words
    assert dump.found([words]) == []


def test_of_somebody_erased_a_fact_can_be_recorded_but_nothing_in_words(trial_of_eight, now):
    study, everybody = trial_of_eight
    PersonKey.objects.filter(participant=everybody[0]).delete()
    with pytest.raises(exceptions.Erased):
        exceptions.correct(
            allocation=first(study),
            values={"sex": "m"},
            reason="other",
            note="Words",
            by=ADA,
            at=now,
        )
    row = exceptions.correct(
        allocation=first(study), values={"sex": "m"}, reason="entered_wrongly", by=ADA, at=now
    )
    assert row.note_sealed == ""


def test_somebody_ineligible_stays_and_is_followed_up(trial_of_eight, now):
    study, everybody = trial_of_eight
    mark = exceptions.mark_ineligible(
        allocation=first(study), reason="criterion_overlooked", by=ADA, at=now
    )
    assert (mark.kind, mark.counts_from, mark.agreed_by) == ("ineligible", None, "")
    assert Participant.objects.get(pk=everybody[0].pk).state == "randomised"
    assert reads.history_changes(study.pk, "start", 4) == {}
    with pytest.raises(exceptions.AlreadyMarked):
        exceptions.mark_ineligible(
            allocation=first(study), reason="criterion_overlooked", by=ADA, at=now
        )


def test_of_somebody_randomised_twice_the_first_stays_and_the_second_is_marked_and_kept(
    trial_of_eight, now
):
    _study, _everybody = trial_of_eight
    before = every_allocation()
    second = Allocation.objects.select_related("participant__study", "participant__key").order_by(
        "pk"
    )[2]
    mark = marked(second, now)
    assert (mark.kind, mark.by, mark.agreed_by, mark.reason) == (
        "error",
        "staff 1",
        "staff 2",
        "randomised_twice",
    )
    assert every_allocation() == before
    with pytest.raises(exceptions.AlreadyMarked):
        proposals.propose_mark(allocation=second, reason="test_entry", by=ADA, at=now)


def test_a_mark_takes_another_person_than_the_one_who_asks(trial_of_eight, now):
    study, _everybody = trial_of_eight
    proposal = proposals.propose_mark(allocation=first(study), reason="test_entry", by=ADA, at=now)
    with pytest.raises(SamePerson):  # in whichever role
        proposals.decide(
            proposal=proposal, is_agreed=True, by=actors.staff(1, "supervisor"), at=now
        )
    assert (Decision.objects.count(), ErrorMark.objects.count()) == (0, 0)
    with pytest.raises(IntegrityError), transaction.atomic():
        ErrorMark.objects.create(
            study=study,
            participant=proposal.participant,
            allocation=first(study),
            kind="error",
            reason="test_entry",
            by="staff 1",
            agreed_by="staff 1",
            counts_from=0,
            at=now,
        )


def test_what_is_not_agreed_to_is_over_and_can_be_asked_again(trial_of_eight, now):
    study, _everybody = trial_of_eight
    proposal = proposals.propose_mark(allocation=first(study), reason="test_entry", by=ADA, at=now)
    with pytest.raises(AlreadyProposed):
        proposals.propose_mark(allocation=first(study), reason="test_entry", by=EVA, at=now)
    proposals.decide(proposal=proposal, is_agreed=False, by=EVA, at=now)
    assert ErrorMark.objects.count() == 0
    with pytest.raises(AlreadyDecided):
        proposals.decide(proposal=proposal, is_agreed=True, by=EVA, at=now)
    assert (
        proposals.propose_mark(allocation=first(study), reason="test_entry", by=ADA, at=now).pk
        > proposal.pk
    )


def test_a_second_person_is_called_by_an_alert(trial_of_eight, now):
    study, everybody = trial_of_eight
    proposal = proposals.propose_mark(allocation=first(study), reason="test_entry", by=ADA, at=now)
    alert = Alert.objects.get(study=study)
    assert (alert.kind, alert.subject_ref, alert.participant) == (
        "second_person",
        f"proposal {proposal.pk}",
        everybody[0],
    )


def test_another_treatment_than_theirs_is_recorded_sealed_and_told_only_where_arms_are(
    trial_of_eight, now
):
    study, everybody = trial_of_eight
    before, allocation = every_allocation(), first(study)
    exceptions.record_received(
        allocation=allocation, received="guided", reason="staff_mistake", by=EVA, at=now
    )
    assert every_allocation() == before
    row = TreatmentReceived.objects.get()
    assert "guided" not in row.received_sealed
    event = AuditEvent.objects.get(action="another treatment received")
    assert "guided" not in json.dumps([event.subject, event.old, event.new, event.reason])
    names = {table.name for table in tables(study, None, now, arms=False)}
    assert names == {"corrections", "error_marks", "code_breaks", "switches"}
    [told] = [
        table
        for table in tables(study, None, now, arms=True)
        if table.name == "treatments_received"
    ]
    assert list(told.rows) == [
        (everybody[0].code, "start", "guided", "staff_mistake", "staff 2", "supervisor", now)
    ]
    with pytest.raises(exceptions.UnknownTreatment):
        exceptions.record_received(
            allocation=allocation, received="placebo", reason="staff_mistake", by=EVA, at=now
        )


def test_a_withdrawn_persons_place_is_not_given_again(trial_of_eight, now):
    _study, everybody = trial_of_eight
    gone = everybody[0]
    participants.withdraw(
        participant=gone, reason="other", by=actors.participant(gone.code), at=now
    )
    used = set(Allocation.objects.values_list("stratum", "draw_index"))
    allocations.allocate(participant=everybody[8], by=actors.SYSTEM, at=now)
    new = Allocation.objects.get(participant=everybody[8])
    assert (new.stratum, new.draw_index) == ("sex=f", 4)
    assert used & {(new.stratum, new.draw_index)} == set()
    assert Allocation.objects.filter(participant=gone).count() == 1


def everything_at_once(study, at) -> None:
    """A correction, a mark and a fact about three people."""
    rows = list(
        Allocation.objects.select_related("participant__version", "participant__study").order_by(
            "pk"
        )
    )
    exceptions.correct(
        allocation=rows[0], values={"sex": "m"}, reason="entered_wrongly", by=ADA, at=at
    )
    marked(rows[2], at)
    exceptions.mark_ineligible(allocation=rows[4], reason="answer_was_wrong", by=ADA, at=at)
    exceptions.record_received(
        allocation=rows[6], received="guided", reason="staff_mistake", by=EVA, at=at
    )


def test_no_exception_changes_an_allocation_or_the_next_draw_of_a_stratum(trial_of_eight, now):
    """The next two are drawn twice, once after the exceptions and once without them."""
    study, everybody = trial_of_eight
    before = every_allocation()

    def next_two() -> list[tuple]:
        for person in everybody[8:]:
            allocations.allocate(participant=person, by=actors.SYSTEM, at=now)
        fields = ("stratum", "draw_index", "arm", "probabilities", "history_digest")
        return list(Allocation.objects.order_by("pk").values_list(*fields))[8:]

    saved = transaction.savepoint()
    without = next_two()
    transaction.savepoint_rollback(saved)
    everything_at_once(study, now)

    assert every_allocation() == before
    assert next_two() == without
    assert audit.verify(study) == []


def test_what_later_draws_of_a_whole_point_read_counts_from_the_draw_that_came_next(
    trial_of_eight, now
):
    study, _everybody = trial_of_eight
    everything_at_once(study, now)
    rows = list(Allocation.objects.order_by("pk"))
    expected = {
        rows[0].pk: reads.Change({"sex": "m"}, False),
        rows[2].pk: reads.Change({}, True),
    }
    assert reads.history_changes(study.pk, "start", 4) == expected
    assert reads.history_changes(study.pk, "start", 3) == {}
    assert reads.history_changes(study.pk, "stage2", 4) == {}


def test_minimisation_reads_the_right_value_and_leaves_out_what_was_marked_from_the_next_draw_on(
    tmp_path, now
):
    study = people.a_minimised_study(tmp_path, now)
    everybody = people.consented(study, 6, now)
    for person in everybody[:4]:
        allocations.allocate(participant=person, by=actors.SYSTEM, at=now)
    before = every_allocation()
    rows = list(
        Allocation.objects.select_related("participant__version", "participant__study").order_by(
            "pk"
        )
    )
    designed = design.of(study.current)
    as_used = [[row.arm, row.covariates] for row in rows]
    assert histories.of_scope(study.pk, designed, "", 4) == as_used

    corrected = exceptions.correct(
        allocation=rows[0], values={"sex": "m"}, reason="entered_wrongly", by=ADA, at=now
    )
    mark = marked(rows[2], now)

    right = [[rows[0].arm, {"sex": "m"}], as_used[1], as_used[3]]
    assert (corrected.counts_from, mark.counts_from) == (4, 4)
    assert histories.of_scope(study.pk, designed, "", 4) == right
    assert histories.of_scope(study.pk, designed, "", 3) == as_used[:3]  # as it was read then
    allocations.allocate(participant=everybody[4], by=actors.SYSTEM, at=now)
    new = Allocation.objects.get(participant=everybody[4])
    chances = designed.rule.lot_probabilities(right, new.covariates)
    assert new.probabilities == {lot: str(chance) for lot, chance in chances.items()}
    assert new.history_digest == trials.digest_of(right)
    checking.check_carried(study)
    assert every_allocation()[:4] == before
    export = export_of(study)
    assert list(
        verifier.check(export, bytes.fromhex(export["seed"]))
    )  # raises where a draw is another
    without = {**export, "corrections": [], "error_marks": []}
    with pytest.raises(verifier.Difference):
        list(verifier.check(without, bytes.fromhex(export["seed"])))


def test_the_export_for_verification_tells_them_in_order_and_without_words(trial_of_eight, now):
    study, everybody = trial_of_eight
    everything_at_once(study, now)
    assert {"corrections": reads.corrections(study), "error_marks": reads.error_marks(study)} == {
        "corrections": [
            {
                "point": "start",
                "participant": everybody[0].code,
                "values": {"sex": "m"},
                "counts_from": 4,
            }
        ],
        "error_marks": [{"point": "start", "participant": everybody[2].code, "counts_from": 4}],
    }


APPEND_ONLY = (
    CodeBreak,
    Correction,
    Decision,
    ErrorMark,
    ForcedAllocation,
    Impact,
    Match,
    Proposal,
    Switch,
    TreatmentReceived,
)


def test_every_kind_of_exception_is_among_those_that_the_database_keeps():
    assert [
        model.__name__ for model in APPEND_ONLY if not getattr(model, "append_only", False)
    ] == []


@pytest.mark.parametrize(
    "model", [Correction, ErrorMark, Proposal, Decision, TreatmentReceived, Allocation]
)
def test_the_database_refuses_to_change_or_delete_them(trial_of_eight, now, model):
    study, _everybody = trial_of_eight
    everything_at_once(study, now)
    assert model.objects.exists()
    moment = "at" if model is not Allocation else "allocated_at"
    for change in (
        lambda: model.objects.update(**{moment: now + timedelta(days=1)}),
        lambda: model.objects.all()._raw_delete("default"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
