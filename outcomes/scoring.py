"""From answers to a score, exactly: fractions throughout, no rounding anywhere.

A blank is an item without an answer, whether absent or None. Where the instrument says `prorate`,
up to `max_missing` blanks each count as the mean of the answered items, which is that mean times
the number of items; with more blanks, or where it says `none`, there is no score. Nested (derived)
scores are given only when all their items are answered.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from outcomes.instruments import Instrument


class UnknownItem(ValueError):
    """An answer to an item that the instrument does not have."""


class AnswerOutsideOptions(ValueError):
    """An answer that nobody could have chosen."""


@dataclass(frozen=True)
class Scored:
    value: Fraction | None
    n_answered: int
    n_missing: int
    prorated: bool
    band: str | None
    derived: dict[str, Fraction | None]

    @property
    def number(self) -> float | None:
        """The value for storing and showing, not rounded: 37/3 is 12.333333333333334."""
        return None if self.value is None else float(self.value)


def score(instrument: Instrument, answers: Mapping[str, int | None]) -> Scored:
    """Score what was answered; counts of answered and missing are over the items that the score is
    made of.
    """
    given = _given(instrument, answers)
    rule = instrument.scoring
    n_answered = sum(item in given for item in rule.items)
    n_missing = len(rule.items) - n_answered
    value = _sum(rule.items, given) if n_missing <= rule.max_missing else None
    return Scored(
        value=value,
        n_answered=n_answered,
        n_missing=n_missing,
        prorated=value is not None and n_missing > 0,
        band=None if value is None else band_of(instrument, value),
        derived={code: _complete_sum(items, given) for code, items in instrument.derived.items()},
    )


def band_of(instrument: Instrument, value: Fraction | float) -> str | None:
    """The code of the highest band that starts at or below the value; None where the instrument has
    no bands.
    """
    reached = [band.code for band in instrument.bands if band.from_ <= value]
    return reached[-1] if reached else None


def reversed_answer(instrument: Instrument, answer: int) -> int:
    return instrument.options[0] + instrument.options[-1] - answer


def _given(instrument: Instrument, answers: Mapping[str, int | None]) -> dict[str, int]:
    """The answers that are there, checked, each turned so that it counts in the direction of the
    score.
    """
    unknown = answers.keys() - set(instrument.item_codes)
    if unknown:
        raise UnknownItem(f"{instrument.code} has no item {', '.join(sorted(unknown))}")
    return {
        item: reversed_answer(instrument, answer) if item in instrument.reverse else answer
        for item, answer in answers.items()
        if answer is not None and _is_option(instrument, item, answer)
    }


def _is_option(instrument: Instrument, item: str, answer: int) -> bool:
    # True and 1.0 equal 1 in Python, yet neither is what a person chose.
    if type(answer) is not int or answer not in instrument.options:
        options = ", ".join(map(str, instrument.options))
        raise AnswerOutsideOptions(f"{instrument.code}.{item}: {answer!r} is not one of {options}")
    return True


def _sum(items: tuple[str, ...], given: Mapping[str, int]) -> Fraction:
    answered = [given[item] for item in items if item in given]
    return Fraction(sum(answered) * len(items), len(answered))


def _complete_sum(items: Iterable[str], given: Mapping[str, int]) -> Fraction | None:
    items = tuple(items)
    return (
        Fraction(sum(given[item] for item in items))
        if all(item in given for item in items)
        else None
    )
