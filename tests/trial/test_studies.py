"""Loading, opening, pausing, closing and locking a study."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta

import pytest

from randomisation.models import SealedSeed
from tests import factories
from tests.conftest import SMALL
from trial import actors, audit, rehearse
from trial.actions import participants, studies
from trial.folder import FolderErrors
from trial.lifecycles import NotAllowedNow
from trial.models import AuditEvent, Confirmation, Membership, ProtocolVersion, Study

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(SMALL, tmp_path / "small_study")


def load(folder, now, **more):
    return studies.load(path=folder, by=actors.SYSTEM, at=now, **more)


def rewrite(folder, name, old, new):
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))


def test_loading_stores_a_version_and_says_so(folder, now):
    version = load(folder, now)
    assert (version.number, version.study.state, version.study.slug) == (1, "draft", "small-study")
    event = AuditEvent.objects.get(action="protocol version stored")
    assert version.sha256 in event.new


def test_the_same_folder_is_not_stored_twice(folder, now):
    load(folder, now)
    with pytest.raises(studies.AlreadyLoaded):
        load(folder, now)
    assert ProtocolVersion.objects.count() == 1


def test_a_folder_with_mistakes_stores_nothing(folder, now):
    rewrite(folder, "study.yaml", "target: 40", "target: many")
    with pytest.raises(FolderErrors):
        load(folder, now)
    assert (Study.objects.count(), ProtocolVersion.objects.count(), AuditEvent.objects.count()) == (
        0,
        0,
        0,
    )


def test_a_day_after_the_loading_is_a_mistake_unless_the_clock_is_a_virtual_one(folder, now):
    early = datetime(2025, 10, 1, 9, tzinfo=UTC)
    with pytest.raises(FolderErrors, match="checked_on: '2025-10-03' is still to come"):
        load(folder, early)
    assert (
        load(folder, datetime(2025, 10, 2, 10, tzinfo=UTC)).number == 1
    )  # the 3rd already, east of here


def test_a_rehearsal_may_begin_before_its_folder_was_written(folder):
    assert load(folder, datetime(2025, 1, 6, 9, tzinfo=UTC), simulated=True).number == 1


def test_an_amendment_is_a_new_version_and_whoever_is_in_keeps_theirs(folder, now):
    study = factories.an_open_study(folder, now)
    dan = factories.a_consented_participant(study, now)
    rewrite(folder, "study.yaml", "target: 40", "target: 60")
    second = load(folder, now)
    dan.refresh_from_db()
    assert (second.number, dan.version.number, dan.version.protocol.target) == (2, 1, 40)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("randomisation.yaml", "block_sizes: [2, 4]", "block_sizes: [4]"),
        ("randomisation.yaml", "strata: [sex]", "strata: []"),
        ("analysis.yaml", "confidence: 0.95", "confidence: 0.9"),
        ("study.yaml", "      - {programme: mornings, opens: {anchor: granted, days: 0}}\n", ""),
    ],
)
def test_opening_locks_the_design_the_analysis_and_what_each_arm_is_given(
    folder, now, name, old, new
):
    factories.an_open_study(folder, now)
    rewrite(folder, name, old, new)
    with pytest.raises(studies.DesignLocked):
        load(folder, now)
    assert ProtocolVersion.objects.count() == 1


def test_before_opening_the_design_may_change(folder, now):
    load(folder, now)
    rewrite(folder, "randomisation.yaml", "block_sizes: [2, 4]", "block_sizes: [4]")
    assert load(folder, now).number == 2


def test_another_study_cannot_take_the_public_name(folder, now):
    load(folder, now)
    rewrite(folder, "study.yaml", "slug: small-study", "slug: other-study")
    with pytest.raises(studies.SlugTaken) as refused:
        load(folder, now)
    assert (
        str(refused.value)
        == "public_slug quiet-mornings is taken by the study small-study; choose another"
    )
    rewrite(folder, "study.yaml", "quiet-mornings", "other-mornings")
    with pytest.raises(studies.SlugTaken) as refused:
        load(folder, now)
    assert str(refused.value) == "code_prefix QM is taken by the study small-study; choose another"
    assert Study.objects.count() == 1


def test_a_draft_may_get_another_public_name_and_prefix(folder, now):
    load(folder, now)
    rewrite(folder, "study.yaml", "quiet-mornings", "early-hours")
    rewrite(folder, "study.yaml", "code_prefix: QM", "code_prefix: EH")
    study = load(folder, now).study
    study.refresh_from_db()
    assert (study.public_slug, study.code_prefix) == ("early-hours", "EH")
    event = AuditEvent.objects.get(action="study renamed")
    assert ("quiet-mornings" in event.old, "early-hours" in event.new) == (True, True)


def test_a_draft_cannot_take_the_name_of_another_study(study, folder, now):
    Study.objects.filter(pk=study.pk).update(
        slug="first", code_prefix="ZZ", public_slug="elsewhere"
    )
    load(folder, now)
    rewrite(folder, "study.yaml", "public_slug: quiet-mornings", "public_slug: elsewhere")
    with pytest.raises(
        studies.SlugTaken, match="public_slug elsewhere is taken by the study first"
    ):
        load(folder, now)
    assert ProtocolVersion.objects.filter(study__slug="small-study").count() == 1


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("public_slug: quiet-mornings", "public_slug: early-hours", "public_slug"),
        ("prefix: QM", "prefix: EH", "code_prefix"),
    ],
)
def test_once_open_a_study_keeps_its_public_name_and_prefix(folder, now, old, new, named):
    factories.an_open_study(folder, now)
    rewrite(folder, "study.yaml", old, new)
    with pytest.raises(
        studies.NameLocked, match=f"small-study is open: {named} cannot change any more"
    ):
        load(folder, now)
    assert ProtocolVersion.objects.count() == 1


def test_whoever_loads_a_new_study_becomes_its_researcher(study, folder, now, staff):
    Study.objects.filter(pk=study.pk).update(code_prefix="ZZ", public_slug="elsewhere")
    ada = staff("researcher")
    rewrite(folder, "study.yaml", "slug: small-study", "slug: other-study")
    made = load(folder, now, user=ada).study
    assert list(Membership.objects.filter(study=made).values_list("user", "role")) == [
        (ada.pk, "researcher")
    ]


def test_a_study_that_is_not_simulated_opens_only_when_nothing_is_missing(folder, now):
    study = load(folder, now).study
    with pytest.raises(studies.NotReady) as refused:
        studies.open_study(study=study, by=actors.SYSTEM, at=now)
    assert refused.value.requirements == studies.requirements(study)
    study.refresh_from_db()
    assert (study.state, SealedSeed.objects.count()) == ("draft", 0)

    factories.a_staff_member(study, "coach", "Ben Smit", now)
    for line in study.current.protocol.crisis_lines:
        studies.confirm(
            version=study.current, kind="crisis_line", subject=line.name, by=actors.staff(1), at=now
        )
    for code in ("PHQ9", "GAD7", "PHQ4"):
        for language in ("en", "nl"):
            subject = f"{code}:{language}"
            studies.confirm(
                version=study.current, kind="wording", subject=subject, by=actors.staff(1), at=now
            )
    assert studies.open_study(study=study, by=actors.SYSTEM, at=now).state == "open"
    assert SealedSeed.objects.filter(study=study).count() == 1


def test_a_confirmation_counts_once_and_carries_a_name(folder, now):
    version = load(folder, now)
    for who in (1, 2):
        studies.confirm(
            version=version, kind="wording", subject="PHQ9:nl", by=actors.staff(who), at=now
        )
    assert list(Confirmation.objects.values_list("confirmed_by", flat=True)) == ["staff 1"]


def test_opening_a_simulated_study_records_the_sign_offs_that_a_live_one_waits_for(study):
    kept = Confirmation.objects.filter(version=study.current)
    wordings = {
        f"{code}:{language}" for code in ("PHQ9", "GAD7", "PHQ4") for language in ("en", "nl")
    }
    lines = {line.name for line in study.current.protocol.crisis_lines}
    assert set(kept.filter(kind="wording").values_list("subject", flat=True)) == wordings
    assert set(kept.filter(kind="crisis_line").values_list("subject", flat=True)) == lines
    assert set(kept.values_list("simulated", "confirmed_by")) == {(True, "system")}
    events = AuditEvent.objects.filter(action__in=("wording confirmed", "crisis_line confirmed"))
    assert events.count() == kept.count() == len(wordings | lines)


ADA = actors.staff(1, "researcher")


def sign_off(version, now, only=None):
    for kind, subject in studies.sign_offs(version):
        if only is None or subject in only:
            studies.confirm(version=version, kind=kind, subject=subject, by=ADA, at=now)


def a_live_study(folder, now):
    """Open for people who are not simulated, with everything signed off by Ada."""
    study = load(folder, now).study
    factories.a_staff_member(study, "coach", "Ben Smit", now)
    sign_off(study.current, now)
    return studies.open_study(study=study, by=ADA, at=now)


def signed(version):
    return set(
        version.confirmations.values_list(
            "kind", "subject", "confirmed_by", "confirmed_at", "simulated"
        )
    )


def test_what_an_amendment_leaves_as_it_was_stays_signed_off(folder, now):
    study = a_live_study(folder, now)
    rewrite(folder, "study.yaml", "target: 40", "target: 60")
    second = load(folder, now + timedelta(days=3))
    assert signed(second) == signed(study.versions.get(number=1)) != set()
    event = AuditEvent.objects.get(action="sign-offs carried over")
    assert (event.subject, "wording PHQ9:nl" in event.new) == ("version 2", True)
    assert audit.verify(study) == []


def test_a_new_version_with_something_unsigned_waits_for_a_pause(folder, now):
    study = a_live_study(folder, now)
    [line, *_] = study.current.protocol.crisis_lines
    rewrite(folder, "study.yaml", "0800-0113", "0800-9999")
    with pytest.raises(studies.PauseFirst) as refused:
        load(folder, now)
    assert [line.name in each for each in refused.value.requirements] == [True]
    assert (
        study.versions.count(),
        AuditEvent.objects.filter(action="sign-offs carried over").count(),
    ) == (1, 0)

    studies.pause(study=study, by=ADA, at=now)
    second = load(folder, now)
    with pytest.raises(studies.NotReady) as waits:
        studies.resume(study=study, by=ADA, at=now)
    assert waits.value.requirements == refused.value.requirements
    sign_off(second, now, only={line.name})
    assert studies.resume(study=study, by=ADA, at=now).state == "open"


def test_a_simulated_study_takes_an_amendment_without_anybody(study, folder, now):
    [line, *_] = study.current.protocol.crisis_lines
    rewrite(folder, "study.yaml", "0800-0113", "0800-9999")
    second = load(folder, now)
    kept = second.confirmations.filter(kind="crisis_line", subject=line.name)
    assert list(kept.values_list("simulated", "confirmed_by", "confirmed_at")) == [
        (True, "system", now)
    ]
    assert set(studies.sign_offs(second)) == set(
        second.confirmations.values_list("kind", "subject")
    )


def test_the_languages_that_are_offered_follow_an_amendment(folder, now):
    study = a_live_study(folder, now)
    Study.objects.filter(pk=study.pk).update(open_languages=["en"])
    rewrite(folder, "study.yaml", "target: 40", "target: 60")
    load(folder, now)
    study.refresh_from_db()
    assert study.open_languages == ["en", "nl"]
    event = AuditEvent.objects.get(action="languages changed")
    assert (event.old, event.new) == ('{"languages":"en"}', '{"languages":"en,nl"}')


def test_data_are_not_locked_while_anybody_is_followed(study, now):
    dan = factories.a_randomised_participant(study, now)
    studies.close(study=study, by=actors.SYSTEM, at=now)
    with pytest.raises(studies.FollowUpGoesOn) as error:
        studies.lock(study=study, by=actors.staff(1, "statistician"), at=now)
    assert error.value.people == 1
    participants.withdraw(participant=dan, by=actors.participant(dan.code), at=now)
    assert studies.lock(study=study, by=actors.staff(1, "statistician"), at=now).state == "locked"


def test_the_life_of_a_study(study, now):
    by = actors.staff(1, "researcher")
    with pytest.raises(NotAllowedNow):
        studies.open_study(study=study, by=by, at=now)
    assert studies.pause(study=study, by=by, at=now).state == "paused"
    assert studies.resume(study=study, by=by, at=now).state == "open"
    with pytest.raises(NotAllowedNow):
        studies.lock(study=study, by=by, at=now)
    assert studies.close(study=study, by=by, at=now).closed_at == now
    with pytest.raises(NotAllowedNow):
        studies.resume(study=study, by=by, at=now)
    locked = studies.lock(study=study, by=by, at=now + timedelta(days=1))
    assert (locked.state, locked.locked_at) == ("locked", now + timedelta(days=1))
    assert audit.verify(study) == []


def test_a_study_without_somebody_who_owns_its_alerts_does_not_open(folder, now):
    written = (folder / "study.yaml").read_text()
    safety = written[written.index("  safety:\n") : written.index("  team:")]
    rewrite(folder, "study.yaml", safety, "")
    study = load(folder, now, simulated=True).study
    with pytest.raises(studies.NotReady) as refused:
        studies.open_study(study=study, by=actors.SYSTEM, at=now)
    assert (
        "contacts.safety in study.yaml is empty: say who owns every alert."
        in refused.value.requirements
    )


def test_a_study_loads_without_a_word_on_how_its_people_behave_and_nobody_rehearses_it(folder, now):
    written = (folder / "study.yaml").read_text()
    (folder / "study.yaml").write_text(written[: written.index("rehearsal:\n")])
    study = load(folder, now, simulated=True).study
    with pytest.raises(ValueError, match=r"small-study: study\.yaml has no `rehearsal`"):
        rehearse.described(study)
