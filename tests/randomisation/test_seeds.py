"""The seed: made once, sealed, committed to, and never the same in a rehearsal and in a live
study.
"""

from __future__ import annotations

import hashlib

import pytest

from randomisation.actions import seeds
from randomisation.models import SealedSeed
from tests import factories
from tests.conftest import SMALL
from tests.emptied import lift_triggers
from trial import actors, vault
from trial.models import AuditEvent, Stamp
from trial.stamp import WrongDatabase

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft(now):
    return factories.a_loaded_study(SMALL, now)


@pytest.fixture
def live_database(db):
    """As if this database had been stamped live. Only the owner of the tables, with the triggers
    lifted, could do this.
    """
    lift_triggers()
    Stamp.objects.update(kind="live")


def make(study, now, number=None):
    return seeds.make(study=study, rehearsal_seed=number, by=actors.SYSTEM, at=now)


def test_the_commitment_is_the_hash_of_the_label_and_the_seed(draft, now):
    sealed = make(draft, now)
    seed = bytes.fromhex(vault.unseal(sealed.ciphertext))
    assert len(seed) == 32
    assert sealed.commitment == hashlib.sha256(b"rand-seed/v1\x00" + seed).hexdigest()


def test_the_commitment_stands_in_the_trail_before_anybody_is_allocated(draft, now):
    sealed = make(draft, now)
    event = AuditEvent.objects.get(action="randomisation sealed")
    assert event.stream == draft.slug
    assert sealed.commitment in event.new


def test_a_study_has_one_seed(draft, now):
    assert make(draft, now) == make(draft, now) == make(draft, now, 7)
    assert (
        SealedSeed.objects.count(),
        AuditEvent.objects.filter(action="randomisation sealed").count(),
    ) == (1, 1)


def test_a_seed_comes_from_the_operating_system_unless_it_is_a_rehearsal_s(draft, now, tmp_path):
    first = make(draft, now).seed
    assert first not in {seeds.rehearsed(draft, number) for number in range(100)}


def test_a_rehearsal_s_seed_is_the_same_each_time_and_differs_by_number(draft):
    assert seeds.rehearsed(draft, 1) == seeds.rehearsed(draft, 1)
    assert seeds.rehearsed(draft, 1) != seeds.rehearsed(draft, 2)


def test_a_live_database_refuses_a_rehearsal_s_seed(draft, now, live_database):
    with pytest.raises(WrongDatabase):
        make(draft, now, 1)
    assert SealedSeed.objects.count() == 0
    assert make(draft, now).made_at == now


def test_opening_a_study_seals_its_seed(study, now):
    assert SealedSeed.objects.get(study=study).made_at < now
