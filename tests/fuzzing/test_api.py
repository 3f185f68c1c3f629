"""Every operation of the API as every role that may, in a state in which it can be done: whatever
else is sent, no fault.

The states and the valid requests are those of tests/api/test_pairs.py; what reads is asked in one
study with people. Each operation is reached with a 2xx as each role first, or is named below. What
schemathesis draws from the document, and the valid request with something nasty in one place of it,
is sent on a copy: everything it did is taken back.
"""

from __future__ import annotations

import contextlib
import copy
import json
import re
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import schemathesis
import time_machine
from django.core.cache import cache
from django.urls import resolve, reverse
from drf_spectacular.generators import SchemaGenerator
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from rest_framework.test import APIClient
from schemathesis import GenerationMode
from schemathesis.core import NotSet

from tests import factories
from tests.api import clients, test_doors
from tests.api import test_pairs as pairs
from tests.conftest import NOW
from tests.fuzzing import is_over, nasty, rounds, try_all
from tests.test_every_post import taken_back, with_a_message
from trial.actions import jobs
from trial.models import Alert, Study

pytestmark = pytest.mark.django_db
CASES = 2  # of each kind, for each operation, in a round
# An alert is closed, and its person called, by whoever took it: in the pair by another.
TAKES_FIRST = {"alert_close", "alert_contact"}
MADE_FIRST = {"report_pdf", "report_html", "report_results", "export_zip"}
DUE_FIRST = {"assessment_enter"}


@pytest.fixture(autouse=True)
def the_clock_stands_still(db):
    with time_machine.travel(NOW, tick=False):
        cache.clear()
        yield


def operations() -> dict[tuple[str, str], Any]:
    """By route and method, as schemathesis reads them out of the document."""
    document = json.loads(
        json.dumps(SchemaGenerator().get_schema(request=None, public=True), default=str)
    )
    found = [
        result.ok() for result in schemathesis.openapi.from_dict(document).get_all_operations()
    ]
    return {
        (resolve(re.sub(r"\{\w+\}", "1", each.path)).url_name, each.method.upper()): each
        for each in found
    }


class Reached:
    """What was sent: 2xx by operation and role, cases, and faults."""

    def __init__(self) -> None:
        self.by: set[tuple[str, str]] = set()
        self.tried: set[tuple[str, str]] = set()
        self.cases = 0
        self.faults: list[str] = []

    def answered(
        self, what: str, api: APIClient, method: str, path: str, sent: dict[str, Any]
    ) -> int:
        answer = APIClient.generic(copy.copy(api), method, path, **sent)
        self.cases += 1
        if answer.status_code >= 500:
            self.faults.append(
                f"{what}: {method} {path} {str(sent.get('data'))[:300]} -> {answer.status_code}"
            )
        return answer.status_code


class Fuzzed(APIClient):
    """At the first call of the endpoint under test: everything else is sent before it, on a
    copy.
    """

    endpoint = ""
    before: Callable[[APIClient, str, str, dict[str, Any]], None]
    statuses: list[int]

    def __init__(self, **given: Any) -> None:
        super().__init__(raise_request_exception=False, **given)

    def generic(
        self,
        method: str,
        path: str,
        data: Any = "",
        content_type: str = "application/json",
        **extra: Any,
    ) -> Any:
        sent = {"data": data, "content_type": content_type, **extra}
        if method == "GET" or resolve(path.partition("?")[0]).view_name != f"api:{Fuzzed.endpoint}":
            return super().generic(method, path, **sent)
        if not Fuzzed.statuses:
            Fuzzed.before(self, method, path, sent)
        answer = super().generic(method, path, **sent)
        Fuzzed.statuses.append(answer.status_code)
        return answer


def test_no_operation_of_the_api_has_a_fault_for_whoever_may(study, monkeypatch, record_property):
    known, begun, reached = operations(), time.monotonic(), Reached()
    for number in rounds():
        for pair in pairs.PAIRS:
            if not is_over(begun):
                with taken_back():
                    written(
                        pair, Study.objects.get(pk=study.pk), known, reached, number, monkeypatch
                    )
        if not is_over(begun):
            with taken_back():
                read(Study.objects.get(pk=study.pk), known, reached, number)
        assert reached.faults == []
    record_property(
        "figures", f"API: {len(reached.by)} operations by role, {reached.cases} cases, no fault"
    )
    if not is_over(begun):
        assert reached.tried - reached.by == set()


