"""Who may. When it is allowed stands in the life cycles and in the actions."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext_lazy as _

from trial.models import Membership, Study, User

ROLES = {
    "researcher": _(
        "Configures, opens and runs the study; sees everything pooled, never the arms of a running "
        "study."
    ),
    "statistician": _(
        "Owns the analysis plan; locks a closed study; sees reports by arm once it is locked."
    ),
    "coach": _("Calls the participants in their own caseload and logs the calls."),
    "supervisor": _("Sees every caseload, reassigns coaches, handles alerts."),
    "assessor": _("Enters assessments that are due now, without the arm or the history."),
}
MAY = {
    "researcher": {
        *{
            "load",
            "run",
            "mail",
            "invite",
            "dashboard",
            "participants",
            "alerts",
            "report",
            "export",
            "erase",
        },
        *{
            "exceptions",
            "correct",
            "agree_exception",
            "switch",
            "agree_code_break",
            "agree_role",
            "agree_lock",
        },
        *{"ask_address", "agree_address"},
    },
    "statistician": {
        *{"dashboard", "participants", "report", "export", "lock", "report_by_arm"},
        *{"agree_role", "agree_lock"},
    },
    "coach": {"coach", "agree_role"},
    "supervisor": {
        *{"coach", "supervise", "alerts", "mail"},
        *{"exceptions", "correct", "agree_exception", "switch", "break_code", "agree_code_break"},
        # To say which treatment was a wrong one, to give one, or to see who was randomised again at
        # a stage, is to know an arm: only for whoever knows arms anyway.
        *{"received", "force", "agree_force", "stage_exceptions"},
        *{"agree_role", "agree_lock", "ask_address", "agree_address"},
    },
    "assessor": {"assess", "agree_role"},
}


# Whoever calls people knows who is called, and so which arm they are in.
KNOW_ARMS = frozenset({"coach", "supervisor"})
BLINDED = frozenset({"statistician", "assessor"})
# Whoever runs a study does not lock it as well.
APART = frozenset({"researcher", "statistician"})


def may_knowing_arms(what: str) -> frozenset[str]:
    """The roles that may do this and know arms: of what no concealed role does alone, one of two
    people has one.
    """
    return frozenset(role for role in KNOW_ARMS if what in MAY[role])


def never_beside(role: str) -> frozenset[str]:
    """Roles of a study that nobody may hold together with this one."""
    blinding = BLINDED if role in KNOW_ARMS else KNOW_ARMS if role in BLINDED else frozenset()
    return blinding | (APART - {role} if role in APART else frozenset())


def knowingly_beside(role: str) -> frozenset[str]:
    """Roles that somebody may hold together with this one if whoever invites them knows what that
    tells them.
    """
    return (
        frozenset({"researcher"})
        if role in KNOW_ARMS
        else KNOW_ARMS
        if role == "researcher"
        else frozenset()
    )


def roles(user: User, study: Study) -> set[str]:
    """The roles a person holds in a study now."""
    return set(
        Membership.objects.filter(user=user, study=study, ended_at__isnull=True).values_list(
            "role", flat=True
        )
    )


def may(user: User, study: Study, what: str) -> bool:
    return any(what in MAY[role] for role in roles(user, study))


def check_may(user: User, study: Study, what: str) -> str:
    """The role that allows it, for the audit trail; raises PermissionDenied."""
    for role in sorted(roles(user, study)):
        if what in MAY[role]:
            return role
    raise PermissionDenied(f"none of this person's roles may {what}")


def is_researcher_somewhere(user: User) -> bool:
    """Whoever runs one study may load another. The first one comes by `manage.py invite`."""
    return Membership.objects.filter(user=user, role="researcher", ended_at__isnull=True).exists()


def members(study: Study, role: str) -> list[User]:
    """Everybody who holds a role in a study now, the longest first."""
    rows = Membership.objects.filter(study=study, role=role, ended_at__isnull=True).select_related(
        "user"
    )
    return [row.user for row in rows.order_by("pk")]
