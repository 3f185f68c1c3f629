"""Life cycles as tables. docs/life-cycles.md is generated from this module and a test compares
them.
"""

from __future__ import annotations

from collections.abc import Mapping

LifeCycle = Mapping[str, Mapping[str, str]]

# state -> verb -> next state
STUDY: LifeCycle = {
    "draft": {"open": "open"},
    "open": {"pause": "paused", "close": "closed"},
    "paused": {"resume": "open", "close": "closed"},
    "closed": {"lock": "locked"},
    "locked": {},
}
PARTICIPANT: LifeCycle = {
    "screening": {"turn_away": "excluded", "stop": "excluded", "consent": "consented"},
    "excluded": {
        "correct": "screening"
    },  # once, in the same session, by an answer to a question alone
    "consented": {"randomise": "randomised", "withdraw": "withdrawn"},
    "randomised": {"complete": "completed", "withdraw": "withdrawn"},
    "completed": {"withdraw": "withdrawn"},
    "withdrawn": {},
}
ASSESSMENT: LifeCycle = {
    "unscheduled": {"date": "upcoming"},
    "upcoming": {"window opens": "open", "withdraw": "withdrawn"},
    "open": {
        "start": "started",
        "decline": "declined",
        "window passes": "missed",
        "withdraw": "withdrawn",
    },
    "started": {
        "submit": "submitted",
        "decline": "declined",
        "window passes": "missed",
        "withdraw": "withdrawn",
    },
    "submitted": {},
    "declined": {},
    "missed": {},
    "withdrawn": {},
}
CONTACT: LifeCycle = {
    "planned": {
        "hold": "held",
        "give up": "not_held",
        "cancel": "cancelled",
        "correct to held": "held",
        "correct to not_held": "not_held",
    },
    "held": {
        "correct to planned": "planned",
        "correct to not_held": "not_held",
        "correct to cancelled": "cancelled",
    },
    "not_held": {
        "correct to planned": "planned",
        "correct to held": "held",
        "correct to cancelled": "cancelled",
    },
    "cancelled": {
        "hold": "held",
        "correct to held": "held",
    },  # the call was going on when the person withdrew
}
MESSAGE: LifeCycle = {
    "queued": {"hand over": "sending", "no longer wanted": "cancelled", "give up": "failed"},
    "sending": {
        "accepted": "sent",
        "put off": "queued",
        "refused": "failed",
        "give up": "failed",
        "line broke": "uncertain",
        "crash": "uncertain",
        "repeat": "queued",
    },
    "uncertain": {"send again": "queued"},
    "failed": {"send again": "queued"},
    "sent": {},
    "cancelled": {},
}
ALERT: LifeCycle = {
    "raised": {"take": "taken"},
    "taken": {"take": "taken", "close": "closed"},
    "closed": {},
}
JOB: LifeCycle = {
    "requested": {"make": "made", "fail": "failed"},
    "made": {"remove": "removed"},
    "failed": {},
    "removed": {},
}
ALL: Mapping[str, LifeCycle] = {
    "study": STUDY,
    "participant": PARTICIPANT,
    "assessment": ASSESSMENT,
    "contact": CONTACT,
    "message": MESSAGE,
    "alert": ALERT,
    "job": JOB,
}


class NotAllowedNow(Exception):
    """The life cycle has no such step from here."""

    def __init__(self, what: str, state: str, verb: str) -> None:
        self.what, self.state, self.verb = what, state, verb
        super().__init__(f"a {what} that is {state} cannot {verb}")


def step(name: str, state: str, verb: str) -> str:
    """The state that follows; raises NotAllowedNow."""
    try:
        return ALL[name][state][verb]
    except KeyError:
        raise NotAllowedNow(name, state, verb) from None


def states(name: str) -> list[tuple[str, str]]:
    return [(state, state) for state in ALL[name]]


def diagram(name: str) -> str:
    """The life cycle as a Mermaid state diagram."""
    lines = [
        f"    {state} --> {after}: {verb}"
        for state, verbs in ALL[name].items()
        for verb, after in verbs.items()
    ]
    return "\n".join(["stateDiagram-v2", *lines])
