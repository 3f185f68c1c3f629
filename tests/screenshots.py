"""`python -m tests.screenshots [NAME ...]`: a picture of every page, to be looked at side by side.

Each page is drawn at three widths, light and dark, in each language, into
screenshots/<name>-<width>-<scheme>-<language>.png; screenshots/index.html shows them all. The site
runs here against a database of its own, filled by `prepare`.
"""

import itertools
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from trial.languages import LANGUAGES

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as BrowserPage

CHROMIUM = "/usr/bin/chromium"
OUT = Path("screenshots")
WIDTHS = (360, 768, 1280)
HEIGHT = 800
SCHEMES = ("light", "dark")


@dataclass(frozen=True)
class Rehearsed:
    """What `prepare` leaves behind: who signs in for each role, or the browser of a newcomer who
    cannot sign in yet, and names by which pages find their addresses.
    """

    people: dict[str, Any] = field(default_factory=dict)
    names: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Picture:
    """One page in one state.

    `path` may hold {names} of the rehearsal; `act` brings the page into its state, in the browser;
    another `status` than the one said here is reported.
    """

    name: str
    path: str
    role: str | None = None
    act: Callable[["BrowserPage"], None] | None = None
    status: int = 200


def press_send(page: "BrowserPage") -> None:
    """Send the page's first form as it stands, to see what it says about blanks."""
    page.locator("main form [type=submit]").first.click()
    page.wait_for_load_state()


def press(name: str) -> Callable[["BrowserPage"], None]:
    """Press the button or link with this accesskey; whatever it changes, the next picture finds it
    again.
    """

    def act(page: "BrowserPage") -> None:
        page.locator(f"main [accesskey={name}]").first.click()
        page.wait_for_load_state()

    return act


def press_invite(page: "BrowserPage") -> None:
    """Send the empty invitation, the last form of the page; the others end somebody's role."""
    page.locator("main form [type=submit]").last.click()
    page.wait_for_load_state()


def press_start(page: "BrowserPage") -> None:
    """Begin a questionnaire, or go on with it: its question."""
    page.locator("main form button").first.click()
    page.wait_for_load_state()


def press_risk(page: "BrowserPage") -> None:
    """Send the questionnaire with its ninth item alone answered."""
    page.locator("input[name=item_9][value='2']").check()
    press_send(page)


def press_new_address(page: "BrowserPage") -> None:
    """Ask for a code to another address: the page that wants it."""
    page.locator("input[name=email]").fill("new@example.org")
    press_send(page)


def press_take_back(page: "BrowserPage") -> None:
    """Begin a call, and say that it was begun by mistake."""
    press("s")(page)
    page.locator("main a[href$='/take-back/']").first.click()
    page.wait_for_load_state()


