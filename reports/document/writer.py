"""The pen: turns words, study texts and numbers into spans, and counts tables and figures."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from trial.languages import in_language

from ..dataset import POOLED, Dataset
from ..plan import AnalysisPlan
from ..results import Number, Results, ident
from .numerals import DECIMAL, numeral, p_value, percentage
from .spans import Label, Paragraph, Ref, Row, Spans, Text, Value, plain
from .words import COUNTING, known, pieces, word

ABSENT: Spans = (Text("–"),)


class UnknownNumber(KeyError):
    """A chapter asks for a number that is not in the results: its id is misspelt, or it should ask
    `has` first.
    """


class Writer:
    def __init__(self, data: Dataset, plan: AnalysisPlan, results: Results, language: str) -> None:
        self.data, self.plan, self.results, self.language = data, plan, results, language
        self._arms = {arm.code: arm.name for arm in data.arms or ()}
        self._points = {point.code: point.label for point in data.timepoints}
        self._instruments = {instrument.code: instrument.title for instrument in data.instruments}
        self._counts = {"table": 0, "figure": 0}

    # words

    def say(self, key: str, **places: Spans) -> Spans:
        """The template `key`, or its singular where it counts one, with each place filled by
        spans.
        """
        spans: list = []
        key = self._key(key)
        is_one = key in COUNTING and plain(places[COUNTING[key]]) == "1"
        for text, name in pieces(f"{key}.one" if is_one else key, self.language):
            if text:
                spans.append(Text(text))
            if name is not None:
                spans.extend(places[name])
        return tuple(spans)

    def word(self, key: str) -> str:
        return word(self._key(key), self.language)

    def _key(self, key: str) -> str:
        """Of clusters some things are said in another way than of people who were randomised."""
        return f"{key}.clusters" if self.plan.cluster and known(f"{key}.clusters") else key

    def body(self, key: str, kind: str = "body", **places: Spans) -> Paragraph:
        return Paragraph(self.say(key, **places), kind)

    def missing(self, key: str) -> Paragraph:
        """ "... not recorded in this data set"."""
        return self.body("nothing", "missing", what=self.say(key))

    def next(self, kind: str) -> Spans:
        """Table n, Figure n."""
        self._counts[kind] += 1
        return self.say(kind, n=(Ref(str(self._counts[kind])),))

    # texts of the study

    def text(self, texts: Mapping[str, str]) -> str:
        return in_language(texts, self.language)

    def label(self, texts: Mapping[str, str]) -> Spans:
        return (Label(self.text(texts)),)

    def arm_name(self, code: str) -> str:
        return self.word("all") if code == POOLED else self.text(self._arms[code])

    def arm(self, code: str) -> Spans:
        return (Label(self.arm_name(code)),)

    def has_point(self, code: str) -> bool:
        """A pooled data set may lack a time point that would tell an arm."""
        return code in self._points

    def point_name(self, code: str) -> str:
        return self.text(self._points[code])

    def point(self, code: str) -> Spans:
        return (Label(self.point_name(code)),)

    def instrument(self, code: str) -> Spans:
        return (Label(code),)

    def title_of(self, code: str) -> Spans:
        return (Label(self.text(self._instruments[code])),)

    def outcome(self, instrument: str, timepoint: str) -> Spans:
        return self.say(
            "outcome_at", instrument=self.instrument(instrument), timepoint=self.point(timepoint)
        )

    def is_asked(self, group: str, instrument: str, timepoint: str) -> bool:
        """Whether anybody in the group is asked the questionnaire then; of whom is not, there is
        nothing to count.
        """
        return (group, instrument, timepoint) in self._asked

    @cached_property
    def _asked(self) -> frozenset[tuple[str, str, str]]:
        group_of = {person.code: self.data.group_of(person) for person in self.data.participants}
        rows = self.data.scores
        return frozenset((group_of[r.participant], r.instrument, r.timepoint) for r in rows)

    def unit(self, of: Spans = ()) -> Spans:
        """days or months; of one, day or month."""
        return self.say(self.data.time_unit + (".one" if plain(of) == "1" else ""))

    def variable(self, code: str) -> Spans:
        """What a characteristic is called."""
        found = next((each for each in self.data.variables if each.code == code), None)
        return self.label(found.label if found else {"en": code})

    def minus(self, pair: tuple[str, str]) -> Spans:
        return self.say("minus", first=self.arm(pair[0]), second=self.arm(pair[1]))

    def reason(self, code: str, stage: str) -> Spans:
        """The study's own words for a reason, else the report's, else the code itself."""
        own = next((key for key in (f"{stage}.{code}", code) if key in self.data.reasons), None)
        if own:
            return self.label(self.data.reasons[own])
        key = next((key for key in (f"{stage}.{code}", f"reason.{code}") if known(key)), None)
        return self.say(key) if key else (Label(code.replace("_", " ")),)

    # numbers

    @property
    def decimal(self) -> str:
        return in_language(DECIMAL, self.language)

    def count(self, *parts: object) -> Spans:
        return self.value(*parts, decimals=0)

    def has(self, *parts: object) -> bool:
        """Whether the results have such a number; for what may rightly be absent."""
        return self.results.get(*parts) is not None

    def number(self, *parts: object) -> Number:
        """Raises UnknownNumber."""
        found = self.results.get(*parts)
        if found is None:
            raise UnknownNumber(ident(*parts))
        return found

    def value(self, *parts: object, decimals: int = 1, part: str = "value") -> Spans:
        number = self.number(*parts)
        return self._value(number, numeral(getattr(number, part), decimals, self.language))

    def percent(self, *parts: object, decimals: int = 1, part: str = "value") -> Spans:
        number = self.number(*parts)
        return self._value(number, percentage(getattr(number, part), decimals, self.language))

    def p(self, *parts: object) -> Spans:
        number = self.number(*parts)
        return self._value(number, p_value(number.value, self.language))

    def interval(self, *parts: object, decimals: int = 1, share: bool = False) -> Spans:
        """`lower to upper`; a dash for an end that does not exist."""
        number = self.number(*parts)
        if number.lower is None and number.upper is None:
            return ABSENT
        shown = self.percent if share else self.value
        ends = {end: shown(*parts, decimals=decimals, part=end) for end in ("lower", "upper")}
        return self.say("range", **ends)

    def level(self) -> Spans:
        number = self.number("plan.confidence")
        return self._value(number, percentage(number.value, 0, self.language))

    @property
    def has_intervals(self) -> bool:
        """None where clusters were randomised: no model here knows how alike the people of one
        cluster are.
        """
        return not self.plan.cluster

    def bands(self) -> tuple[Spans, ...]:
        """What the shades or lines around a figure's values are, where there are any."""
        return (self.say("bands", level=self.level()),) if self.has_intervals else ()

    def ci(self) -> Spans:
        return self.say("confidence_interval", level=self.level())

    def _value(self, number: Number, text: str) -> Spans:
        return (Value(text, number.id, number.method),)

    def listed(self, items: Iterable[Spans], between: str = "; ") -> Spans:
        spans: list = []
        for item in items:
            spans += [Text(between)] * bool(spans) + list(item)
        return tuple(spans)

    def by_group(self, with_arm: str, pooled: str, places, groups: Sequence[str] = ()) -> Spans:
        """One clause a group (or each of `groups`), `places(group)` filling the template; without a
        name where pooled.
        """
        groups = groups or self.data.groups
        if self.data.groups == (POOLED,):
            return self.say(pooled, **places(POOLED))
        return self.listed(
            self.say(with_arm, arm=self.arm(group), **places(group)) for group in groups
        )


def row(*cells: Spans, kind: str = "normal") -> Row:
    return Row(tuple(cells), kind)
