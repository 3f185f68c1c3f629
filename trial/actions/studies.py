"""Loading a study folder, and opening, pausing, closing and locking a study."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, BinaryIO

from django.db import IntegrityError, transaction

from trial import audit, folder, hooks, lifecycles, rows, vault
from trial.actions import proposals
from trial.actions.once import once
from trial.actions.staff import join
from trial.actors import SYSTEM, Actor
from trial.models import (
    Confirmation,
    Journey,
    Participant,
    Proposal,
    ProtocolText,
    ProtocolVersion,
    Study,
    User,
)


class AlreadyLoaded(Exception):
    """The newest version of this study is this very folder."""


class NotInVersion(Exception):
    """The newest version of the study has nothing of this name to sign off."""


class NotReady(Exception):
    """A study cannot open or resume yet: `requirements` says all that is missing."""

    def __init__(self, requirements: Sequence[str]) -> None:
        self.requirements = list(requirements)
        super().__init__("; ".join(self.requirements))


class PauseFirst(Exception):
    """Newcomers would get at once what nobody signed off: `requirements` says what is missing in
    the new version.
    """

    def __init__(self, requirements: Sequence[str]) -> None:
        self.requirements = list(requirements)
        missing = "; ".join(self.requirements)
        super().__init__(f"pause recruitment, load it, sign it off, resume. Missing: {missing}")


class SlugTaken(Exception):
    """The public slug or the code prefix belongs to another study."""


class FollowUpGoesOn(Exception):
    """Data are locked when nobody can give any more: `people` are still being followed."""

    def __init__(self, people: int) -> None:
        self.people = people
        super().__init__(f"{people} people are still being followed")


class DesignLocked(Exception):
    """The study is open: its randomisation and analysis can no longer change."""


class NameLocked(Exception):
    """The study is open: its public slug and code prefix stand in links and in people's codes."""


NAMES = ("public_slug", "code_prefix")


def load(
    *,
    path: Path | BinaryIO,
    simulated: bool = False,
    user: User | None = None,
    by: Actor,
    at: datetime,
) -> ProtocolVersion:
    """Read a study folder or .zip and store it as a new version. Raises folder.FolderErrors with
    every mistake; stores nothing then. The person who loads a new study becomes its researcher.
    """
    # The clock of a rehearsal is a virtual one, and the folder may be younger than its day.
    loaded = read(path, at=None if simulated else at)
    return store(loaded=loaded, simulated=simulated, user=user, by=by, at=at)


def read(path: Path | BinaryIO, *, at: datetime | None) -> folder.Loaded:
    """A study folder or .zip as it is loaded at `at`; None where that is no moment of the real
    clock.
    """
    return folder.read(path, tuple(hooks.STUDY_SECTIONS), latest_day(at) if at else None)


def latest_day(at: datetime) -> date:
    """The day it is where it is latest: the same day is nobody's tomorrow."""
    return at.astimezone(timezone(timedelta(hours=14))).date()


@once
def store(
    *, loaded: folder.Loaded, simulated: bool, user: User | None, by: Actor, at: datetime
) -> ProtocolVersion:
    """A new version, which newcomers get from now on. What it leaves as it was stays signed off.

    Raises PauseFirst where the study is open and something new in it is not signed off.
    """
    described = loaded.document["study"]
    study = Study.held().filter(slug=described["slug"]).first()
    if study is None:
        study = _new_study(described, loaded.sha256, simulated=simulated, user=user, by=by, at=at)
    newest = study.versions.order_by("-number").first()
    if newest and newest.sha256 == loaded.sha256:
        raise AlreadyLoaded(f"{study.slug} version {newest.number} is this folder")
    _check_design_unchanged(study, newest, loaded)
    _rename(study, described, by=by, at=at)
    version = ProtocolVersion.objects.create(
        study=study,
        number=newest.number + 1 if newest else 1,
        sha256=loaded.sha256,
        loaded_at=at,
        loaded_by=str(by),
    )
    ProtocolText.objects.create(
        version=version,
        document=loaded.document,
        sealed=vault.seal(json.dumps(loaded.sealed, sort_keys=True)),
    )
    audit.record(
        study,
        "protocol version stored",
        subject=f"version {version.number}",
        new={"sha256": version.sha256},
        by=by,
        at=at,
    )
    if newest:
        _carry_over(newest, version, by=by, at=at)
    _amend(study, version, by=by, at=at)
    return version


