import hashlib
import json
from collections import Counter
from datetime import timedelta

import pytest

from randomisation.models import Allocation
from reports import blinded
from reports.dataset import Given
from reports.queries.dataset import NobodyRandomised, conduct, people
from reports.queries.plan import plan_of
from reports.queries.tables import records, tables
from tests import factories
from tests.made import by_arm
from tests.reports.test_tables import STUDIES
from trial import actors
from trial.actions import agreements, journey, participants, programme, studies
from trial.actions import staff as invitations
from trial.models import AuditEvent, Membership, Proposal, ProtocolVersion, Study
from trial.models.studies import ProtocolText
from trial.words import LEAVING_REASONS


def test_every_look_at_the_arms_is_recorded_with_its_reason(study, dan, now):
    by_arm(study, now)
    looks = AuditEvent.objects.filter(action="all arms looked at").values_list("reason", "by")
    assert list(looks) == [("a test", "system")]


def test_everybody_is_in_their_arm(study, now):
    for _ in range(3):
        factories.a_randomised_participant(study, now)
    data = by_arm(study, now)
    assert {p.code: p.arm for p in data.participants} == dict(
        Allocation.objects.values_list("participant__code", "arm")
    )
    assert data.groups == ("guided", "unguided")


def test_everybody_screened_is_in_the_flow(study, now):
    factories.a_screening_participant(study, now, age=17)
    factories.a_screened_participant(study, now)
    left = factories.a_consented_participant(study, now)
    participants.withdraw(participant=left, by=actors.participant(left.code), at=now)
    stopped = factories.a_verified_participant(study, now)
    participants.turn_away(
        participant=stopped,
        stage="consent",
        reason="stopped",
        stopped=True,
        by=actors.WORKER,
        at=now,
    )
    factories.a_randomised_participant(study, now)
    flow = by_arm(study, now).flow
    assert (flow.assessed, flow.randomised) == (5, 1)
    assert flow.excluded == {
        "age": 1,
        "not_yet_randomised": 1,
        "withdrew_before_allocation": 1,
        "stopped_at_consent": 1,
    }


def test_whoever_begins_a_module_began_what_was_allocated(study, now):
    idle = factories.a_participant_in(study, "unguided", now)
    busy = factories.a_participant_in(study, "unguided", now)
    programme.begin_module(
        participant=busy,
        module="welcome",
        by=actors.participant(busy.code),
        at=now + timedelta(hours=1),
    )
    people = {p.code: p for p in by_arm(study, now + timedelta(days=1)).participants}
    assert (people[busy.code].received, people[busy.code].not_received_reason) == (True, None)
    assert (people[idle.code].received, people[idle.code].not_received_reason) == (
        False,
        "no_module",
    )


def test_what_somebody_did_not_begin_is_what_their_arm_offers(study, now):
    guided = factories.a_participant_in(study, "guided", now)
    data = by_arm(study, now + timedelta(days=1))
    people = {person.code: person for person in data.participants}
    reason = people[guided.code].not_received_reason
    assert (reason, data.reasons[reason]["en"]) == (
        "no_module_no_call",
        "opened no module and had no call",
    )
    assert "Began: opened a module or had a planned call." in data.meta.source["en"]


@pytest.mark.parametrize("name", ["living-positive", "guided-or-not"])
def test_a_report_speaks_of_calls_and_modules_only_where_there_are_any(db, now, name):
    version = factories.an_open_study(STUDIES / name, now).current
    for arm, unused in zip(version.protocol.arms, people.offered(version), strict=True):
        assert ("no_call" in unused) == bool(arm.granted("coaching"))
        assert "no_module" not in unused or arm.granted("programme")


def test_use_is_counted_from_access_to_the_last_use(study, now):
    person = factories.a_participant_in(study, "unguided", now)
    by = actors.participant(person.code)
    programme.begin_module(participant=person, module="welcome", by=by, at=now + timedelta(days=3))
    early = by_arm(study, now + timedelta(days=17)).use[person.code]
    late = by_arm(study, now + timedelta(days=18)).use[person.code]
    assert (early.time, early.ended) == (3, False)
    assert (late.time, late.ended) == (3, True)


