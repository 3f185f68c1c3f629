"""People who are ready to be randomised, made without their way in: what is tested here begins
after it.
"""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

from django.db import transaction

from tests import factories
from tests.conftest import SMALL
from trial import actors, audit, vault
from trial.models import Participant, PersonKey, Study


def a_folder(directory: Path, randomisation: str = "", stages: str = "", sites: int = 1) -> Path:
    """The small study with another randomisation.yaml, stages in study.yaml, or more sites."""
    folder = directory / "small_study"
    shutil.copytree(SMALL, folder)
    if randomisation:
        (folder / "randomisation.yaml").write_text(randomisation)
    text = (folder / "study.yaml").read_text().replace("rehearsal:\n", f"{stages}rehearsal:\n")
    more = "".join(
        f"\n  - {{code: site{number}, name: Site {number}}}" for number in range(2, sites + 1)
    )
    (folder / "study.yaml").write_text(text.replace("\nsites:", f"\nsites:{more}"))
    return folder


def a_study(
    directory: Path,
    at: datetime,
    *,
    block_sizes: str = "[4]",
    randomisation: str = "",
    stages: str = "",
    sites: int = 1,
    seed: int = 1,
    more: str = "",
) -> Study:
    """The small study with other block sizes, or another randomisation altogether, open; `more` are
    further lines.
    """
    text = (
        (SMALL / "randomisation.yaml")
        .read_text()
        .replace("block_sizes: [2, 4]", f"block_sizes: {block_sizes}")
    )
    folder = a_folder(directory, (randomisation or text) + more, stages, sites)
    return factories.an_open_study(folder, at, seed=seed)


def consented(study: Study, how_many: int, at: datetime) -> list[Participant]:
    """Women and men by turn."""
    return [one(study, number, at) for number in range(how_many)]


@transaction.atomic
def one(study: Study, number: int, at: datetime) -> Participant:
    person = Participant.objects.create(
        study=study,
        version=study.current,
        code=f"{study.code_prefix}-{number:05d}",
        state="consented",
        language="en",
        timezone="Europe/Amsterdam",
        site="main",
        answers={"sex": "fm"[number % 2]},
        simulated=True,
        began_at=at,
        verified_at=at,
        consented_at=at,
    )
    PersonKey.objects.create(participant=person, sealed_key=vault.new_person_key())
    audit.record(person, "made for a test", by=actors.SYSTEM, at=at)
    return person


def a_listed_study(directory: Path, at: datetime, *, n: int) -> Study:
    """One list of `n` without strata."""
    return _with(
        directory, at, f"method: random_allocation\nratio: {{guided: 1, unguided: 1}}\nn: {n}\n"
    )


def a_minimised_study(directory: Path, at: datetime) -> Study:
    """Balanced over sex, with a coin of 4/5."""
    return _with(
        directory,
        at,
        "method: minimisation\nratio: {guided: 1, unguided: 1}\nfactors: [sex]\ndistance: "
        "range\np: 0.8\n",
    )


def _with(directory: Path, at: datetime, randomisation: str) -> Study:
    folder = directory / "small_study"
    shutil.copytree(SMALL, folder)
    (folder / "randomisation.yaml").write_text(randomisation)
    return factories.an_open_study(folder, at)
