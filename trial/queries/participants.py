"""Reads of people for the researcher's room. Codes and dates; never a name, never an arm."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from trial import lifecycles
from trial.actors import WORKER
from trial.models import AuditEvent, ModuleUse, Participant, Study
from trial.queries import studies
from trial.sections.study import Study as Protocol
from trial.words import WORDS, text, word

# What happens to everybody alike. Everything else in a person's stream may tell the arm by being
# there.
SAME_IN_EVERY_ARM = frozenset(
    {
        "address verified",
        "agreed to be screened",
        "alert closed",
        "alert raised",
        "alert taken",
        "consent signed",
        "contact details written anew",
        "e-mail address change taken back",
        "e-mail address changed",
        "identity erased",
        "phone number left again",
        "preferred call times given",
        "questions answered",
        "randomised",
        "screening answered",
        "screening answers deleted",
        "stopped",
        "turned away",
        "withdrawn",
    }
)
HIDDEN_VALUES = {"sealed", "occasion", "deadline_at"}


@dataclass(frozen=True)
class Event:
    at: datetime
    action: str
    subject: str
    details: str
    reason: str
    by: str
    role: str


def filters(study: Study) -> dict[str, dict[str, Any]]:
    """What the list can be narrowed by: for each filter its codes, in the reader's words."""
    hides = studies.hides_completion(study)
    states = [state for state in lifecycles.PARTICIPANT if not (hides and state == "completed")]
    sites = study.current.protocol.sites
    return {
        "state": {state: word(state) for state in states},
        "site": {site.code: site.name for site in sites},
    }


def listed(
    study: Study, *, state: str = "", site: str = "", code: str = ""
) -> QuerySet[Participant]:
    """The people of a study, newest first, narrowed by what was asked for."""
    people = Participant.objects.filter(study=study).order_by("-began_at", "-pk")
    if state:
        people = people.filter(state__in=_states(study, state))
    if site:
        people = people.filter(site=site)
    if code:
        people = people.filter(Q(code__iexact=code) | Q(code__icontains=code))
    return people.only(
        "code", "state", "site", "began_at", "consented_at", "randomised_at", "left_at", "simulated"
    )


def _states(study: Study, state: str) -> tuple[str, ...]:
    return (
        ("randomised", "completed")
        if state == "randomised" and studies.hides_completion(study)
        else (state,)
    )


def shown_state(participant: Participant, study: Study) -> str:
    """The state as it may be shown: being finished is not told where only some arms can be."""
    if participant.state == "completed" and studies.hides_completion(study):
        return "randomised"
    return participant.state


def shown_stage(participant: Participant, study: Study) -> str:
    """Where somebody was when they left, as it may be shown."""
    is_hidden = participant.left_stage == "completed" and studies.hides_completion(study)
    return "randomised" if is_hidden else participant.left_stage


def left_words(stage: str, reason: str, protocol: Protocol) -> tuple[str, str]:
    """Where and why somebody left, in words. Pages of a screening have no other name than their
    code, nor have criteria without a label or of another version.
    """
    criterion = protocol.criterion(reason)
    where = word(stage) if stage in WORDS else _("screening, page %(code)s") % {"code": stage}
    if criterion and criterion.label:
        why: Any = text(criterion.label)
    else:
        why = word(reason) if reason in WORDS else _("criterion %(code)s") % {"code": reason}
    return str(where) if stage else "–", str(why) if reason else _("no reason given")


def events(participant: Participant, study: Study) -> list[Event]:
    """What happened to a person, oldest first, without sealed values; under concealment only what
    happens to all.
    """
    rows = AuditEvent.objects.filter(stream=f"{study.slug}/{participant.code}").order_by("number")
    if studies.is_concealed(study):
        # A coach's look at a number is left out too; only that of whoever took an alert is the same
        # in every arm. Of a lost mailbox nothing is shown, since who asks can tell the arm.
        for_alert = Q(action="contact details shown", subject__startswith="alert ")
        rows = rows.filter(Q(action__in=SAME_IN_EVERY_ARM) | for_alert)
        rows = rows.exclude(action="e-mail address changed", by=str(WORKER))
    return [Event(e.at, e.action, e.subject, _details(e.new), e.reason, e.by, e.role) for e in rows]


def _details(new: str) -> str:
    values: Mapping[str, object] = json.loads(new) if new else {}
    return ", ".join(
        f"{name}: {value}" for name, value in sorted(values.items()) if name not in HIDDEN_VALUES
    )


def modules_used(participant: Participant, study: Study) -> list[ModuleUse] | None:
    """Use of the programme; None while it would tell the arm."""
    if studies.is_concealed(study):
        return None
    return list(ModuleUse.objects.filter(participant=participant).order_by("begun_at"))
