"""Phone numbers, e-mail addresses and codes as people write them, each read into the one way in
which it is kept.
"""

from __future__ import annotations

import re
import unicodedata

import idna
import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

HOME = "NL"  # where a number belongs that names no country, for whoever has no study to ask
LONGEST = 100  # signs of a number or code as it is pasted, blanks and invisible marks included
ADDRESS_EXAMPLE = "name@example.org"
_NUMBER = re.compile(r"\(*\+?[0-9 ().\-/]+")
# What every mail host can be told: RFC 5321 without quotes.
_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_ADDRESS = re.compile(
    rf"{_ATOM}(\.{_ATOM})*@([a-z0-9-]+\.)+([a-z]{{2,63}}|xn--[a-z0-9-]+)", re.IGNORECASE
)
LONGEST_LOCAL, LONGEST_ADDRESS = 64, 254
_NAMED = re.compile(r"[^<>@]*<([^<>]+)>")


class NotOneNumber(ValueError):
    """No phone number, or more than one, or one with letters or an extension."""


class NotOneAddress(ValueError):
    """No e-mail address, or more than one."""


def phone_number(written: str, country: str = HOME) -> str:
    """The number in E.164, such as +31612345678; `country` (ISO 3166) is where one without a
    country code belongs.

    Raises NotOneNumber.
    """
    plain = re.sub(r"^tel:\s*", "", _plain(written), flags=re.IGNORECASE)
    if not _NUMBER.fullmatch(plain):
        raise NotOneNumber
    found = _dialled("".join(sign for sign in plain if sign in "+0123456789"), country)
    if found is None:
        raise NotOneNumber
    return phonenumbers.format_number(found, PhoneNumberFormat.E164)


def _dialled(number: str, country: str) -> phonenumbers.PhoneNumber | None:
    """With 00 as abroad, also where another sign is dialled for it."""
    ways = (number, f"+{number[2:]}") if number.startswith("00") else (number,)
    for way in ways:
        try:
            found = phonenumbers.parse(way, country)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_possible_number(found):
            return found
    return None


def phone_example(country: str = HOME) -> str:
    """A number of that country as people there write it, and as others do."""
    number = phonenumbers.example_number_for_type(country, PhoneNumberType.MOBILE)
    number = number or phonenumbers.example_number(country)
    assert number is not None  # for none of phonenumbers.SUPPORTED_REGIONS
    ways = [PhoneNumberFormat.NATIONAL, PhoneNumberFormat.INTERNATIONAL]
    return " / ".join(dict.fromkeys(phonenumbers.format_number(number, way) for way in ways))


def has_numbers(country: str) -> bool:
    return country in phonenumbers.SUPPORTED_REGIONS


def phone_in_words(number: str) -> str:
    """E.164 with blanks, for reading; anything else as it is."""
    try:
        return phonenumbers.format_number(
            phonenumbers.parse(number), PhoneNumberFormat.INTERNATIONAL
        )
    except phonenumbers.NumberParseException:
        return number


def email_address(written: str) -> str:
    """The address as mail is sent to it: the domain in the letters of the DNS (UTS 46), what stands
    before it as typed.

    Raises NotOneAddress.
    """
    plain = _plain(written)
    named = _NAMED.fullmatch(plain)
    bare = re.sub(
        r"^mailto:\s*([^?]*).*$", r"\1", named[1] if named else plain, flags=re.IGNORECASE
    )
    local, _at, domain = bare.lstrip(' "<').rstrip(' ">.,;').rpartition("@")
    address = f"{local}@{_ascii(domain)}"
    if (
        not _ADDRESS.fullmatch(address)
        or len(local) > LONGEST_LOCAL
        or len(address) > LONGEST_ADDRESS
    ):
        raise NotOneAddress
    return address


def _ascii(domain: str) -> str:
    """What is ASCII already needs no more than small letters; idna would refuse hyphens that some
    domains have.
    """
    if domain.isascii() and "xn--" not in domain.casefold():
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        raise NotOneAddress from None


def email_in_words(address: str) -> str:
    """The address with its domain in the letters that people know it by."""
    local, at, domain = address.rpartition("@")
    try:
        return f"{local}{at}{idna.decode(domain)}" if "xn--" in domain else address
    except idna.IDNAError:
        return address


def digits(written: str) -> str:
    """A code that consists of digits, in whatever script it was typed, without what stands between
    them.
    """
    return "".join(str(unicodedata.digit(sign)) for sign in written if sign.isdigit())


def _plain(written: str) -> str:
    """Without invisible marks, with plain blanks, hyphens and digits."""
    kept = (
        sign
        for sign in unicodedata.normalize("NFKC", written)
        if unicodedata.category(sign) != "Cf"
    )
    return "".join(_plain_sign(sign) for sign in kept).strip()


def _plain_sign(sign: str) -> str:
    if sign.isdigit():
        return str(unicodedata.digit(sign))
    category = unicodedata.category(sign)
    return "-" if category == "Pd" or sign == "−" else " " if category in {"Zs", "Cc"} else sign
