"""`make bench`: how long things take on this machine. Medians, never asserted; compare ratios within one run only."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from . import bench_statistics

ROOT = Path(__file__).resolve().parent.parent
PEOPLE, DAYS, TIMES = 24, 60, 15


def main() -> int:
    if "HANDVAT_BENCH" in os.environ:
        measure(Path(os.environ["HANDVAT_BENCH"]))
        return 0
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}; medians of {TIMES}")
    bench_statistics.main()
    with tempfile.TemporaryDirectory(prefix="handvat-bench-") as directory:
        manage = [sys.executable, "manage.py", "rehearse", "guided-or-not", "--participants", str(PEOPLE)]
        began = time.perf_counter()
        subprocess.run(
            [*manage, "--days", str(DAYS), "--directory", directory], cwd=ROOT, check=True, capture_output=True
        )
        line(f"rehearsal of {PEOPLE} people for {DAYS} days, with report", time.perf_counter() - began)
        environment = {
            **os.environ,
            "HANDVAT_BENCH": directory,
            "HANDVAT_DATABASE": f"{directory}/handvat.sqlite3",
            "HANDVAT_KIND": "rehearsal",
            "DATABASE_URL": "",
            "DJANGO_SETTINGS_MODULE": "trial.settings",
        }
        return subprocess.run([sys.executable, "-m", "tests.bench"], cwd=ROOT, env=environment, check=False).returncode


def measure(directory: Path) -> None:
    import django

    django.setup()
    pages()
    allocation()
    report(directory)


def line(what: str, seconds: float, more: str = "") -> None:
    print(f"{what:<70} {seconds * 1000:9.1f} ms  {more}", flush=True)


def median(do: Callable[[], object]) -> float:
    do()
    taken = []
    for _ in range(TIMES):
        began = time.perf_counter()
        do()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def pages() -> None:
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from reports import demonstration
    from trial.models import Participant, Study, User

    study = Study.objects.get(slug="guided-or-not")
    demonstration.logins(study, datetime.now(UTC))
    participant = Participant.objects.filter(study=study, state="randomised").exclude(user=None)[0]
    asked: list[tuple[str, User | None]] = [
        (f"/join/{study.public_slug}/", None),
        ("/participant/", participant.user),
        ("/participant/lessons/", participant.user),
        ("/coach/", User.objects.get(email="supervisor@example.org")),
        ("/research/", User.objects.get(email="researcher@example.org")),
        (f"/research/{study.slug}/", User.objects.get(email="researcher@example.org")),
        (f"/research/{study.slug}/people/", User.objects.get(email="researcher@example.org")),
        (f"/research/{study.slug}/alerts/", User.objects.get(email="researcher@example.org")),
    ]
    for url, user in asked:
        client = Client(HTTP_HOST="127.0.0.1")
        if user:
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        seconds = median(lambda client=client, url=url: client.get(url))
        with CaptureQueriesContext(connection) as queries:
            status = client.get(url).status_code
        line(f"GET {url}", seconds, f"{len(queries)} queries, {status}")


def allocation() -> None:
    from fractions import Fraction

    from randomisation import methods, stream

    rule = methods.build({"method": "permuted_blocks", "ratio": {"a": 1, "b": 1}, "block_sizes": [4, 6]})
    history = ["a", "b", "b", "a", "a", "b"] * 16
    line("probabilities after 96 allocations, blocks of 4 and 6", median(lambda: rule.probabilities(history)))
    key = stream.key(bytes(32), "bench", "one")
    even = {"a": Fraction(1, 2), "b": Fraction(1, 2)}
    line("one draw", median(lambda: stream.choose(even, key, 7)))


def report(directory: Path) -> None:
    from reports import rehearsing
    from trial.models import Study

    study = Study.objects.get(slug="guided-or-not")
    began = time.perf_counter()
    rehearsing.write(study, directory / "again", language="en", at=datetime.now(UTC))
    line(f"report of {PEOPLE} people as PDF, HTML and JSON, cold", time.perf_counter() - began)


if __name__ == "__main__":
    sys.exit(main())
