"""Clients of the API as the cast, and the way in by requests alone."""

from __future__ import annotations

import re
import uuid
from datetime import datetime
from typing import Any

from django.core import mail
from django.utils import timezone
from rest_framework.test import APIClient

from outcomes.queries import assessments as reads
from outcomes.queries import definitions
from tests import factories
from trial import actors
from trial.actions import tokens
from trial.models import AuditEvent, Participant, Study, User

BASE = "/api/v1"


class Client:
    """`post("today/")` and so on below BASE, as JSON, with an Idempotency-Key when `key` is
    given.
    """

    def __init__(self, user: User | None = None, join_token: str = "") -> None:
        self.api, self.join_token = APIClient(), join_token
        if user:
            now = timezone.now()
            by = actors.staff(user.pk)
            token = tokens.make(user=user, name="test", key="test", by=by, at=now)
            if token.expires_at <= now:  # the clock was moved on since it was made
                token = tokens.make(user=user, name="test", by=by, at=now)
            self.api.credentials(HTTP_AUTHORIZATION=f"Token {tokens.secret_of(token)}")

    def get(self, path: str, **query: Any):
        return self.api.get(f"{BASE}/{path}", query, headers=self._headers(None))

    def post(self, path: str, body: Any = None, *, key: str | None = None):
        return self.api.post(
            f"{BASE}/{path}", body or {}, format="json", headers=self._headers(key)
        )

    def put(self, path: str, body: Any, *, key: str | None = None):
        return self.api.put(f"{BASE}/{path}", body, format="json", headers=self._headers(key))

    def delete(self, path: str):
        return self.api.delete(f"{BASE}/{path}")

    def upload(self, path: str, **fields: Any):
        return self.api.post(f"{BASE}/{path}", fields, format="multipart")

    def _headers(self, key: str | None) -> dict[str, str]:
        headers = {"Join-Token": self.join_token} if self.join_token else {}
        return {**headers, "Idempotency-Key": key} if key else headers


def of(person: Participant) -> Client:
    return Client(person.user)


def a_key() -> str:
    return str(uuid.uuid4())


def begun(study: Study, language: str = "en") -> Client:
    """Somebody who agreed to be screened."""
    answer = Client().post(f"join/{study.public_slug}/", {"language": language})
    assert answer.status_code == 201, answer.content
    return Client(join_token=answer.json()["join_token"])


def screened(study: Study, **items: int) -> Client:
    client = begun(study)
    client.post(
        f"join/{study.public_slug}/questions/basics/",
        {"answers": {"age": 41, "sex": "f", "site": "main"}},
    )
    client.post(f"join/{study.public_slug}/screening/mood/", {"answers": mood(study, **items)})
    return client


def mood(study: Study, **items: int) -> dict[str, int]:
    return factories.answers_to(study, "PHQ9", 1, **{"i9": 0, **items})


def mailed_code() -> str:
    found = re.search(r"\b\d{6}\b", mail.outbox[-1].body)
    assert found
    return found[0]


def verified(study: Study, email: str = "dan@example.org") -> tuple[Client, Participant]:
    """Past the checked address: signed in by the token of the answer."""
    client = screened(study)
    typed = {"name": "Dan Jansen", "email": email, "phone": "06 1234 5678"}
    client.post(f"join/{study.public_slug}/contact/", typed)
    answer = client.post(f"join/{study.public_slug}/verify/", {"code": mailed_code()})
    assert answer.status_code == 200, answer.content
    person = Participant.objects.get(code=answer.json()["participant"])
    return of(person), person


def signing(person: Participant) -> dict[str, Any]:
    letter = person.version.consent.letters["en"]
    return {
        "comprehension": {each.code: each.correct for each in letter.comprehension},
        "statements": [each.code for each in letter.statements],
        "signature": "Dan Jansen",
    }


def sheet(person: Participant, timepoint: str, instrument: str, value: int = 1) -> dict[str, Any]:
    answers = factories.answers_to(person.study, instrument, value)
    return {"answers": {**answers, "9": 0} if instrument == "PHQ9" else answers}


def remaining(person: Participant, timepoint: str, at: datetime) -> list[str]:
    sitting = reads.sitting(person, timepoint)
    return [row.instrument for row in sitting.remaining(at)] if sitting else []


def baseline(person: Participant) -> str:
    return definitions.assessments(person.version).baseline.timepoint


def events(person: Participant) -> list[tuple[str, str, str]]:
    """What the audit trail holds of a person: what was done, about what, and in which role."""
    rows = AuditEvent.objects.filter(stream=f"{person.study.slug}/{person.code}").order_by("number")
    return [
        (row.action, re.sub(r"\d+", "#", row.subject.replace(person.code, "CODE")), row.role)
        for row in rows
    ]
