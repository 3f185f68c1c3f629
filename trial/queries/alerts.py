"""Reads of alerts: oldest deadline first, and who took them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet

from trial import vault
from trial.models import Alert, AuditEvent, Participant, ProtocolVersion, Study
from trial.queries import staff
from trial.words import word


@dataclass(frozen=True)
class Row:
    alert: Alert
    is_overdue: bool
    taken_by: str
    closed_by: str
    zone: str
    meaning: Mapping[str, str] | str


def unclosed(studies: Iterable[Study | int]) -> QuerySet[Alert]:
    """Alerts that wait for somebody, the oldest deadline first."""
    return _of(studies).exclude(state="closed").order_by("deadline_at", "pk")


def listed(study: Study) -> QuerySet[Alert]:
    """Those that wait, the oldest deadline first, then those that are closed, the newest first."""
    return _of([study]).order_by(F("closed_at").desc(nulls_first=True), "deadline_at", "pk")


def closed(studies: Iterable[Study]) -> QuerySet[Alert]:
    return _of(studies).filter(state="closed").order_by("-closed_at", "-pk")


def _of(studies: Iterable[Study | int]) -> QuerySet[Alert]:
    return Alert.objects.filter(study__in=list(studies)).select_related("study", "participant__key")


def rows(
    alerts: Iterable[Alert], at: datetime, versions: Mapping[int, ProtocolVersion]
) -> list[Row]:
    """Alerts with the name of who took them, what they mean, and the clock of their study;
    `versions` by study.
    """
    alerts = list(alerts)
    said = {study: meanings(version) for study, version in versions.items()}
    zones = {study: version.protocol.timezone for study, version in versions.items()}
    names = staff.names(by for each in alerts for by in (each.taken_by, each.closed_by))
    return [
        Row(
            alert=each,
            is_overdue=is_overdue(each, at),
            taken_by=names.get(each.taken_by, each.taken_by),
            closed_by=names.get(each.closed_by, each.closed_by),
            zone=zones.get(each.study_id, "UTC"),
            meaning=said.get(each.study_id, {}).get(each.kind) or str(word(each.kind)),
        )
        for each in alerts
    ]


def is_overdue(alert: Alert, at: datetime) -> bool:
    return alert.state != "closed" and alert.deadline_at < at


def taken_from(alert: Alert) -> str:
    """The name of whoever had this alert before the one who has it now; empty where nobody had."""
    takes = AuditEvent.objects.filter(
        study=alert.study.slug, action="alert taken", subject=f"alert {alert.pk}"
    )
    newest = takes.order_by("-number").first()
    before = json.loads(newest.old)["taken_by"] if newest else ""
    return staff.names([before]).get(before, before)


def number_left_again(alert: Alert) -> datetime | None:
    """When the person left another number, if that was after somebody took the alert: that one may
    have been written down.
    """
    if alert.taken_at is None or not alert.phone_sealed:
        return None
    left = AuditEvent.objects.filter(
        study=alert.study.slug,
        action="phone number left again",
        subject=f"alert {alert.pk}",
        at__gte=alert.taken_at,
    )
    newest = left.order_by("-number").first()
    return newest.at if newest else None


def meanings(version: ProtocolVersion) -> dict[str, Any]:
    """What staff are told for each kind of alert, by language. The rules are another app's; their
    words are not.
    """
    return {rule["code"]: rule["text"] for rule in version.section("assessments").get("alerts", [])}


def what_was_done(alert: Alert) -> str | None:
    """The note of a closed alert; None once the person it is about is erased."""
    if not alert.done_sealed:
        return None if alert.participant_id and alert.state == "closed" else ""
    if alert.participant is None:
        return vault.unseal(alert.done_sealed)
    return alert.participant.unsealed(alert.done_sealed) if _has_key(alert.participant) else None


def _has_key(participant: Participant) -> bool:
    return hasattr(participant, "key")
