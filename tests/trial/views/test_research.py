"""The researcher's room through the client: each job, each role, each form twice. Ada is the
researcher.
"""

from __future__ import annotations

import io
import re
import zipfile
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from randomisation.actions import seeds
from randomisation.models import SealedSeed
from tests import dump, factories, made
from tests.api import clients
from tests.conftest import NOW, SMALL
from tests.emptied import lift_triggers
from tests.trial.test_folder import SECTIONS, SMALL_STUDY
from trial import actors, audit
from trial.actions import jobs, messages, participants, studies, verifications
from trial.actions import staff as staff_actions
from trial.folder import read
from trial.models import (
    AuditEvent,
    Confirmation,
    Identity,
    Invitation,
    Job,
    MailHost,
    Membership,
    Message,
    Participant,
    Stamp,
    Study,
    User,
)
from trial.queries import jobs as queries
from trial.queries.participants import left_words
from trial.sections import Study as Protocol

LIVING_POSITIVE = Path(__file__).parents[3] / "trial" / "studies" / "living-positive"
LATER = NOW + timedelta(hours=1)


@pytest.fixture(autouse=True)
def an_hour_later():
    with time_machine.travel(LATER, tick=False):
        yield


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def ada(staff) -> Client:
    return signed_in(staff("researcher"))


@pytest.fixture
def finn(staff) -> Client:
    return signed_in(staff("statistician"))


@pytest.fixture
def live_study(study):
    """The small study with real people, so that arms are concealed."""
    Study.objects.filter(pk=study.pk).update(simulated=False)
    study.refresh_from_db()
    return study


def url(name: str, *args: object) -> str:
    return reverse(f"research:{name}", args=args)


def key() -> dict[str, str]:
    return {"request_key": str(uuid4())}


def page(client: Client, name: str, *args: object, status: int = 200, **query: str) -> str:
    response = client.get(url(name, *args), query)
    assert response.status_code == status
    return text(response)


