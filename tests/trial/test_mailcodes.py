from datetime import UTC, datetime, timedelta

from trial.mailcodes import Asked, Verdict, code_from, judge

SENT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def asked(**changes):
    return Asked(**{"key": "k", "code": "012345", "name": "n", "email": "e", "phone": "p", "sent_at": SENT, **changes})


def test_the_right_code_is_right_however_it_is_spaced():
    assert judge(asked(), " 012 345 ", SENT) == Verdict.RIGHT


def test_another_code_is_wrong():
    assert judge(asked(), "012346", SENT) == Verdict.WRONG


def test_nothing_is_right_where_no_code_was_sent():
    assert judge(asked(code=""), "", SENT) == Verdict.WRONG


def test_after_five_tries_or_a_quarter_of_an_hour_it_is_over():
    assert judge(asked(tries=5), "012345", SENT) == Verdict.OVER
    assert judge(asked(tries=4), "012345", SENT) == Verdict.RIGHT
    assert judge(asked(), "012345", SENT + timedelta(minutes=15)) == Verdict.OVER


def test_a_session_gives_back_what_it_was_given():
    assert Asked.from_session(asked().tried().for_session()) == asked(tries=1)


def test_a_code_has_six_digits():
    assert code_from("a") == "000010"
    assert len(code_from("f" * 64)) == 6
