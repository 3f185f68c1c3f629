"""What `manage.py serve` brings: a site from whatever folder, warm, with files that a browser may
keep.
"""

from __future__ import annotations

import gzip
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.request import Request, urlopen

import pytest
from django.test import Client
from django.urls import reverse

from tests import branches, crawling
from tests.api import test_pairs as pairs
from trial.management.commands import serve

ROOT = Path(__file__).parents[2]
KEPT = {"PATH", "HOME", "LANG", "TMPDIR", "XDG_RUNTIME_DIR", *branches.MEASURED}
FOR_EVER = 10 * 365 * 24 * 60 * 60  # seconds; what WhiteNoise says of a file that never changes
NAMED = re.compile(r'(?:src|href)="(/static/[^"]+)"')
STARTS_WITHIN = 90  # seconds, on a machine that does much else


# Files


@pytest.fixture
def collected(tmp_path, settings) -> Path:
    """The files as `serve` collects them, and a site that is told so."""
    where = tmp_path / "static"
    serve.collect(where)
    settings.STATIC_ROOT = str(where)
    settings.WHITENOISE_USE_FINDERS = False
    backend = "whitenoise.storage.CompressedManifestStaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": backend}}
    return where


def named_by_pages(study) -> Iterator[str]:
    """Every file that a page names: of the way in, of each room, of the account and of the API."""
    dan = SimpleNamespace(**pairs.in_lessons(study))
    ada = SimpleNamespace(**pairs.with_people(study))
    starts = {
        Client(): ["/", reverse("api:docs"), reverse("account_login")],
        dan.browser: [reverse("participant:home")],
        ada.browser: [reverse("research:studies"), reverse("mfa_index")],
    }
    for browser, begins in starts.items():
        for page in crawling.pages(browser, *begins, of_a_route=1):
            yield from NAMED.findall(browser.get(page.url).content.decode())


def styled(text: str) -> list[str]:
    """The files that a style sheet names, beside itself."""
    return [
        name for name in re.findall(r"url\([\"']?([^\"')]+)", text) if not name.startswith("data:")
    ]


def got(name: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of a file, asked for as a browser does."""
    answer = Client().get(name, headers={"accept-encoding": "gzip"})
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    answer.close()
    return answer.status_code, dict(answer.headers), body


@pytest.mark.django_db
def test_every_file_that_a_page_names_is_there_small_and_kept_for_ever(study, collected):
    names = sorted(set(named_by_pages(study)))
    assert [name for name in names if "handvat/style" in name] != []
    for name in names:
        status, headers, body = got(name)
        assert (status, headers["Cache-Control"]) == (
            200,
            f"max-age={FOR_EVER}, public, immutable",
        ), name
        if name.endswith((".css", ".js", ".svg")):
            assert headers["Content-Encoding"] == "gzip", name
        if name.endswith(".css"):
            beside = name.rpartition("/")[0]
            for each in styled(gzip.decompress(body).decode()):
                assert got(f"{beside}/{each}")[0] == 200, (name, each)


@pytest.mark.django_db
def test_without_collecting_every_file_is_served_from_where_it_lies(study):
    for name in sorted(set(named_by_pages(study))):
        status, headers, _body = got(name)
        assert (status, "immutable" in headers["Cache-Control"]) == (200, False), name


def test_what_is_collected_is_left_until_a_source_changes(tmp_path, monkeypatch):
    serve.collect(tmp_path / "static")
    [style] = (tmp_path / "static" / "handvat").glob("style.*.css")
    written = style.stat().st_mtime_ns
    serve.collect(tmp_path / "static")
    assert style.stat().st_mtime_ns == written
    (tmp_path / "static" / "made-from.txt").write_text("other files")
    serve.collect(tmp_path / "static")
    assert style.stat().st_mtime_ns != written


def test_nothing_that_is_served_tells_where_it_lies_on_the_machine(tmp_path):
    serve.collect(tmp_path / "static")
    texts = [path.read_bytes() for path in (tmp_path / "static").rglob("*") if path.is_file()]
    assert [text[:80] for text in texts if str(ROOT).encode() in text] == []


# The whole of it


def told(**more: str) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if name in KEPT},
        "DATABASE_URL": "",
        **more,
    }


def a_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@pytest.fixture
def served(tmp_path) -> Iterator[str]:
    """A rehearsal's database without a study, served from a folder that is not ours; the
    address.
    """
    manage, elsewhere = str(ROOT / "manage.py"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    database = {"HANDVAT_DATABASE": str(tmp_path / "handvat.sqlite3"), "HANDVAT_KIND": "rehearsal"}
    migrate = [sys.executable, manage, "migrate", "--verbosity", "0"]
    subprocess.run(migrate, env=told(**database), cwd=elsewhere, check=True, capture_output=True)
    port = a_free_port()
    command = [sys.executable, manage, "serve", "--directory", "..", "--bind", f"127.0.0.1:{port}"]
    with (tmp_path / "said").open("wb") as said:
        running = subprocess.Popen(command, env=told(), cwd=elsewhere, stdout=said, stderr=said)
        try:
            wait_for(port, running, tmp_path / "said")
            yield f"http://127.0.0.1:{port}"
        finally:
            running.terminate()
            running.wait(timeout=60)


def wait_for(port: int, running: subprocess.Popen, said: Path) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until and running.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(said.read_text()[-2000:])


@pytest.mark.slow
@pytest.mark.once
def test_the_site_is_served_from_another_folder_with_files_that_are_kept(served):
    page = urlopen(served + "/").read().decode()
    [style] = [name for name in NAMED.findall(page) if "handvat/style" in name]
    answer = urlopen(Request(served + style, headers={"Accept-Encoding": "gzip"}))
    assert (answer.status, answer.headers["Content-Encoding"]) == (200, "gzip")
    assert answer.headers["Cache-Control"] == f"max-age={FOR_EVER}, public, immutable"
    assert b"Laying out" in gzip.decompress(answer.read())


@pytest.mark.slow
@pytest.mark.once
def test_views_words_and_templates_are_read_before_the_first_page(tmp_path):
    """In a process of its own: what the first page would import or compile is there once the site
    has started.
    """
    look = """
import sys
from trial import wsgi
from django.template import engines
from django.utils.translation import trans_real
before = set(sys.modules)
from django.test import Client
from django.conf import settings
settings.ALLOWED_HOSTS.append("testserver")
loader = engines["django"].engine.template_loaders[0]
read = set(loader.get_template_cache)
assert Client().get("/").status_code == 200
assert Client().get("/account/login/").status_code == 200
heavy = {"numpy", "pandas", "scipy", "pydantic", "rest_framework", "drf_spectacular"}
print(sorted(name for name in set(sys.modules) - before if ".views" in name or name in heavy))
print(sorted(str(name) for name in set(loader.get_template_cache) - read if "account/login" in str(name)))
print(sorted(trans_real._translations))
"""  # noqa: E501
    database = {"HANDVAT_DATABASE": str(tmp_path / "handvat.sqlite3"), "HANDVAT_KIND": "rehearsal"}
    migrate = [sys.executable, str(ROOT / "manage.py"), "migrate", "--verbosity", "0"]
    subprocess.run(migrate, env=told(**database), cwd=tmp_path, check=True, capture_output=True)
    command = [sys.executable, "-c", look]
    environment = told(**database, PYTHONPATH=str(ROOT))
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines() == ["[]", "[]", "['en', 'nl']"]