PICTURES: list[Picture] = [
    Picture("public-front", "/"),
    Picture("public-sign-in", "/account/login/"),
    Picture("public-sign-in-error", "/account/login/", act=press_send),
    Picture("public-code", "/account/login/code/"),
    Picture("public-password-reset", "/account/password/reset/"),
    Picture("public-help", "/help/"),
    Picture("public-not-found", "/there-is-no-such-page/", status=404),
    Picture("join-letter", "/join/{public}/"),
    Picture("join-help", "/join/{public}/help/"),
    Picture("join-basics", "/join/{public}/go-on/", "begun"),
    Picture("join-basics-error", "/join/{public}/go-on/", "begun", act=press_send),
    Picture("join-mood", "/join/{public}/go-on/", "questioned"),
    Picture("join-talk", "/join/{public}/talk/", "in_the_dark"),
    Picture("join-contact-error", "/join/{public}/go-on/", "screened", act=press_send),
    Picture("join-code", "/join/{public}/contact/code/", "addressed"),
    Picture("join-consent-questions", "/join/{public}/consent/questions/", "verified"),
    Picture("join-sign-error", "/join/{public}/consent/sign/", "understood", act=press_send),
    Picture("join-turned-away", "/join/{public}/go-on/", "too_young"),
    Picture("participant-home", "/participant/", "participant"),
    Picture("participant-lessons", "/participant/lessons/", "participant"),
    Picture("participant-lesson", "/participant/lessons/{lesson}/", "participant"),
    Picture("participant-sitting", "{sitting}", "coached"),
    Picture("participant-question", "{sitting}", "coached", act=press_start),
    Picture(
        "participant-call-times-saved", "/participant/call-times/", "participant", act=press_send
    ),
    Picture("participant-questionnaires", "/participant/questionnaires/", "participant"),
    Picture("participant-calls", "/participant/calls/", "coached"),
    Picture("participant-zone", "/participant/time-zone/", "participant"),
    Picture("participant-phone", "/participant/phone/", "participant"),
    Picture("participant-phone-error", "/participant/phone/", "participant", act=press_send),
    Picture("participant-data", "/participant/data/", "participant"),
    Picture("participant-name", "/participant/name/", "participant"),
    Picture("participant-address", "/participant/address/", "participant"),
    Picture("participant-address-error", "/participant/address/", "participant", act=press_send),
    Picture(
        "participant-address-code", "/participant/address/", "participant", act=press_new_address
    ),
    Picture("participant-apps", "/participant/apps/", "participant"),
    Picture("participant-leave", "/participant/leave/", "participant"),
    Picture("coach-caseload", "/coach/", "supervisor"),
    Picture("coach-caseload-own", "/coach/", "coach"),
    Picture("coach-person", "/coach/{coached}/", "supervisor"),
    Picture("coach-number", "/coach/{coached}/", "supervisor", act=press("n")),
    Picture("coach-call", "/coach/{coached}/", "supervisor", act=press("s")),
    Picture("coach-take-back", "/coach/{coached}/", "supervisor", act=press_take_back),
    Picture("assessor-due", "/assessor/", "assessor"),
    Picture("assessor-enter", "{entry}", "assessor"),
    Picture("assessor-enter-error", "{entry}", "assessor", act=press_risk),
    Picture("assessor-help", "/assessor/{slug}/{due}/help/", "assessor"),
    Picture("research-studies", "/research/", "researcher"),
    Picture("research-dashboard", "/research/{slug}/", "researcher"),
    Picture("research-setup", "/research/{slug}/setup/", "researcher"),
    Picture("research-design", "/research/{slug}/randomisation/design/", "researcher"),
    Picture(
        "research-design-error",
        "/research/{slug}/randomisation/design/?n=many&blocks=5",
        "researcher",
    ),
    Picture("research-people", "/research/{slug}/people/", "researcher"),
    Picture("research-person", "/research/{slug}/people/{code}/", "researcher"),
    Picture("research-lost-mailbox", "/research/{slug}/people/{code}/address/", "researcher"),
    Picture("research-staff", "/research/{slug}/staff/", "researcher"),
    Picture("research-staff-error", "/research/{slug}/staff/", "researcher", act=press_invite),
    Picture("research-people-nobody", "/research/{slug}/people/?state=completed", "researcher"),
    Picture("research-report", "/research/{slug}/reports/{report}/screen/", "researcher"),
    Picture("research-alerts", "/research/{slug}/alerts/", "researcher"),
    Picture("research-alert", "/research/{slug}/alerts/{alert}/", "supervisor"),
    Picture("research-randomisation", "/research/{slug}/randomisation/", "researcher"),
    Picture("research-halt", "/research/{slug}/randomisation/halt/", "researcher"),
    Picture("research-decide", "/research/{slug}/randomisation/asked/{asked}/", "researcher"),
    Picture(
        "research-impact", "/research/{slug}/randomisation/code-breaks/{broken}/", "researcher"
    ),
    Picture(
        "research-exceptions", "/research/{slug}/randomisation/people/{excepted}/", "supervisor"
    ),
    Picture(
        "research-exceptions-none", "/research/{slug}/randomisation/people/{code}/", "researcher"
    ),
    *(
        Picture(
            f"research-{page.replace('/', '-')}",
            f"/research/{{slug}}/randomisation/people/{{excepted}}/start/{page}/",
            "supervisor",
            act=press_send if page == "code-break" else None,
            status=400 if page == "code-break" else 200,
        )
        for page in (
            "correct",
            "mark",
            "ineligible",
            "received",
            "code-break",
            "code-break/at-once",
        )
    ),
    Picture("research-wordings", "/research/{slug}/setup/wordings/", "researcher"),
    Picture("research-state", "/research/{slug}/state/", "researcher"),
    Picture("research-load", "/research/load/", "researcher"),
    Picture("research-messages", "/research/{slug}/messages/", "researcher"),
    Picture("research-audit", "/research/{slug}/audit/", "researcher"),
    Picture("research-reports", "/research/{slug}/reports/", "researcher"),
    Picture("research-exports", "/research/{slug}/exports/", "researcher"),
    Picture("research-remove", "/research/{slug}/exports/{export}/remove/", "researcher"),
    Picture("staff-agreements", "/staff/agreements/", "researcher"),
    Picture("staff-tokens", "/staff/tokens/", "researcher"),
    Picture("staff-tokens-error", "/staff/tokens/", "researcher", act=press_send),
]
LONG_NAME = "Wilhelmina Alexandrina van Oldenbarnevelt-Schimmelpenninck"
PEOPLE = 6  # who are in the middle of the study when the pictures are taken


