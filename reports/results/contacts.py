"""Calls planned, tried and held in each arm, and the minutes they took."""

from ..dataset import Dataset
from ..statistics.descriptives import describe
from .number import Number, Numbers, ident


def numbers(data: Dataset) -> Numbers:
    if data.contacts is None:
        return
    for group in data.groups:
        people = {person.code for person in data.people(group)}
        rows = [contact for contact in data.contacts if contact.participant in people]
        held = [contact for contact in rows if contact.held]
        with_plan = {contact.participant for contact in rows}
        for word, value in (
            ("people", len(with_plan)),
            ("planned", len(rows)),
            ("attempted", sum(contact.attempts > 0 for contact in rows)),
            ("attempts", sum(contact.attempts for contact in rows)),
            ("held", len(held)),
        ):
            yield Number(
                ident("contacts", group, word),
                value,
                n=len(with_plan),
                unit="count",
                method="count",
            )
        minutes = [contact.minutes for contact in held if contact.minutes is not None]
        yield Number(
            ident("contacts", group, "minutes"),
            sum(minutes),
            n=len(minutes),
            unit="minute",
            method="sum",
        )
        d = describe(minutes)
        yield Number(
            ident("contacts", group, "minutes_each"),
            d.mean,
            n=d.n,
            unit="minute",
            method="mean of calls held",
        )
        yield Number(
            ident("contacts", group, "minutes_each_sd"),
            d.sd,
            n=d.n,
            unit="minute",
            method="standard deviation",
        )
        per_person = len(held) / len(with_plan) if with_plan else None
        yield Number(
            ident("contacts", group, "held_each"),
            per_person,
            n=len(with_plan),
            unit="count",
            method="held per person",
        )
