"""What became of a mail, by where the host fails; and that every mail is written as it was
meant.
"""

from __future__ import annotations

import mailbox
from contextlib import closing
from email import message, message_from_bytes, policy

import pytest
from django.core.mail import EmailMessage

from tests import smtp
from trial import headers, mail

LETTER = {
    "to": "robin@example.org",
    "subject": "Quiet mornings: your message",
    "body": "Dear Robin,\n\nFrom here. é\n",
}


def sent(**given: str) -> mail.Letter:
    letter = mail.Letter(**{**LETTER, **given})
    with mail.door() as door:
        door.hand_over(letter)
    return letter


@pytest.fixture
def host(settings):
    with smtp.running() as running:
        smtp.use(settings, running.port)
        yield running


WHERE = {  # where the host fails, what it says there, and what became of the mail
    ("CONNECT", smtp.CUT): mail.DoorShut,
    ("CONNECT", "421 full"): mail.DoorShut,
    ("CONNECT", "554 no"): mail.DoorShut,
    ("EHLO", smtp.CUT): mail.DoorShut,
    ("EHLO", "421 going"): mail.DoorShut,
    ("AUTH", "454 later"): mail.DoorShut,
    ("AUTH", "535 wrong"): mail.DoorShut,
    ("AUTH", smtp.CUT): mail.DoorShut,
    ("MAIL", "421 going"): mail.DoorShut,
    ("MAIL", "451 later"): mail.PutOff,
    ("MAIL", "530 log in first"): mail.DoorShut,
    ("MAIL", "550 not from you"): mail.Refused,
    ("MAIL", smtp.CUT): mail.DoorShut,
    ("MAIL", "what?"): mail.PutOff,
    ("RCPT", "421 going"): mail.DoorShut,
    ("RCPT", "450 grey"): mail.PutOff,
    ("RCPT", "550 nobody here"): mail.Refused,
    ("RCPT", smtp.CUT): mail.DoorShut,
    ("DATA", "451 later"): mail.PutOff,
    ("DATA", "554 no"): mail.Refused,
    ("DATA", smtp.CUT): mail.DoorShut,
    ("TEXT", "421 going"): mail.DoorShut,
    ("TEXT", "451 later"): mail.PutOff,
    ("TEXT", "554 spam"): mail.Refused,
    ("TEXT", smtp.CUT): mail.Uncertain,
    ("TEXT", smtp.TAKEN_AND_CUT): mail.Uncertain,
    ("TEXT", "what?"): mail.Uncertain,
}


@pytest.mark.parametrize(
    ("place", "verdict"), WHERE.items(), ids=[" ".join(place) for place in WHERE]
)
def test_what_became_of_a_mail_follows_from_where_the_host_failed(host, place, verdict):
    command, said = place
    host.answers[command] = said
    with pytest.raises((mail.NotHandedOver, mail.Refused, mail.Uncertain)) as told:
        sent()
    assert (told.type, "example.org" in str(told.value)) == (verdict, False)


def test_a_host_that_cannot_be_reached_is_a_shut_door(settings):
    smtp.use(settings, smtp.nobody_listens())
    with pytest.raises(mail.DoorShut):
        sent()


@pytest.mark.parametrize("name", ["..", "a" * 70 + ".example"])
def test_a_host_whose_name_cannot_be_one_is_a_shut_door(settings, name):
    smtp.use(settings, 25)
    settings.EMAIL_HOST = name
    with pytest.raises(mail.DoorShut):
        sent()


@pytest.mark.parametrize(
    ("command", "what"), [("MAIL", "sender"), ("RCPT", "address"), ("TEXT", "words")]
)
def test_a_refusal_says_what_is_refused(host, command, what):
    host.answers[command] = "550 no"
    with pytest.raises(mail.Refused) as told:
        sent()
    assert told.value.what == what


def test_an_answer_that_was_given_stands_however_the_line_ends(host):
    host.answers["QUIT"] = "what?"
    sent()
    assert host.addressees == ["robin@example.org"]


def test_one_line_serves_many_mails_and_is_opened_anew_after_it_broke(host):
    letter = mail.Letter(**LETTER)
    with mail.door() as door:
        for _ in range(3):
            door.hand_over(letter)
        assert host.said.count("EHLO") == 1
        host.answers["MAIL"] = smtp.CUT
        with pytest.raises(mail.DoorShut):
            door.hand_over(letter)
        del host.answers["MAIL"]
        door.hand_over(letter)
    assert (len(host.taken), host.said.count("EHLO")) == (4, 3)


def test_a_host_that_takes_so_many_mails_over_one_line_gets_the_next_over_another(host):
    host.most = 2
    with mail.door() as door:
        for _ in range(5):
            door.hand_over(mail.Letter(**LETTER))
    assert (len(host.taken), host.said.count("EHLO")) == (5, 3)


