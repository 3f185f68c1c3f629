"""Studies that are raced for: the small study under other methods, with as many centres as are wanted."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from tests import factories
from tests.conftest import SMALL
from tests.randomisation import people
from trial.models import Participant, Study

EVEN = "ratio: {guided: 1, unguided: 1}\n"
METHODS = {
    "blocks of random sizes": f"method: permuted_blocks\n{EVEN}block_sizes: [2, 4, 6]\nstrata: [sex]\n",
    "big stick": f"method: big_stick\n{EVEN}tolerance: 3\nstrata: [sex]\n",
    "minimisation": f"method: minimisation\n{EVEN}factors: [sex, site]\ndistance: range\np: 0.8\nties: ratio\n",
    "fake arms": (
        "method: minimisation\nratio: {guided: 2, unguided: 1}\nfactors: [sex, site]\n"
        "distance: variance\np: 0.8\nties: ratio\nunequal: fake-arms\n"
    ),
    "clusters": f"method: permuted_blocks\n{EVEN}block_sizes: [2, 4]\nstrata: []\ncluster: site\n",
    "lists": f"method: random_allocation\n{EVEN}n: 32\nstrata: []\n",
    "one stratum": f"method: permuted_blocks\n{EVEN}block_sizes: [4, 6]\nstrata: []\n",
    "a stratum for each centre": f"method: permuted_blocks\n{EVEN}block_sizes: [4, 6]\nstrata: [site]\n",
}


def a_study(directory: Path, method: str, at: datetime, *, sites: int = 4) -> Study:
    """The small study under one of METHODS (or a text of its own), open."""
    folder = directory / "small_study"
    shutil.copytree(SMALL, folder)
    (folder / "randomisation.yaml").write_text(METHODS.get(method, method))
    description = (folder / "study.yaml").read_text()
    centres = "".join(f"  - {{code: {code}, name: Centre {code}}}\n" for code in site_codes(sites))
    (folder / "study.yaml").write_text(description.replace("  - {code: main, name: Main centre}\n", centres))
    return factories.an_open_study(folder, at)


def site_codes(sites: int) -> list[str]:
    return [f"c{number:03d}" for number in range(sites)]


def a_crowd(study: Study, how_many: int, at: datetime, *, sites: int = 4) -> Sequence[Participant]:
    """Women and men by turn, over the centres by turn."""
    persons = people.consented(study, how_many, at)
    codes = site_codes(sites)
    for number, person in enumerate(persons):
        person.site = codes[number // 2 % sites]
        person.answers = {**person.answers, "site": person.site}
    Participant.objects.bulk_update(persons, ["site", "answers"])
    return persons
