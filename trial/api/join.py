"""The way in: the letter, the agreement to be screened, a checked address, consent. The screening
is another app's.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.throttling import AnonRateThrottle
from rest_framework.views import APIView

from trial import actors, hooks, limits, mail_door, vault
from trial.accepted import check
from trial.actions import mailcodes, participants, tokens
from trial.actions.once import KeyReused
from trial.api import doors, shapes
from trial.api.described import JOIN, reads, writes
from trial.api.errors import CodeOver, CodeWrong, NotHere
from trial.api.fields import CodeDigitsField, EmailAddressField, PhoneNumberField
from trial.comprehension import Tries, wrong
from trial.languages import in_language
from trial.mailcodes import VALID, Asked, Verdict
from trial.models import Consent, Journey, Participant, Study
from trial.requests import Request
from trial.sections.consent import Letter
from trial.words import spoken

SIGN = "trial.participants.sign_consent"
DECLINED, STOPPED = "declined", "stopped"


class Crowd(AnonRateThrottle):
    """People without a login, by address of the machine: a clinic may have one address."""

    rate = "600/hour"


class WayInView(APIView):
    permission_classes = [AllowAny]
    throttle_classes = [Crowd]


class LetterShape(serializers.Serializer):
    language = serializers.CharField()
    version = serializers.CharField()
    minutes = serializers.IntegerField()
    text = serializers.CharField(help_text="Markdown.")


class InformationShape(serializers.Serializer):
    title = serializers.CharField()
    is_recruiting = serializers.BooleanField()
    languages = serializers.ListField(
        child=serializers.CharField(), help_text="Languages the study is open in."
    )
    letter = LetterShape()
    help = shapes.HelpShape()
    simulated = serializers.BooleanField()


class Agreement(serializers.Serializer):
    language = serializers.CharField(help_text="One of the languages the study is open in.")


class Begun(shapes.ProgressShape):
    join_token = serializers.CharField(help_text="Sent back as the header Join-Token, for a day.")


class JoinView(WayInView):
    @reads("join_information", "The letter, and whether newcomers are taken", InformationShape)
    def get(self, request: Request, slug: str) -> Response:
        study = doors.public_study(slug)
        language = _offered(study, spoken())
        protocol, letter = study.current.protocol, study.current.consent.letters[language]
        answer = {
            "title": in_language(protocol.public_title, language),
            "is_recruiting": study.is_recruiting,
            "languages": study.open_languages,
            "letter": _letter(letter, language),
            "help": shapes.help_now(protocol, language),
            "simulated": study.simulated,
        }
        return Response(InformationShape(answer).data)

    @writes("join_begin", "Agree to be screened", Agreement, Begun, status=201)
    def post(self, request: Request, slug: str) -> Response:
        study, at = doors.public_study(slug), timezone.now()
        language = doors.given(Agreement, request)["language"]
        if language not in study.open_languages:
            raise serializers.ValidationError(
                {"language": [_("This study is not in that language.")]}
            )
        doors.check_limit(request, "screening")
        person = participants.begin(
            study=study, language=language, key=_own_key(request), by=actors.visitor("new"), at=at
        )
        translation.activate(person.language)
        way_in = doors.WayIn.begin(person)
        return Response(
            Begun({**shapes.progress(person, at), "join_token": way_in.token}).data, status=201
        )


def _own_key(request: Request) -> str | None:
    """Nobody is known yet, so a key that somebody else might choose too would hand out their
    place.
    """
    key = doors.key(request)
    try:
        return str(uuid.UUID(key)) if key else None
    except ValueError:
        raise serializers.ValidationError(
            {"Idempotency-Key": [_("Here it must be a random UUID.")]}
        ) from None


def _offered(study: Study, language: str) -> str:
    wanted = language.partition("-")[0]
    return wanted if wanted in study.open_languages else study.open_languages[0]


def _letter(letter: Letter, language: str) -> dict[str, Any]:
    return {
        "language": language,
        "version": letter.version,
        "minutes": letter.minutes,
        "text": letter.body,
    }


class Address(serializers.Serializer):
    name = serializers.CharField(
        max_length=120, help_text="What the person may be called; the full name signs."
    )
    email = EmailAddressField()
    phone = PhoneNumberField()


class Sent(serializers.Serializer):
    valid_until = serializers.DateTimeField(
        help_text="A code was mailed; the answer is the same for an address that is known."
    )


class ContactView(WayInView):
    @writes("join_contact", "Name, address and number; mails a code", Address, Sent, JOIN)
    def post(self, request: Request, slug: str) -> Response:
        person, way_in, at = _newcomer_by_token(request, slug)
        _check_at(person, "trial.verification")
        typed = doors.given(Address, request, country=person.version.protocol.country)
        key = doors.key(request) or str(uuid.uuid4())
        door = doors.opened_mail_door(request, at)
        about = mailcodes.ask(
            participant=person,
            typed=typed,
            language=person.language,
            key=key,
            allows=lambda: limits.may_mail(
                request._request, "proof", typed["email"], person=person.code
            ),
            at=at,
        )
        mail_door.leaves_after_the_answer(request._request, about, door, at)
        asked = Asked(about.handle, typed["name"], typed["email"], typed["phone"], about.asked_at)
        way_in.keep(asked=asked.for_session())
        return Response(Sent({"valid_until": asked.sent_at + VALID}).data)


class Code(serializers.Serializer):
    code = CodeDigitsField()


class Verified(shapes.ProgressShape):
    token = serializers.CharField(
        help_text="The participant's own token, sent back as `Authorization: Token ...`."
    )


class VerifyView(WayInView):
    @writes(
        "join_verify",
        "The code that was mailed; gives the participant a login",
        Code,
        Verified,
        JOIN,
    )
    def post(self, request: Request, slug: str) -> Response:
        doors.WayIn.of(request)
        typed, key = doors.given(Code, request)["code"], doors.key(request)
        person = _verified_before(request, slug, key, typed) or _verify(request, slug, key, typed)
        by = doors.actor_of(person)
        token = tokens.make(user=person.user, name="join", key=key, by=by, at=timezone.now())
        secret = tokens.secret_of(token)
        return Response(Verified({**shapes.progress(person, timezone.now()), "token": secret}).data)


def _verify(request: Request, slug: str, key: str | None, typed: str) -> Participant:
    person, way_in, at = _newcomer_by_token(request, slug)
    asked = _asked(way_in)
    if asked is None:
        raise NotHere
    match mailcodes.judge(handle=asked.handle, typed=typed, press=key or "", at=at):
        case Verdict.OVER:
            raise CodeOver
        case Verdict.WRONG:
            raise CodeWrong
    verified = participants.verify(
        participant=person,
        name=asked.name,
        email=asked.email,
        phone=asked.phone,
        key=key,
        by=doors.actor_of(person),
        at=at,
    )
    way_in.forget("asked")
    way_in.keep(verified={"key": key, "digest": vault.keyed_hash("verified", typed)})
    return verified


def _verified_before(
    request: Request, slug: str, key: str | None, typed: str
) -> Participant | None:
    """A repeat of the request that verified: what was typed is forgotten by then, so the action
    cannot answer it.
    """
    way_in = doors.WayIn.of(request)
    done = way_in.session.get("verified")
    if not key or not done or done["key"] != key:
        return None
    if done["digest"] != vault.keyed_hash("verified", typed):
        raise KeyReused
    people = Participant.objects.select_related("study", "version", "key", "user")
    return people.get(study=doors.public_study(slug), code=way_in.session["code"])


def _newcomer_by_token(request: Request, slug: str) -> tuple[Participant, doors.WayIn, datetime]:
    person = doors.newcomer(request, slug)
    if person.verified_at:
        raise NotHere
    return person, doors.WayIn.of(request), timezone.now()


def _asked(way_in: doors.WayIn) -> Asked | None:
    found = way_in.session.get("asked")
    return Asked.from_session(found) if found else None


def _check_at(person: Participant, step: str) -> None:
    """Every step of the journey before this one is behind the person, and they are still on the way
    in.
    """
    order = [hooks.code(each) for each in hooks.JOURNEY]
    row = Journey.objects.filter(participant=person).first()
    is_there = set(order[: order.index(step)]) <= set(row.passed if row else ())
    if person.state != "screening" or not is_there:
        raise NotHere


class StatementShape(serializers.Serializer):
    code = serializers.CharField()
    text = serializers.CharField()


class ComprehensionShape(serializers.Serializer):
    code = serializers.CharField()
    question = serializers.CharField()
    options = shapes.OptionShape(many=True)


class ToSign(LetterShape):
    statements = StatementShape(many=True)
    comprehension = ComprehensionShape(many=True)


class Signed(serializers.Serializer):
    language = serializers.CharField(
        required=False, help_text="Of the letter that was read; otherwise the person's own."
    )
    comprehension = serializers.DictField(
        child=serializers.CharField(), help_text="The option chosen, by question."
    )
    statements = serializers.ListField(
        child=serializers.CharField(), help_text="Codes of the statements agreed to."
    )
    signature = serializers.CharField(max_length=120, help_text="The full name.")


class ConsentView(APIView):
    """For the verified person alone, by their own token."""

    @reads("join_consent_read", "The letter, its questions and statements", ToSign)
    def get(self, request: Request, slug: str) -> Response:
        person = doors.newcomer(request, slug)
        letter = person.version.consent.letters[person.language]
        answer = {
            **_letter(letter, person.language),
            "statements": letter.statements,
            "comprehension": letter.comprehension,
        }
        return Response(ToSign(answer).data)

    @writes("join_consent", "Answer the questions and sign", Signed, shapes.ProgressShape)
    def post(self, request: Request, slug: str) -> Response:
        person, at, key = doors.newcomer(request, slug), timezone.now(), doors.key(request)
        given = doors.given(Signed, request)
        by = doors.actor_of(person)
        is_repeat = doors.is_repeat(SIGN, by, key)
        if not is_repeat:
            _check_at(person, "trial.consent")
        language = _to_sign_in(person, given)
        letter = person.version.consent.letters[language]
        participants.sign_consent(
            participant=person,
            language=language,
            statements=given["statements"],
            comprehension=_tries_before(person)
            if is_repeat
            else _understood(person, letter, given["comprehension"], key),
            signature=given["signature"],
            key=key,
            by=by,
            at=at,
        )
        return Response(shapes.ProgressShape(shapes.progress(person, at)).data)


def _to_sign_in(person: Participant, given: dict[str, Any]) -> str:
    language = given.get("language") or person.language
    if language not in person.study.open_languages:
        raise serializers.ValidationError({"language": [_("This study is not in that language.")]})
    return language


def _understood(
    person: Participant, letter: Letter, chosen: dict[str, str], key: str | None
) -> dict[str, int]:
    """Tries for each question until it was right once, kept for a day; raises NotAccepted with
    explanations.
    """
    name = f"join-comprehension:{person.pk}"
    tries = Tries.of(cache.get(name)).after(letter, chosen, key)
    cache.set(name, tries.kept, doors.A_DAY)
    check(wrong(letter, chosen))
    return tries.understood


def _tries_before(person: Participant) -> dict[str, int]:
    return Consent.objects.filter(participant=person, kind="study").latest("pk").comprehension


class CorrectView(WayInView):
    @writes(
        "join_correct",
        "Go back to the answer that turned somebody away, once",
        None,
        shapes.ProgressShape,
        JOIN,
    )
    def post(self, request: Request, slug: str) -> Response:
        person, at = doors.newcomer(request, slug), timezone.now()
        person = participants.correct_screening(
            participant=person, key=doors.key(request), by=doors.actor_of(person), at=at
        )
        return Response(shapes.ProgressShape(shapes.progress(person, at)).data)


class DeclineView(WayInView):
    @writes("join_decline", "Rather not take part", None, shapes.ProgressShape, JOIN)
    def post(self, request: Request, slug: str) -> Response:
        person, at = doors.newcomer(request, slug), timezone.now()
        is_verified = person.verified_at is not None
        participants.turn_away(
            participant=person,
            stage="consent" if is_verified else "screening",
            reason=DECLINED if is_verified else STOPPED,
            stopped=True,
            key=doors.key(request),
            by=doors.actor_of(person),
            at=at,
        )
        if not is_verified:
            doors.WayIn.of(request).forget("asked")
        return Response(shapes.ProgressShape(shapes.progress(person, at)).data)