def _carry_over(old: ProtocolVersion, new: ProtocolVersion, *, by: Actor, at: datetime) -> None:
    """What the new version leaves as it was keeps its signature, with the name and the day under
    the old one.
    """
    same = sign_offs(old).items() & sign_offs(new).items()
    unchanged = {signed for signed, _content in same}
    kept = [
        each for each in old.confirmations.order_by("pk") if (each.kind, each.subject) in unchanged
    ]
    if not kept:
        return
    for each in kept:
        Confirmation.objects.create(
            version=new,
            kind=each.kind,
            subject=each.subject,
            simulated=each.simulated,
            confirmed_by=each.confirmed_by,
            confirmed_at=each.confirmed_at,
        )
    audit.record(
        new.study,
        "sign-offs carried over",
        subject=f"version {new.number}",
        old={"version": old.number},
        new={"sign_offs": [f"{each.kind} {each.subject}" for each in kept]},
        by=by,
        at=at,
    )


def _amend(study: Study, version: ProtocolVersion, *, by: Actor, at: datetime) -> None:
    """What a new version means for a study that takes people, or will again."""
    if study.state not in ("open", "paused"):
        return
    study.current = version
    if study.simulated:
        _sign_off_simulated(study, at)
    missing = requirements(study) if study.state == "open" else []
    if missing:
        raise PauseFirst(missing)
    _renew_languages(study, by=by, at=at)


def _renew_languages(study: Study, *, by: Actor, at: datetime) -> None:
    """An amendment may bring a language, or take one away."""
    old, new = study.open_languages, open_languages(study)
    if old == new:
        return
    study.open_languages = new
    study.save(update_fields=["open_languages"])
    audit.record(
        study,
        "languages changed",
        subject=f"version {study.current.number}",
        old={"languages": ",".join(old)},
        new={"languages": ",".join(new)},
        by=by,
        at=at,
    )


def _new_study(
    described: dict, sha256: str, *, simulated: bool, user: User | None, by: Actor, at: datetime
) -> Study:
    _check_names_free(described)
    try:
        with transaction.atomic():
            study = Study.objects.create(
                slug=described["slug"],
                public_slug=described["public_slug"],
                code_prefix=described["code_prefix"],
                simulated=simulated,
                loaded_at=at,
            )
    except IntegrityError:  # loaded at the same moment, by a second press or by somebody else
        if ProtocolVersion.objects.filter(study__slug=described["slug"], sha256=sha256).exists():
            raise AlreadyLoaded(f"{described['slug']} is this folder") from None
        raise SlugTaken(f"{described['slug']} was loaded a moment ago") from None
    if user:
        join(study=study, user=user, role="researcher", by=by, at=at)
    return study


def _check_names_free(described: dict) -> None:
    for name in NAMES:
        other = (
            Study.objects.filter(**{name: described[name]}).exclude(slug=described["slug"]).first()
        )
        if other:
            raise SlugTaken(
                f"{name} {described[name]} is taken by the study {other.slug}; choose another"
            )


def _rename(study: Study, described: dict, *, by: Actor, at: datetime) -> None:
    """While nobody could come in yet, a study may get another neutral name or prefix."""
    old = {name: getattr(study, name) for name in NAMES}
    new = {name: described[name] for name in NAMES}
    if old == new:
        return
    if study.state != "draft":
        changed = " and ".join(name for name in NAMES if old[name] != new[name])
        raise NameLocked(f"{study.slug} is {study.state}: {changed} cannot change any more")
    _check_names_free(described)
    study.public_slug, study.code_prefix = new["public_slug"], new["code_prefix"]
    study.save(update_fields=list(NAMES))
    audit.record(study, "study renamed", old=old, new=new, by=by, at=at)


