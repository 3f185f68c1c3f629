"""Coaches of a rehearsal differ, err and hand people over, as the folder says: a report of a
rehearsal shows what that of a trial will.
"""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import timedelta

import pytest

from coaching_protocol.models import Attempt, CoachAssignment, Correction
from outcomes.models import Assessment
from tests import factories
from tests.conftest import SMALL
from tests.two_worlds.building import taken_back
from trial import rehearse, virtual
from trial.models import AuditEvent

pytestmark = pytest.mark.django_db
PEOPLE, DAYS = 6, 40
WITHOUT_FAULT = "deviation: 0, correction: 0, handed_over: 0"


def rehearsed(tmp_path, coaches: str):
    folder = tmp_path / "small_study"
    shutil.copytree(SMALL, folder, dirs_exist_ok=True)
    path = folder / "study.yaml"
    missed = "  missed_call: "
    path.write_text(path.read_text().replace(missed, f"{coaches}{missed}"))
    study = factories.an_open_study(folder, rehearse.BEGINS_AT)
    rehearse.make_coaches(study, 2, rehearse.BEGINS_AT)
    settings = virtual.Settings(seed=3, number=PEOPLE, dropout=False, arrival_days=2)
    rehearse.run(study, settings, ends_at=rehearse.BEGINS_AT + timedelta(days=DAYS))
    return study


def test_coaches_leave_out_rules_correct_logs_and_hand_people_over(tmp_path):
    rehearsed(tmp_path, "  coaches: {sd: 0.5, deviation: 0.5, correction: 0.5, handed_over: 0.3}\n")
    held = Attempt.objects.filter(outcome="reached")
    named = Counter(code for attempt in held for code in attempt.deviations)
    assert set(named) == {"therapy"}
    assert 0 < named["therapy"] < held.count()
    assert 0 < Correction.objects.count() < held.count()
    assert {each.outcome for each in Correction.objects.all()} == {"reached"}
    handed = CoachAssignment.objects.filter(reason="workload")
    assert handed.exists()
    assert AuditEvent.objects.filter(action="coach assigned", reason="workload").exists()


def test_what_a_coach_adds_is_seen_in_their_people_alone(tmp_path):
    (alike, _), (different, spoken) = (
        told(tmp_path / sd, f"  coaches: {{sd: {sd}, {WITHOUT_FAULT}}}\n") for sd in ("0", "1")
    )
    assert alike.keys() == different.keys()
    changed = {key[0] for key in alike if alike[key] != different[key]}
    assert changed
    assert changed <= spoken


def told(place, coaches: str):
    """Every score, and who spoke with a coach; nothing of it stays."""
    with taken_back():
        study = rehearsed(place, coaches)
        rows = Assessment.objects.filter(participant__study=study, submitted_at__isnull=False)
        scores = {
            (row.participant.code, row.timepoint, row.instrument): row.scores
            for row in rows.select_related("participant")
        }
        reached = Attempt.objects.filter(outcome="reached")
        assert not any(attempt.deviations for attempt in reached)
        assert not Correction.objects.exists()
        assert not CoachAssignment.objects.exclude(reason="").exists()
        return scores, set(reached.values_list("contact__plan__participant__code", flat=True))
