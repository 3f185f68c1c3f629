from datetime import UTC, datetime, timedelta

from trial.mailcodes import Asked, code_from, is_open

SENT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def test_after_five_tries_or_ten_minutes_it_is_over():
    assert is_open(4, SENT, SENT + timedelta(minutes=10) - timedelta.resolution)
    assert not is_open(5, SENT, SENT)
    assert not is_open(0, SENT, SENT + timedelta(minutes=10))


def test_a_session_gives_back_what_it_was_given():
    asked = Asked(handle="h", name="n", email="e", phone="p", sent_at=SENT)
    assert Asked.from_session(asked.for_session()) == asked


def test_a_code_has_six_digits():
    assert [code_from(number) for number in (10, 999_999)] == ["000010", "999999"]
