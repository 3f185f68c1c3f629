"""Who may: what each role allows, which roles one person may hold together, and whose role
counts.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied

from tests import factories
from tests.conftest import NOW
from trial import actors, permissions
from trial.actions import staff as staffing
from trial.models import Membership, User

LIVING_POSITIVE = Path(__file__).resolve().parents[2] / "trial" / "studies" / "living-positive"
ROLES = ("researcher", "statistician", "coach", "supervisor", "assessor")


@pytest.mark.parametrize(
    ("role", "never", "knowingly"),
    [
        ("researcher", {"statistician"}, {"coach", "supervisor"}),
        ("statistician", {"researcher", "coach", "supervisor"}, set()),
        ("coach", {"statistician", "assessor"}, {"researcher"}),
        ("supervisor", {"statistician", "assessor"}, {"researcher"}),
        ("assessor", {"coach", "supervisor"}, set()),
    ],
)
def test_roles_that_tell_what_another_may_not_know_are_kept_apart(role, never, knowingly):
    assert permissions.never_beside(role) == never
    assert permissions.knowingly_beside(role) == knowingly
    assert set(permissions.MAY) == set(permissions.ROLES) == set(ROLES)


@pytest.mark.parametrize(
    ("what", "roles"),
    [
        ("load", {"researcher"}),
        ("run", {"researcher"}),
        ("invite", {"researcher"}),
        ("erase", {"researcher"}),
        ("dashboard", {"researcher", "statistician"}),
        ("participants", {"researcher", "statistician"}),
        ("report", {"researcher", "statistician"}),
        ("export", {"researcher", "statistician"}),
        ("lock", {"statistician"}),
        ("report_by_arm", {"statistician"}),
        ("mail", {"researcher", "supervisor"}),
        ("alerts", {"researcher", "supervisor"}),
        ("exceptions", {"researcher", "supervisor"}),
        ("correct", {"researcher", "supervisor"}),
        ("agree_exception", {"researcher", "supervisor"}),
        ("switch", {"researcher", "supervisor"}),
        ("agree_code_break", {"researcher", "supervisor"}),
        ("coach", {"coach", "supervisor"}),
        ("supervise", {"supervisor"}),
        ("break_code", {"supervisor"}),
        ("received", {"supervisor"}),
        ("force", {"supervisor"}),
        ("agree_force", {"supervisor"}),
        ("stage_exceptions", {"supervisor"}),
        ("assess", {"assessor"}),
        ("agree_lock", {"researcher", "statistician", "supervisor"}),
        ("agree_role", set(ROLES)),
    ],
)
def test_what_a_role_allows_no_other_does(what, roles):
    assert {role for role, allowed in permissions.MAY.items() if what in allowed} == roles


@pytest.mark.django_db
def test_a_role_counts_in_its_study_for_its_holder_and_until_it_ends(study, staff):
    ada, eva = staff("researcher"), staff("supervisor")
    other = factories.a_loaded_study(LIVING_POSITIVE, NOW)
    assert permissions.roles(ada, study) == {"researcher"}
    assert permissions.roles(ada, other) == set()
    staffing.join(study=study, user=ada, role="coach", by=actors.SYSTEM, at=NOW)
    assert permissions.roles(ada, study) == {"researcher", "coach"}
    assert permissions.roles(eva, study) == {"supervisor"}
    end(ada, "researcher")
    assert permissions.roles(ada, study) == {"coach"}


@pytest.mark.django_db
def test_one_of_somebodys_roles_suffices_and_the_trail_is_told_which(study, staff):
    ada = staff("coach")
    staffing.join(study=study, user=ada, role="supervisor", by=actors.SYSTEM, at=NOW)
    assert permissions.may(ada, study, "alerts")
    assert not permissions.may(ada, study, "lock")
    assert permissions.check_may(ada, study, "alerts") == "supervisor"
    assert (
        permissions.check_may(ada, study, "coach") == "coach"
    )  # of two that allow it the first by name
    with pytest.raises(PermissionDenied, match=r"^none of this person's roles may lock$"):
        permissions.check_may(ada, study, "lock")


@pytest.mark.django_db
def test_whoever_runs_one_study_may_load_another_while_they_run_it(study, staff):
    ada, ben = staff("researcher"), staff("coach")
    assert permissions.is_researcher_somewhere(ada)
    assert not permissions.is_researcher_somewhere(ben)
    end(ada, "researcher")
    assert not permissions.is_researcher_somewhere(ada)


@pytest.mark.django_db
def test_members_of_a_role_are_those_who_hold_it_now_the_longest_first(
    study, staff, django_assert_num_queries
):
    first, gone, last = (staff("researcher", name) for name in ("Zoe Post", "Gus Kok", "Abe Vos"))
    end(gone, "researcher")
    staff("assessor")
    other = factories.a_loaded_study(LIVING_POSITIVE, NOW)
    factories.a_staff_member(other, "researcher", "Hal Mol", NOW)
    with django_assert_num_queries(1):
        assert [user.full_name for user in permissions.members(study, "researcher")] == [
            "Zoe Post",
            "Abe Vos",
        ]
    assert permissions.members(study, "researcher") == [first, last]


def end(user: User, role: str) -> None:
    membership = Membership.objects.get(user=user, role=role)
    staffing.end_role(membership=membership, by=actors.SYSTEM, at=NOW + timedelta(days=1))
