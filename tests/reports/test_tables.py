import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from coaching_protocol.actions import calls
from coaching_protocol.models import Contact
from outcomes.actions import assessments
from outcomes.models import Assessment
from outcomes.queries import definitions
from outcomes.queries.concealment import plans
from reports.queries.tables import day, days_after, records, tables
from tests import factories
from trial import actors
from trial.actions import journey, participants, programme

STUDIES = Path(__file__).parents[2] / "trial" / "studies"
POOLED = [
    "participants",
    "screening",
    "timepoints",
    "instruments",
    "assessments",
    "scores",
    "answers",
]
POOLED += ["corrections", "error_marks", "code_breaks", "switches"]
BY_ARM = [
    "coaches",
    "coach_assignments",
    "contacts",
    "attempts",
    "call_corrections",
    "intercurrent_events",
    "allocations",
    "modules",
    "programme",
    "treatments_received",
    "forced_allocations",
]


def names(study, at, arms):
    return [table.name for table in tables(study, at, arms=arms)]


def row_of(study, person, name, at, arms=True, **where):
    found = records(tables(study, at, arms=arms), name)
    [row] = [r for r in found if r["participant"] == person.code and where.items() <= r.items()]
    return row


def test_pooled_tables_leave_out_whatever_only_an_arm_has(study, dan, now):
    assert names(study, now, arms=False) == POOLED
    assert sorted(names(study, now, arms=True)) == sorted(POOLED + BY_ARM)


def test_a_participant_has_one_row_with_the_answers_to_the_study_s_own_questions(study, dan, now):
    today = now.date()
    assert row_of(study, dan, "participants", now) == {
        "participant": dan.code,
        "site": "main",
        "language": "en",
        "state": "randomised",
        "began_on": today,
        "consented_on": today,
        "randomised_on": today,
        "left_on": None,
        "left_stage": "",
        "left_reason": "",
        "corrected_page": "",
        "simulated": True,
        "programme_stopped_on": None,
        "programme_stop_reason": "",
        "completed_on": None,
        "age": 41,
        "sex": "f",
        "helped": "yes",
    }


def test_whoever_is_turned_away_is_counted_by_stage_and_reason(study, now):
    factories.a_screening_participant(study, now, age=17)
    factories.a_screening_participant(study, now, age=16)
    assert records(tables(study, now, arms=False), "screening") == [
        {"stage": "basics", "reason": "age", "people": 2}
    ]


def test_an_assessment_s_row_tells_its_dates_its_state_and_its_score(study, dan, now):
    [pretest] = [
        a
        for a in Assessment.objects.filter(participant=dan, timepoint="pre")
        if a.instrument == "PHQ9"
    ]
    row = row_of(study, dan, "assessments", now, timepoint="pre", instrument="PHQ9")
    assert (row["state"], row["submitted_on"], row["days"], row["score"]) == (
        "submitted",
        now.date(),
        0,
        8.0,
    )
    assert (row["mode"], row["language"], row["prorated"]) == ("web", "en", pretest.prorated)
    week2 = row_of(study, dan, "assessments", now, timepoint="week2")
    assert (week2["opens_on"], week2["state"], week2["score"]) == (
        now.date() + timedelta(days=14),
        "upcoming",
        None,
    )


def test_every_item_has_a_row_and_no_blank_is_without_a_reason(study, dan, now):
    found = [
        r for r in records(tables(study, now, arms=True), "answers") if r["participant"] == dan.code
    ]
    pretest = [r for r in found if (r["timepoint"], r["instrument"]) == ("pre", "PHQ9")]
    assert [(r["item"], r["value"], r["state"]) for r in pretest[-2:]] == [
        ("8", 1, "answered"),
        ("9", 0, "answered"),
    ]
    assert {r["state"] for r in found if r["value"] is None} == {"upcoming", "unscheduled"}


def test_a_draft_is_not_exported(study, dan, now):
    later = now + timedelta(days=15)
    journey.advance(dan, later)
    week2 = Assessment.objects.get(participant=dan, timepoint="week2")
    assessments.save_draft(
        assessment=week2, answers={"1": 3}, by=actors.participant(dan.code), at=later
    )
    found = [
        r for r in records(tables(study, later, arms=True), "answers") if r["timepoint"] == "week2"
    ]
    assert {(r["value"], r["state"]) for r in found} == {(None, "started")}


