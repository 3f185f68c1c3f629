"""The questions about a letter: how often each was answered until it was right once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trial.sections.consent import Letter


@dataclass(frozen=True)
class Tries:
    """`counts` by question; `right` were answered rightly; `key` is that of the newest try, so that
    the same answers sent twice count once."""

    counts: Mapping[str, int] = field(default_factory=dict)
    right: tuple[str, ...] = ()
    key: str | None = None

    @classmethod
    def of(cls, kept: Mapping[str, Any] | None) -> Tries:
        """As `kept` gave it."""
        return cls(kept["tries"], tuple(kept["right"]), kept["key"]) if kept else cls()

    @property
    def kept(self) -> dict[str, Any]:
        """Fit to be stored as JSON."""
        return {"tries": dict(self.counts), "right": list(self.right), "key": self.key}

    def after(self, letter: Letter, chosen: Mapping[str, str], key: str | None) -> Tries:
        """With one more try; a question that was answered rightly before is not counted again."""
        if key and key == self.key:
            return self
        counts, right = dict(self.counts), set(self.right)
        for question in letter.comprehension:
            answer = chosen.get(question.code)
            if answer and question.code not in right:
                counts[question.code] = counts.get(question.code, 0) + 1
                right |= {question.code} if answer == question.correct else set()
        return Tries(counts, tuple(sorted(right)), key)

    @property
    def understood(self) -> dict[str, int]:
        """The tries of what was answered rightly."""
        return {code: self.counts[code] for code in self.right}


def wrong(letter: Letter, chosen: Mapping[str, str]) -> dict[str, str]:
    """The explanation of every question that was answered otherwise than the letter says."""
    return {
        question.code: question.explanation
        for question in letter.comprehension
        if chosen.get(question.code) and chosen[question.code] != question.correct
    }
