"""A task leads somewhere: a page for a browser, an endpoint for the API."""

import ast
from pathlib import Path

import pytest
from django.urls import get_resolver, reverse

from trial.api.shapes import TaskShape
from trial.entries import Ask, Destination, Task
from trial.queries import tasks

ROOT = Path(__file__).resolve().parents[2]
APPS = ("trial", "outcomes", "randomisation", "coaching_protocol", "reports")


def _destinations() -> list[tuple[str, str]]:
    """Every destination that the code names."""
    found = set()
    for path in (path for app in APPS for path in (ROOT / app).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Destination":
                found.add(tuple(ast.literal_eval(each) for each in node.args[:2]))
    return sorted(found - {("participant", "home")})


def test_tasks_lead_somewhere():
    assert ("participant", "lesson") in _destinations()
    assert len(_destinations()) == 7


@pytest.mark.parametrize(("audience", "name"), _destinations())
def test_a_destination_is_a_page_and_an_endpoint(audience, name):
    room = "join_" if audience == "join" else ""
    wanted = len(_arguments(f"{audience}:{name}"))
    there = Destination(audience, name, ("a",) * wanted)
    task = Task(title="", leads_to=there, kind="join")
    assert tasks.page(there) == reverse(f"{audience}:{name}", args=there.arguments)
    assert TaskShape(task).data["endpoint"] == reverse(f"api:{room}{name}", args=there.arguments)


def _arguments(name: str) -> list[str]:
    audience, _colon, route = name.partition(":")
    _prefix, resolver = get_resolver().namespace_dict[audience]
    return resolver.reverse_dict[route][0][0][1]


def test_a_call_leads_nowhere():
    call = Task(title="", leads_to=None, kind="call")
    assert TaskShape(call).data["endpoint"] is None
    assert tasks.page_asked(Ask(call)) == tasks.page_asked(None) == reverse("participant:home")