def _check_design_unchanged(
    study: Study, newest: ProtocolVersion | None, loaded: folder.Loaded
) -> None:
    """Opening locks the design and the analysis plan; an amendment may change anything else."""
    if newest is None or study.state == "draft":
        return
    old, new = newest.document, loaded.document
    changed = [
        name
        for name in ("randomisation", "analysis")
        if _without_blanks(old[name]) != _without_blanks(new[name])
    ]
    if _without_blanks(json.loads(vault.unseal(newest.sealed))) != _without_blanks(loaded.sealed):
        changed.append("randomisation (its sealed part)")
    if _given(old) != _given(new):
        changed.append("arms")
    if changed:
        raise DesignLocked(
            f"{study.slug} is {study.state}: {', '.join(changed)} cannot change any more"
        )


def _without_blanks(value: Any) -> Any:
    """Without what says nothing: a key that a later release of the platform knows and the folder
    leaves out is no change.
    """
    if isinstance(value, dict):
        return {
            name: _without_blanks(each)
            for name, each in value.items()
            if each not in (None, [], {}, "")
        }
    return [_without_blanks(each) for each in value] if isinstance(value, list | tuple) else value


def _given(document: dict) -> list:
    """What every arm gives, and every arm of a stage."""
    described = document["study"]
    arms = [
        *described["arms"],
        *(arm for stage in described.get("stages", ()) for arm in stage["arms"]),
    ]
    return [(arm["code"], arm["grants"]) for arm in arms]


@once
def confirm(
    *, version: ProtocolVersion, kind: str, subject: str, by: Actor, at: datetime
) -> Confirmation:
    """Somebody puts their name to a wording that is not official, or to a crisis line that they
    checked. Raises NotInVersion.
    """
    if (kind, subject) not in sign_offs(version):
        raise NotInVersion(subject)
    confirmation, is_new = Confirmation.objects.get_or_create(
        version=version,
        kind=kind,
        subject=subject,
        defaults={
            "confirmed_by": str(by),
            "confirmed_at": at,
            "simulated": version.study.simulated,
        },
    )
    if is_new:
        audit.record(
            version.study,
            f"{kind} confirmed",
            subject=subject,
            new={"version": version.number},
            by=by,
            at=at,
        )
    return confirmation


def sign_offs(version: ProtocolVersion) -> dict[tuple[str, str], str]:
    """What people put their name to in this version, by kind and subject, with its content."""
    return {
        signed: content for each in hooks.SIGN_OFFS for signed, content in each(version).items()
    }


def requirements(study: Study) -> list[str]:
    """What is still missing before this study can open or resume, in words; empty when it can."""
    return [line for check in hooks.REQUIREMENTS for line in check(study)]


@once
def open_study(*, study: Study, by: Actor, at: datetime) -> Study:
    """Open for recruitment: locks the design and the analysis plan before the first allocation.
    Raises NotReady.
    """
    study = Study.held().get(pk=study.pk)
    after = lifecycles.step("study", study.state, "open")
    _check_ready(study, at)
    study.state, study.opened_at = after, at
    study.open_languages = open_languages(study)
    study.save(update_fields=["state", "opened_at", "open_languages"])
    audit.record(
        study,
        "study opened",
        subject=f"version {study.current.number}",
        new={"sha256": study.current.sha256, "languages": ",".join(study.open_languages)},
        by=by,
        at=at,
    )
    for opened in hooks.OPENED:
        opened(study, at)
    return study


def _check_ready(study: Study, at: datetime) -> None:
    if study.simulated:
        _sign_off_simulated(study, at)
    missing = requirements(study)
    if missing:
        raise NotReady(missing)


