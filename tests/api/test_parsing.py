"""JSON that no column can hold is refused by every endpoint that takes any, before a view sees
it.
"""

from __future__ import annotations

import json

import pytest

from tests.api import clients
from tests.api.clients import BASE
from trial.api.parsing import DEEPEST, LONGEST_NUMBER

pytestmark = pytest.mark.django_db

REFUSED = {
    "100,000 brackets": b"[" * 100_000 + b"]" * 100_000,
    "100,000 braces": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "one bracket too deep": b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1),
    "half an emoji": b'"so tired \\ud83d"',
    "half an emoji in a key": b'{"\\ude00": 1}',
    "NUL": b'"a\\u0000b"',
    "a number of 5,000 digits": b"9" * 5000,
    "a number of 400 digits": b"-" + b"9" * 400,
    "a number beyond the columns": b"9" * (LONGEST_NUMBER + 1),
    "a number without an end": b"1e400",
    "no number": b"NaN",
    "bytes that are no text": b'"\xff"',
}


def test_what_cannot_be_kept_is_refused_with_400(study, dan, staff):
    me, ada, stranger = clients.of(dan), clients.Client(staff("researcher")), clients.Client()
    bodies = [
        (stranger.api.post, "token/", b'{"email": "a@example.org", "password": %s}'),
        (stranger.api.post, f"join/{study.public_slug}/", b'{"language": %s}'),
        (me.api.put, "language/", b'{"language": [%s]}'),
        (ada.api.post, "studies/small-study/pause/", b'{"reason": %s}'),
    ]
    for what, value in REFUSED.items():
        for send, path, body in bodies:
            answer = send(f"{BASE}/{path}", body % value, content_type="application/json")
            assert (answer.status_code, answer.json()["code"]) == (400, "parse_error"), (what, path)


def test_a_whole_emoji_and_every_number_that_a_column_holds_are_read(study, staff):
    client = clients.screened(study)
    typed = {"name": "Robin \U0001f600", "email": "robin@example.org", "phone": "06 1234 5678"}
    as_pairs = json.dumps(typed)  # two escapes for the one sign, as JavaScript writes it
    assert "\\ud83d\\ude00" in as_pairs
    answer = client.api.post(
        f"{BASE}/join/{study.public_slug}/contact/",
        as_pairs,
        content_type="application/json",
        headers={"Join-Token": client.join_token},
    )
    assert answer.status_code == 200
    ada = clients.Client(staff("researcher"))
    answer = ada.api.post(
        f"{BASE}/studies/small-study/pause/",
        '{"reason": 999999999999999999}',
        content_type="application/json",
    )
    assert answer.status_code == 200
