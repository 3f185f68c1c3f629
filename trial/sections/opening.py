"""When something opens: an anchor plus days, and what keeps it from never happening."""

from typing import Annotated, Self

from pydantic import AfterValidator, model_validator

from trial.anchors import NAMES, TIMED, Anchor, UnknownAnchor
from trial.folder import Day, Days, Entry, unknown


def _anchor(value: str) -> str:
    try:
        Anchor.parse(value)
    except UnknownAnchor:
        raise ValueError(unknown("anchor", value, list(NAMES))) from None
    return value


class Opening(Entry):
    """`days` after the anchor; `not_before` and `at_the_latest` count from randomisation."""

    anchor: Annotated[str, AfterValidator(_anchor)]
    days: Days = 0
    on: Day | None = None
    not_before: Days | None = None
    at_the_latest: Days | None = None

    @model_validator(mode="after")
    def check_resolves(self) -> Self:
        if self.anchor == "date" and self.on is None:
            raise ValueError("anchor 'date' needs 'on', a date such as 2018-09-30")
        if self.anchor != "date" and self.on is not None:
            raise ValueError(f"'on' belongs to anchor 'date'; this is '{self.anchor}'")
        if self.anchor not in TIMED and self.at_the_latest is None:
            raise ValueError(
                f"anchor '{self.anchor}' may never happen; give at_the_latest, in days after "
                f"randomisation"
            )
        if (
            self.not_before is not None
            and self.at_the_latest is not None
            and self.at_the_latest < self.not_before
        ):
            raise ValueError("at_the_latest lies before not_before")
        return self

    @property
    def awaited_timepoint(self) -> str | None:
        """The timepoint whose opening or close this waits for, if it waits for one."""
        return Anchor.parse(self.anchor).timepoint