def written(
    pair: pairs.Pair,
    study: Study,
    known: dict[Any, Any],
    reached: Reached,
    number: int,
    monkeypatch: Any,
) -> None:
    """As the role of the pair, and as every other role that may."""
    with monkeypatch.context() as patch:
        patch.setattr(clients, "APIClient", Fuzzed)
        x = SimpleNamespace(
            **(with_a_message(study) if pair.given is pairs.with_a_message else pair.given(study))
        )

        def before(api: APIClient, method: str, path: str, sent: dict[str, Any]) -> None:
            name = f"{pair.endpoint} {method}"
            everybody = {own_role(x): api, **others(pair.endpoint, study, own_role(x))}
            for role, other in everybody.items():
                reached.tried.add((name, role))
                with taken_back():
                    if pair.endpoint in TAKES_FIRST and role != own_role(x):
                        other.post(
                            reverse("api:alert_take", args=[pairs.R, x.number]),
                            {"holder": Alert.objects.get(pk=x.number).taken_by},
                            "json",
                        )
                    if reached.answered(f"{name} as {role}", other, method, path, sent) < 300:
                        reached.by.add((name, role))
            fuzz(
                name,
                everybody,
                known.get((pair.endpoint, method)),
                path,
                sent,
                reached,
                number,
                method,
            )

        patch.setattr(Fuzzed, "endpoint", pair.endpoint, raising=False)
        patch.setattr(Fuzzed, "before", staticmethod(before), raising=False)
        patch.setattr(Fuzzed, "statuses", [], raising=False)
        with taken_back():
            pair.by_api(x)
        assert Fuzzed.statuses, f"{pair.endpoint} was not called"


def own_role(x: Any) -> str:
    """Of whoever does it in the pair."""
    user = getattr(x, "user", None) or getattr(x, "ben", None)
    held = user.memberships.first() if user else None
    return held.role if held else "participant"


def others(endpoint: str, study: Study, own: str) -> dict[str, APIClient]:
    """Somebody in each other role that may."""
    roles = test_doors.ROLES.get(endpoint, set()) if endpoint != "studies" else {"researcher"}
    return {
        role: client(factories.a_staff_member(study, role, "", NOW))
        for role in sorted(roles - {own})
    }


def client(user: Any) -> APIClient:
    found = clients.Client(user).api
    found.raise_request_exception = found.handler.raise_request_exception = False
    return found


def read(study: Study, known: dict[Any, Any], reached: Reached, number: int) -> None:
    """Everything that is read: in a study where somebody is coached and caused an alert, with a
    report and an export; and in one where a questionnaire is due.
    """
    cast = test_doors.a_cast(study, NOW)
    places = of_files(study, cast.clients["researcher"], cast.clients["statistician"])
    for name, route in sorted(test_doors.all_routes().items()):
        if hasattr(route.callback.view_class, "get") and name not in DUE_FIRST:
            path = places.get(name) or "/api/v1/" + test_doors.path_of(
                name, str(route.pattern), cast
            )
            for role in readers(name):
                ask(name, role, cast.clients[role].api, path, known, reached, number)
    dan = factories.a_consented_participant(study, NOW)
    path = reverse("api:assessment_enter", args=[study.slug, dan.code, "pre", "PHQ9"])
    ask("assessment_enter", "assessor", cast.clients["assessor"].api, path, known, reached, number)


def ask(
    name: str,
    role: str,
    api: APIClient,
    path: str,
    known: dict[Any, Any],
    reached: Reached,
    number: int,
) -> None:
    api.raise_request_exception = api.handler.raise_request_exception = False
    reached.tried.add((f"{name} GET", role))
    if reached.answered(f"{name} as {role}", api, "GET", path, {}) < 300:
        reached.by.add((f"{name} GET", role))
    fuzz(f"{name} GET", {role: api}, known.get((name, "GET")), path, {}, reached, number, "GET")