def lessons(person, begins, days):
    """Every module begun and done, a week apart."""
    by = actors.participant(person.code)
    for number, module in enumerate(each.code for each in person.version.programme.modules):
        at = begins + timedelta(days=days * number, hours=1)
        programme.begin_module(participant=person, module=module, by=by, at=at)
        programme.finish_module(participant=person, module=module, by=by, at=at)
    journey.advance(person, at)
    return at


def pooled_rows(study, person, at):
    return [
        (table.name, [row[1:] for row in table.rows if row[0] == person.code])
        for table in tables(study, at, arms=False)
        if table.columns[0].name == "participant"
    ]


def test_two_people_who_differ_only_in_arm_have_the_same_pooled_rows_on_every_day(study, now):
    guided = factories.a_participant_in(study, "guided", now)
    unguided = factories.a_participant_in(study, "unguided", now)
    done_at = lessons(
        guided, now, 8
    )  # only the guided one finishes, so that their post-test comes earlier
    for days in (0, 10, 22, 30, 43, 50, 56):
        at = max(now + timedelta(days=days), done_at if days >= 22 else now)
        journey.advance(guided, at)
        journey.advance(unguided, at)
        if days == 22:
            factories.fill_in(guided, "post", at)
        assert pooled_rows(study, guided, at) == pooled_rows(study, unguided, at)


def test_what_the_arm_dates_is_told_once_it_is_over_in_every_arm_and_without_its_dates(study, now):
    person = factories.a_participant_in(study, "guided", now)
    answered_at = lessons(person, now, 8) + timedelta(days=6)
    journey.advance(person, answered_at)
    factories.fill_in(person, "post", answered_at)
    where = {"arms": False, "timepoint": "post", "instrument": "PHQ9"}
    before = row_of(study, person, "assessments", now + timedelta(days=56), **where)
    after = row_of(study, person, "assessments", now + timedelta(days=57), **where)
    told = ("opens_on", "closes_on", "state", "submitted_on", "days", "score")
    assert [before[name] for name in told] == [None, None, "withheld", None, None, None]
    assert [after[name] for name in told] == [None, None, "submitted", None, None, 8.0]
    assert (
        row_of(study, person, "assessments", answered_at, **{**where, "arms": True})["state"]
        == "submitted"
    )


def test_being_through_with_the_study_is_not_told_while_pooled(study, now):
    person = factories.a_randomised_participant(study, now)
    for days in (22, 43, 57, 150, 175):
        journey.advance(person, now + timedelta(days=days))
    person.refresh_from_db()
    at = now + timedelta(days=176)
    assert person.state == "completed"
    assert row_of(study, person, "participants", at, arms=True)["state"] == "completed"
    pooled = row_of(study, person, "participants", at, arms=False)
    assert (pooled["state"], "completed_on" in pooled) == ("randomised", False)


def test_lessons_have_a_row_for_every_module_of_whoever_has_access(study, now):
    person = factories.a_participant_in(study, "unguided", now)
    last = lessons(person, now, 8)
    found = [
        r
        for r in records(tables(study, last, arms=True), "programme")
        if r["participant"] == person.code
    ]
    days = [now.date() + timedelta(days=8 * n) for n in range(3)]
    assert [(r["number"], r["begun_on"], r["done_on"]) for r in found] == [
        (n + 1, d, d) for n, d in enumerate(days)
    ]
    assert {(r["opened_on"], r["finished_on"], r["known_until"]) for r in found} == {
        (days[0], days[2], days[2])
    }


def test_withdrawing_is_told_with_stage_and_reason(study, dan, now):
    later = now + timedelta(days=5)
    participants.withdraw(
        participant=dan, reason="too_busy", by=actors.participant(dan.code), at=later
    )
    row = row_of(study, dan, "participants", later, arms=False)
    assert (row["state"], row["left_on"], row["left_stage"], row["left_reason"]) == (
        "withdrawn",
        later.date(),
        "randomised",
        "too_busy",
    )


@pytest.mark.parametrize("arms", [True, False])
def test_the_number_of_queries_is_the_same_for_one_person_and_for_three(study, now, arms):
    factories.a_participant_in(
        study, "guided", now
    )  # somebody with calls, which are fetched for all at once
    tables(study, now, arms=arms)
    with CaptureQueriesContext(connection) as one:
        tables(study, now, arms=arms)
    factories.a_randomised_participant(study, now)
    factories.a_randomised_participant(study, now)
    with CaptureQueriesContext(connection) as three:
        tables(study, now, arms=arms)
    assert len(three) == len(one)
    assert len(three) <= 16


