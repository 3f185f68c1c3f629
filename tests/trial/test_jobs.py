"""What the worker makes: in steps, of which none holds up whoever writes, and never half."""

from __future__ import annotations

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, transaction

from reports.actions import reports
from tests import made
from tests.beside import meanwhile, on_disk
from trial import audit
from trial.actions import jobs
from trial.actors import SYSTEM
from trial.lifecycles import NotAllowedNow
from trial.models import AuditEvent, Job, JobFile, Study
from trial.queries import jobs as queries

BY = {"by": made.ADA}


def asked(study, now, kind=Job.BLINDED):
    return reports.request_export(study=study, kind=kind, **BY, at=now)


def on_the_disk():
    return sorted(path.name for path in queries.all_folders().glob("*/*"))


def told(study, now, action="something happened"):
    with transaction.atomic():
        audit.record(study, action, by=SYSTEM, at=now)


def test_what_was_asked_for_is_made_once(study, dan, now):
    job = asked(study, now)
    assert (jobs.make_due(now), jobs.make_due(now)) == (1, 0)
    job.refresh_from_db()
    assert (job.state, job.made_at, job.files.get().name) == ("made", now, "export.zip")
    assert AuditEvent.objects.filter(action="export made", by="system worker").count() == 1


def test_asking_twice_with_the_same_key_is_asking_once(study, dan, now):
    first, again = (
        reports.request_export(study=study, kind=Job.BLINDED, key="k", **BY, at=now)
        for _ in range(2)
    )
    assert (first.pk, Job.objects.count()) == (again.pk, 1)


def test_what_cannot_be_made_says_why_and_no_more(study, dan, now, caplog):
    job = asked(study, now, Job.BY_ARM)
    Study.objects.filter(pk=study.pk).update(simulated=False)  # the arms were concealed in between
    assert jobs.make_due(now) == 0
    job.refresh_from_db()
    assert (job.state, job.failure, on_the_disk()) == ("failed", "ArmsConcealed", [])
    event = AuditEvent.objects.get(action="export failed")
    assert (event.subject, event.reason) == (str(job), "ArmsConcealed")
    assert not AuditEvent.objects.filter(action="all arms looked at").exists()
    assert [record.getMessage() for record in caplog.records] == [
        f"export {job.pk} could not be made: ArmsConcealed"
    ]
    # a traceback has the error's words, which may hold somebody's data
    assert caplog.records[0].exc_info is None


@pytest.mark.django_db(transaction=True)
def test_while_an_export_is_made_others_write_and_it_does_not_see_it(
    study, dan, now, tmp_path, monkeypatch
):
    """Held in the middle by the last of the lists that it reads: what others do comes before the
    next table, in events of the same study.
    """
    seen = []

    def table_of_a_test(study, by, at, arms):
        if not seen:
            meanwhile(lambda: told(study, now))
            meanwhile(lambda: told(study, now, "something else happened"))
            seen.append(AuditEvent.objects.filter(action="something happened").exists())
        return []

    monkeypatch.setattr("trial.life.tables_of_a_test", table_of_a_test, raising=False)
    monkeypatch.setattr(settings, "TABLES", [*settings.TABLES, "trial.life.tables_of_a_test"])
    with on_disk(tmp_path):
        job = asked(study, now, Job.BY_ARM)
        assert jobs.make_due(now) == 1
        actions = AuditEvent.objects.filter(stream=study.slug).order_by("-number")
        assert list(actions.values_list("action", flat=True)[:5])[::-1] == [
            "export requested",
            "all arms looked at",
            "something happened",
            "something else happened",
            "export made",
        ]
        assert seen == [False]
        assert audit.verify(study) == []
        assert Job.objects.get(pk=job.pk).state == "made"


@pytest.mark.django_db(transaction=True)
def test_two_exports_of_one_study_are_made_at_once(study, dan, now, tmp_path, monkeypatch):
    """The second is asked for and made whole while the first is in the middle of reading."""
    made_inside = []

    def table_of_a_test(study, by, at, arms):
        if not made_inside:
            made_inside.append(None)
            meanwhile(lambda: (asked(study, now), jobs.make_due(now)))
        return []

    monkeypatch.setattr("trial.life.tables_of_a_test", table_of_a_test, raising=False)
    monkeypatch.setattr(settings, "TABLES", [*settings.TABLES, "trial.life.tables_of_a_test"])
    with on_disk(tmp_path):
        asked(study, now)
        assert jobs.make_due(now) == 1
        first, second = Job.objects.order_by("pk")
        assert (first.state, second.state) == ("made", "made")
        assert made.content(first, "export.zip") == made.content(second, "export.zip")


def test_what_a_killed_worker_left_is_not_served_and_is_made_again(study, dan, now):
    job = asked(study, now)
    Job.objects.filter(pk=job.pk).update(claimed_at=now)
    half = queries.folder(job) / "half.part"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half of it")
    assert (jobs.make_due(now), jobs.sweep(now), half.exists()) == (0, 0, True)
    later = now + jobs.GIVEN_UP_AFTER * 2
    assert jobs.make_due(later) == 1
    assert jobs.sweep(later) == 1
    assert on_the_disk() == [job.files.get().place]


def test_a_worker_that_is_told_to_stop_gives_back_what_it_was_making(study, dan, now, monkeypatch):
    def told_to_stop(study, by, at, arms):
        raise SystemExit

    monkeypatch.setattr("trial.life.told_to_stop", told_to_stop, raising=False)
    job = asked(study, now)
    with monkeypatch.context() as stopping:
        stopping.setattr(settings, "TABLES", [*settings.TABLES, "trial.life.told_to_stop"])
        with pytest.raises(SystemExit):
            jobs.make_due(now)
    job.refresh_from_db()
    assert (job.state, job.claimed_at, on_the_disk()) == ("requested", None, [])
    assert jobs.make_due(now) == 1


