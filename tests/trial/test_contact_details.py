from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trial import contact_details
from trial.contact_details import NotOneAddress, NotOneNumber

DAN = "+31612345678"


@pytest.mark.parametrize(
    "written",
    [
        "+31 6 1234 5678",
        "06 1234 5678",
        "0031612345678",
        "0031 (0)6 1234 5678",
        "+31 (0)6 1234 5678",
        "(+31) 6 12345678",
        "06.12.34.56.78",
        "06-12345678",
        "06–12345678",
        "06‑12345678",
        "06−1234−5678",
        "06\N{NO-BREAK SPACE}1234\N{NARROW NO-BREAK SPACE}5678",
        "\N{LEFT-TO-RIGHT EMBEDDING}+31 6 1234 5678\N{POP DIRECTIONAL FORMATTING}",
        "\N{LEFT-TO-RIGHT MARK}06\N{ZERO WIDTH SPACE}12345678\N{ZERO WIDTH NO-BREAK SPACE}",
        "tel:+31612345678",
        "０６１２３４５６７８",
        "＋31 6 12345678",
        "٠٦١٢٣٤٥٦٧٨",
        "\t06 1234 5678\n",
    ],
)
def test_a_number_is_one_number_however_it_is_written(written):
    assert contact_details.phone_number(written) == DAN


@pytest.mark.parametrize(
    ("written", "country", "number"),
    [
        ("(415) 555-0132", "US", "+14155550132"),
        ("1-415-555-0132", "US", "+14155550132"),
        ("011 31 6 12345678", "US", DAN),
        ("0031 6 12345678", "US", DAN),  # as from home, on a form of another country
        ("+49 (0)30 / 123456-78", "NL", "+493012345678"),
        ("0473 12 34 56", "BE", "+32473123456"),
        ("06 1234 5678", "IT", "+390612345678"),  # where the nought belongs to the number
        ("020/123 45 67", "NL", "+31201234567"),
    ],
)
def test_a_number_without_a_country_code_belongs_to_the_country_of_the_study(
    written, country, number
):
    assert contact_details.phone_number(written, country) == number
    assert contact_details.phone_number(number, country) == number


@pytest.mark.parametrize(
    "written",
    [
        "",
        " ",
        "soon",
        "112",
        "+31 20 123 4567 ext. 12",
        "+31 20 123 4567 x12",
        "+31 20 123 4567;ext=12",
        "020 123 4567 #12",
        "0800-FLOWERS",
        "06 1234 5678 or 020 123 4567",
        "06 1234 5678, 020 123 4567",
        "06 1234 5678 / 020 123 4567",
        "+31612345678 +31201234567",
        "06 1234 5678 (mother)",
        "+" * 20,
    ],
)
def test_letters_an_extension_a_second_number_and_no_number_are_refused(written):
    with pytest.raises(NotOneNumber):
        contact_details.phone_number(written)


def test_the_example_of_a_number_is_one_of_the_country_and_is_read_itself():
    assert contact_details.phone_example("NL") == "06 12345678 / +31 6 12345678"
    for country in phonenumbers.SUPPORTED_REGIONS:
        for way in contact_details.phone_example(country).split(" / "):
            assert contact_details.phone_number(way, country).startswith("+")


def test_a_number_is_shown_with_blanks_and_read_again_from_there():
    assert contact_details.phone_in_words(DAN) == "+31 6 12345678"
    assert contact_details.phone_number(contact_details.phone_in_words(DAN), "US") == DAN
    assert contact_details.phone_in_words("0800-0113") == "0800-0113"


@pytest.mark.parametrize(
    "written",
    [
        "robin@example.org",
        " robin@example.org\N{NO-BREAK SPACE}",
        "mailto:robin@example.org",
        "MAILTO:robin@example.org?subject=Hello",
        "Robin Doe <robin@example.org>",
        '"Doe, Robin" <robin@example.org>',
        "Robin <mailto:robin@example.org>",
        "<robin@example.org>",
        '"robin@example.org"',
        "\N{ZERO WIDTH SPACE}robin@\N{ZERO WIDTH SPACE}example.org\N{WORD JOINER}",
        "robin＠example.org",
        "robin@example.org.",
        "robin@example.org,",
        "robin@EXAMPLE.Org",
    ],
)
def test_an_address_is_one_address_however_it_was_pasted(written):
    assert contact_details.email_address(written) == "robin@example.org"


@pytest.mark.parametrize(
    "written",
    [
        "robin@Bücher.example",
        "robin@bücher.example",
        "robin@xn--bcher-kva.example",
        "robin@BÜCHER。example",
    ],
)
def test_a_domain_in_other_letters_is_one_domain_and_shown_as_people_know_it(written):
    address = contact_details.email_address(written)
    assert address == "robin@xn--bcher-kva.example"
    assert contact_details.email_in_words(address) == "robin@bücher.example"


def test_a_sharp_s_is_a_domain_of_its_own():
    """UTS 46 as browsers read it; the older reading would send the mail to strasse.example."""
    assert contact_details.email_address("a@straße.example") == "a@xn--strae-oqa.example"


def test_a_domain_with_two_hyphens_is_kept():
    assert contact_details.email_address("Robin@my--shop.example") == "Robin@my--shop.example"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "robin",
        "robin@",
        "@example.org",
        "robin@example",
        "robin doe@example.org",
        "robin@exam ple.org",
        "robin@example.org, dan@example.org",
        "robin@example.org dan@example.org",
        "a@b.nl <robin@example.org>",
        "robin@example..org",
        "robin..doe@example.org",
        ".robin@example.org",
        "robin@xn--a.example",
        "robin@❤\N{COMBINING GRAVE ACCENT}.example",
        "robin@example.org\r\nBcc: dan@example.org",
        f"{'a' * 65}@example.org",
        f"robin@{'a.' * 125}org",
    ],
)
def test_what_is_no_address_or_more_than_one_is_refused(written):
    with pytest.raises(NotOneAddress):
        contact_details.email_address(written)


@pytest.mark.parametrize(
    "written",
    [
        "012345",
        "012 345",
        " 012345 ",
        "012-345",
        "012\N{NO-BREAK SPACE}345",
        "０１２３４５",
        "٠١٢٣٤٥",
        "۰۱۲۳۴۵",
        "०१२३४५",
    ],
)
def test_a_code_is_read_in_the_digits_of_any_script_and_with_any_blanks(written):
    assert contact_details.digits(written) == "012345"


@given(st.text())
def test_whatever_is_typed_is_read_or_refused_and_what_was_read_is_read_again_alike(written):
    for read, refusal in (
        (contact_details.phone_number, NotOneNumber),
        (contact_details.email_address, NotOneAddress),
    ):
        try:
            once = read(written)
        except refusal:
            continue
        assert read(once) == once


@given(st.from_regex(r"\+?[0-9 ()/.-]{1,30}", fullmatch=True))
def test_a_number_that_was_read_is_read_again_alike(written):
    try:
        once = contact_details.phone_number(written)
    except NotOneNumber:
        return
    assert contact_details.phone_number(once, "US") == once