def prepare() -> Rehearsed:
    """A small study in the middle of things, with somebody of each role."""
    from django.urls import reverse
    from django.utils import timezone

    from coaching_protocol.models import CoachingPlan
    from reports import demonstration, rehearsing
    from tests import made
    from trial.models import Alert, User
    from trial.permissions import ROLES
    from trial.queries import people

    now = timezone.now()
    study = demonstration.under_way(
        rehearsing.find("guided-or-not"), number=PEOPLE, seed=1, until=now
    )
    demonstration.logins(study, at=now)
    someone = people.in_the_programme(study, now)
    assert someone is not None
    lesson = someone.version.programme.modules[0].code
    staff = {role: User.objects.get(email=f"{role}@example.org") for role in ROLES}
    report, export = made.report(study, now), made.export(study, now)
    _draw_pages(made.content(report, "report.pdf"))
    _other_jobs(study, now)
    coached = CoachingPlan.objects.filter(participant__study=study)[0].participant
    sitting = _open_next_questions(coached, now)
    entry = _due_to_an_assessor(study, now)
    alert = Alert.objects.filter(study=study)[0]
    User.objects.filter(email__in=["researcher@example.org", "supervisor@example.org"]).update(
        full_name=LONG_NAME
    )
    person = entry.participant.code
    due = {
        "due": person,
        "entry": reverse("assessor:enter", args=[study.slug, person, entry.timepoint, "PHQ9"]),
    }
    due |= _excepted(study, staff, now)
    names = {
        **due,
        "public": study.public_slug,
        "slug": study.slug,
        "code": someone.code,
        "lesson": lesson,
    }
    return Rehearsed(
        people={**staff, **_newcomers(study), "participant": someone.user, "coached": coached.user},
        names={
            **names,
            "report": report.pk,
            "export": export.pk,
            "sitting": sitting,
            "coached": coached.code,
            "alert": alert.pk,
        },
    )


def _excepted(study: Any, staff: Any, at: Any) -> dict[str, Any]:
    """Somebody to whom everything happened that departs from a plan, and a part of the
    randomisation that is halted.
    """
    from randomisation.actions import code_breaks, exceptions, proposals, switches
    from randomisation.models import Allocation
    from randomisation.queries.exceptions import allowed_values, standing
    from trial import actors

    by = actors.staff(staff["supervisor"].pk, "supervisor")
    rows = Allocation.objects.filter(study=study).select_related(
        "participant__version", "participant__study"
    )
    row = rows.order_by("pk")[0]
    now = standing(row)
    others = allowed_values(row.participant.version, now).items()
    wrong = {name: code for name, values in others for code, _words in values if code != now[name]}
    if wrong:
        exceptions.correct(allocation=row, values=wrong, reason="entered_wrongly", by=by, at=at)
    exceptions.mark_ineligible(allocation=row, reason="criterion_overlooked", by=by, at=at)
    exceptions.record_received(
        allocation=row, received="other", reason="staff_mistake", by=by, at=at
    )
    broken = code_breaks.break_at_once(
        allocation=row, reason="acute_danger", by=by, at=at
    ).code_break
    note = "Somebody with the same voice and the same story was here in spring."
    asked = proposals.propose_mark(
        allocation=row, reason="randomised_twice", note=note, by=by, at=at
    )
    switches.halt(
        study=study,
        level="site",
        target=study.current.protocol.sites[0].code,
        reason="fault",
        by=by,
        at=at,
    )
    return {"excepted": row.participant.code, "asked": asked.pk, "broken": broken.pk}


def _newcomers(study: Any) -> dict[str, Any]:
    """Browsers of people on the way in, each a step further than the one before, and of two who go
    elsewhere.
    """
    basics = {"age": 41, "gender": "f", "language_ok": "able", "treatment": "no_treatment"}
    mood = {f"item_{code}": 2 if code < 7 else 0 for code in range(1, 10)}
    address = {"name": LONG_NAME, "phone": "06 1234 5678"}
    number = itertools.count(1)  # an address is known once
    letter = study.current.consent.letters["en"]
    steps: list[tuple[str, str, Callable[[Any], dict[str, Any]]]] = [
        ("begun", "begin/", lambda browser: {}),
        ("questioned", "screening/basics/", lambda browser: basics),
        ("screened", "screening/full/", lambda browser: mood),
        (
            "addressed",
            "contact/",
            lambda browser: {**address, "email": f"willie{next(number)}@example.org"},
        ),
        ("verified", "contact/code/", lambda browser: {"code": _code()}),
        (
            "understood",
            "consent/questions/",
            lambda browser: {q.code: q.correct for q in letter.comprehension},
        ),
    ]
    along = {
        name: _browser(study, steps[:number]) for number, (name, _, _) in enumerate(steps, start=1)
    }
    dark = ("", "screening/full/", lambda browser: {**mood, "item_9": 1})
    young = ("", "screening/basics/", lambda browser: {**basics, "age": 16})
    return {
        **along,
        "in_the_dark": _browser(study, [*steps[:2], dark]),
        "too_young": _browser(study, [steps[0], young]),
    }