def test_of_two_that_make_the_same_the_first_ends_it(study, dan, now):
    """As after fifteen minutes, where the first was slow and not dead."""
    slow = asked(study, now)
    jobs.make(job=Job.objects.get(pk=slow.pk), by=SYSTEM, at=now)
    with pytest.raises(jobs.EndedBefore):
        jobs.make(job=slow, by=SYSTEM, at=now)
    assert AuditEvent.objects.filter(action="export made").count() == 1
    assert not AuditEvent.objects.filter(action="export failed").exists()
    assert on_the_disk() == [slow.files.get().place]


def test_a_slow_attempt_that_lost_its_claim_ends_nothing_when_it_fails(study, dan, now):
    asked(study, now, Job.BY_ARM)
    later = now + jobs.GIVEN_UP_AFTER * 2
    slow, quick = jobs._claimed(now), jobs._claimed(later)
    for job in (slow, quick):
        job.study.simulated = False  # the arms were concealed in between
    states = []
    for job in (slow, quick):
        with pytest.raises(reports.ArmsConcealed):
            jobs.make(job=job, by=SYSTEM, at=later)
        states.append(Job.objects.get(pk=job.pk).state)
    assert states == ["requested", "failed"]


def test_what_ends_each_of_its_workers_is_given_up_in_the_end(study, dan, now):
    job = asked(study, now)
    for attempt in range(jobs.MOST_ATTEMPTS):  # each claims it, and is killed
        assert jobs._claim(job, now + jobs.GIVEN_UP_AFTER * 2 * attempt)
    assert jobs.make_due(now + jobs.GIVEN_UP_AFTER * 10) == 0
    job.refresh_from_db()
    assert (job.state, job.failure) == ("failed", "MadeInVain")


def test_a_worker_that_is_stopped_after_the_end_takes_nothing_away(study, dan, now, monkeypatch):
    job, ended = asked(study, now), jobs._end

    def end_and_stop(*given):
        ended(*given)
        raise SystemExit

    monkeypatch.setattr(jobs, "_end", end_and_stop)
    with pytest.raises(SystemExit):
        jobs.make_due(now)
    job.refresh_from_db()
    assert (job.state, made.content(job, "export.zip") != b"") == ("made", True)


def test_a_database_that_is_away_for_a_moment_ends_no_job(study, dan, now, monkeypatch):
    def away(study, by, at, arms):
        raise OperationalError from psycopg.errors.AdminShutdown()

    monkeypatch.setattr("trial.life.away", away, raising=False)
    job = asked(study, now)
    with monkeypatch.context() as restarted:
        restarted.setattr(settings, "TABLES", [*settings.TABLES, "trial.life.away"])
        assert jobs.make_due(now) == 0
    job.refresh_from_db()
    assert (job.state, job.claimed_at) == ("requested", None)
    assert jobs.make_due(now) == 1


def test_files_of_a_job_that_this_database_does_not_know_are_left_alone(study, dan, now):
    """As after a copy of last night's database was put beside the one in use."""
    job = made.export(study, now)
    theirs = queries.folder(job).parent / "0123456789abcdef0123" / "a file"
    theirs.parent.mkdir()
    theirs.write_bytes(b"sealed")
    assert (jobs.sweep(now), theirs.exists()) == (0, True)


def test_what_is_removed_while_it_is_taken_is_given_whole(study, dan, now):
    job = made.export(study, now)
    content = queries.content(job.files.select_related("job").get())
    next(iter(queries.folder(job).iterdir())).unlink()
    assert b"".join(content)[:2] == b"PK"


def test_what_is_removed_is_gone_with_its_key_and_the_row_stays(
    study, dan, now, django_capture_on_commit_callbacks
):
    kept, job = made.export(study, now), made.export(study, now)
    with django_capture_on_commit_callbacks(execute=True):
        jobs.remove(job=job, **BY, at=now)
    job.refresh_from_db()
    assert (job.state, list(job.files.all()), job.snapshot_hash) == (
        "removed",
        [],
        kept.snapshot_hash,
    )
    assert (on_the_disk(), queries.folder(job).exists()) == ([kept.files.get().place], False)
    assert AuditEvent.objects.get(action="export removed").subject == str(job)
    with pytest.raises(NotAllowedNow):
        jobs.remove(job=job, **BY, at=now)


def test_a_file_that_no_row_knows_is_swept_once_an_hour(study, dan, now):
    job = made.export(study, now)
    jobs.remove(job=job, **BY, at=now)  # and the file is left, as where the disk did not answer
    assert len(on_the_disk()) == 1
    assert (jobs.sweep(now), jobs.sweep(now), on_the_disk()) == (1, 0, [])


def test_a_full_disk_is_named_leaves_nothing_and_it_can_be_asked_for_again(
    study, dan, now, monkeypatch, tmp_path
):
    """A real limit of the operating system on the size of a file stands for a full disk: the report
    is larger than that, and the export of one person is not.
    """
    resource = pytest.importorskip("resource")
    job = reports.request(study=study, kind=Job.BLINDED, language="en", **BY, at=now)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        done = jobs.make_due(now)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    job.refresh_from_db()
    assert (done, job.state, job.failure, on_the_disk()) == (0, "failed", jobs.NO_ROOM, [])
    assert not JobFile.objects.exists()
    assert made.report(study, now).state == "made"
