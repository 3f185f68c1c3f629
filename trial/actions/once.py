"""One effect per request key: a double click, a retry and a crash between commit and answer all end
the same way.
"""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, TypeVar

from django.apps import apps
from django.core.exceptions import ObjectDoesNotExist
from django.db import models, transaction

from trial import facts, rows, vault
from trial.actors import Actor
from trial.models import Draft, RequestKey
from trial.prepared import prepared

R = TypeVar("R")
KEPT_FOR = timedelta(days=30)
DAY = timedelta(days=1)
PART = 1000  # rows of one transaction


class KeyReused(Exception):
    """The same request key came with other content (HTTP 409)."""


def once(action: Callable[..., R]) -> Callable[..., R]:
    """Make an action atomic and idempotent: claims (person, action, key) in its transaction,
    answers a repeat from store.

    An action that keeps the key with what it writes takes `request_key`, and is given it.
    """
    keeps_key = "request_key" in inspect.signature(action).parameters
    app, module = action.__module__.split(".")[0], action.__module__.rpartition(".")[2]
    name = f"{app}.{module}.{action.__name__}"

    @functools.wraps(action)
    def run(*args: Any, **kwargs: Any) -> Any:
        key = kwargs.pop("key", None)
        kept = {"request_key": key or ""} if keeps_key else {}
        with transaction.atomic(), facts.all_told():
            if not key:
                return action(*args, **kwargs, **kept)
            claim, is_new = _claim(name, key, kwargs)
            if not is_new:
                return _recall(claim.result)
            result = action(*args, **kwargs, **kept)
            same = {"person": claim.person, "action": claim.action, "key": claim.key}
            sent = rows.removal(Draft, {"request_key": key})  # what was typed for it
            answered = rows.change(RequestKey, same, result=_reference(result))
            rows.at_once(*rows.joined(sent, answered))
            return result

    return run


def forget_request_keys(at: datetime) -> int:
    """Entry of settings.WORKER: request keys older than 30 days; says how many. A form that is sent
    again later is a new request, which the action itself refuses where there can be one alone.

    Once a day: begun when the oldest is a day over, so that no round of a worker does it for a few.
    """
    if not _first_before(at - KEPT_FOR - DAY):
        return 0
    old = RequestKey.objects.filter(claimed_at__lt=at - KEPT_FOR)
    gone = 0
    while part := list(old.order_by("claimed_at").values_list("pk", flat=True)[:PART]):
        gone += old.filter(pk__in=part).delete()[0]
    return gone


@prepared
def _first_before(since: datetime) -> models.QuerySet[RequestKey, int]:
    return RequestKey.objects.filter(claimed_at__lt=since).values_list("pk", flat=True)[:1]


def _claim(name: str, key: str, content: dict[str, Any]) -> tuple[RequestKey, bool]:
    by: Actor = content["by"]
    at: datetime = content["at"]
    # Keyed, since what people type may be in it.
    digest = vault.keyed_hash(
        "request",
        json.dumps(_plain({k: v for k, v in content.items() if k != "at"}), sort_keys=True),
    )
    claim = RequestKey(person=str(by), action=name, key=key, digest=digest, claimed_at=at)
    # Whoever sends the same key at this moment waits here until the first is committed or gone.
    is_new = rows.insert(claim, unless=("person", "action", "key"))
    if not is_new:
        claim = RequestKey.objects.get(person=claim.person, action=name, key=key)
    if claim.digest != digest:
        raise KeyReused(f"{name}: this request key was used before, with other content")
    return claim, is_new


def _plain(value: Any) -> Any:
    if isinstance(value, models.Model):
        return [value._meta.label, str(value.pk)]
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [
            _plain(v)
            for v in (sorted(value, key=str) if isinstance(value, set | frozenset) else value)
        ]
    if isinstance(value, Enum):
        return value.value
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _reference(result: Any) -> Any:
    return (
        {"model": result._meta.label, "pk": result.pk}
        if isinstance(result, models.Model)
        else {"value": result}
    )


def _recall(stored: Any) -> Any:
    if not stored or "model" not in stored:
        return stored and stored["value"]
    model = apps.get_model(stored["model"])
    try:
        return model._default_manager.get(pk=stored["pk"])
    except ObjectDoesNotExist:
        return None