def of_files(study: Study, ada: clients.Client, finn: clients.Client) -> dict[str, str]:
    """The addresses of a report and of exports that were made."""
    report = ada.post(f"studies/{study.slug}/reports/", {"language": "en"}).json()["number"]
    export = ada.post(f"studies/{study.slug}/exports/").json()["number"]
    verified = ada.post(f"studies/{study.slug}/audit/verifications/").json()["number"]
    draws = finn.post(f"studies/{study.slug}/randomisation/exports/").json()["number"]
    while jobs.make_due(NOW):
        pass
    made = dict.fromkeys(MADE_FIRST, report) | {
        "audit_verification": verified,
        "export": export,
        "export_zip": export,
    }
    made |= {"report": report, "randomisation_export": draws, "randomisation_export_json": draws}
    return {name: reverse(f"api:{name}", args=[study.slug, which]) for name, which in made.items()}


def readers(name: str) -> list[str]:
    if name in test_doors.PUBLIC:
        return ["anonymous"]
    return (
        ["participant"]
        if name in test_doors.PARTICIPANT
        else sorted(test_doors.ROLES.get(name, ()))
    )


def fuzz(
    name: str,
    everybody: dict[str, APIClient],
    operation: Any,
    path: str,
    sent: dict[str, Any],
    reached: Reached,
    number: int,
    method: str,
) -> None:
    for drawn in cases(operation, path, sent, number):
        for role, api in everybody.items():
            with taken_back():
                reached.answered(
                    f"{name} as {role}", api, method, drawn["path"], {**sent, **drawn["sent"]}
                )


def cases(operation: Any, path: str, sent: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if operation is not None:
        has_body = bool(list(operation.body))
        has_more = has_body or any(
            len(list(each)) for each in (operation.path_parameters, operation.query)
        )
        modes = GenerationMode if has_body else [GenerationMode.POSITIVE] if has_more else []
        for mode in modes:
            try_drawing(
                operation.as_strategy(generation_mode=mode),
                lambda case: found.append(of_case(case, path)),
                number,
            )
    valid = as_json(sent)
    if valid is not None:
        try_all(
            nasty.changed(valid),
            lambda body: found.append({"path": path, "sent": {"data": written_out(body)}}),
            CASES,
            number,
        )
    try_all(paths(path), lambda other: found.append({"path": other, "sent": {}}), CASES, number)
    yield from found


def try_drawing(strategy: Any, check: Callable[[Any], None], number: int) -> None:
    with contextlib.suppress(Unsatisfiable):  # nothing of this operation can be said wrongly
        try_all(strategy, check, CASES, number)


def of_case(case: Any, path: str) -> dict[str, Any]:
    """What schemathesis drew: half the time at the address that leads somewhere."""
    query = urlencode(dict(case.query or {}), doseq=True, errors="replace")
    sent: dict[str, Any] = {}
    if not isinstance(case.body, NotSet):
        data = case.body if isinstance(case.body, bytes) else written_out(case.body)
        kind = case.media_type or "application/json"
        sent = {
            "data": data,
            "content_type": "multipart/form-data; boundary=x"
            if kind.startswith("multipart")
            else kind,
        }
    own = case.path
    for key, value in (case.path_parameters or {}).items():
        own = own.replace("{" + key + "}", quote(str(value), safe="%", errors="replace"))
    where = own if len(query) % 2 == 0 and not sent else path
    return {"path": f"{where}?{query}" if query else where, "sent": sent}


def as_json(sent: dict[str, Any]) -> Any:
    try:
        return json.loads(sent.get("data") or "null")
    except (ValueError, TypeError):
        return None


def written_out(body: Any) -> bytes:
    return json.dumps(body, default=str).encode()


def paths(path: str) -> st.SearchStrategy[str]:
    """The valid address with one of its pieces replaced, and with a question behind it."""
    pieces = path.strip("/").split("/")
    places = range(2, len(pieces))
    replaced = st.builds(
        lambda at, text: (
            "/"
            + "/".join([*pieces[:at], quote(text, safe="", errors="replace"), *pieces[at + 1 :]])
            + "/"
        ),
        st.sampled_from(list(places)) if places else st.just(1),
        nasty.texts,
    )
    asked = st.builds(
        lambda name, text: f"{path}?{urlencode({name: text}, errors='replace')}",
        st.sampled_from(["page", "state", "code", "format", "lang", ""]),
        nasty.texts,
    )
    return st.one_of(replaced, asked)