def _sign_off_simulated(study: Study, at: datetime) -> None:
    """What people put their name to before a live study opens is recorded for a simulated one too,
    and says what it is.
    """
    for kind, subject in sign_offs(study.current):
        confirm(version=study.current, kind=kind, subject=subject, by=SYSTEM, at=at)


def open_languages(study: Study) -> list[str]:
    """Languages in which the study may be offered: a simulated one may use any, since nobody reads
    its texts.
    """
    languages: list[str] = list(study.current.protocol.languages)
    if study.simulated:
        return languages
    for allowed in hooks.OPEN_LANGUAGES:
        languages = [language for language in languages if language in allowed(study)]
    return languages


def _step(
    study: Study, verb: str, *, by: Actor, at: datetime, stamp: str = "", reason: str = ""
) -> Study:
    rows.pass_gate(study.pk, alone=True)
    study = Study.held().get(pk=study.pk)
    old = study.state
    study.state = lifecycles.step("study", study.state, verb)
    if stamp:
        setattr(study, stamp, at)
    study.save()
    audit.record(
        study,
        f"study {study.state}",
        old={"state": old},
        new={"state": study.state},
        reason=reason,
        by=by,
        at=at,
    )
    return study


@once
def pause(*, study: Study, reason: str = "", by: Actor, at: datetime) -> Study:
    """No newcomers and no allocations until resumed; whoever is in goes on."""
    return _step(study, "pause", by=by, at=at, reason=reason)


@once
def resume(*, study: Study, by: Actor, at: datetime) -> Study:
    """Take newcomers again; the worker looks at once at everybody who waited for their allocation.

    Raises NotReady while something in a version that was loaded meanwhile is not signed off.
    """
    rows.pass_gate(study.pk, alone=True)
    study = Study.held().get(pk=study.pk)
    lifecycles.step("study", study.state, "resume")
    _check_ready(study, at)
    _renew_languages(study, by=by, at=at)
    Journey.objects.filter(participant__study=study, participant__state="consented").update(
        due_at=at
    )
    return _step(study, "resume", by=by, at=at)


@once
def close(*, study: Study, reason: str = "", by: Actor, at: datetime) -> Study:
    """Recruitment is over; follow-up goes on. Whoever signed and has no allocation yet leaves, and
    is told.
    """
    # First, as an allocation does it, which writes a journey too.
    rows.pass_gate(study.pk, alone=True)
    Study.held().get(pk=study.pk)
    Journey.objects.filter(participant__study=study, participant__state="consented").update(
        due_at=at
    )
    return _step(study, "close", by=by, at=at, stamp="closed_at", reason=reason)


@once
def lock(*, study: Study, reason: str = "", by: Actor, at: datetime) -> Study:
    """The statistician closes the data: from now on a report by arm can be made. In a study that is
    not simulated this asks, and it is done when a second person agrees. Raises AlreadyProposed, and
    FollowUpGoesOn while anybody's questionnaires are not behind them, since an answer given by
    somebody who knows the arms is not blinded.
    """
    _check_nobody_followed(study)
    if study.simulated:
        return _step(study, "lock", by=by, at=at, stamp="locked_at", reason=reason)
    study = Study.held().get(pk=study.pk)
    lifecycles.step("study", study.state, "lock")
    proposals.ask_staff(study=study, kind="lock", receiver=None, reason=reason, by=by, at=at)
    return study


def lock_decided(*, proposal: Proposal, is_agreed: bool, by: Actor, at: datetime) -> None:
    """What follows when a second person has agreed to a lock, or has not. Raises FollowUpGoesOn."""
    if is_agreed:
        _check_nobody_followed(proposal.study)
        _step(proposal.study, "lock", by=by, at=at, stamp="locked_at", reason=proposal.reason)


def _check_nobody_followed(study: Study) -> None:
    people = Participant.objects.filter(study=study, state__in=("consented", "randomised")).count()
    if people:
        raise FollowUpGoesOn(people)
