import csv
import hashlib
import io
import json
import zipfile
from datetime import UTC, date, datetime

import pytest

from randomisation.models import Allocation
from reports import blinded, rehearsing
from reports.actions import reports
from reports.exports import cell, codebook, csv_pieces, harmless
from reports.queries.plan import plan_of
from tests import factories, made
from trial import actors, audit
from trial.entries import Column, Table
from trial.models import AuditEvent, Job, Participant, Study

BY = {"by": actors.staff(1, "researcher")}


def files_of(export):
    with zipfile.ZipFile(io.BytesIO(made.content(export, "export.zip"))) as bundle:
        return {name: bundle.read(name).decode() for name in bundle.namelist()}


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (8.0, 8),
        (8.25, "8.25"),
        (-3, -3),
        (date(2026, 3, 2), "2026-03-02"),
        (["b", "a"], "b a"),
        ("=1+1", "'=1+1"),
        ("+31 6", "'+31 6"),
        ("-cmd", "'-cmd"),
        ("@sum", "'@sum"),
        ("  =1", "'  =1"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("SP-7K3QX", "SP-7K3QX"),
    ],
)
def test_a_cell_is_written_so_that_no_spreadsheet_runs_it(value, written):
    assert cell(value) == written


def test_text_that_is_no_formula_stays_as_it_is():
    assert [harmless(text) for text in ("", "a=b", "too busy")] == ["", "a=b", "too busy"]


def test_a_table_becomes_lines_under_its_column_names():
    table = Table("t", "T", (Column("a", "A"), Column("b", "B")), [("x, y", None), ('"', 1)])
    assert b"".join(csv_pieces(table)) == b'a,b\n"x, y",\n"""",1\n'


def test_the_codebook_has_a_line_for_every_column():
    table = Table(
        "t",
        "T",
        (Column("a", "The A", "code", values={"f": "Female", "m": "m"}), Column("b", "B")),
        [],
    )
    assert [row[:6] for row in codebook([table]).rows] == [
        ("t", "a", "The A", "code", "", "f = Female; m"),
        ("t", "b", "B", "text", "", ""),
    ]


def test_a_pooled_export_holds_nothing_that_tells_an_arm(study, dan, now):
    files = files_of(made.export(study, now))
    assert sorted(files) == [
        "README.txt",
        "answers.csv",
        "assessments.csv",
        "code_breaks.csv",
        "codebook.csv",
        "corrections.csv",
        "error_marks.csv",
        "instruments.csv",
        "participants.csv",
        "plan.json",
        "scores.csv",
        "screening.csv",
        "switches.csv",
        "timepoints.csv",
    ]
    assert json.loads(files.pop("plan.json"))["contrasts"] == [["guided", "unguided"]]
    study_title = files.pop("README.txt").replace(study.current.protocol.title["en"], "")
    assert [name for name, text in files.items() if "guided" in text] == []
    assert "guided" not in study_title


def test_an_export_by_arm_holds_the_allocations_and_the_look_is_recorded(study, dan, now):
    files = files_of(made.export(study, now, Job.BY_ARM))
    arm = Allocation.objects.get().arm
    assert [(r["participant"], r["arm"]) for r in rows_of(files["allocations.csv"])] == [
        (dan.code, arm)
    ]
    events = AuditEvent.objects.filter(stream=study.slug).order_by("-number")[:3]
    number = Job.objects.get().pk
    assert [(each.action, each.by, each.reason) for each in reversed(events)] == [
        ("export requested", "staff 1", ""),
        ("all arms looked at", "system worker", f"export {number} by arm, asked for by staff 1"),
        ("export made", "system worker", ""),
    ]


def test_the_readme_names_snapshot_seal_and_every_file(study, dan, now):
    audit.seal(study, now)
    export = made.export(study, now)
    files = files_of(export)
    readme = files.pop("README.txt")
    lines = readme.splitlines()
    assert lines[0] == "Simulated people. Not the published trial."
    assert f"Snapshot          SHA-256 {export.snapshot_hash}" in lines
    assert f"Newest audit seal {audit.newest_seal(study)}" in lines
    assert export.seal == audit.newest_seal(study)
    digests = {
        f"{hashlib.sha256(text.encode()).hexdigest()}  {name}" for name, text in files.items()
    }
    assert digests == {
        line for line in lines if line.endswith((".csv", "plan.json")) and line[:1] != "A"
    }


def test_export_and_report_have_the_same_snapshot(study, dan, now, tmp_path):
    pooled = made.export(study, now)
    by_arm = made.export(study, now, Job.BY_ARM)
    assert pooled.snapshot_hash == blinded.dataset(study, now).snapshot_hash
    assert by_arm.snapshot_hash == made.by_arm(study, now).snapshot_hash
    assert by_arm.snapshot_hash != pooled.snapshot_hash


def test_the_same_moment_gives_the_same_bytes(study, dan, now):
    first, second = (made.content(made.export(study, now), "export.zip") for _ in range(2))
    assert first == second


def test_by_arm_is_refused_while_a_live_study_is_not_locked(study, dan, now):
    Study.objects.filter(pk=study.pk).update(simulated=False)
    study.refresh_from_db()
    for act in (reports.request_export, lambda **given: reports.request(language="en", **given)):
        with pytest.raises(reports.ArmsConcealed):
            act(study=study, kind=Job.BY_ARM, **BY, at=now)
    Study.objects.filter(pk=study.pk).update(state="locked")
    study.refresh_from_db()
    assert made.export(study, now, Job.BY_ARM).kind == Job.BY_ARM


def test_a_report_is_written_to_a_directory_too_and_its_making_recorded(study, now, tmp_path):
    for _ in range(2):
        factories.a_randomised_participant(study, now)
    rehearsing.write(study, tmp_path, language="nl", at=now)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "report.html",
        "report.pdf",
        "results.json",
    ]
    assert (tmp_path / "report.pdf").read_bytes() == made.content(Job.objects.get(), "report.pdf")
    [event] = AuditEvent.objects.filter(action="report made")
    assert json.loads(event.new) == {
        "kind": "by_arm",
        "seal": "",
        "snapshot_sha256": made.by_arm(study, now).snapshot_hash,
    }


def test_nothing_is_made_before_anybody_is_randomised(study, now):
    with pytest.raises(reports.NobodyRandomised):
        reports.request(study=study, kind=Job.BLINDED, language="en", **BY, at=now)
    with pytest.raises(reports.UnknownLanguage):
        reports.request(study=study, kind=Job.BLINDED, language="fr", **BY, at=now)
    assert Job.objects.count() == 0


def test_the_plan_in_the_export_is_the_plan_of_the_report(study, dan, now):
    files = files_of(made.export(study, datetime(2026, 3, 3, tzinfo=UTC)))
    assert json.loads(files["plan.json"]) == plan_of(study.current).model_dump(mode="json")


@pytest.mark.parametrize(("simulated", "word"), [(True, "yes"), (False, "no")])
def test_every_file_says_in_every_row_whether_its_people_are_simulated(
    study, dan, now, simulated, word
):
    Participant.objects.update(simulated=simulated)
    Study.objects.update(simulated=simulated)
    study.refresh_from_db()
    files = files_of(made.export(study, now))
    told = {
        name: {row["simulated"] for row in rows_of(text)}
        for name, text in files.items()
        if name.endswith(".csv")
    }
    assert "codebook.csv" in told
    assert [name for name, words in told.items() if words not in ({word}, set())] == []
    described = {
        row["table"] for row in rows_of(files["codebook.csv"]) if row["column"] == "simulated"
    }
    assert described == {name.removesuffix(".csv") for name in told} - {"codebook"}
