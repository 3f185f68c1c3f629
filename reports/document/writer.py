"""The pen: turns words, study texts and numbers into spans, and counts tables and figures."""

from collections.abc import Iterable, Mapping, Sequence

from trial.languages import in_language

from ..dataset import POOLED, Dataset
from ..plan import AnalysisPlan
from ..results import Number, Results
from .numerals import DECIMAL, numeral, p_value, percentage
from .spans import Label, Paragraph, Ref, Row, Spans, Text, Value
from .words import known, pieces, word

ABSENT: Spans = (Text("–"),)


class Writer:
    def __init__(self, data: Dataset, plan: AnalysisPlan, results: Results, language: str) -> None:
        self.data, self.plan, self.results, self.language = data, plan, results, language
        self._arms = {arm.code: arm.name for arm in data.arms or ()}
        self._points = {point.code: point.label for point in data.timepoints}
        self._instruments = {instrument.code: instrument.title for instrument in data.instruments}
        self._counts = {"table": 0, "figure": 0}

    # words

    def say(self, key: str, **places: Spans) -> Spans:
        """The template `key` with each place filled by spans."""
        spans: list = []
        for text, name in pieces(key, self.language):
            if text:
                spans.append(Text(text))
            if name is not None:
                spans.extend(places[name])
        return tuple(spans)

    def word(self, key: str) -> str:
        return word(key, self.language)

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
        return self.say("outcome_at", instrument=self.instrument(instrument), timepoint=self.point(timepoint))

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

    def value(self, *parts: object, decimals: int = 1, part: str = "value") -> Spans:
        number = self.results.get(*parts)
        return (
            ABSENT if number is None else self._value(number, numeral(getattr(number, part), decimals, self.language))
        )

    def percent(self, *parts: object, decimals: int = 1, part: str = "value") -> Spans:
        number = self.results.get(*parts)
        return (
            ABSENT
            if number is None
            else self._value(number, percentage(getattr(number, part), decimals, self.language))
        )

    def p(self, *parts: object) -> Spans:
        number = self.results.get(*parts)
        return ABSENT if number is None else self._value(number, p_value(number.value, self.language))

    def interval(self, *parts: object, decimals: int = 1, share: bool = False) -> Spans:
        """`lower to upper`; a dash for an end that does not exist."""
        number = self.results.get(*parts)
        if number is None or (number.lower is None and number.upper is None):
            return ABSENT
        shown = self.percent if share else self.value
        ends = {end: shown(*parts, decimals=decimals, part=end) for end in ("lower", "upper")}
        return self.say("range", **ends)

    def level(self) -> Spans:
        number = self.results["plan.confidence"]
        return self._value(number, percentage(number.value, 0, self.language))

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
        """One clause a group (or each of `groups`), `places(group)` filling the template; without a name where pooled."""
        groups = groups or self.data.groups
        if self.data.groups == (POOLED,):
            return self.say(pooled, **places(POOLED))
        return self.listed(self.say(with_arm, arm=self.arm(group), **places(group)) for group in groups)


def row(*cells: Spans, kind: str = "normal") -> Row:
    return Row(tuple(cells), kind)
