"""What is told by the month to whoever may not know the arms: shares in tens, counted once, of
months with enough people.
"""

from __future__ import annotations

import re
import shutil
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError, transaction

from coaching_protocol.models import Contact
from tests import factories
from tests.conftest import NOW, SMALL
from trial import actors, months, worker
from trial.actions import months as counting
from trial.models import AuditEvent, Message, MonthlyShare, Study
from trial.queries import months as reads

MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
IN_APRIL = datetime(2026, 4, 1, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("done", "planned", "percent"),
    [
        (0, 0, None),
        (0, 3, 0),
        (1, 20, 10),
        (1, 21, 0),
        (1, 3, 30),
        (2, 3, 70),
        (9, 20, 50),
        (19, 20, 100),
        (7, 7, 100),
    ],
)
def test_a_share_is_rounded_to_ten_and_halves_go_up(done, planned, percent):
    assert months.in_tens(done, planned) == percent


def test_a_month_begins_on_the_clock_of_the_study():
    at = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)  # half past midnight in Amsterdam
    assert months.of(at, "Europe/Amsterdam") == APRIL
    assert months.of(at, "UTC") == MARCH
    assert months.begins_at(APRIL, "Europe/Amsterdam") == datetime(2026, 3, 31, 22, tzinfo=UTC)
    assert list(months.between(date(2025, 11, 1), date(2026, 1, 1))) == [
        date(2025, 11, 1),
        date(2025, 12, 1),
        date(2026, 1, 1),
    ]


@pytest.fixture
def live(study):
    """A live study in which people came in during March; who looks is a researcher."""
    Study.objects.filter(pk=study.pk).update(simulated=False)
    study.refresh_from_db()
    return study


def randomised(study, people):
    return [factories.a_randomised_participant(study, NOW) for _ in range(people)]


def shown(study, person, at):
    return [row[1:] for row in reads.panel(study, person, at).rows]


@pytest.mark.django_db
def test_a_month_that_is_over_is_told_as_a_share_and_never_counted_again(live, staff):
    randomised(live, 10)
    ada = staff("researcher")
    planned = Contact.objects.filter(due_on__lt=APRIL)
    held = planned.order_by("pk")[: planned.count() // 2].values("pk")
    Contact.objects.filter(pk__in=held).update(state="held", held_at=NOW + timedelta(days=5))
    assert shown(live, ada, NOW + timedelta(days=28)) == [["–", "–", "–"]]

    worker.tick(NOW + timedelta(days=14))  # the questions of week 2
    worker.tick(IN_APRIL)

    half = months.in_tens(planned.count() // 2, planned.count())
    told = [[f"{half} %", "0 %", "100 %"], ["–", "–", "–"]]
    assert shown(live, ada, IN_APRIL) == told
    planned.update(state="planned", held_at=None)
    worker.tick(IN_APRIL + timedelta(days=1))
    assert shown(live, ada, IN_APRIL) == told
    [event] = AuditEvent.objects.filter(action="month counted")
    assert (event.subject, event.new) == ("2026-03", f'{{"calls":{half},"lessons":0,"mails":100}}')


@pytest.mark.django_db
def test_of_a_month_in_which_fewer_than_ten_were_randomised_there_is_a_line_and_no_figure(
    live, staff
):
    randomised(live, 9)
    worker.tick(NOW + timedelta(days=14))
    worker.tick(IN_APRIL)
    assert Message.objects.filter(state="sent").exists()
    assert shown(live, staff("researcher"), IN_APRIL) == [["–", "–", "–"], ["–", "–", "–"]]
    assert list(MonthlyShare.objects.values_list("month", "what", "percent")) == [
        (MARCH, "calls", None),
        (MARCH, "lessons", None),
        (MARCH, "mails", None),
    ]


@pytest.mark.django_db
def test_months_that_passed_while_no_worker_ran_are_counted_once_one_does(live):
    worker.tick(datetime(2026, 6, 1, 6, tzinfo=UTC))
    assert sorted(set(MonthlyShare.objects.values_list("month", flat=True))) == [
        MARCH,
        APRIL,
        date(2026, 5, 1),
    ]


@pytest.mark.django_db
def test_whoever_sees_every_caseload_gets_the_figures_themselves(live, staff):
    assert reads.panel(live, staff("supervisor"), IN_APRIL) is None
    assert reads.panel(live, staff("statistician"), IN_APRIL) is not None


@pytest.mark.django_db
def test_the_database_refuses_to_count_a_month_anew(live):
    worker.tick(IN_APRIL)
    with pytest.raises(DatabaseError), transaction.atomic():
        MonthlyShare.objects.update(percent=50)


@pytest.mark.django_db
def test_a_month_is_counted_once_also_where_two_workers_come_to_it(live):
    told = [
        counting.count(study=live, month=MARCH, by=actors.WORKER, at=IN_APRIL) for _ in range(2)
    ]
    assert told == [True, False]
    assert AuditEvent.objects.filter(action="month counted").count() == 1


@pytest.mark.django_db
def test_of_a_study_without_a_programme_no_lessons_are_counted(tmp_path):
    folder = shutil.copytree(SMALL, tmp_path / "small_study")
    shutil.rmtree(folder / "programme")
    for name, pattern, instead in (
        ("study.yaml", r" +- \{programme: .*\n", ""),
        ("analysis.yaml", r"adherence:\n(  .*\n)+", ""),
        ("assessments.yaml", "programme_finished", "randomised"),
    ):
        (folder / name).write_text(re.sub(pattern, instead, (folder / name).read_text()))
    study = factories.a_loaded_study(folder, NOW)
    assert (study.current.programme.modules, reads.lessons(study, NOW, IN_APRIL)) == ((), (0, 0))
