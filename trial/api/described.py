"""How an endpoint stands in the OpenAPI document: what it takes and answers, and the one shape of a
problem.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers

from trial.api.errors import PROBLEM

KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The same key with the same content has one effect and one answer; with other "
    "content it is a 409. A key is kept for 30 days: sent again later, it is a new request.",
)
JOIN = OpenApiParameter(
    "Join-Token",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="Stands for somebody on the way in, who has no login yet. Given on agreeing to be "
    "screened.",
)
PAGE = OpenApiParameter("page", OpenApiTypes.INT, OpenApiParameter.QUERY)


class FolderProblem(serializers.Serializer):
    file = serializers.CharField()
    line = serializers.IntegerField()
    message = serializers.CharField()


class Problem(serializers.Serializer):
    code = serializers.CharField(help_text="Stable; made for programs.")
    detail = serializers.CharField(help_text="Made for people, in the language of the request.")
    fields = serializers.JSONField(help_text="Messages by field, where a field is at fault.")  # type: ignore[assignment]
    errors = FolderProblem(  # type: ignore[assignment]
        many=True, required=False, help_text="Every mistake of a study folder."
    )
    missing = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="Before a study can open or resume.",
    )


def reads(
    name: str, summary: str, answers: Any, *parameters: OpenApiParameter
) -> Callable[..., Any]:
    return _operation(name, summary, {200: answers}, list(parameters))


def reads_file(name: str, summary: str, kind: str) -> Callable[..., Any]:
    return _operation(name, summary, {(200, kind): OpenApiTypes.BINARY}, [])


def writes(
    name: str,
    summary: str,
    takes: Any,
    answers: Any,
    *parameters: OpenApiParameter,
    status: int = 200,
) -> Callable[..., Any]:
    """`takes` and `answers` may be None: nothing is sent, or nothing comes back (204)."""
    status = status if answers is not None else 204
    return _operation(name, summary, {status: answers}, [KEY, *parameters], request=takes)


def _operation(
    name: str,
    summary: str,
    responses: dict[Any, Any],
    parameters: list[OpenApiParameter],
    **more: Any,
) -> Callable[..., Any]:
    every = {**responses, ("4XX", PROBLEM): Problem}
    return extend_schema(
        operation_id=name, summary=summary, responses=every, parameters=parameters, **more
    )
