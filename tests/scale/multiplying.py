"""A study with forty people grown to any number: people, draws and trail, in one transaction."""

from __future__ import annotations

from django.db import connection, transaction

from tests.scale import people
from tests.scale.draws import Draws
from tests.scale.trail import Trail
from trial.models import Participant, Study


def grow(study: Study, number: int) -> None:
    """Until `number` people are randomised."""
    there = Participant.objects.filter(study=study, randomised_at__isnull=False).count()
    crowd = people.Crowd.of(study)
    with transaction.atomic():
        draws, trail = Draws(crowd), Trail(crowd)
        made = list(people.copies(crowd, draws.some(number - there)))
        people.write(crowd, made)
        draws.keep()
        trail.write(made)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # As it does by itself, some minutes later; within a test's transaction it cannot.
            cursor.execute("ANALYZE" if connection.in_atomic_block else "VACUUM ANALYZE")
