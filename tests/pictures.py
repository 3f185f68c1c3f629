"""`python -m tests.pictures DEMO`: the README's two pictures, from the directory that `make demo`
left behind.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
BIND = "127.0.0.1:8765"
PAGE = 2  # of the report: the flow diagram


def main(demo: Path) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    report(demo)
    environment = {
        **os.environ,
        "HANDVAT_DATABASE": str(demo / "handvat.sqlite3"),
        "HANDVAT_KIND": "rehearsal",
        "DATABASE_URL": "",
        "DJANGO_SETTINGS_MODULE": "trial.settings",
        "DJANGO_ALLOW_ASYNC_UNSAFE": "true",
    }
    if os.environ.get("DJANGO_SETTINGS_MODULE") is None:
        os.execve(sys.executable, [sys.executable, "-m", "tests.pictures", str(demo)], environment)
    participant()


def report(demo: Path) -> None:
    import pypdfium2

    document = pypdfium2.PdfDocument(demo / "living-positive" / "report.pdf")
    document[PAGE - 1].render(scale=1.1).to_pil().save(PICTURES / "report.png")


def participant() -> None:
    import django

    django.setup()
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.utils import timezone
    from playwright.sync_api import sync_playwright

    from tests.run import chromium
    from trial.models import Study
    from trial.queries import people

    study = Study.objects.get(slug="guided-or-not")
    someone = people.in_the_programme(study, timezone.now())
    assert someone is not None
    assert someone.user is not None
    session = SessionStore()
    session[SESSION_KEY] = str(someone.user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = someone.user.get_session_auth_hash()
    session.save()
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "trial.wsgi", "--bind", BIND], cwd=ROOT
    )
    try:
        time.sleep(6)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page(
                viewport={"width": 360, "height": 740}, device_scale_factor=2, locale="en-GB"
            )
            page.context.add_cookies(
                [{"name": "s", "value": str(session.session_key), "url": f"http://{BIND}"}]
            )
            page.goto(f"http://{BIND}/participant/")
            page.screenshot(path=PICTURES / "participant.png")
            browser.close()
    finally:
        server.terminate()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