def test_the_snapshot_of_a_finished_study_is_the_same_whenever_it_is_taken(study, now):
    person = factories.a_randomised_participant(study, now)
    for days in (22, 43, 57, 150, 175):
        journey.advance(person, now + timedelta(days=days))
    first = by_arm(study, now + timedelta(days=200))
    second = by_arm(study, now + timedelta(days=300))
    assert first.snapshot_hash == second.snapshot_hash


def test_there_is_nothing_to_report_before_the_first_allocation(study, now):
    with pytest.raises(NobodyRandomised):
        by_arm(study, now)


def test_the_plan_is_the_folder_s_with_its_strata(study):
    plan = plan_of(study.current)
    assert (plan.covariates, plan.contrasts, plan.multiplicity) == (
        ("sex",),
        (("guided", "unguided"),),
        "none",
    )
    assert [(o.instrument, o.timepoint) for o in plan.primary] == [("PHQ9", "post")]
    assert (plan.adherence.at_least, plan.confidence) == (2, 0.95)


def test_many_centres_enter_the_model_with_the_small_ones_as_one_and_the_report_says_so(db, now):
    study = factories.an_open_study(STUDIES / "living-positive", now)
    assert plan_of(study.current).covariates == ("sex", "site")
    sites = [site.code for site in study.current.protocol.sites]
    for site in (*sites[:5], sites[3]):
        factories.a_randomised_participant(
            study, now, site=site, diagnosis="over10y", language_ok="able"
        )
    data = blinded.dataset(study, now)
    assert data.meta.source["en"].endswith(
        "Adjusted for Centre: the centres with most people each by themselves, all others as one."
    )
    levels = Counter(person.value("site") for person in data.participants)
    assert levels == {
        sites[3]: 2,
        **dict.fromkeys(sorted({*sites[:5]} - {sites[3]})[:2], 1),
        "other_sites": 2,
    }


def a_version(study, analysis=None, **randomisation):
    """A later version of the protocol that allocates otherwise, with an analysis that names no
    covariate.
    """
    now, first = study.current, ProtocolText.objects.get(version=study.current)
    document = {
        **first.document,
        "randomisation": {**first.document["randomisation"], **randomisation},
        "analysis": {**first.document["analysis"], "covariates": [], **(analysis or {})},
    }
    sha256 = hashlib.sha256(json.dumps(document).encode()).hexdigest()
    version = ProtocolVersion.objects.create(
        study=study,
        number=now.number + 1,
        sha256=sha256,
        loaded_at=now.loaded_at,
        loaded_by="a test",
    )
    ProtocolText.objects.create(version=version, document=document, sealed=first.sealed)
    return version


@pytest.mark.parametrize(
    ("randomisation", "covariates"),
    [
        ({"strata": []}, ()),
        ({"strata": [], "factors": {"sex": "1", "site": "2"}}, ("sex", "site")),
        ({"strata": ["sex"], "factors": ["site", "sex"]}, ("sex", "site")),
    ],
)
def test_whatever_the_randomisation_balances_is_in_the_model_without_being_named(
    study, randomisation, covariates
):
    assert plan_of(a_version(study, **randomisation)).covariates == covariates