@pytest.fixture
def planned(db, now):
    def of(slug):
        version = factories.a_loaded_study(STUDIES / slug, now).current
        found = plans(definitions.assessments(version), version.protocol)
        return {plan.timepoint: (plan.is_shared, plan.is_dated_alike) for plan in found}

    return of


def test_the_hiv_depression_trial_s_later_time_points_tell_the_arm(planned):
    assert planned("living-positive") == {
        "pretest": (True, True),
        "week1": (True, True),
        "week3": (True, True),
        "week5": (True, True),
        "post1": (True, False),
        "post2": (True, False),
        "followup6": (False, False),
    }


def test_a_schedule_that_every_arm_shares_tells_nothing(planned):
    assert set(planned("guided-or-not").values()) == {(True, True)}


def test_days_are_read_from_dates_and_from_their_text(now):
    assert day("2026-03-09") == day(now.date() + timedelta(days=7))
    assert days_after(now.date(), "2026-03-09") == 7
    assert [day(""), day(None), days_after(now.date(), None), days_after(None, now.date())] == [
        None
    ] * 4


def test_time_points_stand_in_order_of_time_whatever_their_order_in_the_study_folder(
    tmp_path, db, now
):
    """Who left is told from one to the next, in the report and in whoever reads the export."""
    folder = tmp_path / "small_study"
    shutil.copytree(Path(__file__).parents[1] / "trial" / "small_study", folder)
    path = folder / "assessments.yaml"
    lines = path.read_text().splitlines()
    places = [
        i for i, line in enumerate(lines) if line.startswith("  - {code: ") and "minutes" in line
    ]
    turned = [lines[i] for i in reversed(places)]
    for place, line in zip(places, turned, strict=True):
        lines[place] = line
    path.write_text("\n".join(lines) + "\n")
    rows = records(tables(factories.an_open_study(folder, now), now, arms=True), "timepoints")
    assert [row["timepoint"] for row in rows] == ["pre", "week2", "post", "followup"]
    assert [row["day"] for row in rows] == sorted(row["day"] for row in rows)


def test_what_happened_after_randomisation_stands_with_its_day_and_leaving_does_not(study, now):
    coached = factories.a_participant_in(study, "guided", now)
    other = factories.a_participant_in(study, "unguided", now)
    week = timedelta(days=7)
    [first, *_] = Contact.objects.filter(plan__participant=coached).order_by("number")
    calls.give_up(contact=first, reason="away", by=actors.SYSTEM, at=now + week)
    programme.stop_programme(participant=other, reason="no_time", by=actors.SYSTEM, at=now + week)
    participants.withdraw(participant=coached, by=actors.SYSTEM, at=now + 2 * week)
    reason = "data_protection_request"
    participants.erase(participant=coached, reason=reason, by=actors.SYSTEM, at=now + 3 * week)
    told = [
        (row["participant"], row["event"], day(row["on"]) - now.date())
        for row in records(tables(study, now + 4 * week, arms=True), "intercurrent_events")
    ]
    assert told == [
        (coached.code, "too_few_contacts", timedelta(days=6)),  # all three calls are asked for
        (coached.code, "consent_withdrawn", 3 * week),
        (other.code, "programme_stopped", week),
    ]
    early = records(tables(study, now + timedelta(days=3), arms=True), "intercurrent_events")
    assert early == []


def test_an_answer_says_by_which_protocol_consent_and_wording_it_was_asked(study, dan, now):
    row = row_of(study, dan, "assessments", now, timepoint="pre", instrument="PHQ9")
    assert (row["protocol_version"], row["consent_version"]) == (1, "1.0")
    assert len(row["wording"]) == 12
    Assessment.objects.filter(participant=dan, timepoint="pre").update(language="de")
    unwritten = row_of(study, dan, "assessments", now, timepoint="pre", instrument="PHQ9")
    assert unwritten["wording"] is None  # nobody has its words, and everything else is told
    waiting = row_of(study, dan, "assessments", now, timepoint="post", instrument="PHQ9")
    assert [waiting[name] for name in ("protocol_version", "consent_version", "wording")] == [
        None
    ] * 3
