"""The two Kaplan-Meier curves of a group: `retention` in the study, `use` of the programme."""

from ..dataset import Dataset
from ..statistics.survival import Curve, kaplan_meier


def curve(data: Dataset, kind: str, group: str, confidence: float = 0.95) -> Curve | None:
    """None where it is not recorded, or nobody in the group has such a clock."""
    durations = data.retention if kind == "retention" else data.use
    mine = [durations[p.code] for p in data.people(group) if p.code in durations] if durations is not None else []
    if not mine:
        return None
    return kaplan_meier([duration.time for duration in mine], [duration.ended for duration in mine], confidence)
