"""Nothing tells the arm: two worlds in which only who got which arm differs are the same bytes to
every concealed role.

Every page, list, export and API answer that the URL conf has is read as researcher, statistician
and assessor, at the allocation and on every later day on which a row falls due in any of the
worlds, after the worker has run. A day is read in full at first; later what moves every day and of
the rest a part by turns (`make fuzz` reads every day in full). Nobody does anything after the
allocation but the researcher, who makes an export each day in every world.
"""

from __future__ import annotations

import copy
import os
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as live_settings

from reports.actions import reports
from tests import factories, smtp
from tests.conftest import NOW
from tests.two_worlds import building, comparing
from trial import actors, worker
from trial.actions import alerts, staff
from trial.models import Alert, Membership, Participant
from trial.queries.addresses import address_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.once,
]  # rolled back, PostgreSQL's sequences of numbers would differ
UNTIL = NOW + timedelta(days=420)
EVERY_DAY = bool(os.environ.get("HANDVAT_EVERY_DAY"))  # `make fuzz`
# Of `apart`: everybody is asked something on day 14, whoever has usual care on day 30 and nobody
# else then. Two hours later what does not get through is told, and a day later it is given up.
AWAY = (14, 15, 30, 31)
ALIKE, APART = [
    [NOW + timedelta(days=day, hours=hours) for hours, day in enumerate((first, first, first + 1))]
    for first in (14, 30)
]
DEALT_WITH, REMINDED, BACK = [NOW + timedelta(days=day) for day in (16, 20, 32)]
TELLING = (
    r"(research|api/v1/studies)/<slug:slug>/"
    r"(messages/|people/|people/<str:code>/|participants/|randomisation/|alerts/|alerts/<int:number>/|audit/|exports/.*)?$"
)
LEAKS = "tests.two_worlds.leaks"
LEAKING = Path(__file__).parent / "two_worlds" / "leaking"


@pytest.mark.parametrize("setting", building.SETTINGS, ids=str)
def test_to_a_concealed_role_two_worlds_are_the_same_bytes(setting, tmp_path, record_property):
    base = building.base(setting, tmp_path)
    worlds = building.worlds(base, building.one_apart(base))
    days = building.due_days(base, worlds, UNTIL)
    if EVERY_DAY:
        days = building.every_day(days[-1])
    found = comparing.compare(base, worlds, days, all_of_it=EVERY_DAY)
    record_property("figures", f"two worlds, {setting}: {found.shown}")
    assert found.differences == []
    assert found.compared > 1000


def the_small_study(tmp_path, *wanted):
    """It, and a world for each of the combinations of arms that are wanted."""
    [setting] = [each for each in building.SETTINGS if each.name == "apart"]
    base = building.base(setting, tmp_path)
    return base, building.worlds(base, wanted)


@pytest.mark.parametrize("leaves", ["before the allocation", "after it"])
def test_that_nobody_coaches_and_that_a_coach_left_is_told_alike(leaves, tmp_path):
    base, worlds = the_small_study(tmp_path, ("guided", "usual"), ("usual", "later"))

    def leave(at):
        membership = Membership.objects.get(user=base.staff["coach"])
        staff.end_role(membership=membership, by=actors.SYSTEM, at=at)

    if leaves == "before the allocation":
        leave(NOW)
    found = comparing.compare(
        base,
        worlds,
        [NOW, NOW + timedelta(days=1)],
        roles=["researcher"],
        within="research/",
        acts=lambda at: leave(at) if at > NOW and leaves == "after it" else None,
    )
    assert found.differences == []
    assert any(
        "/alerts/1/" in path and answer.status == 200
        for (_, _, path), answer in found.answers.items()
    )


def test_that_the_list_of_a_stage_runs_out_tells_no_arm(tmp_path):
    """On day 16 both people take the two places of a list, or nobody takes one."""
    base, worlds = the_small_study(tmp_path, ("later", "later"), ("usual", "usual"))
    days = [NOW + timedelta(days=day) for day in (16, 17)]
    found = comparing.compare(base, worlds, days, ["researcher", "statistician"], within=TELLING)
    assert found.differences == []


def test_the_files_of_a_report_tell_no_arm(tmp_path, record_property):
    """Both fill in what every arm is asked on day 14. A report is asked for then, and when all is
    over in every arm.
    """
    base, worlds = the_small_study(tmp_path, ("guided", "guided"), ("usual", "usual"))
    answered, over = [NOW + timedelta(days=day) for day in (14, 180)]

    def ask_for_a_report(at):
        if at == answered:
            for person in base.people:
                factories.fill_in(Participant.objects.get(pk=person.pk), "week2", at)
        if at >= answered:
            by = actors.staff(base.staff["statistician"].pk, "statistician")
            reports.request(study=base.study, kind="blinded", language="en", by=by, at=at)
            assert worker.tick(at).failed == 0

    pages = r"(research|api/v1/studies)/<slug:slug>/(reports|exports)/"
    found = comparing.compare(
        base,
        worlds,
        [answered, over],
        ["statistician"],
        within=pages,
        all_of_it=True,
        acts=ask_for_a_report,
    )
    record_property("figures", f"two worlds, reports: {found.shown}")
    assert found.differences == []
    files = {
        Path(path).name: answer.body[:5]
        for (_, _, path), answer in found.answers.items()
        if answer.status == 200
    }
    assert (files["report.pdf"], files["report.html"][:2], files["results.json"][:1]) == (
        b"%PDF-",
        b"<!",
        b"{",
    )


