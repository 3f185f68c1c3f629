"""What a demo shows besides reports: a study in the middle, and somebody of each role to sign in
as.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.urls import reverse

from coaching_protocol.actions import plans as coaching
from coaching_protocol.queries import plans
from reports import rehearsing
from trial import actors
from trial.actions import staff
from trial.models import Study, User
from trial.permissions import ROLES
from trial.queries import people

LASTED = timedelta(days=45)
# Of simulated people, on a machine's own loopback address.
PASSWORD = "a quiet morning walk"  # noqa: S105


@dataclass(frozen=True)
class Login:
    role: str
    email: str
    password: str
    path: str


def under_way(path: Path, *, number: int, seed: int, until: datetime) -> Study:
    """A study that began some weeks ago and is going on now."""
    begins_at = (until - LASTED).replace(hour=9)
    study, _ = rehearsing.run(
        path, number=number, seed=seed, effects={}, begins_at=begins_at, ends_at=until
    )
    return study


def logins(study: Study, at: datetime) -> list[Login]:
    """An account for every role in every study of this database, and a participant in the middle of
    the programme.
    """
    made = []
    for role in ROLES:
        email = f"{role}@example.org"
        user = staff.make_user(email=email, full_name=f"Demo {role}", password=PASSWORD)
        for each in Study.objects.order_by("pk"):
            staff.join(study=each, user=user, role=role, by=actors.SYSTEM, at=at)
        if role == "coach":
            _give_people(study, user, at)
        made.append(Login(role, email, PASSWORD, reverse("account_login")))
    address = people.someone_in_the_programme(study, at)
    if address:
        made.append(
            Login("participant", address, "(a code by mail)", reverse("account_request_login_code"))
        )
    return made


def _give_people(study: Study, coach: User, at: datetime) -> None:
    """Every second person who is being called becomes the demo coach's, as a supervisor would do
    it.
    """
    for plan in plans.going_on(study)[::2]:
        coaching.reassign(plan=plan, coach=coach, reason="workload", by=actors.SYSTEM, at=at)
