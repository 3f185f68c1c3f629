"""Parameters as a plan has them: whole numbers and fractions, also as the text of a study folder;
never a float.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from randomisation.methods.rule import BadParameter, is_equal


def ratio_of(given: Any) -> dict[str, int]:
    if not isinstance(given, Mapping) or len(given) < 2:
        raise BadParameter("ratio gives a share to each of at least two arms")
    return {arm: whole(share, f"the share of {arm}") for arm, share in given.items()}


def even_pair(given: Any, method: str) -> dict[str, int]:
    """A ratio of two arms 1:1."""
    ratio = ratio_of(given)
    if len(ratio) != 2 or not is_equal(ratio):
        raise BadParameter(
            f"{method} is for two arms 1:1; this is {':'.join(map(str, ratio.values()))}"
        )
    return ratio


def whole(given: Any, what: str, least: int = 1) -> int:
    """A whole number, never a float, which may hide a fraction."""
    number = int(given) if isinstance(given, str) and given.isdecimal() else given
    if type(number) is not int or number < least:
        raise BadParameter(f"{what} is a whole number of at least {least}, not {given!r}")
    return number


def fraction(given: Any, what: str) -> Fraction:
    """An exact number: 0.8 as text is four fifths, which no float is."""
    if isinstance(given, float | bool) or not isinstance(given, int | str | Fraction):
        raise BadParameter(
            f"{what} is a fraction or a decimal as text, such as 4/5 or 0.8, not {given!r}"
        )
    try:
        return Fraction(given)
    except (ValueError, ZeroDivisionError):
        raise BadParameter(
            f"{what} is a fraction or a decimal, such as 4/5 or 0.8, not {given!r}"
        ) from None


def between(
    given: Any, what: str, low: Fraction, high: Fraction, *, closed: bool = False
) -> Fraction:
    """A fraction above `low` and below `high`, or up to it where `closed`."""
    number = fraction(given, what)
    if not low < number <= high or (number == high and not closed):
        raise BadParameter(
            f"{what} is above {low} and {'at most' if closed else 'below'} {high}, not {given!r}"
        )
    return number


def weight(given: Any, what: str) -> Fraction:
    number = fraction(given, what)
    if number < 0:
        raise BadParameter(f"{what} is not negative, as {given!r} is")
    return number


def one_of(given: Any, what: str, known: Iterable[str]) -> str:
    names = tuple(known)
    if given not in names:
        raise BadParameter(f"{what} is one of {', '.join(names)}, not {given!r}")
    return str(given)


def block_sizes(given: Any, unit: int) -> tuple[tuple[int, int], ...]:
    """Sizes with the weight of each, in order of size: a list where all are equally likely, or size
    -> weight.
    """
    weights = list(given.items()) if isinstance(given, Mapping) and given else _listed(given)
    sizes = sorted(
        (whole(size, "a block size"), whole(share, "the weight of a size"))
        for size, share in weights
    )
    numbers = [size for size, _ in sizes]
    if len(set(numbers)) < len(numbers):
        raise BadParameter("a block size is given more than once")
    if any(size % unit for size in numbers):
        raise BadParameter(f"a block holds the ratio: its size is a multiple of {unit}")
    return tuple(sizes)


def _listed(given: Any) -> list[tuple[Any, int]]:
    if isinstance(given, str) or not isinstance(given, Sequence) or not given:
        raise BadParameter("block_sizes is a list of at least one size")
    return [(size, 1) for size in given]


def names(given: Any, what: str) -> tuple[str, ...]:
    """Names, each once: of a list, or the keys of a mapping."""
    listed = (
        tuple(map(str, given))
        if isinstance(given, Sequence | Mapping) and not isinstance(given, str)
        else ()
    )
    if not listed:
        raise BadParameter(f"{what} names at least one factor")
    if len(set(listed)) < len(listed):
        raise BadParameter(f"{what} names a factor more than once")
    return listed
