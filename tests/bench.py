"""`make bench`: how long things take on this machine. Medians, never asserted; compare ratios
within one run only.

What fails is told at the end, and the rest is measured all the same. Some of it: `python -m
tests.bench hazards rehearsal`; each part once and small, as `tests/test_bench.py` does it: `python
-m tests.bench small`.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from . import bench_randomisation, bench_statistics
from .bench_parts import PARTS, ROOT, USUAL_TIMES, chosen, line, median, once, part, run, times

PROGRAMS = {
    "tests.bench_statistics": "",
    "tests.bench_randomisation": "postgresql",
    "tests.bench": "",
}  # what each gives
LONG = 10_000
FACTORS = ["site", "sex", "age"]
LONG_PLANS: dict[str, dict] = {
    "complete": {"method": "complete"},
    "list of 10,002": {"method": "random_allocation", "n": LONG + 2},
    "blocks of 4": {"method": "permuted_blocks", "block_sizes": [4]},
    "blocks of 4 and 6": {"method": "permuted_blocks", "block_sizes": [4, 6]},
    "blocks of 2, 4, 6 and 8": {"method": "permuted_blocks", "block_sizes": [2, 4, 6, 8]},
    "block urn 3": {"method": "block_urn", "limit": 3},
    "big stick 3": {"method": "big_stick", "tolerance": 3},
    "efron 2/3": {"method": "efron", "p": "2/3"},
    "chen 2/3, 3": {"method": "chen", "p": "2/3", "tolerance": 3},
    "wei 0, 1": {"method": "wei", "a": 0, "b": 1},
    "smith 5": {"method": "smith", "rho": 5},
    "maximal of 10,002, 3": {"method": "maximal", "n": LONG + 2, "tolerance": 3},
    "minimisation, range": {"method": "minimisation", "factors": FACTORS, "p": "0.8"},
    "minimisation, variance": {
        "method": "minimisation",
        "factors": FACTORS,
        "p": "0.8",
        "distance": "variance",
    },
    "minimisation, sd": {
        "method": "minimisation",
        "factors": FACTORS,
        "p": "0.8",
        "distance": "sd",
    },
    "fake arms 2:1": {
        "method": "minimisation",
        "ratio": {"a": 2, "b": 1},
        "unequal": "fake-arms",
        "factors": FACTORS,
        "p": "0.8",
    },
    "hu_hu": {
        "method": "hu_hu",
        "factors": FACTORS,
        "weights": {"overall": 1, "stratum": 1, "site": 1, "sex": 1, "age": 1},
        "p": "0.8",
    },
    "hierarchical": {
        "method": "hierarchical",
        "factors": FACTORS,
        "limits": [
            {"level": place, "limit": 9} for place in ("stratum", "site", "sex", "age", "overall")
        ],
    },
}


def main(arguments: list[str]) -> int:
    """The number of parts that failed."""
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}; "
        f"medians of {USUAL_TIMES}"
    )
    small = ["small"] if "small" in arguments else []
    programs = {
        "tests.bench_statistics": bench_statistics.main,
        "tests.bench_randomisation": bench_randomisation.main,
        "tests.bench": lambda names: run(*chosen("tests.bench", names)),
    }
    return sum(
        programs[module]([*names, *small]) for module, names in asked(arguments).items() if names
    )


def asked(arguments: list[str]) -> dict[str, list[str]]:
    """The names of its parts that each program is asked for: all of them without any. Those that
    need a rehearsal come with it.
    """
    known = {
        module: [each.name for each in PARTS if (each.module, each.needs) == (module, needs)]
        for module, needs in PROGRAMS.items()
    }
    names = set(arguments) - {"small"}
    if unknown := names - {name for mine in known.values() for name in mine}:
        sys.exit(f"no part {', '.join(sorted(unknown))}; there are {known}")
    return {
        module: [name for name in mine if not names or name in names]
        for module, mine in known.items()
    }


@part(people=3, days=9)
def rehearsal(people: int = 24, days: int = 60) -> None:
    """A whole trial, and what takes place in its database."""
    with tempfile.TemporaryDirectory(prefix="handvat-bench-") as directory:
        manage = [
            sys.executable,
            "manage.py",
            "rehearse",
            "guided-or-not",
            "--participants",
            str(people),
        ]
        command = [*manage, "--days", str(days), "--directory", directory]
        seconds = once(lambda: subprocess.run(command, cwd=ROOT, check=True, capture_output=True))
        line(f"rehearsal of {people} people for {days} days, with report", seconds)
        environment = {
            **os.environ,
            "HANDVAT_BENCH": directory,
            "HANDVAT_DATABASE": f"{directory}/handvat.sqlite3",
            "HANDVAT_KIND": "rehearsal",
            "DATABASE_URL": "",
            "DJANGO_SETTINGS_MODULE": "trial.settings",
        }
        inside = [
            sys.executable,
            "-m",
            "tests.bench",
            "inside",
            *(["small"] if times(2) == 1 else []),
        ]
        subprocess.run(inside, cwd=ROOT, env=environment, check=True)


def inside(arguments: list[str]) -> int:
    import django

    django.setup()
    return run(*chosen("tests.bench", arguments, needs="rehearsal"))


@part(needs="rehearsal")
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
        (
            f"/research/{study.slug}/randomisation/design/",
            User.objects.get(email="researcher@example.org"),
        ),
    ]
    for url, user in asked:
        client = Client(HTTP_HOST="127.0.0.1")
        if user:
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        seconds = median(lambda client=client, url=url: client.get(url))
        with CaptureQueriesContext(connection) as queries:
            status = client.get(url).status_code
        line(f"GET {url}", seconds, f"{len(queries)} queries, {status}")


@part(needs="rehearsal")
def mail_door() -> None:
    """Until the answer to whoever asks for a code: a known and an unknown address, the mail host
    open, slow or shut.
    """
    from django.conf import settings
    from django.core.cache import cache
    from django.core.handlers.base import BaseHandler
    from django.test import RequestFactory

    from tests import smtp
    from trial.models import Identity

    handler = BaseHandler()
    handler.load_middleware()
    identity = Identity.objects.filter(
        participant__user__isnull=False, participant__state="randomised"
    )[0]

    def ask(email: str) -> float:
        cache.clear()
        request = RequestFactory(SERVER_NAME="127.0.0.1").post(
            "/account/login/code/", {"email": email}
        )
        request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
        began = time.perf_counter()
        response = handler.get_response(request)
        taken = time.perf_counter() - began
        response.close()
        return taken

    with smtp.running() as host:
        smtp.use(settings, host.port)
        for how, delay, answers in (
            ("open", 0.0, {}),
            ("slow", 0.1, {}),
            ("shut", 0.0, {"CONNECT": "421 full"}),
        ):
            host.delay, host.answers = delay, answers
            taken: dict[str, list[float]] = {"known": [], "unknown": []}
            for _ in range(
                times(USUAL_TIMES)
            ):  # in turn, so that whatever else the machine does meets both
                for who, email in (("known", identity.email), ("unknown", "nobody@example.org")):
                    taken[who].append(ask(email))
            for who, seconds in taken.items():
                line(
                    f"POST /account/login/code/, {who}, mail host {how}", statistics.median(seconds)
                )


@part()
def allocation() -> None:
    from fractions import Fraction

    from randomisation import methods, stream

    rule = methods.build(
        {"method": "permuted_blocks", "ratio": {"a": 1, "b": 1}, "block_sizes": [4, 6]}
    )
    history = ["a", "b", "b", "a", "a", "b"] * 16
    line(
        "probabilities after 96 allocations, blocks of 4 and 6",
        median(lambda: rule.probabilities(history)),
    )
    key = stream.key(bytes(32), "bench", "one")
    even = {"a": Fraction(1, 2), "b": Fraction(1, 2)}
    line("one draw", median(lambda: stream.choose(even, key, 7)))


@part(length=20)
def long_histories(length: int = LONG) -> None:
    """For every method the slowest of five long histories; blocks of 4 can have come from every
    rule but blocks.
    """
    import numpy as np

    from randomisation import methods

    people = [
        {"site": f"s{number % 7}", "sex": "fm"[number % 2], "age": "ymo"[number % 3]}
        for number in range(length)
    ]
    for name, plan in LONG_PLANS.items():
        rule = methods.build({"ratio": {"a": 1, "b": 1}, **plan})
        drawn = (
            rule
            if plan["method"] == "permuted_blocks"
            else methods.PermutedBlocks({"a": 1, "b": 1}, ((4, 1),))
        )
        lots = [lot for lot in rule.lots if lot in ("a", "b", "a/1", "b/1")]
        rows = [
            [lots[k] for k in row] for row in drawn.sequences(length, 5, np.random.default_rng(1))
        ]
        histories: list[list] = [
            list(zip(row, people, strict=True)) if rule.scope == "point" else row for row in rows
        ]
        taken = [median(partial(rule.probabilities, history, people[3])) for history in histories]
        line(f"probabilities after {length:,}: {name}", max(taken), "slowest of 5 histories")


@part(n=8)
def characteristics(n: int = 100) -> None:
    """What a researcher waits for before the design is locked."""
    import numpy as np

    from randomisation import assessment, methods

    pair, three = {"a": 1, "b": 1}, {"a": 1, "b": 1, "c": 1}
    plans: list[dict[str, Any]] = [
        {"method": "complete", "ratio": pair},
        {"method": "random_allocation", "ratio": pair, "n": n},
        {"method": "block_urn", "ratio": pair, "limit": 3},
        {"method": "big_stick", "ratio": pair, "tolerance": 3},
        {"method": "efron", "ratio": pair, "p": "2/3"},
        {"method": "chen", "ratio": pair, "p": "2/3", "tolerance": 3},
        {"method": "wei", "ratio": pair, "a": 0, "b": 1},
        {"method": "smith", "ratio": pair, "rho": 5},
        {"method": "maximal", "ratio": pair, "n": n, "tolerance": 3},
        {"method": "permuted_blocks", "ratio": pair, "block_sizes": [4, 6]},
        {"method": "block_urn", "ratio": three, "limit": 3},
    ]
    for plan in plans:
        rule = methods.build(plan)
        seconds = median(
            lambda rule=rule: assessment.assess(rule, n, generator=np.random.default_rng(1))
        )
        line(
            f"characteristics of {n} people, {plan['method']}, {len(plan['ratio'])} arms",
            seconds,
            "exact",
        )
    factors = [
        assessment.Factor.even("site", [f"c{each}" for each in range(23)]),
        assessment.Factor.even("sex", "fm"),
    ]
    minimised = methods.build(
        {"method": "minimisation", "ratio": pair, "factors": ["site", "sex"], "p": "0.8"}
    )
    n = 2 * n - 12  # 188
    seconds = median(
        lambda: assessment.assess(minimised, n, factors, generator=np.random.default_rng(1))
    )
    line(
        f"characteristics of {n} people in 46 strata, minimisation",
        seconds,
        f"{assessment.DRAWS} trials simulated",
    )


@part(needs="rehearsal")
def report() -> None:
    from reports import rehearsing
    from trial.models import Participant, Study

    study = Study.objects.get(slug="guided-or-not")
    people = Participant.objects.filter(study=study, state="randomised").count()
    again = Path(os.environ["HANDVAT_BENCH"]) / "again"
    seconds = once(lambda: rehearsing.write(study, again, language="en", at=datetime.now(UTC)))
    line(f"report of {people} people as PDF, HTML and JSON, cold", seconds)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["inside", *arguments]:
            sys.exit(inside(arguments))
        case arguments:
            sys.exit(main(arguments))