def _browser(study: Any, steps: Sequence[tuple[str, str, Callable[[Any], dict[str, Any]]]]) -> Any:
    from django.test import Client

    browser = Client(SERVER_NAME="127.0.0.1")
    for _name, page, typed in steps:
        browser.post(f"/join/{study.public_slug}/{page}", typed(browser))
    return browser


def _code() -> str:
    """The code that was mailed last."""
    newest = max(
        Path(os.environ["HANDVAT_MAIL_DIRECTORY"]).iterdir(),
        key=lambda file: file.stat().st_mtime_ns,
    )
    return re.findall(r"\b\d{6}\b", newest.read_text())[-1]


def _open_next_questions(person: Any, at: Any) -> str:
    """Let this person's next questionnaires be due today, whatever their dates, and give their
    address.
    """
    from django.urls import reverse

    from outcomes.models import Assessment

    later = Assessment.objects.filter(participant=person, opens_at__gt=at).order_by("opens_at")
    timepoint = later[0].timepoint
    later.filter(timepoint=timepoint).update(
        opens_at=at - timedelta(hours=1), closes_at=at + timedelta(days=14)
    )
    return reverse("participant:sitting", args=[timepoint])


def _due_to_an_assessor(study: Any, at: Any) -> Any:
    """A PHQ-9 that may be entered today: one that waits for its day is brought forward."""
    from outcomes.models import Assessment

    later = Assessment.objects.filter(
        participant__study=study, instrument="PHQ9", submitted_at=None, declined_at=None
    )
    row = later.filter(timepoint__in=["week4", "week8"], withdrawn_at=None, opens_at__isnull=False)[
        0
    ]
    row.opens_at, row.closes_at = at - timedelta(hours=1), at + timedelta(days=14)
    row.save(update_fields=["opens_at", "closes_at"])
    return row


def _other_jobs(study: Any, at: Any) -> None:
    """An export in every other state, and a verification of the trail in most."""
    from reports.actions import reports
    from tests import made
    from trial.actions import jobs, verifications
    from trial.models import Job

    full, busy, _waiting = (
        reports.request_export(study=study, kind=Job.BLINDED, by=made.ADA, at=at) for _ in range(3)
    )
    Job.objects.filter(pk=full.pk).update(state=Job.FAILED, failure=jobs.NO_ROOM)
    Job.objects.filter(pk=busy.pk).update(claimed_at=at)
    jobs.remove(job=made.export(study, at), by=made.ADA, at=at)
    made.verification(study, at, by=made.ADA)
    failed, busy = (verifications.request(study=study, by=made.ADA, at=at) for _ in range(2))
    Job.objects.filter(pk=failed.pk).update(state=Job.FAILED, failure=jobs.NO_ROOM)
    Job.objects.filter(pk=busy.pk).update(claimed_at=at)


def _draw_pages(pdf: bytes) -> None:
    """The report's pages as pictures of their own."""
    import pypdfium2

    OUT.mkdir(exist_ok=True)
    for number, page in enumerate(pypdfium2.PdfDocument(pdf), start=1):
        page.render(scale=1.4).to_pil().save(OUT / f"report-page-{number:02}.png")


def main(wanted: Sequence[str]) -> int:
    pictures = [picture for picture in PICTURES if not wanted or picture.name in wanted]
    if not Path(CHROMIUM).exists():
        print(f"Chromium is not at {CHROMIUM}; on Debian: apt-get install chromium")
        return 1
    with _a_site() as (address, rehearsed):
        taken, broken = _take(pictures, address, rehearsed)
    _write_index(taken)
    print(f"{len(taken)} pictures in {OUT}/, side by side in {OUT}/index.html")
    for line in broken:
        print(line)
    return 1 if broken else 0