def compared_with(
    fault, base, worlds, days, settings, roles=("researcher", "statistician"), within=TELLING
):
    """The days around a fault of the mail, and on them the pages on which it could be seen. In
    between the alerts about it are dealt with, so that another would be raised.
    """
    addresses = [address_of(person) for person in base.people]
    away = smtp.nobody_listens()

    def befall(at):
        if fault == "the host is away":
            settings.EMAIL_PORT = away if (at - NOW).days in AWAY else host.port

    with smtp.running() as host:
        smtp.use(settings, host.port)
        if fault == "addresses take nothing":
            host.answers = dict(zip(addresses, ("550 nobody here", "450 later"), strict=True))
        return comparing.compare(
            base,
            worlds,
            days,
            roles,
            within=within,
            all_of_it=True,
            acts=lambda at: deal_with_alerts(base, at) if at == DEALT_WITH else None,
            before=befall,
        )


def deal_with_alerts(base, at):
    by = actors.staff(base.staff["researcher"].pk, "researcher")
    for alert in Alert.objects.order_by("pk"):
        alerts.take(alert=alert, by=by, at=at)
        alerts.close(alert=alert, done="Called them.", by=by, at=at)


FAULTS = {
    "the host is away": (b"mail_host_away", b"mail_stuck"),
    "addresses take nothing": (b"mail_unreached",),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_mail_tells_no_arm(fault, tmp_path, settings, record_property):
    base, worlds = the_small_study(tmp_path, ("guided", "guided"), ("usual", "usual"))
    found = compared_with(
        fault, base, worlds, [*ALIKE, DEALT_WITH, REMINDED, *APART, BACK], settings
    )
    record_property("figures", f"two worlds, {fault}: {found.shown}")
    assert found.differences == []
    told = b"".join(
        answer.body for (_, _, path), answer in found.answers.items() if path.startswith("/api/")
    )
    assert [kind for kind in FAULTS[fault] if kind not in told] == []


def leaking_templates(**more: str) -> list[dict]:
    """The site's templates with a page that leaks before them, and with what it leaks in every
    context.
    """
    [engine] = copy.deepcopy(live_settings.TEMPLATES)
    engine["DIRS"] = [LEAKING, *engine["DIRS"]]
    engine["OPTIONS"]["context_processors"].append(f"{LEAKS}.counted")
    return [engine]


def panels_with_the_calls() -> list[str]:
    return [*live_settings.PANELS, f"{LEAKS}.calls_planned_so_far"]


@contextmanager
def leaking(settings, changed):
    """With these settings until the end; what differs then is for the test to find."""
    for setting, value in changed.items():
        setattr(settings, setting, value)
    yield


def pages_that_differ(found, page):
    return [told.splitlines()[0] for told in found.differences if page in told.splitlines()[0]]


@pytest.mark.parametrize(
    ("name", "changed", "days", "page"),
    [
        ("apart", {"TEMPLATES": leaking_templates}, [0], "/audit/"),
        ("guided-or-not", {"PANELS": panels_with_the_calls}, [0, 3], "/research/guided-or-not/"),
        ("living-positive", {"TEMPLATES": leaking_templates}, [0], "/messages/"),
    ],
    ids=["the number of events", "calls planned so far", "the number of queued messages"],
)
def test_each_leak_that_there_was_is_found_when_it_is_put_back(
    name, changed, days, page, tmp_path, settings
):
    [setting] = [each for each in building.SETTINGS if each.name == name]
    at = [NOW + timedelta(days=day) for day in days]
    with leaking(settings, {key: value() for key, value in changed.items()}):
        base = building.base(setting, tmp_path)
        worlds = building.worlds(base, building.one_apart(base))
        found = comparing.compare(base, worlds, at, roles=["researcher"], within="research/")
    assert pages_that_differ(found, page)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    ("leak", "page"),
    [
        (lambda: {"TEMPLATES": leaking_templates()}, "/messages/"),
        (
            lambda: {
                "MAILED_ALIKE": dict.fromkeys(live_settings.MAILED_ALIKE, f"{LEAKS}.is_told_of_all")
            },
            "/alerts/",
        ),
    ],
    ids=["the number that came to nothing", "an alert about each"],
)
def test_what_tells_of_each_mail_is_found_when_the_mail_has_a_fault(
    leak, page, fault, tmp_path, settings
):
    with leaking(settings, leak()):
        base, worlds = the_small_study(tmp_path, ("guided", "guided"), ("usual", "usual"))
        days = [DEALT_WITH, REMINDED, *APART]
        found = compared_with(
            fault, base, worlds, days, settings, ["researcher"], f"research/<slug:slug>{page}$"
        )
    assert pages_that_differ(found, page)