def text(response) -> str:
    """The words of a page, without markup, on one line."""
    body = re.sub(r"(?s)<(head|script)\b.*?</\1>", " ", response.content.decode())
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def zipped(path: Path, **changed: str) -> io.BytesIO:
    """A study folder as an upload; `changed` replaces a file's text (study_yaml="...")."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        for file in sorted(path.rglob("*")):
            if file.is_file():
                name = file.relative_to(path).as_posix()
                opened.writestr(
                    name, changed.get(name.replace(".", "_"), file.read_text(encoding="utf-8"))
                )
    archive.seek(0)
    archive.name = "study.zip"
    return archive


def edited(*pairs: tuple[str, str], file: str = "study.yaml", path: Path = SMALL) -> str:
    content = (path / file).read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in content
        content = content.replace(old, new, 1)
    return content


ANOTHER = (
    ("slug: small-study", "slug: another-study"),
    ("quiet-mornings", "loud-evenings"),
    ("prefix: QM", "prefix: LE"),
)


# Doors

PAGES = [
    "dashboard",
    "setup",
    "wordings",
    "state",
    "open",
    "people",
    "staff",
    "messages",
    "audit",
    "alerts",
]
MAY_OPEN = {
    "researcher": set(PAGES),
    "statistician": {"dashboard", "setup", "wordings", "state", "people", "audit"},
    "supervisor": {"alerts", "messages"},
}


@pytest.mark.parametrize("role", MAY_OPEN)
def test_each_role_opens_its_pages_and_gets_403_on_the_others(role, staff, study):
    client = signed_in(staff(role))
    opened = {name: client.get(url(name, study.slug)).status_code for name in PAGES}
    assert opened == {name: 200 if name in MAY_OPEN[role] else 403 for name in PAGES}


def test_a_coach_an_assessor_a_participant_and_a_stranger_do_not_learn_that_the_room_exists(
    staff, study, dan
):
    others = [signed_in(each) for each in (staff("coach"), staff("assessor"), dan.user)]
    assert {
        client.get(url(name, study.slug)).status_code for client in others for name in PAGES
    } == {404}
    assert Client().get(url("dashboard", study.slug)).status_code == 302


def test_the_researcher_of_another_study_gets_404(ada, staff, study):
    other = studies.store(
        loaded=_loaded(SMALL, study_yaml=edited(*ANOTHER)),
        simulated=True,
        user=None,
        by=actors.SYSTEM,
        at=NOW,
    ).study
    assert {ada.get(url(name, other.slug)).status_code for name in PAGES} == {404}


def _loaded(path: Path, **changed: str):
    from trial import folder, hooks

    return folder.read(zipped(path, **changed), tuple(hooks.STUDY_SECTIONS))


POSTS = ["confirm_line", "confirm_wording", "open", "pause", "close", "lock", "invite", "verify"]


@pytest.mark.parametrize("name", POSTS)
def test_an_assessor_changes_nothing(name, staff, study):
    before = AuditEvent.objects.count()
    assert signed_in(staff("assessor")).post(url(name, study.slug), key()).status_code == 404
    assert AuditEvent.objects.count() == before + 1  # the role that the assessor was given


# The list, and loading


def test_the_list_says_what_stands_where_and_in_which_role(ada, study, dan):
    words = page(ada, "studies")
    assert re.search(
        r"Small study of guided and unguided self-help small-study · simulated people open 1 40 "
        r"researcher",
        words,
    )


@pytest.mark.django_db
def test_whoever_starts_an_installation_is_told_to_load_a_folder():
    user = User.objects.create_user(username="first", email="ada@example.org", is_staff=True)
    assert "No study yet Your studies will stand here. Load a study folder to begin" in page(
        signed_in(user), "studies"
    )


def test_the_list_costs_the_same_with_one_study_and_with_three(
    staff, study, django_assert_num_queries
):
    user = staff("researcher")
    ada = signed_in(user)
    page(ada, "studies")
    with django_assert_num_queries(7):
        page(ada, "studies")
    for slug, public, prefix in [("b-study", "b-mornings", "BB"), ("c-study", "c-mornings", "CC")]:
        named = [
            ("slug: small-study", f"slug: {slug}"),
            ("quiet-mornings", public),
            ("prefix: QM", f"prefix: {prefix}"),
        ]
        loaded = _loaded(SMALL, study_yaml=edited(*named))
        studies.store(loaded=loaded, simulated=True, user=user, by=actors.SYSTEM, at=NOW)
    page(ada, "studies")  # each protocol is parsed once in a process
    with django_assert_num_queries(7):
        assert page(ada, "studies").count("40 researcher") == 3


def test_a_folder_with_mistakes_lists_them_all_with_file_and_line_and_stores_nothing(ada, study):
    broken = edited(
        ("target: 40", "target: many"), ("languages: [en, nl]", "languages: [en, nl, fr]")
    )
    upload = zipped(
        SMALL,
        study_yaml=broken,
        analysis_yaml=edited(("model: ancova", "model: magic"), file="analysis.yaml"),
    )
    response = ada.post(url("load"), {"upload": upload, **key()})
    assert response.status_code == 400
    rows = re.findall(
        r'class="code">([^<]+)</th>\s*<td class="number"[^>]*>(\d+)</td>', response.content.decode()
    )
    assert rows == [("analysis.yaml", "7"), ("study.yaml", "18"), ("study.yaml", "21")]
    assert (Study.objects.count(), study.versions.count()) == (1, 1)


def test_something_that_is_no_zip_is_refused_in_words(ada):
    response = ada.post(url("load"), {"upload": io.BytesIO(b"not a zip"), **key()})
    assert response.status_code == 400
    assert "is not a readable zip file" in text(response)


def test_loading_a_new_study_leads_to_its_setup_and_makes_the_loader_its_researcher(ada):
    upload = zipped(SMALL, study_yaml=edited(*ANOTHER))
    response = ada.post(url("load"), {"upload": upload, "simulated": "on", **key()})
    assert response.url == url("setup", "another-study")
    assert "The study is loaded" in page(ada, "setup", "another-study")
    new = Study.objects.get(slug="another-study")
    assert (new.state, new.simulated, [m.role for m in new.memberships.all()]) == (
        "draft",
        True,
        ["researcher"],
    )


def test_loading_the_same_folder_twice_stores_one_version(ada, study):
    for _ in range(2):
        assert ada.post(url("load"), {"upload": zipped(SMALL), **key()}).url == url(
            "setup", study.slug
        )
    assert study.versions.count() == 1


def test_an_open_study_takes_no_new_analysis_plan(ada, study):
    changed = edited(("confidence: 0.95", "confidence: 0.9"), file="analysis.yaml")
    response = ada.post(url("load"), {"upload": zipped(SMALL, analysis_yaml=changed), **key()})
    assert response.status_code == 400
    assert "small-study is open: analysis cannot change any more" in text(response)
    assert study.versions.count() == 1


def test_an_open_study_takes_a_new_version_of_its_texts(ada, study):
    changed = edited(("en: Quiet mornings\n", "en: Very quiet mornings\n"))
    ada.post(url("load"), {"upload": zipped(SMALL, study_yaml=changed), **key()})
    assert list(study.versions.order_by("number").values_list("number", flat=True)) == [1, 2]


def test_after_loading_the_page_says_who_gets_the_new_version(ada, study):
    changed = edited(("en: Quiet mornings\n", "en: Very quiet mornings\n"))
    ada.post(url("load"), {"upload": zipped(SMALL, study_yaml=changed), **key()})
    assert "Version 2 is what newcomers get from now on. Whoever is in keeps theirs." in page(
        ada, "setup", study.slug
    )


def test_a_live_study_that_is_open_takes_no_version_that_nobody_signed_off(ada, study):
    Study.objects.filter(pk=study.pk).update(simulated=False)
    changed = edited(("0800-0113", "0800-9999"))
    response = ada.post(url("load"), {"upload": zipped(SMALL, study_yaml=changed), **key()})
    assert response.status_code == 400
    assert "Nothing was stored: newcomers would get it at once, and it is not signed off." in text(
        response
    )
    assert "Missing in this version Crisis line 113 Zelfmoordpreventie was last checked" in text(
        response
    )

    ada.post(url("pause", study.slug), {"reason": "A new number", **key()})
    ada.post(url("load"), {"upload": zipped(SMALL, study_yaml=changed), **key()})
    shown = page(ada, "setup", study.slug)
    assert (
        "Version 2 is what newcomers get once you resume. Below is what is missing before that."
        in shown
    )
    assert "Missing before recruitment can resume Crisis line 113 Zelfmoordpreventie" in shown
    assert ada.post(url("resume", study.slug), key()).url == url("setup", study.slug)
    assert "Recruitment did not resume: something is still missing." in page(
        ada, "setup", study.slug
    )
    ada.post(url("confirm_line", study.slug), {"subject": "113 Zelfmoordpreventie", **key()})
    assert "Nothing is missing: recruitment can resume." in page(ada, "setup", study.slug)
    ada.post(url("resume", study.slug), key())
    study.refresh_from_db()
    assert study.state == "open"


def test_load_study_says_to_pause_first(study, tmp_path):
    Study.objects.filter(pk=study.pk).update(simulated=False)
    archive = tmp_path / "study.zip"
    archive.write_bytes(zipped(SMALL, study_yaml=edited(("0800-0113", "0800-9999"))).getvalue())
    with pytest.raises(
        CommandError,
        match=r"pause recruitment, load it, sign it off, resume\. Missing: Crisis line 113",
    ):
        call_command("load_study", archive)


def test_somebody_who_does_not_run_a_study_loads_no_version_of_it(study):
    user = User.objects.create_user(username="other", email="other@example.org", is_staff=True)
    changed = edited(("en: Quiet mornings\n", "en: Very quiet mornings\n"))
    assert (
        signed_in(user).post(url("load"), {"upload": zipped(SMALL, study_yaml=changed)}).status_code
        == 403
    )
    assert study.versions.count() == 1


# What stands on the dashboard and in the list of people


def test_where_there_is_one_site_nobody_is_asked_for_it_and_everybody_is_of_it(ada, study, dan):
    Participant.objects.filter(pk=dan.pk).update(site="")
    shown = page(ada, "dashboard", study.slug)
    assert "Site not asked yet" not in shown
    assert "By site Main centre 1 1 1" in shown
    assert "Main centre" in page(ada, "people", study.slug)
    assert "randomised, Main centre" in page(ada, "person", study.slug, dan.code)
    assert 'name="site"' not in ada.get(url("people", study.slug)).content.decode()


def test_where_and_why_people_left_is_said_in_words_on_the_left(ada, study):
    factories.a_screening_participant(study, NOW, age=17)
    gone = factories.a_randomised_participant(study, NOW)
    participants.withdraw(
        participant=gone, reason="no_time", by=actors.participant(gone.code), at=NOW
    )
    response = ada.get(url("dashboard", study.slug))
    assert "Before consent screening, page basics criterion age 1" in text(response)
    assert "After consent randomised takes too much time 1" in text(response)
    row = (
        r'<th scope="row">randomised</th>\s*<td\s*>takes too much '
        r'time</td>\s*<td\s+class="number"\s*>1</td>'
    )
    assert re.search(row, response.content.decode())
    assert "randomised, takes too much time" in page(ada, "person", study.slug, gone.code)


def test_calls_are_counted_of_those_planned(ada, study):
    factories.a_participant_in(study, "guided", NOW)
    assert re.search(
        r"Attempted 0 of \d+ planned Held 0 of \d+ planned", page(ada, "dashboard", study.slug)
    )


# Setup, sign-offs, opening


@pytest.fixture
def living_positive(db):
    """The HIV depression trial as a live study would be: nothing simulated, one researcher, one
    coach.
    """
    study = factories.a_loaded_study(LIVING_POSITIVE, NOW, simulated=False)
    factories.a_staff_member(study, "coach", "", NOW)
    return study


@pytest.fixture
def its_researcher(living_positive) -> Client:
    return signed_in(factories.a_staff_member(living_positive, "researcher", "", NOW))


def sign_off_everything(client: Client, study: Study) -> tuple[list[str], list[str]]:
    """Press every button that the two pages offer; what was signed off."""
    pressed = []
    for name, action in (("setup", "confirm_line"), ("wordings", "confirm_wording")):
        body = client.get(url(name, study.slug)).content.decode()
        found = re.findall(r'name="subject" value="([^"]+)"', body)
        for subject in found:
            assert (
                client.post(url(action, study.slug), {"subject": subject, **key()}).status_code
                == 302
            )
        pressed.append(found)
    return pressed[0], pressed[1]


def test_living_positive_opens_in_english_only_and_only_after_every_sign_off(
    its_researcher, living_positive
):
    slug = living_positive.slug
    assert "CES-D" in page(its_researcher, "wordings", slug)
    assert "CESD: no wording in this language, paste the one you hold a licence for" in page(
        its_researcher, "wordings", slug
    )
    assert its_researcher.post(url("open", slug), {"sure": "on", **key()}).url == url("open", slug)
    living_positive.refresh_from_db()
    assert living_positive.state == "draft"

    lines, wordings = sign_off_everything(its_researcher, living_positive)
    assert lines == ["113 Zelfmoordpreventie", "112", "De Luisterlijn"]
    assert {"PHQ9:en", "CESD:en", "GAD7:en", "PHQ4:en", "PHQ2:en"} <= set(wordings)
    assert its_researcher.post(url("open", slug), {"sure": "on", **key()}).url == url(
        "dashboard", slug
    )
    living_positive.refresh_from_db()
    assert (living_positive.state, living_positive.open_languages) == ("open", ["en"])


def test_a_sign_off_carries_the_name_and_is_given_once(its_researcher, living_positive):
    given = {"subject": "PHQ9:en", **key()}
    for _ in range(2):
        assert (
            its_researcher.post(url("confirm_wording", living_positive.slug), given).status_code
            == 302
        )
    assert Confirmation.objects.filter(subject="PHQ9:en", simulated=False).count() == 1
    assert AuditEvent.objects.filter(action="wording confirmed").count() == 1
    assert "Signed off by Ada Visser" in page(its_researcher, "wordings", living_positive.slug)


def test_nobody_signs_off_a_wording_that_is_not_there(its_researcher, living_positive):
    its_researcher.post(
        url("confirm_wording", living_positive.slug), {"subject": "CESD:nl", **key()}
    )
    its_researcher.post(url("confirm_line", living_positive.slug), {"subject": "PHQ9:en", **key()})
    assert Confirmation.objects.count() == 0


def test_setup_shows_what_was_chosen_here_and_what_is_not_included(its_researcher, living_positive):
    setup = page(its_researcher, "setup", living_positive.slug)
    assert "study › screening › short" in setup
    assert living_positive.current.sha256 in setup
    assert "Behavioral Activation for Depression Scale BADS No licence" in page(
        its_researcher, "wordings", living_positive.slug
    )


def test_setup_never_shows_the_block_sizes(its_researcher, living_positive):
    shown = page(its_researcher, "setup", living_positive.slug) + page(
        its_researcher, "open", living_positive.slug
    )
    assert ("block_sizes" in shown, "block size" in shown) == (False, False)


def test_opening_asks_for_a_tick_first(ada, staff, study):
    draft = _a_draft(ada)
    response = ada.post(url("open", draft.slug), key())
    assert response.status_code == 400
    draft.refresh_from_db()
    assert draft.state == "draft"


def _a_draft(client: Client) -> Study:
    client.post(
        url("load"),
        {"upload": zipped(SMALL, study_yaml=edited(*ANOTHER)), "simulated": "on", **key()},
    )
    draft = Study.objects.get(slug="another-study")
    factories.a_staff_member(draft, "coach", "", NOW)
    return draft


def test_opening_twice_has_one_effect(ada):
    draft = _a_draft(ada)
    given = {"sure": "on", **key()}
    for _ in range(2):
        ada.post(url("open", draft.slug), given)
    assert AuditEvent.objects.filter(study=draft.slug, action="study opened").count() == 1


# Running


def test_a_study_is_paused_with_a_reason_resumed_closed_and_locked(ada, finn, study):
    assert ada.post(url("pause", study.slug), key()).status_code == 400
    steps = [
        (ada, "pause", {"reason": "Coaches are ill"}),
        (ada, "resume", {}),
        (ada, "close", {"reason": "Target reached"}),
        (finn, "lock", {"reason": "Data are clean", "sure": "on"}),
    ]
    states = []
    for client, verb, given in steps:
        sent = {**given, **key()}
        for _ in range(2):
            assert client.post(url(verb, study.slug), sent).status_code == 302
        study.refresh_from_db()
        states.append(study.state)
    assert states == ["paused", "open", "closed", "locked"]
    events = AuditEvent.objects.filter(
        stream=study.slug, action__in=[f"study {s}" for s in states]
    ).order_by("number")
    assert list(events.values_list("action", "reason", "role")) == [
        ("study paused", "Coaches are ill", "researcher"),
        ("study open", "", "researcher"),
        ("study closed", "Target reached", "researcher"),
        ("study locked", "Data are clean", "statistician"),
    ]


def test_a_researcher_does_not_lock(ada, study):
    assert (
        ada.post(url("lock", study.slug), {"reason": "Done", "sure": "on", **key()}).status_code
        == 403
    )


@pytest.mark.parametrize(
    ("verbs", "says"),
    [
        ((), "is what newcomers get from now on. Whoever is in keeps theirs."),
        (
            ("pause",),
            "is what newcomers get once you resume. Below is what is missing before that.",
        ),
        (("close",), "is stored. Recruitment is over: nobody gets it."),
    ],
)
def test_a_version_that_is_loaded_says_from_when_newcomers_get_it(ada, study, verbs, says):
    for verb in verbs:
        ada.post(url(verb, study.slug), {"reason": "A new number", **key()})
    upload = zipped(SMALL, study_yaml=edited(("0800-0113", "0800-9999")))
    assert f"Version 2 {says}" in text(
        ada.post(url("load"), {"upload": upload, **key()}, follow=True)
    )


def test_only_a_rehearsal_offers_to_load_a_study_of_simulated_people(ada):
    assert 'name="simulated"' in ada.get(url("load")).content.decode()
    lift_triggers()
    Stamp.objects.update(kind="live")
    assert 'name="simulated"' not in ada.get(url("load")).content.decode()


def test_a_step_that_does_not_exist_is_said_in_words(ada, study):
    ada.post(url("resume", study.slug), key())
    assert "This cannot be done now: the study is open." in page(ada, "state", study.slug)


def test_the_same_key_with_another_reason_is_a_conflict(ada, study):
    given = key()
    ada.post(url("pause", study.slug), {"reason": "One", **given})
    assert ada.post(url("pause", study.slug), {"reason": "Another", **given}).status_code == 409


# The dashboard


def figures(client: Client, study: Study) -> dict[str, str]:
    body = client.get(url("dashboard", study.slug)).content.decode()
    found = re.findall(
        r'<dt>(?:<a[^>]*>)?([^<]+?)(?:</a>)?</dt>\s*<dd class="value">([^<]*)</dd>', body
    )
    return {name.strip(): value.strip() for name, value in found}


def test_the_flow_counts_everybody_once(ada, study):
    factories.a_screening_participant(study, NOW, age=12)  # turned away
    factories.a_screening_participant(study, NOW)
    factories.a_verified_participant(study, NOW)
    factories.a_consented_participant(study, NOW)
    gone = factories.a_randomised_participant(study, NOW)
    participants.withdraw(
        participant=gone, reason="no_time", by=actors.participant(gone.code), at=NOW
    )
    factories.a_randomised_participant(study, NOW)
    shown = figures(ada, study)
    assert {
        name: shown[name]
        for name in ("Screened", "Did not get in", "Still at the screening", "Address verified")
    } == {
        "Screened": "6",
        "Did not get in": "1",
        "Still at the screening": "2",
        "Address verified": "4",
    }
    assert {
        name: shown[name] for name in ("Consented", "Randomised", "Withdrawn", "Completed")
    } == {
        "Consented": "3",
        "Randomised": "2",
        "Withdrawn": "1",
        "Completed": "0",
    }
    words = page(ada, "dashboard", study.slug)
    assert "Before consent screening, page basics criterion age 1" in words
    assert "After consent randomised takes too much time 1" in words


def test_the_registration_is_stamped_against_the_first_allocation(ada, study):
    assert figures(ada, study)["Registration"] == "–"
    factories.a_randomised_participant(study, NOW)
    assert figures(ada, study)["Registration"] == "Before"
    assert "the first allocation on 2 Mar 2026: ISRCTN00000000, 15 Jan 2025" in page(
        ada, "dashboard", study.slug
    )


def test_the_dashboard_costs_the_same_with_one_person_and_with_three(
    ada, study, django_assert_num_queries
):
    factories.a_randomised_participant(study, NOW)
    page(ada, "dashboard", study.slug)
    with django_assert_num_queries(19):
        page(ada, "dashboard", study.slug)
    for _ in range(2):
        factories.a_randomised_participant(study, NOW)
    with django_assert_num_queries(19):
        page(ada, "dashboard", study.slug)


@pytest.fixture
def live(db):
    """The small study with everything signed off: nothing about an arm may show."""
    return _live(SMALL)


def _live(path: Path) -> Study:
    study = factories.a_loaded_study(path, NOW, simulated=False)
    factories.a_staff_member(study, "coach", "", NOW)
    sign_off_everything(signed_in(factories.a_staff_member(study, "researcher", "", NOW)), study)
    seeds.make(study=study, rehearsal_seed=1, by=actors.SYSTEM, at=NOW)
    return studies.open_study(study=study, by=actors.SYSTEM, at=NOW)


def test_two_people_who_differ_only_in_arm_look_the_same(live):
    client = signed_in(factories.a_staff_member(live, "researcher", "", NOW))
    guided = factories.a_participant_in(live, "guided", NOW)
    unguided = factories.a_participant_in(live, "unguided", NOW)
    shown = [
        _scrubbed(client.get(url("person", live.slug, person.code)).content.decode(), person)
        for person in (guided, unguided)
    ]
    assert shown[0] == shown[1]


def _scrubbed(body: str, person: Participant) -> str:
    """Without what is of every page (keys, tokens) and of every person (their code)."""
    body = re.sub(r'(name="(?:csrfmiddlewaretoken|request_key)" value=")[^"]+', r"\1", body)
    body = re.sub(r'(data-about=")[^"]+', r"\1", body)
    return body.replace(person.code, "CODE").replace(f"staff {person.pk}", "")


def test_completion_is_not_told_where_only_some_arms_can_be_finished(
    living_positive, its_researcher
):
    sign_off_everything(its_researcher, living_positive)
    seeds.make(study=living_positive, rehearsal_seed=1, by=actors.SYSTEM, at=NOW)
    studies.open_study(study=living_positive, by=actors.SYSTEM, at=NOW)
    person = factories.a_randomised_participant(
        living_positive, NOW, language_ok="able", diagnosis="y2to10"
    )
    assert person.state == "randomised"
    participants.complete(participant=person, by=actors.SYSTEM, at=NOW)
    slug = living_positive.slug
    assert "Completed" not in figures(its_researcher, living_positive)
    assert f"{person.code} randomised Centre 1" in page(
        its_researcher, "people", slug, state="randomised"
    )
    assert f"{person.code} randomised, Centre 1" in page(
        its_researcher, "person", slug, person.code
    )


# People


def test_the_list_of_people_shows_codes_and_no_names_and_narrows_by_the_address(ada, study, dan):
    factories.a_screening_participant(study, NOW, age=12)
    everybody = page(ada, "people", study.slug)
    assert ("2 people" in everybody, dan.code in everybody, "Jansen" in everybody) == (
        True,
        True,
        False,
    )
    assert "1 person" in page(ada, "people", study.slug, state="excluded")
    assert "1 person" in page(ada, "people", study.slug, code=dan.code[-3:].lower())
    assert "Nobody fits this" in page(ada, "people", study.slug, state="withdrawn")


def test_the_list_of_people_costs_the_same_with_one_and_with_three(
    ada, study, dan, django_assert_num_queries
):
    with django_assert_num_queries(7):
        page(ada, "people", study.slug)
    for _ in range(2):
        factories.a_randomised_participant(study, NOW)
    with django_assert_num_queries(7):
        assert "3 people" in page(ada, "people", study.slug)


def test_a_page_holds_fifty_people(ada, study):
    for _ in range(51):
        participants.begin(study=study, language="en", by=actors.visitor("new"), at=NOW)
    assert "Page 1 of 2" in page(ada, "people", study.slug)
    assert page(ada, "people", study.slug, page="2").count("QM-") == 1


def test_a_person_is_shown_without_what_they_typed(ada, study, dan):
    words = page(ada, "person", study.slug, dan.code)
    assert "consent signed" in words
    identity = Identity.objects.get(participant=dan)
    assert [secret in words for secret in (identity.name, identity.email, identity.phone)] == [
        False,
        False,
        False,
    ]
    assert "gAAAA" not in words  # ciphertext
    assert page(ada, "person", study.slug, "QM-XXXXX", status=404)


def test_a_person_page_stays_within_ten_queries(ada, study, dan, django_assert_num_queries):
    page(ada, "person", study.slug, dan.code)
    with django_assert_num_queries(9):
        page(ada, "person", study.slug, dan.code)


def test_erasing_a_person_takes_them_out_of_the_study_and_destroys_who_they_are(ada, study, dan):
    address = url("erase", study.slug, dan.code)
    assert (
        ada.post(address, {"reason": "asked_by_participant", **key()}).status_code == 400
    )  # no tick
    given = {"reason": "asked_by_participant", "sure": "on", **key()}
    for _ in range(2):
        assert ada.post(address, given).status_code == 302
    dan.refresh_from_db()
    assert (dan.state, dan.user, dan.erased_at, Identity.objects.count()) == (
        "withdrawn",
        None,
        LATER,
        0,
    )
    assert (
        AuditEvent.objects.filter(action="identity erased", reason="asked_by_participant").count()
        == 1
    )
    assert "is erased since" in page(ada, "person", study.slug, dan.code)
    assert audit.verify(study) == []


@pytest.mark.parametrize(
    ("who", "state", "left_reason"),
    [
        (factories.a_screening_participant, "excluded", "erased"),
        (factories.a_consented_participant, "withdrawn", "erased"),
        (partial(factories.a_screening_participant, age=14), "excluded", "age"),
    ],
)
def test_whoever_is_erased_by_the_page_has_left_first_and_once(ada, study, who, state, left_reason):
    person = who(study, NOW)
    given = {"reason": "data_protection_request", "sure": "on", **key()}
    assert ada.post(url("erase", study.slug, person.code), given).status_code == 302
    person.refresh_from_db()
    assert (person.state, person.left_reason, person.erased_at) == (state, left_reason, LATER)


def test_why_somebody_is_erased_is_chosen_from_a_list_because_it_stays_in_their_trail(
    ada, study, dan
):
    address = url("erase", study.slug, dan.code)
    offered = re.findall(r'name="reason" value="(\w+)"', ada.get(address).content.decode())
    assert offered == [
        "asked_by_participant",
        "data_protection_request",
        "entered_by_mistake",
        "other",
    ]
    for told in ("Dan Jansen asked for it", ""):
        assert ada.post(address, {"reason": told, "sure": "on", **key()}).status_code == 400
    assert (
        dump.found(["Dan Jansen asked"]),
        AuditEvent.objects.filter(action="identity erased").count(),
    ) == ([], 0)


def test_a_statistician_erases_nobody(finn, study, dan):
    assert (
        finn.post(url("erase", study.slug, dan.code), {"reason": "x", "sure": "on"}).status_code
        == 403
    )
    assert Identity.objects.count() == 1


# Staff


def test_inviting_queues_one_mail_and_the_link_makes_the_account(ada, study):
    given = {"email": "cleo@example.org", "role": "assessor", **key()}
    for _ in range(2):
        assert ada.post(url("invite", study.slug), given).status_code == 302
    invitation = Invitation.objects.get()
    assert Message.objects.filter(kind="invitation", study=study).count() == 1
    assert "cleo@example.org assessor" in page(ada, "staff", study.slug)

    from trial.actions.staff import token_of

    link, newcomer = reverse("accept_invitation", args=[token_of(invitation)]), Client()
    assert newcomer.get(link).status_code == 200
    accepted = newcomer.post(link, {"full_name": "Cleo Bakker", "password": "a quiet morning walk"})
    assert accepted.status_code == 302
    assert (
        Membership.objects.filter(
            study=study, role="assessor", user__full_name="Cleo Bakker"
        ).count()
        == 1
    )
    assert Client().get(link).status_code == 410


def test_an_unknown_role_or_address_is_sent_back_with_what_was_typed(ada, study):
    response = ada.post(url("invite", study.slug), {"email": "cleo@", "role": "assessor", **key()})
    assert response.status_code == 400
    assert 'value="cleo@"' in response.content.decode()
    assert (
        ada.post(
            url("invite", study.slug), {"email": "cleo@example.org", "role": "king"}
        ).status_code
        == 400
    )
    assert Invitation.objects.count() == 0


def test_a_role_ends_and_one_cannot_end_ones_own(ada, study, staff):
    eva = staff("supervisor")
    theirs = Membership.objects.get(user=eva)
    for _ in range(2):
        ada.post(url("end_role", study.slug, theirs.pk), key())
    own = Membership.objects.get(role="researcher")
    ada.post(url("end_role", study.slug, own.pk), key())
    theirs.refresh_from_db()
    own.refresh_from_db()
    assert (theirs.ended_at, own.ended_at) == (LATER, None)
    assert AuditEvent.objects.filter(action="role ended").count() == 1
    assert signed_in(eva).get(url("alerts", study.slug)).status_code == 404


def test_a_researcher_of_a_live_study_becomes_coach_only_knowingly(study):
    user = factories.a_staff_member(study, "researcher", "", NOW)
    factories.a_staff_member(study, "assessor", "", NOW)
    Study.objects.filter(pk=study.pk).update(simulated=False)
    client, given = signed_in(user), {"email": user.email, "role": "coach"}
    assert 'name="knowingly"' not in client.get(url("staff", study.slug)).content.decode()
    for _ in range(2):  # asked again while the box is not ticked
        shown = client.post(url("invite", study.slug), {**given, **key()})
        assert (shown.status_code, Invitation.objects.count()) == (400, 0)
        assert (
            "This person is researcher here. A researcher who coaches or supervises knows the arms"
            in text(shown)
        )
        assert 'name="knowingly"' in shown.content.decode()
    assert (
        client.post(url("invite", study.slug), {**given, "knowingly": "on", **key()}).status_code
        == 302
    )
    assert '"knowingly_beside":["researcher"]' in AuditEvent.objects.get(action="staff invited").new


def test_an_assessor_of_a_live_study_is_not_invited_as_coach(ada, staff, study):
    cleo = staff("assessor")
    Study.objects.filter(pk=study.pk).update(simulated=False)
    given = {"email": cleo.email, "role": "coach", "knowingly": "on"}
    shown = ada.post(url("invite", study.slug), {**given, **key()})
    assert (shown.status_code, Invitation.objects.count()) == (400, 0)
    assert "This person is assessor here. Whoever assesses or analyses is blinded" in text(shown)


def test_a_researcher_who_also_coaches_may_stop_coaching(study):
    user = factories.a_staff_member(study, "researcher", "", NOW)
    both = {m.role: m for m in (study.memberships.get(user=user), _also(study, user, "coach"))}
    client = signed_in(user)
    body = client.get(url("staff", study.slug)).content.decode()
    assert url("end_role", study.slug, both["coach"].pk) in body
    assert url("end_role", study.slug, both["researcher"].pk) not in body
    assert "Mon 2 Mar 2026" in body


def _also(study, user, role):
    return staff_actions.join(study=study, user=user, role=role, by=actors.SYSTEM, at=NOW)


# The ledger and the audit trail


def _failed(study, person, kind: str, occasion: str, **values: str) -> Message:
    message = messages.queue(
        study=study,
        participant=person,
        kind=kind,
        subject_ref=occasion,
        due_at=NOW,
        at=NOW,
        by=actors.WORKER,
    )
    values = {"state": "failed", "problem": "address", **values}
    Message.objects.filter(pk=message.pk).update(**values)
    return message


def test_an_uncertain_message_to_staff_is_listed_and_sent_again_once(ada, live_study):
    study = live_study
    message = _failed(study, None, "invitation", "7", state="uncertain", problem="")
    assert "invitation staff uncertain 0" in page(ada, "messages", study.slug)
    sent = key()
    for _ in range(2):
        assert ada.post(url("send_again", study.slug, message.handle), sent).status_code == 302
    message.refresh_from_db()
    assert (message.state, message.due_at) == ("queued", LATER)
    assert AuditEvent.objects.filter(action="message queued again").count() == 1


def test_whoever_sees_every_caseload_sees_which_mail_failed_and_of_what(staff, live_study, now):
    dan = factories.a_participant_in(live_study, "guided", now)
    message = _failed(live_study, dan, "check_number", "try 1")
    eva = signed_in(staff("supervisor"))
    assert (
        f"request to check a phone number, try 1 {dan.code} failed: the address takes no mail 0"
        in page(eva, "messages", live_study.slug)
    )
    eva.post(url("send_again", live_study.slug, message.handle), key())
    message.refresh_from_db()
    assert (message.state, message.problem, message.trying_since) == ("queued", "", None)


def test_a_researcher_learns_whom_mail_does_not_reach_and_not_which_mail(ada, live_study, now):
    dan, eve = (factories.a_participant_in(live_study, "guided", now) for _ in range(2))
    alike = [
        _failed(live_study, dan, "assessment_invitation", "week2"),
        _failed(live_study, dan, "assessment_reminder", "week2"),
    ]
    of_one_arm = _failed(live_study, eve, "check_number", "try 1")
    shown = page(ada, "messages", live_study.slug)
    assert (shown.count(dan.code), eve.code in shown, "invitation to questions" in shown) == (
        2,
        False,
        False,
    )

    for message in (*alike, of_one_arm):
        assert (
            ada.post(url("send_again", live_study.slug, message.handle), key()).status_code == 404
        )
    sent = key()
    for _ in range(2):
        ada.post(url("send_all_again", live_study.slug, dan.code), sent)
    told = text(ada.post(url("send_all_again", live_study.slug, eve.code), key(), follow=True))
    assert "There is nothing to send to this person again." in told
    states = dict(
        Message.objects.filter(pk__in=[each.pk for each in (*alike, of_one_arm)]).values_list(
            "pk", "state"
        )
    )
    assert [states[each.pk] for each in (*alike, of_one_arm)] == ["queued", "queued", "failed"]
    assert AuditEvent.objects.filter(action="message queued again").count() == 2


def test_no_number_tells_a_researcher_how_many_mails_somebody_got(ada, staff, live_study, now):
    """Mails to staff before and after those to somebody: what stands between them cannot be
    counted.
    """
    study = live_study
    before = _failed(study, None, "invitation", "7")
    dan = factories.a_participant_in(study, "guided", now)
    after = [
        _failed(study, None, "invitation", number, state=state)
        for number, state in (("8", "sent"), ("9", "failed"))
    ]
    assert Message.objects.filter(participant=dan, pk__gt=before.pk, pk__lt=after[0].pk).exists()
    of_dan = Message.objects.filter(participant=dan).values_list("handle", flat=True)
    names = [*range(1, after[1].pk + 3), *of_dan]
    pages = [f"/research/{study.slug}/messages/{name}/again/" for name in names]
    assert {ada.post(path, key()).status_code for path in pages} == {404}
    api = clients.Client(staff("researcher", "Bo"))
    assert {
        api.post(f"studies/{study.slug}/messages/{name}/again/").status_code for name in names
    } == {404}

    listed = api.get(f"studies/{study.slug}/messages/").json()["messages"]
    assert [(each["handle"], "id" in each) for each in listed] == [
        (before.handle, False),
        (after[1].handle, False),
    ]
    shown = ada.get(url("messages", study.slug)).content.decode()
    assert re.findall(r"/messages/(\w+)/again/", shown) == [before.handle, after[1].handle]


def test_the_page_of_messages_says_since_when_the_mail_host_is_away(ada, study):
    assert "cannot be reached" not in page(ada, "messages", study.slug)
    MailHost.objects.create(pk=1, away_since=NOW, next_look_at=NOW)
    assert "The mail host cannot be reached since Mon 2 Mar 2026" in page(
        ada, "messages", study.slug
    )


def test_the_audit_page_shows_what_the_randomisation_is_held_to(ada, study):
    sealed = SealedSeed.objects.get(study=study)
    shown = page(ada, "audit", study.slug)
    promises = (sealed.commitment, sealed.design_digest, sealed.merkle_root)
    assert [shown.count(promise) for promise in promises] == [1, 1, 1]


def test_the_audit_page_of_a_study_that_never_opened_has_no_promise_to_show(ada, study):
    lift_triggers()
    AuditEvent.objects.filter(action="randomisation sealed").delete()
    assert "Merkle" not in page(ada, "audit", study.slug)


def test_the_audit_page_shows_the_newest_seal_and_verifies(ada, study, dan):
    seal = audit.seal(study, NOW)
    assert seal.hash in page(ada, "audit", study.slug)
    assert "Nobody had the trail verified here yet." in page(ada, "audit", study.slug)

    asked = text(ada.post(url("verify", study.slug), key(), follow=True))
    assert "This takes from some seconds to several minutes." in asked
    assert "Waits for the worker" in asked
    assert jobs.make_due(NOW) == 1

    shown = page(ada, "audit", study.slug)
    assert "The whole trail held together when it was last verified: asked for on" in shown
    assert "Made Holds together Ada Visser 1 " in shown
    asked = text(ada.post(url("verify", study.slug), key(), follow=True))
    assert "This takes from some seconds to several minutes." in asked
    assert "last verified" in asked  # what came of the one before stays


def test_a_verification_says_that_it_is_being_made_or_could_not_be(ada, study):
    asked = verifications.request(study=study, by=actors.SYSTEM, at=NOW)
    Job.objects.filter(pk=asked.pk).update(claimed_at=NOW)
    assert "Is being made" in page(ada, "audit", study.slug)
    Job.objects.filter(pk=asked.pk).update(state=Job.FAILED, failure="OperationalError")
    shown = page(ada, "audit", study.slug)
    assert ("Failed" in shown, "OperationalError" in shown) == (True, True)


def test_two_who_ask_for_a_verification_wait_for_one(ada, study):
    first = verifications.request(study=study, by=actors.SYSTEM, at=NOW)
    ada.post(url("verify", study.slug), key(), follow=True)
    assert Job.objects.get() == first
    Job.objects.update(claimed_at=NOW)  # what happens from now on is not in it
    ada.post(url("verify", study.slug), key(), follow=True)
    assert Job.objects.count() == 2


def test_verifications_are_listed_by_the_page(ada, study):
    asked = {"product": "audit verification", "kind": Job.BLINDED, "by": actors.SYSTEM}
    for minute in range(51):
        jobs.ask(study=study, **asked, at=NOW - timedelta(minutes=minute))
    assert "Page 1 of 2" in page(ada, "audit", study.slug)
    second = ada.get(url("audit", study.slug), {"page": 2})
    assert text(second).count("Waits for the worker") == 1


def test_what_was_found_is_told_though_its_file_is_gone(ada, study, dan):
    lift_triggers()
    AuditEvent.objects.filter(stream=study.slug, number=2).update(reason="another")
    job = made.verification(study, NOW)
    for path in queries.folder(job).iterdir():
        path.unlink()
    assert "1 place does not hold together" in page(ada, "audit", study.slug)


def test_a_changed_event_is_named_by_the_page_and_by_the_command(ada, study, dan, capsys):
    call_command("verify_audit", study.slug)
    assert "small-study: holds together; newest seal none yet" in capsys.readouterr().out
    lift_triggers()
    AuditEvent.objects.filter(stream=f"{study.slug}/{dan.code}", number=2).update(reason="another")
    made.verification(study, NOW)
    shown = page(ada, "audit", study.slug)
    assert f"small-study/{dan.code} event 2: a column was changed" in shown
    with pytest.raises(CommandError, match="1 places do not hold together"):
        call_command("verify_audit")
    assert capsys.readouterr().out.splitlines() == [
        f"small-study/{dan.code} event 2: a column was changed",
        "small-study: 33 facts compared with the trail",
        "!installation: holds together; newest seal none yet",
        "!installation: 0 facts compared with the trail",
    ]


# The commands


@pytest.mark.django_db
def test_load_study_prints_every_mistake_and_stores_nothing(tmp_path, capsys):
    archive = tmp_path / "study.zip"
    broken = edited(("target: 40", "target: many"), ("country: NL", "country: Holland"))
    archive.write_bytes(zipped(SMALL, study_yaml=broken).getvalue())
    with pytest.raises(CommandError, match="2 to put right; nothing was stored"):
        call_command("load_study", archive)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" ")[0] for line in lines] == ["study.yaml:19:", "study.yaml:21:"]
    assert Study.objects.count() == 0


A_DAY_ONLY = (
    "protocols.support.contacts.window: a call that is not held on its one day is lost at "
    "midnight; 2 days or more leave "
    "time for a second try"
)


@pytest.mark.django_db
def test_load_study_warns_and_loads(tmp_path, capsys):
    written = (
        (SMALL / "coaching.yaml")
        .read_text("utf-8")
        .replace("window: 4", "window: 1, weekdays: [mon, thu]")
    )
    archive = tmp_path / "study.zip"
    archive.write_bytes(zipped(SMALL, coaching_yaml=written).getvalue())
    call_command("load_study", archive)
    assert capsys.readouterr().out.splitlines()[0] == f"coaching.yaml:5: warning: {A_DAY_ONLY}"
    assert Study.objects.count() == 1


@pytest.mark.django_db
def test_load_study_says_what_is_to_be_noted_of_a_folder(tmp_path, capsys):
    archive = tmp_path / "study.zip"
    archive.write_bytes(zipped(SMALL, study_yaml=edited(("target: 40", "target: 7"))).getvalue())
    call_command("load_study", archive)
    notes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note: ")]
    assert notes[0].startswith("note: 7 people over 2 strata (sex) is less than one full")


@pytest.mark.django_db
def test_load_study_loads_and_invite_brings_the_first_researcher(capsys):
    call_command("load_study", SMALL)
    call_command("invite", "ada@example.org", role="researcher", study="small-study")
    link = re.search(r"http://[^/]+(/invitation/\S+)", capsys.readouterr().out).group(1)
    client = Client()
    client.post(link, {"full_name": "Ada Visser", "password": "a quiet morning walk"})
    assert "Small study" in page(client, "setup", "small-study")


@pytest.mark.django_db
def test_a_simulated_study_is_refused_in_a_live_database():
    lift_triggers()
    Stamp.objects.update(kind="live")
    with pytest.raises(CommandError, match="This is a live database"):
        call_command("load_study", SMALL, simulated=True)
    assert Study.objects.count() == 0


@pytest.mark.django_db
def test_invite_names_the_studies_there_are():
    with pytest.raises(CommandError, match="there is no study 'nowhere'; known: none"):
        call_command("invite", "ada@example.org", role="coach", study="nowhere")
    with pytest.raises(CommandError, match="a coach works on a study: name it with --study"):
        call_command("invite", "ada@example.org", role="coach")
    assert Invitation.objects.count() == 0


def test_a_criterion_is_called_by_its_label_and_without_one_by_its_code():
    described = read(SMALL_STUDY, SECTIONS).document["study"]
    age, *others = described["eligibility"]
    labelled = {**age, "label": {"en": "Younger than 18", "nl": "Jonger dan 18"}}
    protocol = Protocol.model_validate({**described, "eligibility": [labelled, *others]})
    assert left_words("basics", age["code"], protocol) == (
        "screening, page basics",
        "Younger than 18",
    )
    assert left_words("basics", "gone", protocol) == ("screening, page basics", "criterion gone")
    assert left_words("", "", protocol) == ("–", "no reason given")
