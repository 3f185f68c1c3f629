"""A trail that is gone through stream after stream: what is found of many changes is what is found
of each, in the order of the trail, however few people are held at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import factories
from tests.emptied import lift_triggers
from trial import actors, audit, fact_checks
from trial.actions import own_details, participants
from trial.models import (
    AuditEvent,
    AuditHead,
    AuditSeal,
    AuditSealedHead,
    Participant,
    PersonKey,
    Study,
)

Tampering = Callable[[Participant, str], object]  # of a person, and their stream

# Each leaves other people's streams as they are.
TAMPERINGS: dict[str, Tampering] = {
    "an event says another reason": lambda dan, stream: AuditEvent.objects.filter(
        stream=stream, number=1
    ).update(reason="~"),
    "an event is gone": lambda dan, stream: AuditEvent.objects.filter(
        stream=stream, number=2
    ).delete(),
    "an event stands in no study": lambda dan, stream: AuditEvent.objects.filter(
        stream=stream, number=2
    ).update(study="nowhere"),
    "an event stands in the stream of nobody": lambda dan, stream: AuditEvent.objects.filter(
        stream=stream, number=2
    ).update(stream=f"nowhere/{dan.code}"),
    "every event is gone": lambda dan, stream: AuditEvent.objects.filter(stream=stream).delete(),
    "the head is gone": lambda dan, stream: AuditHead.objects.filter(stream=stream).delete(),
    "the head is back": lambda dan, stream: AuditHead.objects.filter(stream=stream).update(
        number=1
    ),
    "a sealed head is gone": lambda dan, stream: AuditSealedHead.objects.filter(
        stream=stream
    ).delete(),
    "a sealed head says another hash": lambda dan, stream: AuditSealedHead.objects.filter(
        stream=stream
    ).update(hash="0" * 64),
    "a fact is another": lambda dan, stream: Participant._base_manager.filter(pk=dan.pk).update(
        site="elsewhere"
    ),
    "the person has another code": lambda dan, stream: Participant._base_manager.filter(
        pk=dan.pk
    ).update(code=f"Z{dan.code[1:]}"),
    "a row is there that nobody recorded": lambda dan, stream: dan.milestones.bulk_create(
        [dan.milestones.model(pk=dan.pk + 1000, participant=dan, name="x", reached_at=dan.began_at)]
    ),
    "the key is gone": lambda dan, stream: PersonKey.objects.filter(participant=dan).delete(),
}


@pytest.fixture
def crowd(study, now) -> dict[str, Participant]:
    """One of whom each is done, all sealed; and somebody who is erased, whom nothing is done to."""
    people = [factories.a_screening_participant(study, now) for _ in range(len(TAMPERINGS) + 1)]
    for dan in people:
        own_details.choose_language(participant=dan, language="nl", by=actors.SYSTEM, at=now)
    audit.seal(study, now)
    gone = people.pop()
    participants.turn_away(
        participant=gone, stage="screening", reason="stopped", by=actors.SYSTEM, at=now
    )
    participants.erase(
        participant=gone, reason="did_not_get_in", by=actors.SYSTEM, at=now + timedelta(days=1)
    )
    audit.seal(study, now + timedelta(days=1))
    lift_triggers()
    return dict(zip(TAMPERINGS, people, strict=True))


def found(study: Study, crowd: dict[str, Participant], *done: str) -> list[str]:
    """The places of a trail to which all this was done, and that is as it was afterwards."""
    with transaction.atomic():
        for each in done:
            dan = crowd[each]
            TAMPERINGS[each](dan, f"{study.slug}/{dan.code}")
        places = audit.verify(study)
        transaction.set_rollback(True)
    return places


@pytest.mark.django_db
def test_what_is_found_of_many_changes_is_what_is_found_of_each(study, crowd, monkeypatch):
    alone = {each: found(study, crowd, each) for each in TAMPERINGS}
    assert [each for each, places in alone.items() if not places] == []
    assert found(study, crowd) == []

    @settings(max_examples=4)
    @given(done=st.sets(st.sampled_from(list(TAMPERINGS)), min_size=2), held=st.integers(1, 20))
    def holds(done, held):
        monkeypatch.setattr(fact_checks, "PEOPLE", held)
        places = found(study, crowd, *sorted(done))
        assert set(places) == {place for each in done for place in alone[each]}
        assert len(places) == len(set(places))
        of_facts = [place for place in places if ": trial." in place or "key is" in place]
        assert [place.split(":")[0].split(" ")[0] for place in of_facts] == sorted(
            place.split(":")[0].split(" ")[0] for place in of_facts
        )

    holds()


@pytest.mark.django_db
def test_a_seal_without_its_heads_and_heads_without_their_seal_are_named(study, crowd):
    seal = AuditSeal.objects.get(study=study.slug, number=1)
    AuditSealedHead.objects.filter(seal=seal.key).update(seal=f"{study.slug}!x")
    assert audit.verify(study) == [
        f"{study.slug} seal 1: a column was changed or a sealed head is missing",
        f"{study.slug}: heads of a seal that does not exist ({study.slug}!x)",
    ]
