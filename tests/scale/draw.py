"""One allocation in the largest stratum, beside a bare transaction that does by hand what it cannot
do without, after as long a history.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator
from datetime import datetime

from django.db import connection

from randomisation.actions import allocations
from randomisation.models import Allocation, Scope
from tests import bench_randomisation, factories
from tests.scale import counting
from tests.scale.measures import Found, measure, timed, times
from trial import actors
from trial.models import Participant, Study, User

TIMES = 15


@measure
def allocation(study: Study, at: datetime) -> Iterator[Found]:
    scope = Scope.objects.filter(study=study).order_by("-next_index", "pk")[0]
    length = scope.next_index
    # Virtual people have the first of them, a kept database those of the last measure.
    factories.numbers = itertools.count(10_000_000 + 100 * User.objects.count())
    people = [_newcomer(study, scope, at) for _ in range(times(TIMES) + 1)]
    with counting.asked() as asked:
        _allocate(people.pop(), at)
    taken = [timed(lambda person=person: _allocate(person, at)) for person in people]  # type: ignore[misc]
    yield "draws before it in its stratum", "draws", length
    yield "an allocation", "ms", 1000 * statistics.median(taken)
    yield "an allocation", "statements", asked.statements
    yield "an allocation", "rows", asked.rows
    if connection.vendor == "postgresql":
        yield "a bare transaction", "ms", 1000 * statistics.median(_bare(length))


def _newcomer(study: Study, scope: Scope, at: datetime) -> Participant:
    """Somebody who answered as the first of this stratum did, and who has consented."""
    first = Allocation.objects.filter(study=study, stratum=scope.name).order_by("draw_index")[0]
    like = Participant.objects.get(pk=first.participant_id)
    answers = {**like.answers, **({"site": like.site} if like.site else {})}
    return factories.a_consented_participant(study, at, **answers)


def _allocate(person: Participant, at: datetime) -> None:
    allocations.allocate(participant=person, key=person.code, by=actors.SYSTEM, at=at)


def _bare(length: int) -> list[float]:
    import psycopg

    with connection.cursor() as cursor:
        cursor.execute(bench_randomisation.BARE)
        cursor.execute(
            "INSERT INTO bare_allocation SELECT n, 0, n, 'guided' FROM generate_series(0, %s) n",
            [length - 1],
        )
        cursor.execute("UPDATE bare_stratum SET next_index = %s WHERE id = 0", [length])
        cursor.execute("ANALYZE bare_allocation")
    parameters = connection.get_connection_params()
    parameters.pop("cursor_factory", None)
    parameters.pop("context", None)
    with psycopg.connect(**parameters, autocommit=True) as bare:
        return [
            timed(lambda number=number: bench_randomisation.bare_allocation(bare, number, 0))  # type: ignore[misc]
            for number in range(length, length + times(TIMES))
        ]