def test_what_was_locked_before_the_first_allocation_comes_from_the_study(db, now):
    from tests.reports.test_tables import STUDIES

    study = factories.an_open_study(STUDIES / "living-positive", now)
    first = factories.a_randomised_participant(
        study, now + timedelta(hours=2), diagnosis="over10y", language_ok="able"
    )
    factories.a_randomised_participant(
        study, now + timedelta(hours=3), diagnosis="over10y", language_ok="able"
    )
    conduct = by_arm(study, now + timedelta(days=1)).meta.conduct
    assert (conduct.locked_at, conduct.first_allocation_at) == (
        study.opened_at,
        first.randomised_at,
    )
    assert str(conduct.locked_at.tzinfo) == "Europe/Amsterdam"
    assert (conduct.registration.id, conduct.registered, conduct.is_locked_before) == (
        "NTR5407",
        "before",
        True,
    )
    assert [(each.code, each.arms) for each in conduct.partial] == [
        ("followup6", ("intervention",))
    ]
    pooled = blinded.dataset(study, now + timedelta(days=1)).meta.conduct
    assert [(each.code, each.arms) for each in pooled.partial] == [("followup6", ())]


def test_the_report_of_a_live_study_holds_who_gave_which_role(study, staff, dan, now):
    assert blinded.dataset(study, now).meta.conduct.given == ()  # simulated: nobody has to agree
    Study.objects.filter(pk=study.pk).update(simulated=False)
    study.refresh_from_db()
    ada, ben = staff("researcher"), Membership.objects.get(role="coach").user
    sent = invitations.invite(
        study=study,
        email="new@example.org",
        role="supervisor",
        by=actors.staff(ada.pk, "researcher"),
        at=now,
    )
    agreements.decide(
        proposal=sent.proposal, is_agreed=True, by=actors.staff(ben.pk, "coach"), at=now
    )
    token = invitations.token_of(sent)
    nina = invitations.accept(
        token=token, full_name="Nina Bos", password="a quiet walk", by=actors.SYSTEM, at=now
    )
    today, asked, agreed = now.date(), f"staff {ada.pk}", f"staff {ben.pk}"
    assert blinded.dataset(study, now).meta.conduct.given == (
        Given("coach", agreed, today - timedelta(days=1), None, "loaded", ""),
        Given("researcher", asked, today, None, "loaded", ""),
        Given("supervisor", f"staff {nina.pk}", today, None, "agreed", asked, agreed),
    )


def test_who_agreed_to_the_lock_stands_in_the_report_and_so_does_that_nobody_could(
    study, staff, dan, now
):
    Study.objects.filter(pk=study.pk).update(simulated=False, state="closed")
    study.refresh_from_db()
    participants.withdraw(
        participant=dan, by=actors.participant(dan.code), at=now
    )  # nobody is followed any more
    ada = staff("researcher")
    eva = factories.a_staff_member(study, "researcher", "Eva de Wit", now - timedelta(days=30))

    def locked(is_agreed, by):
        studies.lock(study=study, by=actors.staff(ada.pk, "researcher"), at=now)
        agreements.decide(
            proposal=Proposal.objects.latest("pk"), is_agreed=is_agreed, by=by, at=now
        )
        return [
            each for each in blinded.dataset(study, now).meta.conduct.given if each.what == "lock"
        ]

    second = actors.staff(eva.pk, "researcher")
    assert locked(False, second) == []
    assert locked(True, second) == [
        Given("lock", "", now.date(), None, "agreed", f"staff {ada.pk}", f"staff {eva.pk}")
    ]
    Study.objects.filter(pk=study.pk).update(state="closed")
    assert locked(True, actors.WORKER) == [
        Given("lock", "", now.date(), None, "waited", f"staff {ada.pk}")
    ]


def test_before_the_first_allocation_nothing_can_be_said_of_the_order_of_things(study, now):
    assert conduct.of(study, study.current, by_arm=False) is None


def test_who_left_before_beginning_did_not_receive_what_was_allocated_for_that_reason(study, now):
    person = factories.a_participant_in(study, "unguided", now)
    participants.withdraw(
        participant=person, by=actors.participant(person.code), at=now + timedelta(hours=1)
    )
    [found] = by_arm(study, now + timedelta(days=1)).participants
    assert (found.received, found.not_received_reason) == (False, "withdrawn")


def test_a_table_that_no_app_made_has_no_rows(study, now):
    assert records(tables(study, now, arms=False), "allocations of tomorrow") == []


