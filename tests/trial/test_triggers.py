"""The database itself refuses to change what is append-only, on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, models, transaction

from coaching_protocol.models import CoachingPlan
from randomisation.models import Allocation, SealedSeed
from tests import factories
from tests.emptied import lift_triggers
from trial import audit, checks, facts, triggers, vault
from trial.models import (
    AuditEvent,
    AuditSeal,
    AuditSealedHead,
    Confirmation,
    Consent,
    Decision,
    MonthlyShare,
    Proposal,
    ProtocolText,
    ProtocolVersion,
    Stamp,
)

AFTER_ALLOCATION = ("randomisation.models.exceptions", "randomisation.models.stages")
APPEND_ONLY = [
    Stamp,
    AuditEvent,
    AuditSeal,
    AuditSealedHead,
    ProtocolVersion,
    ProtocolText,
    Confirmation,
    Consent,
    SealedSeed,
    Allocation,
    Proposal,
    Decision,
    MonthlyShare,
]


@pytest.fixture
def a_row_of_each(study, now):
    """At least one row in every append-only table."""
    factories.a_randomised_participant(study, now)
    audit.seal(study, now)
    Confirmation.objects.create(
        version=study.current,
        kind="wording",
        subject="PHQ9:fr",
        confirmed_by="staff 1",
        confirmed_at=now,
    )
    content = vault.seal("guided")
    asked = Proposal.objects.create(
        study=study, kind="lock", content_sealed=content, by="staff 1", at=now
    )
    Decision.objects.create(proposal=asked, is_agreed=True, by="staff 2", at=now)
    MonthlyShare.objects.create(study=study, month=now.date(), what="calls", counted_at=now)


def refused(statement: str, values: tuple = ()) -> bool:
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, values)
    return True


def test_every_append_only_model_is_listed_here():
    assert set(triggers.append_only_models()) == {*APPEND_ONLY, *others()}


def others() -> set[type[models.Model]]:
    """Models of apps above that keep what was written: what comes after an allocation is tried out
    where its rows are made, tests/randomisation/test_exceptions.py.
    """
    found = triggers.append_only_models()
    return {
        model
        for model in found
        if model._meta.app_label == "reports" or model.__module__ in AFTER_ALLOCATION
    }


@pytest.mark.django_db
def test_update_and_delete_are_refused_and_nothing_has_changed(a_row_of_each):
    for model in APPEND_ONLY:
        table, column = model._meta.db_table, model._meta.pk_fields[-1].column
        before = list(model.objects.order_by("pk").values())
        assert before, f"no row of {table} to try it on"

        assert refused(f"UPDATE {table} SET {column} = {column}")
        assert refused(f"DELETE FROM {table}")
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            # Without what is sealed: to write that alone once more is to seal it anew.
            plain = set(model._meta.concrete_fields) - set(model._meta.pk_fields)
            model.objects.order_by("pk")[0].save(
                update_fields={field.name for field in plain} - facts.under_master(model).keys()
            )

        assert list(model.objects.order_by("pk").values()) == before


@pytest.mark.django_db
def test_replacing_a_row_is_refused_on_sqlite(a_row_of_each):
    if connection.vendor != "sqlite":
        pytest.skip("INSERT OR REPLACE is SQLite's")
    for model in APPEND_ONLY:
        table = model._meta.db_table
        assert refused(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1")


@pytest.mark.django_db
def test_replacing_by_another_unique_column_is_refused_on_sqlite(a_row_of_each):
    if connection.vendor != "sqlite":
        pytest.skip("INSERT OR REPLACE is SQLite's")
    columns = [field.column for field in Allocation._meta.concrete_fields if not field.primary_key]
    names = ", ".join(columns)
    assert refused(
        f"INSERT OR REPLACE INTO randomisation_allocation ({names}) SELECT {names} FROM "
        f"randomisation_allocation LIMIT 1"
    )


@pytest.mark.django_db
def test_replacing_a_row_under_another_key_by_its_rowid_is_refused_on_sqlite(a_row_of_each):
    """Every table of SQLite has a rowid beside a primary key of text, and a row may be written at
    the place of another.
    """
    if connection.vendor != "sqlite":
        pytest.skip("INSERT OR REPLACE is SQLite's")
    for model in APPEND_ONLY:
        table, key = model._meta.db_table, model._meta.pk.column
        before = list(model.objects.order_by("pk").values())
        columns = [
            field.column
            for field in model._meta.concrete_fields
            if not (field.unique or field.column == key)
        ]
        for alias in ("rowid", "_rowid_", "oid"):
            new_key, chosen = (
                ([key], ["'a new key'"])
                if model._meta.pk.get_internal_type() == "CharField"
                else ([], [])
            )
            into = ", ".join([alias, *new_key, *columns])
            # Another number, so that no unique column gives it away: the rowid alone does.
            values = ["999" if column == "number" else column for column in columns]
            taken = ", ".join([alias, *chosen, *values])
            assert refused(
                f"INSERT OR REPLACE INTO {table} ({into}) SELECT {taken} FROM {table} LIMIT 1"
            )
        assert list(model.objects.order_by("pk").values()) == before


@pytest.mark.django_db
@pytest.mark.parametrize(
    "model",
    [Stamp, ProtocolText, SealedSeed, Allocation, Proposal],
    ids=lambda model: model.__name__,
)
def test_what_is_sealed_may_be_sealed_anew_and_nothing_else_of_the_row_changed_with_it(
    a_row_of_each, model
):
    table, (name,) = model._meta.db_table, facts.under_master(model)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {model._meta.pk.column}, {name} FROM {table} ORDER BY 1 LIMIT 1")
        number, token = cursor.fetchone()
        new = vault.seal_anew(token)
        cursor.execute(
            f"UPDATE {table} SET {name} = %s WHERE {model._meta.pk.column} = %s", [new, number]
        )
        assert cursor.rowcount == 1
    others = [field for field in model._meta.concrete_fields if field.column != name]
    for field in others:
        value = ANOTHER.get(field.get_internal_type(), f"COALESCE({field.column}, 0) + 1000")
        assert refused(f"UPDATE {table} SET {name} = %s, {field.column} = {value}", (token,))
    assert refused(f"UPDATE {table} SET {name} = %s", (token + "=",))
    assert refused(f"UPDATE {table} SET {name} = ''")
    assert refused(f"UPDATE {table} SET {name} = {name}")
    if connection.vendor == "sqlite":
        assert refused(f"UPDATE {table} SET {name} = %s, rowid = 4711", (token,))


ANOTHER = {
    "DateTimeField": "'1999-01-01 00:00:00+00:00'",
    "CharField": "'another'",
    "TextField": "'another'",
    "BooleanField": "NOT is_drill AND NOT passes_alone",
    "JSONField": """'{"another": 1}'""",
}


@pytest.mark.django_db
def test_what_is_under_a_persons_key_is_not_sealed_anew(a_row_of_each):
    sealed = Consent.objects.order_by("pk")[0].signature_sealed
    assert refused("UPDATE trial_consent SET signature_sealed = %s", (sealed[::-1],))


@pytest.mark.postgresql
@pytest.mark.django_db
def test_truncate_is_refused_on_postgresql(a_row_of_each):
    with connection.cursor() as cursor:  # else the rows' own deferred checks stand in the way first
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for model in APPEND_ONLY:
        before = model.objects.count()
        assert refused(f"TRUNCATE {model._meta.db_table} CASCADE")
        assert model.objects.count() == before


@pytest.mark.django_db
def test_a_plan_of_calls_is_not_append_only_and_may_be_ended(study, now):
    factories.a_participant_in(study, "guided", now)
    assert CoachingPlan.objects.update(ended_at=now) == 1


@pytest.mark.django_db
def test_check_finds_each_trigger_that_is_missing():
    wanted = [
        name
        for model in triggers.append_only_models()
        for name in triggers.names(model, connection.vendor)
    ]
    assert checks.append_only_tables_are_guarded(["default"]) == []

    lift_triggers()

    found = checks.append_only_tables_are_guarded(["default"])
    assert [error.msg for error in found] == [f"The trigger {name} is missing." for name in wanted]
    assert {error.id for error in found} == {"trial.E001"}


@pytest.mark.django_db
def test_triggers_stand_again_after_migrate():
    lift_triggers()
    call_command("migrate", verbosity=0)
    assert triggers.missing(connection) == []


@pytest.mark.postgresql
@pytest.mark.django_db
def test_a_disabled_trigger_counts_as_missing():
    name = triggers.names(Stamp, "postgresql")[0]
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE trial_stamp DISABLE TRIGGER {name}")
    assert triggers.missing(connection) == [name]


@pytest.mark.django_db(transaction=True)
def test_triggers_stand_again_after_a_flush():
    lift_triggers()
    # Numbers go on: those of people who are made once a process are taken (tests/frozen.py).
    call_command("flush", verbosity=0, interactive=False, reset_sequences=False)
    assert triggers.missing(connection) == []
    assert Stamp.objects.count() == 1
