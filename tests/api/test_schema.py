from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from tests.api.clients import Client
from tests.api.test_pairs import routes


def test_the_openapi_document_is_valid_and_comes_without_a_warning():
    out = StringIO()
    call_command("spectacular", "--fail-on-warn", "--validate", stdout=out)
    assert out.getvalue().startswith("openapi: 3")


@pytest.mark.django_db
def test_the_document_and_its_page_are_public_and_everything_comes_from_this_server():
    schema = Client().get("schema/")
    page = Client().get("docs/")
    script = Client().get("docs/", script="")

    assert (schema.status_code, page.status_code, script.status_code) == (200, 200, 200)
    assert b"https://" not in page.content.replace(b"https://127.0.0.1", b"")
    policy = dict(each.strip().split(" ", 1) for each in page["Content-Security-Policy"].split(";"))
    assert policy["script-src"] == "'self'"
    assert policy["style-src"] == "'self' 'unsafe-inline'"
    assert b"<script>" not in page.content


def test_every_endpoint_stands_in_the_document():
    out = StringIO()
    call_command("spectacular", "--format", "openapi-json", stdout=out)
    import json

    from django.urls import get_resolver

    documented = set(json.loads(out.getvalue())["paths"])
    resolver = next(each for each in get_resolver().url_patterns if str(each.pattern) == "api/v1/")
    names = {each.name for each in routes(resolver)} - {"schema", "docs"}
    assert len(documented) == len(names)