def test_a_plan_that_says_nothing_of_enough_counts_nobody_as_having_had_it(study):
    assert plan_of(a_version(study, {"adherence": None})).adherence is None


def test_every_reason_has_words_in_both_languages(db, now):
    study = factories.an_open_study(STUDIES / "living-positive", now)
    factories.a_randomised_participant(study, now, diagnosis="over10y", language_ok="able")
    data = blinded.dataset(study, now)
    criteria = {f"excluded.{each.code}" for each in study.current.protocol.eligibility}
    given = {code for code in LEAVING_REASONS if code}
    assert criteria | given | {
        "stopped_at_screening",
        "stopped_at_consent",
        "no_module_no_call",
    } <= set(data.reasons)
    assert {frozenset(texts) for texts in (*data.reasons.values(), data.meta.source)} == {
        frozenset({"en", "nl"})
    }
    assert data.reasons["excluded.phq9_high"]["en"] == "PHQ-9 of 20 or higher"


def test_a_criterion_without_a_label_is_called_by_its_code(study, dan, now):
    assert (
        blinded.dataset(study, now).reasons["excluded.mood"]["nl"]
        == "voldoet niet aan het criterium 'mood'"
    )


def test_a_short_questionnaire_has_its_baseline_from_the_longer_ones_that_hold_it(study, dan, now):
    data = blinded.dataset(study, now)
    nested = {
        row["score"]: row["value"] for row in records(tables(study, now, arms=False), "scores")
    }
    assert data.score(dan.code, "PHQ4", "pre") == nested["PHQ2"] + nested["GAD2"]
    assert {i.code: i.baseline_from for i in data.instruments}["PHQ4"] == ("GAD7", "PHQ9")


def test_who_stops_with_the_lessons_is_counted_with_the_reason(study, now):
    person = factories.a_participant_in(study, "unguided", now)
    programme.stop_programme(
        participant=person, reason="no_time", by=actors.participant(person.code), at=now
    )
    data = by_arm(study, now + timedelta(days=1))
    assert [p.programme_stop_reason for p in data.participants] == ["no_time"]
    assert [arm.discontinued for arm in data.flow.arms] == [{}, {"no_time": 1}]


def test_stopping_is_not_counted_in_an_arm_that_gets_the_programme_later(db, now):
    study = factories.an_open_study(STUDIES / "living-positive", now)
    factories.a_randomised_participant(study, now, diagnosis="over10y", language_ok="able")
    arms = by_arm(study, now).flow.arms
    assert [(arm.waits, arm.discontinued) for arm in arms] == [(False, {}), (True, None)]


def test_the_baseline_table_names_what_was_asked_and_leaves_out_what_nobody_can_have_answered(
    db, now
):
    study = factories.an_open_study(STUDIES / "living-positive", now)
    factories.a_randomised_participant(study, now, diagnosis="over10y", language_ok="able")
    factories.a_randomised_participant(study, now, diagnosis="m6to24", language_ok="able")
    found = {variable.code: variable for variable in blinded.dataset(study, now).variables}
    assert found["sex"].label == {"en": "Sex", "nl": "Geslacht"}
    assert list(found["diagnosis"].levels) == ["m6to24", "y2to10", "over10y"]
    assert "language_ok" not in found


def test_where_there_are_many_centres_the_small_ones_stand_together(db, now):
    study = factories.an_open_study(STUDIES / "living-positive", now)
    sites = [site.code for site in study.current.protocol.sites]
    for site in (*sites[:5], sites[4], sites[4], sites[3]):
        factories.a_randomised_participant(
            study, now, diagnosis="over10y", language_ok="able", site=site
        )
    data = blinded.dataset(study, now)
    [variable] = [variable for variable in data.variables if variable.code == "site"]
    assert list(variable.levels) == [sites[4], sites[3], sites[0], "other_sites"]
    assert [person.value("site") for person in data.participants].count("other_sites") == 2
