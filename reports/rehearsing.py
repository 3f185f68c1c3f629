"""A whole rehearsal in a directory of its own: database, mail, report. Behind `demo` and
`rehearse`.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from randomisation.actions import seeds
from reports import document
from reports.actions import reports
from trial import actors, blank, environment, folder, rehearse, stamp
from trial.actions import jobs, studies
from trial.environment import DATABASE, FILES
from trial.models import Job, Study
from trial.queries import jobs as made
from trial.sections import Study as Described
from trial.virtual import Settings

BIND = "127.0.0.1:8000"
COACHES = 3


class NotARehearsal(Exception):
    """The database in the directory was not made by a rehearsal, and so is not replaced."""


class UnknownGrant(Exception):
    """No arm of the folder grants what an effect is given for."""


def settle_in(directory: Path, bind: str = BIND) -> None:
    """Run the rest of this command on a fresh embedded database in `directory`, whatever
    DATABASE_URL says.

    Settings are read once by a process, so the process is replaced by itself with the right
    environment. A rehearsal that stands there is replaced; raises NotARehearsal where any other
    file has the name of its database.
    """
    wanted = environment.of_rehearsal(directory, bind, os.environ)
    if all(os.environ.get(name, "") == value for name, value in wanted.items()):
        return
    directory.mkdir(parents=True, exist_ok=True)
    _clear(directory)
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **wanted})  # noqa: S606


def _clear(directory: Path) -> None:
    """Take away what a rehearsal left here. Mail beside no rehearsal's database belongs to somebody
    else and stays.
    """
    database = directory / DATABASE
    if not database.exists():
        return
    kind = stamp.kind_of_file(database) if database.is_file() else ""
    if kind != "rehearsal":
        found = f"a {kind} database" if kind else "no database of a rehearsal"
        raise NotARehearsal(
            f"{database} is {found}, so it stays as it is; name another --directory"
        )
    for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", "mail.mbox"):
        (directory / name).unlink(missing_ok=True)
    shutil.rmtree(directory / FILES, ignore_errors=True)


def check_effects(path: Path, effects: Mapping[str, float]) -> None:
    """Raises UnknownGrant for the code of a grant that no arm has, and FolderErrors where the
    folder has mistakes.
    """
    document = studies.read(path, at=None).document
    grants = {
        grant.code
        for arm in Described.model_validate(document["study"]).arms
        for grant in arm.grants
    }
    for code in effects:
        if code not in grants:
            raise UnknownGrant(f"--effect {code}: {folder.unknown('grant', code, sorted(grants))}")


def find(study: str) -> Path:
    """A study folder by path, or by the name of one that is shipped; raises FileNotFoundError
    saying which there are.
    """
    shipped = Path(__file__).resolve().parent.parent / "trial" / "studies"
    for path in (Path(study), shipped / study):
        if path.exists():
            return path
    names = ", ".join(sorted(each.name for each in shipped.iterdir() if each.is_dir()))
    raise FileNotFoundError(f"there is no study folder {study}; shipped are {names}")


def prepare(path: Path, *, seed: int, begins_at: datetime) -> Study:
    """Lay the database, load, invite virtual coaches, seed and open."""
    blank.lay()
    stamp.check_kind("rehearsal")
    at = begins_at - timedelta(days=1)
    study = studies.load(path=path, simulated=True, by=actors.SYSTEM, at=at).study
    if study.current.section("coaching")["protocols"]:
        rehearse.make_coaches(study, COACHES, at)
    seeds.make(study=study, rehearsal_seed=seed, by=actors.SYSTEM, at=at)
    return studies.open_study(study=study, by=actors.SYSTEM, at=at)


def run(
    path: Path,
    *,
    number: int,
    seed: int,
    effects: Mapping[str, float],
    dropout: bool = True,
    arrival_days: int | None = None,
    begins_at: datetime = rehearse.BEGINS_AT,
    ends_at: datetime | None = None,
    stays_open: bool = False,
    report: Callable[[int, int, datetime], None] = lambda done, left, at: None,
) -> tuple[Study, datetime]:
    """From the first screening to the last follow-up (or to `ends_at`); the study and the last
    virtual moment.
    """
    study = prepare(path, seed=seed, begins_at=begins_at)
    settings = Settings(seed, number, dict(effects), dropout, arrival_days, stays_open)
    ended_at = rehearse.run(study, settings, begins_at=begins_at, ends_at=ends_at, report=report)
    study.refresh_from_db()
    return study, ended_at


def write(study: Study, directory: Path, *, language: str, at: datetime) -> None:
    """report.pdf, report.html and results.json by arm, in `directory`; the study has them too."""
    by = actors.SYSTEM
    asked = reports.request(study=study, kind=Job.BY_ARM, language=language, by=by, at=at)
    jobs.make(job=asked, by=by, at=at)
    files = asked.files.select_related("job")
    document.put({each.name: b"".join(made.content(each)) for each in files}, directory)
