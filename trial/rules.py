"""One rule format for eligibility, alerts, branching and tailoring, in Kleene's three-valued logic.

A rule about something that was not asked or not answered is neither true nor false: `holds` gives
None, and the caller decides what to do with not knowing. `any` is true as soon as one part is,
`all` false as soon as one part is, whatever the unknown parts would have said (Kleene 1952,
Introduction to Metamathematics, section 64).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, model_validator
from pydantic import Field as Key

from trial.folder.fields import Entry, Line
from trial.thresholds import decimal

Value = str | int | float | Fraction
LIMITS = ("above", "below", "at_least", "at_most")
COMPARATORS = (*LIMITS, "equals", "one_of")
SUBJECTS = ("answer", "score", "item")


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _numeric(value: str) -> str:
    if number(value) is None:
        raise ValueError(f"'{value}' is not a number")
    return value


# Kept as written: 0.1 means one tenth, which no float is.
Limit = Annotated[str, BeforeValidator(_as_text), AfterValidator(_numeric)]
Written = Annotated[Line, BeforeValidator(_as_text)]


@dataclass(frozen=True)
class Facts:
    """What is known of one person. Items are named `INSTRUMENT.item`; None and absent both mean not
    known.
    """

    answers: Mapping[str, Value | None] = field(default_factory=dict)
    scores: Mapping[str, Value | None] = field(default_factory=dict)
    items: Mapping[str, Value | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Names:
    """What a rule needs to be known before it can be judged."""

    answers: frozenset[str] = frozenset()
    scores: frozenset[str] = frozenset()
    items: frozenset[str] = frozenset()


class Rule(Entry):
    """Either one subject with comparators that must all hold, or one of `all`, `any`, `not` around
    other rules.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    answer: Line | None = None
    score: Line | None = None
    item: Line | None = None
    above: Limit | None = None
    below: Limit | None = None
    at_least: Limit | None = None
    at_most: Limit | None = None
    equals: Written | None = None
    one_of: Annotated[tuple[Written, ...], Key(min_length=1)] | None = None
    all: Annotated[tuple["Rule", ...], Key(min_length=1)] | None = None
    any: Annotated[tuple["Rule", ...], Key(min_length=1)] | None = None
    not_: "Rule | None" = Key(default=None, alias="not")

    @model_validator(mode="after")
    def check_form(self) -> Self:
        subjects = [name for name in SUBJECTS if getattr(self, name) is not None]
        combinations = [part for part in (self.all, self.any, self.not_) if part is not None]
        if len(subjects) + len(combinations) != 1:
            raise ValueError("a rule has exactly one of answer, score, item, all, any, not")
        compared = [name for name in COMPARATORS if getattr(self, name) is not None]
        if combinations and compared:
            raise ValueError(
                f"'{compared[0]}' belongs to an answer, score or item, not beside all, any, not"
            )
        if subjects and not compared:
            raise ValueError(f"'{subjects[0]}' needs one of {', '.join(COMPARATORS)}")
        if not _is_satisfiable(self):
            raise ValueError(
                "no value can satisfy this; the lower limit is not below the upper one"
            )
        return self

    @property
    def parts(self) -> tuple["Rule", ...]:
        return self.all or self.any or ((self.not_,) if self.not_ else ())


def holds(rule: Rule, facts: Facts) -> bool | None:
    """True, False, or None where what is missing could decide it."""
    if rule.all is not None:
        return _all(holds(part, facts) for part in rule.all)
    if rule.any is not None:
        return _negated(_all(_negated(holds(part, facts)) for part in rule.any))
    if rule.not_ is not None:
        return _negated(holds(rule.not_, facts))
    return _compare(rule, _fact(rule, facts))


def names(rule: Rule) -> Names:
    inside = [names(part) for part in rule.parts]
    return Names(
        answers=_named(rule.answer).union(*(part.answers for part in inside)),
        scores=_named(rule.score).union(*(part.scores for part in inside)),
        items=_named(rule.item).union(*(part.items for part in inside)),
    )


def _named(name: str | None) -> frozenset[str]:
    return frozenset() if name is None else frozenset({name})


def _all(verdicts: Iterable[bool | None]) -> bool | None:
    known = list(verdicts)
    if False in known:
        return False
    return None if None in known else True


def _negated(verdict: bool | None) -> bool | None:
    return None if verdict is None else not verdict


def _fact(rule: Rule, facts: Facts) -> Value | None:
    if rule.answer is not None:
        return facts.answers.get(rule.answer)
    if rule.score is not None:
        return facts.scores.get(rule.score)
    return facts.items.get(rule.item or "")


def _compare(rule: Rule, fact: Value | None) -> bool | None:
    if fact is None or fact == "":
        return None
    verdicts = [
        _within(name, getattr(rule, name), fact)
        for name in LIMITS
        if getattr(rule, name) is not None
    ]
    if rule.equals is not None:
        verdicts.append(_same(fact, rule.equals))
    if rule.one_of is not None:
        verdicts.append(any(_same(fact, value) for value in rule.one_of))
    return _all(verdicts)


def _within(name: str, limit: str, fact: Value) -> bool | None:
    """None for an answer that is no number: a limit says nothing about it."""
    value, bound = number(fact), number(limit)
    if value is None or bound is None:
        return None
    return {
        "above": value > bound,
        "below": value < bound,
        "at_least": value >= bound,
        "at_most": value <= bound,
    }[name]


def _same(fact: Value, written: str) -> bool:
    value, wanted = number(fact), number(written)
    if value is not None and wanted is not None:
        return value == wanted
    return str(fact) == written


def number(value: Value) -> Fraction | None:
    """Exact, a float as the decimal that it stands for: a score of 9.6 is 48/5. A fraction such as
    1/3 in text is not a number that the folder's language knows.
    """
    if isinstance(value, str) and ("/" in value or len(value) > 30 or "e" in value.lower()):
        return None
    try:
        return decimal(value) if isinstance(value, float) else Fraction(value)
    except (ValueError, OverflowError):
        return None


def _is_satisfiable(rule: Rule) -> bool:
    """Some number lies between the highest lower limit and the lowest upper one."""
    return all(
        low < high or (low == high and not (low_is_open or high_is_open))
        for low, low_is_open in _limits(rule, "above", "at_least")
        for high, high_is_open in _limits(rule, "below", "at_most")
    )


def _limits(rule: Rule, strict: str, loose: str) -> list[tuple[Fraction, bool]]:
    written = [(getattr(rule, strict), True), (getattr(rule, loose), False)]
    return [(Fraction(limit), is_open) for limit, is_open in written if limit is not None]