@contextmanager
def _a_site() -> Iterator[tuple[str, Rehearsed]]:
    """The real site on a free port, with a new database that is gone afterwards."""
    with TemporaryDirectory() as directory:
        os.environ.update(
            DATABASE_URL="",
            HANDVAT_DATABASE=f"{directory}/pictures.sqlite3",
            HANDVAT_KIND="rehearsal",
            HANDVAT_MAIL_DIRECTORY=f"{directory}/mail",
            DJANGO_ALLOW_ASYNC_UNSAFE="true",  # Playwright's loop is running in this thread
        )
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trial.settings")
        import django

        django.setup()
        from django.contrib.staticfiles.handlers import StaticFilesHandler
        from django.core.management import call_command
        from django.test.testcases import LiveServerThread

        call_command("migrate", verbosity=0)
        call_command("createcachetable", verbosity=0)
        rehearsed = prepare()
        server = LiveServerThread("127.0.0.1", StaticFilesHandler)
        server.daemon = True
        server.start()
        server.is_ready.wait()
        if server.error:
            raise server.error
        try:
            yield f"http://127.0.0.1:{server.port}", rehearsed
        finally:
            server.terminate()


def _take(
    pictures: Sequence[Picture], address: str, rehearsed: Rehearsed
) -> tuple[list[Path], list[str]]:
    """The files written, and one line for everything that no page may do."""
    from playwright.sync_api import sync_playwright

    OUT.mkdir(exist_ok=True)
    taken: list[Path] = []
    broken: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for picture, width, scheme, language in product(pictures, WIDTHS, SCHEMES, LANGUAGES):
            path = OUT / f"{picture.name}-{width}-{scheme}-{language}.png"
            broken += _one(browser, picture, path, address, rehearsed, width, scheme, language)
            taken.append(path)
        browser.close()
    return taken, broken


def _one(
    browser: "Browser",
    picture: Picture,
    path: Path,
    address: str,
    rehearsed: Rehearsed,
    width: int,
    scheme: Any,
    language: str,
) -> list[str]:
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHT},
        color_scheme=scheme,
        reduced_motion="reduce",
        locale=language,
    )
    cookies = _cookies(picture.role, rehearsed, language)
    context.add_cookies(
        [{"name": name, "value": value, "url": address} for name, value in cookies.items()]
    )
    page = context.new_page()
    heard: list[str] = []
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on(
        "console",
        lambda said: heard.append(said.text) if "Content Security Policy" in said.text else None,
    )
    answer = page.goto(address + picture.path.format(**rehearsed.names))
    if picture.act:
        picture.act(page)
    if answer is None or answer.status != picture.status:
        heard.append(f"status {answer.status if answer else 'none'}")
    too_wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    if too_wide > 0:
        heard.append(f"{too_wide} px wider than the screen")
    page.screenshot(path=path, full_page=True)
    context.close()
    return [f"{path.name}: {line}" for line in heard]


def _read_in(language: str, client: Any) -> None:
    """A participant's pages are in the language that the person chose, whatever the browser's."""
    from django.db.models import Q

    from trial.models import Participant

    codes = [each.get("code") for each in client.session.get("joining", {}).values()]
    mine = Q(user=client.session.get("_auth_user_id")) | Q(code__in=codes)
    Participant.objects.filter(mine).update(language=language)


def _cookies(role: str | None, rehearsed: Rehearsed, language: str) -> dict[str, str]:
    from django.conf import settings
    from django.test import Client

    cookies = {settings.LANGUAGE_COOKIE_NAME: language}
    if role is None:
        return cookies
    found = rehearsed.people[role]
    client = found if isinstance(found, Client) else Client()
    if client is not found:
        client.force_login(found, backend=settings.AUTHENTICATION_BACKENDS[0])
    _read_in(language, client)
    name = settings.SESSION_COOKIE_NAME
    return {**cookies, name: client.cookies[name].value}


def _write_index(taken: Sequence[Path]) -> None:
    """One page of all pictures, a row for each page and language."""
    rows: dict[str, list[Path]] = {}
    for path in taken:
        name, _width, _scheme, language = path.stem.rsplit("-", 3)
        rows.setdefault(f"{name}, {language}", []).append(path)
    body = "".join(
        f"<h2>{title}</h2><p>"
        + "".join(f'<a href="{p.name}"><img src="{p.name}" alt="{p.stem}"></a> ' for p in paths)
        for title, paths in rows.items()
    )
    style = "body{font-family:sans-serif;background:#888}img{height:420px;vertical-align:top}p{white-space:nowrap}"  # noqa: E501
    pages = sorted(OUT.glob("report-page-*.png"))
    body += "<h2>report</h2><p>" + "".join(
        f'<a href="{p.name}"><img src="{p.name}" alt="{p.stem}"></a> ' for p in pages
    )
    (OUT / "index.html").write_text(
        f"<!doctype html><meta charset=utf-8><style>{style}</style>{body}", "utf-8"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
