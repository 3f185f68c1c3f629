"""The two Kaplan-Meier curves of a group: `retention` in the study, `use` of the programme; and the
ticks under them.
"""

from ..dataset import Dataset
from ..statistics.survival import Curve, kaplan_meier

STEPS = (1, 7, 14, 28, 56, 112, 224)  # in days: weeks, so that a tick falls where something is due
MOST = 9  # as many as fit under a figure


def curve(data: Dataset, kind: str, group: str, confidence: float = 0.95) -> Curve | None:
    """None where it is not recorded, or nobody in the group has such a clock."""
    durations = data.retention if kind == "retention" else data.use
    mine = (
        [durations[p.code] for p in data.people(group) if p.code in durations]
        if durations is not None
        else []
    )
    if not mine:
        return None
    return kaplan_meier(
        [duration.time for duration in mine], [duration.ended for duration in mine], confidence
    )


def ticks(data: Dataset, kind: str) -> list[int]:
    """Where the people still followed are counted: whole steps of time from 0 to past the end of
    the curves.
    """
    durations = (data.retention if kind == "retention" else data.use) or {}
    end = max((duration.time for duration in durations.values()), default=0.0)
    step = next((s for s in STEPS if end / s <= MOST), STEPS[-1])
    return [step * i for i in range(int(end // step) + 2)] if end > 0 else []


def tick_name(data: Dataset, tick: int) -> str:
    """As it stands in an id: d28, m3."""
    return f"{data.time_unit[0]}{tick}"
