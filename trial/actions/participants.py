"""What happens to a person in a study: from the first screening answer to leaving."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from trial import audit, contact_details, hooks, lifecycles, rows, vault
from trial.actions import milestones, questions
from trial.actions.once import once
from trial.actors import Actor
from trial.models import Consent, Identity, Participant, PersonKey, Study, User
from trial.prepared import Answer, Statement

# No 0/O, 1/I/L, 2/Z, 5/S, 8/B: codes are read aloud over the phone.
ALPHABET = "34679ACDEFGHJKMNPQRTUVWXY"
CODE = re.compile(r"[A-Za-z0-9_-]{0,40}")
TOO_LATE = "recruitment_closed"  # signed, and had no allocation when recruitment closed
# signed, and then let the month go by in which the baseline can be answered
UNDONE = "baseline_not_done"


class NotRecruiting(Exception):
    """The study takes no newcomers now."""


class AddressInUse(Exception):
    """Someone in this study has this address already."""


class NotCorrectable(Exception):
    """Turned away by a score, an item or a criterion about safety; or corrected before, or
    forgotten since.
    """


class NotAskedNow(Exception):
    """The person is past this step of the way in, or was turned away meanwhile."""


class NotVerified(Exception):
    """Consent is signed by a person whose address was checked."""


class StatementsMissing(Exception):
    """Every statement must be agreed to."""


class SignatureMissing(Exception):
    """A name is written with letters."""


class ComprehensionMissing(Exception):
    """Every comprehension question must be answered rightly first."""


class NotACode(Exception):
    """What is about one person has a reason that is kept in clear, for the flow diagram and in a
    trail that nothing leaves: one of a list's codes and never a sentence.
    """


def drawn_code(prefix: str) -> str:
    return f"{prefix}-{''.join(secrets.choice(ALPHABET) for _ in range(5))}"


def new_code(prefix: str) -> str:
    """One that nobody has: of ten million codes every hundredth is somebody's where a hundred
    thousand people are.
    """
    code = drawn_code(prefix)
    while Participant.objects.filter(code=code).exists():
        code = drawn_code(prefix)
    return code


def check_code(reason: str) -> None:
    if not CODE.fullmatch(reason):
        raise NotACode


def locked(participant: Participant) -> Participant:
    """The row as it stands, locked, with the study, version and key that are known already."""
    return locked_then(participant)[0]


def locked_then(
    participant: Participant, *asked: Statement
) -> tuple[Participant, Sequence[Answer]]:
    """The same, and what is asked as soon as it is locked."""
    found, answers = Participant.standing(participant.pk, *asked)
    for name in ("study", "version", "key"):
        if name in participant._state.fields_cache:
            found._state.fields_cache[name] = participant._state.fields_cache[name]
    return found, answers


@once
def begin(
    *, study: Study, language: str, code: str = "", timezone: str = "", by: Actor, at: datetime
) -> Participant:
    """A person agrees to be screened. Nothing is known of them but a study code and a language."""
    if not Study.held().get(pk=study.pk).is_recruiting:
        raise NotRecruiting
    version = study.current
    participant = Participant.objects.create(
        study=study,
        version=version,
        code=code or new_code(study.code_prefix),
        language=language,
        timezone=timezone or version.protocol.timezone,
        simulated=study.simulated,
        began_at=at,
    )
    PersonKey.objects.create(participant=participant, sealed_key=vault.new_person_key())
    Consent.objects.create(
        participant=participant,
        version=version,
        kind="screening",
        text_version=version.consent.version,
        language=language,
        text_sha256=_letter_hash(participant),
        signed_at=at,
    )
    audit.record(
        participant,
        "agreed to be screened",
        subject=participant.code,
        new={"language": language},
        by=by,
        at=at,
    )
    return participant


@once
def answer_questions(
    *, participant: Participant, answers: Mapping[str, Any], by: Actor, at: datetime
) -> Participant:
    """Answers to the study's own questions. The site is kept as a column too.

    At the screening the trail says that and not what: an answer may be a slip, of which the value
    is kept nowhere. What holds in the end stands in the event of the signature.

    Raises NotAskedNow once somebody did not get in, or is randomised: the stratum hangs on them;
    NotAccepted for what is no answer to its question.
    """
    participant = locked(participant)
    if participant.state not in {"screening", "consented"}:
        raise NotAskedNow
    questions.check_values(participant.version.protocol, answers)
    old = participant.answers
    participant.answers = {**old, **answers}
    sites = {
        question.code
        for question in participant.version.protocol.questions
        if question.kind == "site"
    }
    for code in sites & answers.keys():
        participant.site = str(answers[code])
    participant.save(update_fields=["answers", "site"])
    audit.record(
        participant,
        "questions answered",
        subject=", ".join(sorted(answers)),
        new=None
        if participant.state == "screening"
        else {"sealed": _sealed_answers(participant, answers)},
        reason="corrected" if old.keys() & answers.keys() else "",
        by=by,
        at=at,
    )
    return participant


@once
def turn_away(
    *,
    participant: Participant,
    stage: str,
    reason: str,
    stopped: bool = False,
    by: Actor,
    at: datetime,
) -> Participant:
    """Someone does not get in, or stops. Only reason, site, date and stage stay, for the flow
    diagram; the key that the answers in the trail are sealed with is destroyed by the worker, when
    nobody can leave a phone number any more.

    Whoever may correct the answer that turned them away loses that answer now, and the others with
    their key.
    """
    check_code(reason)
    participant = locked(participant)
    participant.state = lifecycles.step(
        "participant", participant.state, "stop" if stopped else "turn_away"
    )
    participant.left_at, participant.left_stage, participant.left_reason = at, stage, reason
    slip = participant.correctable
    participant.answers = {
        code: answer for code, answer in participant.answers.items() if slip and code not in slip
    }
    participant.save()
    for erase in () if slip else hooks.ERASURE:
        erase(participant, at)
    audit.record(
        participant,
        "stopped" if stopped else "turned away",
        subject=participant.code,
        new={"stage": stage},
        reason=reason,
        by=by,
        at=at,
    )
    return participant


@once
def correct_screening(*, participant: Participant, by: Actor, at: datetime) -> Participant:
    """Whoever was turned away by an answer to a question goes back to it, once. It is the same
    person for every count; kept is where that was. Raises NotCorrectable.
    """
    participant = locked(participant)
    if not participant.correctable:
        raise NotCorrectable
    stage, reason = participant.left_stage, participant.left_reason
    participant.state = lifecycles.step("participant", participant.state, "correct")
    participant.corrected_stage = stage
    participant.left_at, participant.left_stage, participant.left_reason = None, "", ""
    participant.save(
        update_fields=["state", "corrected_stage", "left_at", "left_stage", "left_reason"]
    )
    audit.record(
        participant,
        "screening corrected",
        subject=participant.code,
        old={"stage": stage},
        reason=reason,
        by=by,
        at=at,
    )
    return participant


@once
def verify(
    *, participant: Participant, name: str, email: str, phone: str, by: Actor, at: datetime
) -> Participant:
    """The address was checked by a code: from now on the person has a login and contact details.

    Raises AddressInUse when someone in this study has the address, and NotAskedNow for somebody who
    was verified before or is not on the way in any more; NotOneAddress and NotOneNumber for what
    the form would have refused.
    """
    participant = locked(participant)
    if participant.state != "screening" or participant.verified_at:
        raise NotAskedNow
    email = contact_details.email_address(email)
    phone = contact_details.phone_number(phone, participant.version.protocol.country)
    email_hash = vault.address_hash(email)
    if (
        Identity.objects.filter(study=participant.study, email_hash=email_hash)
        .exclude(participant=participant)
        .exists()
    ):
        raise AddressInUse
    user = User.objects.create(username=secrets.token_hex(16))
    user.set_unusable_password()
    user.save(update_fields=["password"])
    try:
        with transaction.atomic():
            Identity.objects.create(
                participant=participant,
                study=participant.study,
                name_sealed=participant.sealed(name),
                email_sealed=participant.sealed(email),
                phone_sealed=participant.sealed(phone),
                email_hash=email_hash,
                phone_hash=vault.phone_hash(phone),
                verified_at=at,
            )
    except IntegrityError:
        raise AddressInUse from None
    participant.user, participant.verified_at = user, at
    participant.save(update_fields=["user", "verified_at"])
    audit.record(participant, "address verified", subject=participant.code, by=by, at=at)
    return participant


@once
def sign_consent(
    *,
    participant: Participant,
    language: str,
    statements: Sequence[str],
    comprehension: Mapping[str, int],
    signature: str,
    by: Actor,
    at: datetime,
) -> Consent:
    """The verified person signs. `comprehension` holds the number of tries until each question was
    answered rightly.

    The signature is the full name as typed; what somebody wants to be called is another thing, and
    asked apart.
    """
    participant = locked(participant)
    if participant.verified_at is None:
        raise NotVerified
    text = participant.version.consent.letters[language]
    if {statement.code for statement in text.statements} - set(statements):
        raise StatementsMissing
    if {question.code for question in text.comprehension} - set(comprehension):
        raise ComprehensionMissing
    if not any(sign.isalpha() for sign in signature):
        raise SignatureMissing
    participant.state = lifecycles.step("participant", participant.state, "consent")
    participant.consented_at, participant.language = at, language
    participant.save(update_fields=["state", "consented_at", "language"])
    consent = Consent.objects.create(
        participant=participant,
        version=participant.version,
        text_version=participant.version.consent.version,
        language=language,
        text_sha256=_letter_hash(participant),
        statements=sorted(statement.code for statement in text.statements),
        comprehension=dict(comprehension),
        signature_sealed=participant.sealed(signature),
        signed_at=at,
    )
    audit.record(
        participant,
        "consent signed",
        subject=f"consent text {consent.text_version} ({language})",
        new={
            "sha256": consent.text_sha256,
            "protocol": participant.version.number,
            "sealed": _sealed_answers(participant, participant.answers),
        },
        by=by,
        at=at,
    )
    milestones.reach(participant=participant, name="consented", by=by, at=at)
    return consent


def marking_randomised(*, participant: Participant, at: datetime) -> Statement:
    """That there is an allocation, never which: a part of allocating, sent in its transaction, with
    the person held. The state is set with the allocation, so that nobody with an arm can leave
    as somebody who was never randomised.
    """
    after = lifecycles.step("participant", participant.state, "randomise")
    participant.state, participant.randomised_at = after, at
    return rows.change(Participant, {"id": participant.pk}, state=after, randomised_at=at)


@transaction.atomic
def note_randomised(*, participant: Participant, by: Actor, at: datetime) -> None:
    """What hangs on the day of randomisation can be counted from now on."""
    assert participant.randomised_at is not None
    milestones.reach(
        participant=participant, name="randomised", by=by, at=participant.randomised_at
    )


@once
def complete(*, participant: Participant, by: Actor, at: datetime) -> Participant:
    """The last assessment is closed."""
    participant = locked(participant)
    participant.state = lifecycles.step("participant", participant.state, "complete")
    participant.completed_at = at
    participant.save(update_fields=["state", "completed_at"])
    audit.record(participant, "study completed", subject=participant.code, by=by, at=at)
    return participant


@once
def withdraw(*, participant: Participant, reason: str = "", by: Actor, at: datetime) -> Participant:
    """Leave the study: nothing more is asked, sent or planned. What was given until now stays."""
    check_code(reason)
    participant = locked(participant)
    old = participant.state
    participant.state = lifecycles.step("participant", participant.state, "withdraw")
    participant.left_at, participant.left_stage, participant.left_reason = at, old, reason
    participant.save(update_fields=["state", "left_at", "left_stage", "left_reason"])
    for stop in hooks.WITHDRAWAL:
        stop(participant, at)
    audit.record(
        participant,
        "withdrawn",
        subject=participant.code,
        old={"state": old},
        new={"state": participant.state},
        reason=reason,
        by=by,
        at=at,
    )
    return participant


@once
def erase(*, participant: Participant, reason: str, by: Actor, at: datetime) -> Participant:
    """Erase who this person is: contact details, free text and the key that everything of theirs is
    sealed with.

    The audit chain still verifies: what it holds of the person is ciphertext that nothing can open
    any more. Whoever was in the study leaves research data under the code; of somebody who did not
    get in no answer stays.
    """
    check_code(reason)
    participant = locked(participant)
    for step in hooks.ERASURE:
        step(participant, at)
    user, participant.user, participant.erased_at = participant.user, None, at
    if participant.state == "excluded":
        participant.answers = {}
    participant.save(update_fields=["user", "erased_at", "answers"])
    Identity.objects.filter(participant=participant).delete()
    PersonKey.objects.filter(participant=participant).delete()
    if user:
        user.delete()
    audit.record(
        participant, "identity erased", subject=participant.code, reason=reason, by=by, at=at
    )
    return participant


def _sealed_answers(participant: Participant, answers: Mapping[str, Any]) -> str:
    return participant.sealed(json.dumps(dict(answers), sort_keys=True))


def _letter_hash(participant: Participant) -> str:
    letter = participant.version.consent.letters[participant.language].body
    return hashlib.sha256(letter.encode()).hexdigest()