def test_a_refusal_of_one_mail_leaves_the_door_open_for_the_next(host):
    host.answers["gone@example.org"] = "550 nobody here"
    with mail.door() as door:
        with pytest.raises(mail.Refused):
            door.hand_over(mail.Letter(**{**LETTER, "to": "gone@example.org"}))
        door.hand_over(mail.Letter(**LETTER))
    assert (host.addressees, host.said.count("EHLO")) == (["robin@example.org"], 1)


NAMES = [
    "Steady Steps, University of X",
    "Team (pilot)",
    "Study: mornings",
    'The "Mornings" team',
    "Équipe Matinées",
    "Équipe, Université: (pilote)",
    "Team @ Leiden",
    "[Team] <pilot>; and more\\",
    "研究小组, 莱顿",
    "a" * 120,
]


@pytest.mark.parametrize("name", NAMES)
def test_a_sender_arrives_as_written_over_smtp_and_in_the_file_of_a_rehearsal(
    host, settings, tmp_path, name
):
    assert headers.check_name(name) == name
    sent(sender=name, subject=name, reply_to="team@example.org")
    settings.EMAIL_FILE_PATH = str(tmp_path)
    settings.EMAIL_BACKEND = "trial.mail.MboxBackend"
    sent(sender=name, subject=name, reply_to="team@example.org")

    (arrived,) = host.letters()
    with closing(mailbox.mbox(tmp_path / "mail.mbox")) as file:
        (kept,) = (
            message_from_bytes(file.get_bytes(key), policy=policy.default)
            for key in file.iterkeys()
        )
    for letter in (arrived, kept):
        (by,) = letter["From"].addresses
        assert (by.display_name, by.addr_spec, letter["Subject"]) == (
            name,
            "no-reply@localhost",
            name,
        )
        assert (letter["Reply-To"], letter["Auto-Submitted"]) == (
            "team@example.org",
            "auto-generated",
        )
        assert "From here. é" in letter.get_content()
        assert None not in (letter["Message-ID"], letter["Date"])


@pytest.mark.parametrize("name", NAMES)
def test_a_second_mail_is_written_as_python_writes_one_by_itself(name):
    """What the mails of a team share is read once."""
    told = {"subject": name, "body": "é", "Reply_To": headers.named("", "team@example.org")}
    sender = headers.named(name, "no-reply@localhost")
    by_python = message.EmailMessage(policy=policy.SMTP.clone(cte_type="7bit"))
    by_python["Subject"], by_python["From"], by_python["To"] = name, sender, "eva@example.org"
    by_python["Reply-To"] = told["Reply_To"]
    by_python.set_content("é")
    for to in ("dan@example.org", "eva@example.org"):
        written = headers.written(sender=sender, to=headers.named("", to), **told)
    assert headers.to_bytes(written) == headers.to_bytes(by_python)


@pytest.mark.parametrize(
    "name",
    [
        "two\nlines",
        "two\r\nBcc: x@example.org",
        "a\x00b",
        "half \ud83d",
        "=?utf-8?q?x?=",
        "Steps, " * 40,
    ],
)
def test_what_no_header_can_hold_is_refused(name):
    with pytest.raises(headers.Unwritable):
        headers.check_name(name)


def test_a_mail_that_cannot_be_written_says_nothing_to_the_host(host):
    with pytest.raises(headers.Unwritable):
        sent(subject="two\nlines")
    with pytest.raises(headers.Unwritable):
        sent(to="no address")
    assert "MAIL" not in host.said


@pytest.mark.parametrize("by", ['"Handvat, the team" <post@example.org>', "post@example.org"])
def test_the_address_of_the_installation_may_carry_a_name_of_its_own(host, settings, by):
    settings.DEFAULT_FROM_EMAIL = by
    sent()
    sent(sender="Quiet mornings")
    own, named = (letter["From"].addresses[0] for letter in host.letters())
    assert (own.addr_spec, named.addr_spec, named.display_name) == (
        "post@example.org",
        "post@example.org",
        "Quiet mornings",
    )


def test_a_mail_of_another_maker_goes_over_the_same_line(host):
    EmailMessage("Reset", "Set it anew.", "no-reply@localhost", ["ada@example.org"]).send()
    (arrived,) = host.letters()
    assert (arrived["To"], arrived["Subject"], host.addressees) == (
        "ada@example.org",
        "Reset",
        ["ada@example.org"],
    )


def test_a_host_that_is_slow_at_each_answer_has_no_more_time_than_one_that_is_slow_at_one(settings):
    with smtp.running() as host:
        smtp.use(settings, host.port)
        host.delay = 0.3
        with (
            pytest.raises(mail.DoorShut),
            mail.door(0.5),
        ):  # it greets and says what it knows: 0.6 at least
            pass
