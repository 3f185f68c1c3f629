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

    Only calls that were given up count, with their last day, or the end of the coaching where that
    came before: what is cancelled because somebody left the study is missing with everything after
    it. A call that is late and not given up may still be held.
    """
    planned = list(calls)
    over = sorted(
        min(call.closes_on, ended_on or call.closes_on)
        for call in planned
        if call.state == "not_held"
    )
    spare = len(planned) - at_least
    return over[spare] if 0 <= spare < len(over) else None
