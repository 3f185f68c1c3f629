"""Studies that are raced for: the small study under other methods, with as many centres as are
wanted.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from django.db import transaction

from tests import factories
from tests.conftest import SMALL
from tests.randomisation import people
from trial import actors, audit
from trial.models import Participant, Study

EVEN = "ratio: {guided: 1, unguided: 1}\n"
METHODS = {
    "blocks of random "
    "sizes": f"method: permuted_blocks\n{EVEN}block_sizes: [2, 4, 6]\nstrata: [sex]\n",
    "big stick": f"method: big_stick\n{EVEN}tolerance: 3\nstrata: [sex]\n",
    "minimisation": f"method: minimisation\n{EVEN}factors: [sex, site]\ndistance: range\np: "
    f"0.8\nties: ratio\n",
    "fake arms": (
        "method: minimisation\nratio: {guided: 2, unguided: 1}\nfactors: [sex, site]\n"
        "distance: variance\np: 0.8\nties: ratio\nunequal: fake-arms\n"
    ),
    "clusters": f"method: permuted_blocks\n{EVEN}block_sizes: [2, 4]\nstrata: []\ncluster: site\n",
    "lists": f"method: random_allocation\n{EVEN}n: 32\nstrata: []\n",
    "one stratum": f"method: permuted_blocks\n{EVEN}block_sizes: [4, 6]\nstrata: []\n",
    "a stratum for each "
    "centre": f"method: permuted_blocks\n{EVEN}block_sizes: [4, 6]\nstrata: [site]\n",
}


def a_study(directory: Path, method: str, at: datetime, *, sites: int = 4, name: str = "") -> Study:
    """The small study under one of METHODS (or a text of its own), open; with a `name`, one of
    several in a database.
    """
    folder = directory / "small_study"
    shutil.copytree(SMALL, folder)
    (folder / "randomisation.yaml").write_text(METHODS.get(method, method))
    description = (folder / "study.yaml").read_text()
    centres = "".join(f"  - {{code: {code}, name: Centre {code}}}\n" for code in site_codes(sites))
    description = description.replace("  - {code: main, name: Main centre}\n", centres)
    if name:
        description = description.replace("small-study", name).replace("quiet-mornings", name)
        description = description.replace("code_prefix: QM", f"code_prefix: {_prefix(name)}")
    (folder / "study.yaml").write_text(description)
    return factories.an_open_study(folder, at)


def _prefix(name: str) -> str:
    """Capitals that no other name has: its number, written with letters."""
    digits = "".join(each for each in name if each.isdigit()).zfill(3)
    return "".join("ABCDEFGHJK"[int(each)] for each in digits)


def a_person(study: Study, number: int, sex: str, site: str, at: datetime) -> Participant:
    """One who is ready to be randomised."""
    with transaction.atomic():
        person = people.one(study, number, at)
        person.site, person.answers = site, {"sex": sex, "site": site}
        person.save(update_fields=["site", "answers"])
        audit.record(person, "made for a race", by=actors.SYSTEM, at=at)
    return person


def site_codes(sites: int) -> list[str]:
    return [f"c{number:03d}" for number in range(sites)]


def a_crowd(study: Study, how_many: int, at: datetime, *, sites: int = 4) -> Sequence[Participant]:
    """Women and men by turn, over the centres by turn."""
    codes = site_codes(sites)
    with transaction.atomic():
        persons = people.consented(study, how_many, at)
        for number, person in enumerate(persons):
            person.site = codes[number // 2 % sites]
            person.answers = {**person.answers, "site": person.site}
        Participant.objects.bulk_update(persons, ["site", "answers"])
        for person in persons:
            audit.record(person, "made for a race", by=actors.SYSTEM, at=at)
    return persons
