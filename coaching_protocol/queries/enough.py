"""Whether as many calls as the analysis plan asks for can still be held."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from coaching_protocol.models import CoachingPlan, Contact
from trial.entries import IntercurrentEvent
from trial.models import Participant, Study


def out_of_reach(
    study: Study, people: Sequence[Participant], at: datetime
) -> Iterator[IntercurrentEvent]:
    """Entry of settings.INTERCURRENT_EVENTS."""
    enough = study.current.section("analysis").get("contacts")
    if not enough:
        return
    zone = ZoneInfo(study.current.protocol.timezone)
    calls: dict[int, list[Contact]] = defaultdict(list)
    for contact in Contact.objects.filter(plan__participant__in=people):
        calls[contact.plan_id].append(contact)
    for plan in CoachingPlan.objects.filter(participant__in=people):
        ended_on = plan.ended_at.astimezone(zone).date() if plan.ended_at else None
        on = lost_on(calls[plan.pk], enough["at_least"], ended_on)
        if on is not None and on <= at.astimezone(zone).date():
            yield IntercurrentEvent(plan.participant_id, "too_few_contacts", on)


def lost_on(calls: Iterable[Contact], at_least: int, ended_on: date | None) -> date | None:
    """The day on which `at_least` held calls were out of reach; None while they are not.

    A call that was given up is over with its last day, one that was cancelled with the coaching.
    One that is late and not given up may still be held.
    """
    planned = list(calls)
    over = sorted(
        ended_on if call.state == "cancelled" and ended_on else call.closes_on
        for call in planned
        if call.state in {"not_held", "cancelled"}
    )
    spare = len(planned) - at_least
    return over[spare] if 0 <= spare < len(over) else None
