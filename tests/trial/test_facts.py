"""Every fact is compared with the audit trail: each column of each model, and whatever an action
does.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, models, transaction

from coaching_protocol.actions import calls
from coaching_protocol.models import CoachAssignment, Contact
from outcomes.actions import assessments, screening
from outcomes.models import Assessment
from randomisation.actions import code_breaks, exceptions, proposals, switches
from randomisation.models import Allocation, CodeBreak, ForcedAllocation, Match, StageDecision
from tests import factories
from tests.emptied import lift_triggers
from trial import actors, audit, facts, rows, triggers, vault
from trial.actions import alerts, own_details, participants, programme
from trial.actions.once import once
from trial.models import (
    AuditEvent,
    Consent,
    Milestone,
    Participant,
    PersonKey,
    Proposal,
    Stamp,
    Study,
)
from trial.queries import sealing

APPS = ("trial", "outcomes", "randomisation", "coaching_protocol", "reports")
OURS = [model for model in apps.get_models() if model._meta.app_label in APPS]
HOW = """
A model says of itself what the audit trail compares (trial/facts.py):
    class Thing(Fact):
        fact_columns = {1: "participant name done_at"}    the columns that are facts, in a list with a number
        no_facts = {"last_seen_at": "why it is none"}     every other column, with the reason
        sealed_under = {"name_sealed": "person"}          what is sealed, and under which key: person, master, or
                                                       "about or master": of the person there, else the master keys
        facts_of = "plan__participant"                    the way to the person, where it is not `participant`; "" for nobody
or, for a model without a fact, no_facts = "the reason" on a plain models.Model.
"""  # noqa: E501


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_every_column_of_every_model_is_a_fact_or_says_why_it_is_none(model):
    reason = getattr(model, "no_facts", None)
    if not issubclass(model, facts.Fact):
        assert isinstance(reason, str), (
            f"{model.__name__} says neither what its facts are nor why it has none.{HOW}"
        )
        assert reason, HOW
        return
    listed = set(facts.columns(model, facts.newest(model)))
    named = {field.name for field in model._meta.concrete_fields if not field.primary_key}
    assert listed | set(reason) == named, (
        f"{model.__name__}: {sorted(named ^ (listed | set(reason)))} is in no list, or in one and "
        f"not there. A column that "
        f"is a fact goes into a new list of fact_columns (the highest number plus one), others "
        f"into no_facts.{HOW}"
    )
    assert not listed & set(reason), HOW
    assert all(reason.values()), HOW
    for column, end in model.draft_until.items():
        assert {column, end} <= listed, HOW
    sealed = {name for name in named if name.endswith("_sealed")}
    assert sealed <= set(model.sealed_under), (
        f"{model.__name__}: under which key is each of {sealed} sealed?{HOW}"
    )
    for under in model.sealed_under.values():
        assert re.fullmatch(r"person|(\w+ or )?master", under), HOW
    facts._asked(model, facts.newest(model), {})  # the ways lead somewhere


@pytest.fixture
def lived(study, now):
    """A study in which everything that is a fact has happened at least once."""
    at = now + timedelta(days=1)
    dan = factories.a_participant_in(study, "guided", now)
    ben = CoachAssignment.objects.get(plan__participant=dan).coach
    by = actors.participant(dan.code)
    ada = actors.staff(98, "researcher")
    eva = actors.staff(99, "supervisor")
    coach = actors.staff(ben.pk, "coach")
    contact = Contact.objects.filter(plan__participant=dan).first()
    attempt = calls.start(contact=contact, coach=ben, by=coach, at=at)
    calls.log(attempt=attempt, outcome="reached", minutes=9, note="a note", by=coach, at=at)
    calls.correct(
        attempt=attempt, coach=ben, reason="mistyped", outcome="reached", minutes=8, by=coach, at=at
    )
    programme.begin_module(
        participant=dan, module=dan.version.programme.modules[0].code, by=by, at=at
    )
    told = {"participant": dan, "kind": "item9", "subject_ref": "post", "within_hours": 24}
    alert = alerts.raise_alert(study=study, **told, phone="+31600000001", by=by, at=at)
    alerts.take(alert=alert, by=eva, at=at)
    alerts.close(alert=alert, done="called", by=eva, at=at)
    alerts.raise_alert(study=study, **{**told, "participant": None}, by=actors.SYSTEM, at=at)
    screening.answer_instrument(
        participant=factories.a_screening_participant(study, at),
        instrument="PHQ9",
        answers=factories.answers_to(study, "PHQ9", 1),
        by=actors.visitor("x"),
        at=at,
    )
    _exceptions(dan, ada, eva, at)
    switches.halt(study=study, level="study", reason="fault", by=ada, at=at)
    return study


def _exceptions(dan, ada, eva, at):
    allocation = Allocation.objects.get(participant=dan)
    exceptions.mark_ineligible(allocation=allocation, reason="answer_was_wrong", by=ada, at=at)
    exceptions.record_received(
        allocation=allocation, received="other", reason="system_fault", by=ada, at=at
    )
    exceptions.correct(
        allocation=allocation, values={"sex": "m"}, reason="other", note="so", by=ada, at=at
    )
    asked = proposals.propose_code_break(
        allocation=allocation, reason="acute_danger", by=ada, at=at
    )
    proposals.decide(proposal=asked, is_agreed=True, by=eva, at=at)
    code_breaks.show(proposal=asked, by=ada, at=at)
    code_breaks.assess(code_break=CodeBreak.objects.get(), text="none", by=ada, at=at)
    with transaction.atomic():  # what takes a study of its own to come about, as rows
        about = {
            "study": dan.study,
            "participant": dan,
            "by": str(ada),
            "role": "researcher",
            "at": at,
        }
        Match.objects.create(**about, verdict="household")
        StageDecision.objects.create(
            participant=dan,
            study=dan.study,
            point="later",
            origin="guided",
            facts={},
            is_eligible=True,
            decided_at=at,
        )
        another = Proposal.objects.create(
            **about, kind="forced", reason="safety", content_sealed=vault.seal("guided")
        )
        ForcedAllocation.objects.create(
            **about, reason="safety", allocation=allocation, proposal=another, agreed_by=str(eva)
        )
        audit.record(dan, "rows made", by=ada, at=at)


@pytest.mark.django_db
def test_after_a_life_every_fact_is_as_the_trail_says(lived):
    checked = audit.examine(lived).facts
    assert (audit.verify(lived), checked.erased_people) == ([], 0)
    assert [model.__name__ for model in facts.declared() if not model._base_manager.exists()] == []
    rows = sum(model._base_manager.count() for model in facts.declared())
    assert checked.rows == rows, "a fact that is in no study is compared with nothing"


Change = tuple[facts.Fact, models.Field, object]


def changes() -> list[list[Change]]:
    """Another value for each declared column of the newest row of each model, some at once: those
    that would hide what was done to another row, since rows are found by them, are each alone.
    """
    rows = [model._base_manager.order_by("-pk").first() for model in facts.declared()]
    rows.append(Assessment.objects.filter(submitted_at__isnull=False).first())
    alone, together = [], {}
    for row in rows:
        plain = 0
        for name in facts.columns(type(row), facts.newest(type(row))):
            field, until = row._meta.get_field(name), row.draft_until.get(name)
            if until and getattr(row, until) is None:
                continue
            change = (row, field, other(field, getattr(row, field.attname), row))
            if isinstance(field, models.ForeignKey) or name in {"slug", "code"}:
                alone.append([change])
            else:
                together.setdefault(plain, []).append(change)
                plain += 1
    return [*alone, *together.values()]


@pytest.mark.once
@pytest.mark.django_db
def test_each_column_of_each_model_that_somebody_changes_is_named_with_its_row(lived):
    lift_triggers()
    tried, unseen = set(), []
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints = ON")
    for at_once in changes():
        with transaction.atomic():
            for row, field, value in at_once:
                assert (
                    type(row)._base_manager.filter(pk=row.pk).update(**{field.attname: value}) == 1
                )
                tried.add(type(row))
            places = audit.examine(Study.objects.get(pk=lived.pk)).facts.places
            unseen += [
                f"{facts.label(type(row))}.{field.name}"
                for row, field, _ in at_once
                if not any(f": {facts.label(type(row))} {row.pk} " in place for place in places)
            ]
            transaction.set_rollback(True)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints = OFF")
    assert (unseen, tried) == ([], set(facts.declared()))
    assert audit.examine(lived).facts.places == ()


# Sealed values outside a model's own columns, and why.
SEALED_ELSEWHERE = {
    ("django_session", "session_data"): "the whole session, which ends within 12 hours",
    ("trial_auditevent", "old"): "under the person's key, for as long as there is one",
    ("trial_auditevent", "new"): "the same",
}
SEALED_VALUE = re.compile(r"gAAAAA[\w-]{60,}")


@pytest.mark.once
@pytest.mark.django_db
def test_every_sealed_value_in_the_database_stands_in_a_column_that_says_under_which_key(lived):
    said = {
        (model._meta.db_table, model._meta.get_field(name).column)
        for model in OURS
        for name in getattr(model, "sealed_under", {})
    }
    found = set()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                found |= {
                    (table, name)
                    for name, value in zip(names, row, strict=True)
                    if SEALED_VALUE.search(str(value))
                }
    assert found - said - SEALED_ELSEWHERE.keys() == set(), (
        f"under which key? Say so in sealed_under.{HOW}"
    )
    assert len(found & said) > 10


@pytest.mark.django_db
def test_after_a_life_every_sealed_value_is_sealed_anew_and_the_trail_still_holds(lived, settings):
    """Append-only tables too, with their triggers in place; each column that says it may be under
    the master keys is met.
    """
    old = settings.FIELD_KEYS
    settings.FIELD_KEYS = [Fernet.generate_key(), *old]
    before = {place: sum(sealing.standings(place).values()) for place in sealing.places()}
    call_command("rotate_keys", verbosity=0)
    settings.FIELD_KEYS = settings.FIELD_KEYS[:1]
    vault._person_key.cache_clear()
    vault._person.cache_clear()
    after = {place: sum(sealing.standings(place).values()) for place in sealing.places()}
    assert (after, audit.verify(lived)) == (before, [])
    assert {str(place) for place in before if not before[place]} == NEVER_IN_A_LIFE
    with connection.cursor() as cursor:
        cursor.execute("SELECT length(probabilities) FROM randomisation_allocation GROUP BY 1")
        assert len(cursor.fetchall()) == 1
    # What says it is under a person's key alone is under no other, or it would have been left
    # behind.
    settings.FIELD_KEYS = old
    assert [each for each in sealed_for_people() if vault.opens(each[1])] == []


NEVER_IN_A_LIFE = {
    "trial.invitation.email_sealed",
    "trial.jobfile.key_sealed",
    "trial.draft.text_sealed",
    "trial.waitingmail.sealed",
    "sessions.session.session_data",
}


def sealed_for_people() -> list[tuple[str, str]]:
    found = [
        (f"{model.__name__}.{name}", value)
        for model in OURS
        for name, under in getattr(model, "sealed_under", {}).items()
        if under == "person"
        for value in model._base_manager.exclude(**{name: ""}).values_list(name, flat=True)
    ]
    assert len(found) > 10
    return found


@pytest.mark.django_db
def test_what_is_sealed_in_an_append_only_row_is_a_fact_so_that_another_content_is_found_out():
    for model in triggers.append_only_models():
        for name in facts.under_master(model):
            assert model is Stamp or name in facts.columns(model, facts.newest(model)), (
                f"{model.__name__}.{name}"
            )


@pytest.fixture
def by_hand(study, now):
    """Dan's way in and a call, with the database's own guard lifted as its owner could."""
    dan = factories.a_randomised_participant(study, now)
    lift_triggers()
    return dan


def places(dan: Participant) -> list[str]:
    return audit.verify(dan.study)


@pytest.mark.django_db
def test_the_first_row_that_differs_is_named_first_and_by_the_event_that_it_differs_from(by_hand):
    pre = Assessment.objects.filter(participant=by_hand, timepoint="pre").order_by("pk")
    event = AuditEvent.objects.get(
        action="assessment submitted", subject=f"pre {pre[0].instrument}"
    )
    Participant._base_manager.filter(pk=by_hand.pk).update(language="nl")
    pre[0].__class__._base_manager.filter(pk=pre[0].pk).update(scores={"PHQ9": 27})
    found = places(by_hand)
    assert (
        found[0]
        == f"{event.stream} event {event.number}: outcomes.assessment {pre[0].pk} is not what it "
        f"was after this event"
    )
    assert len(found) == 2
    with pytest.raises(CommandError, match="2 places do not hold"):
        call_command("verify_audit", by_hand.study.slug)


@pytest.mark.django_db
def test_a_row_that_is_gone_or_that_nobody_recorded_is_named(by_hand, now):
    row = Milestone.objects.filter(participant=by_hand).first()
    Milestone._base_manager.filter(pk=row.pk).delete()
    assert [place.partition(": ")[2] for place in places(by_hand)] == [
        f"trial.milestone {row.pk} is missing"
    ]
    Milestone._base_manager.bulk_create([row])
    assert places(by_hand) == []
    made = Milestone(
        pk=row.pk + 1000, participant=by_hand, name="programme_finished", reached_at=now
    )
    Milestone._base_manager.bulk_create([made])
    assert [place.partition(": ")[2] for place in places(by_hand)] == [
        f"trial.milestone {made.pk} is in no event"
    ]


@pytest.mark.django_db
def test_a_trail_that_is_written_anew_without_the_key_does_not_verify(by_hand, settings, now):
    """Whoever changes a score, makes digests under a key of their own and every hash of the chain
    anew is found out; and so is who leaves the digests away.
    """
    row = Assessment.objects.filter(participant=by_hand, submitted_at__isnull=False).first()
    Assessment._base_manager.filter(pk=row.pk).update(scores={"PHQ9": 27})
    audit_keys, settings.AUDIT_KEYS = (
        settings.AUDIT_KEYS,
        {1: b"a key of somebody who has none, long enough"},
    )
    rewrite(
        by_hand.study,
        lambda label, number, version, digest: new_digest(label, number, version) or digest,
    )
    assert places(by_hand) == []  # with that key it would hold together
    settings.AUDIT_KEYS = audit_keys
    assert of_the_chain(by_hand.study) == []
    assert any(f"outcomes.assessment {row.pk} is not" in place for place in places(by_hand))
    rewrite(by_hand.study, None)
    assert of_the_chain(by_hand.study) == []
    assert all("no digest in" in place for place in places(by_hand))
    assert len(places(by_hand)) == 2  # the study, and Dan


def of_the_chain(study: Study) -> list[str]:
    """What does not hold in the events by themselves, whatever the rows are."""
    found = audit.examine(study)
    return found.places[: len(found.places) - len(found.facts.places)]


def new_digest(label: str, number: int, version: int) -> str:
    rows = list(facts.read(apps.get_model(label), version, pk=number))
    return rows[0].digest(1) if rows else ""


def rewrite(study: Study, digest) -> None:
    """Every event with other digests, or with none, and every hash that follows from it."""
    previous = {}
    for event in AuditEvent.objects.filter(study=study.slug).order_by("stream", "number"):
        told = json.loads(event.facts) if event.facts and digest else []
        event.facts = json.dumps([[*each[:3], digest(*each)] for each in told]) if told else ""
        event.facts_key = 1 if digest else None
        event.previous = previous.get(event.stream, audit.START)
        event.hash = previous[event.stream] = audit.event_hash(event)
        event.save()
        audit.AuditHead.objects.filter(stream=event.stream).update(hash=event.hash)


@pytest.mark.django_db
def test_an_event_from_before_says_no_digest_and_still_follows_the_one_before_it(by_hand):
    rewrite(by_hand.study, None)
    stream = f"{by_hand.study.slug}/{by_hand.code}"
    count = AuditEvent.objects.filter(stream=stream).count()
    assert f"{stream}: no digest in {count} events, from before there were any" in places(by_hand)
    assert of_the_chain(by_hand.study) == []


@pytest.mark.django_db
def test_whoever_is_erased_cannot_be_compared_any_more_and_is_counted(study, now, capsys):
    dan, eve = (
        factories.a_randomised_participant(study, now, name)
        for name in ("Dan Jansen", "Eve de Boer")
    )
    by = actors.staff(1, "researcher")
    participants.withdraw(participant=dan, reason="erased", by=by, at=now)
    participants.erase(participant=dan, reason="asked_by_participant", by=by, at=now)
    checked = audit.examine(study).facts
    assert (checked.places, checked.erased_people) == ((), 1)
    call_command("verify_audit", study.slug)
    says = f"{checked.erased_rows} facts of 1 people cannot be compared: erased"
    assert says in capsys.readouterr().out
    lift_triggers()
    Assessment._base_manager.filter(participant=dan).update(scores={})
    assert audit.examine(study).facts.places == ()  # nobody can tell any more
    PersonKey.objects.filter(participant=eve).delete()
    assert audit.examine(study).facts.places == (
        f"{study.slug}/{eve.code}: its key is missing, and no event says that it was erased",
    )


@pytest.mark.django_db
def test_digests_are_told_apart_by_person_and_by_the_number_of_their_key(by_hand, settings, now):
    pre = next(facts.read(Consent, 1, participant=by_hand))
    other_person = facts.Row(**{**vars(pre), "sealed_key": vault.new_person_key()})
    settings.AUDIT_KEYS = {**settings.AUDIT_KEYS, 2: b"another key of thirty-two bytes or more"}
    assert len({pre.digest(1), pre.digest(2), other_person.digest(1)}) == 3
    own_details.choose_language(participant=by_hand, language="nl", by=actors.SYSTEM, at=now)
    event = AuditEvent.objects.get(action="language chosen")
    assert (event.facts_key, places(by_hand)) == (2, [])
    settings.AUDIT_KEYS = {2: settings.AUDIT_KEYS[2]}
    assert all(
        place.endswith("was digested under audit key 1, which is not here")
        for place in places(by_hand)
    )


@pytest.mark.django_db
def test_a_row_that_was_digested_by_an_older_list_of_columns_is_compared_by_it(
    by_hand, monkeypatch
):
    both = {1: Participant.fact_columns[1], 2: f"{Participant.fact_columns[1]} user"}
    monkeypatch.setattr(Participant, "fact_columns", both)
    assert places(by_hand) == []
    Participant._base_manager.filter(pk=by_hand.pk).update(language="nl")
    assert len(places(by_hand)) == 1


@pytest.mark.django_db
def test_the_digest_of_an_allocation_tells_no_arm(study, now):
    """It is as long for every arm, and under a key: whoever knows the row but for its arm cannot
    try them all.
    """
    people = [factories.a_randomised_participant(study, now) for _ in range(2)]
    digests = []
    for row in Allocation.objects.filter(participant__in=people):
        (event,) = AuditEvent.objects.filter(
            action="allocated", stream=f"{study.slug}/{row.participant.code}"
        )
        told = {label: digest for label, _, _, digest in json.loads(event.facts)}
        assert set(told) == {"randomisation.allocation", "trial.participant"}
        digests.append(told["randomisation.allocation"])
    assert [len(digest) for digest in digests] == [64, 64]
    assert len(set(digests)) == 2


@pytest.mark.django_db
def test_an_action_that_changes_a_fact_after_its_last_event_fails_in_a_rehearsal(study, now):
    @once
    def careless(*, participant, by, at):
        audit.record(participant, "looked", by=by, at=at)
        Participant.objects.filter(pk=participant.pk).update(language="nl")
        return participant

    dan = factories.a_screening_participant(study, now)
    with pytest.raises(
        facts.NoEvent, match=f"in no event: trial.participant {dan.pk}. Call audit.record after"
    ):
        careless(participant=dan, by=actors.SYSTEM, at=now)
    dan.refresh_from_db()
    assert dan.language == "en"


@pytest.mark.django_db(transaction=True)
def test_outside_an_action_too_a_change_without_an_event_is_found_on_commit(
    study, now, settings, caplog
):
    dan = factories.a_screening_participant(study, now)
    with pytest.raises(facts.NoEvent), transaction.atomic():
        Participant.objects.filter(pk=dan.pk).update(language="nl")
    settings.DATABASE_KIND = "live"
    with transaction.atomic():
        dan.save()
    assert (
        f"in no event: trial.participant {dan.pk}" in caplog.text
    )  # it is said; what is committed stays


@pytest.mark.django_db
def test_what_a_savepoint_took_back_is_in_no_digest_and_what_its_event_told_is_told_again(
    study, now
):
    dan = factories.a_screening_participant(study, now)
    with transaction.atomic():
        dan.language = "nl"
        dan.save(update_fields=["language"])
        with transaction.atomic():
            Milestone.objects.create(participant=dan, name="x", reached_at=now)
            audit.record(dan, "taken back", by=actors.SYSTEM, at=now)
            transaction.set_rollback(True)
        audit.record(dan, "language chosen", by=actors.SYSTEM, at=now)
    event = AuditEvent.objects.get(action="language chosen")
    assert [each[:2] for each in json.loads(event.facts)] == [["trial.participant", dan.pk]]
    assert audit.verify(study) == []


@pytest.mark.django_db
def test_a_draft_is_no_fact_and_what_was_handed_in_is(study, now):
    dan = factories.a_consented_participant(study, now)
    row = Assessment.objects.filter(participant=dan).first()
    by = actors.participant(dan.code)
    item = next(iter(factories.answers_to(study, row.instrument, 1)))
    assessments.save_draft(assessment=row, answers={item: 1}, by=by, at=now)
    before = AuditEvent.objects.count()
    assessments.save_draft(assessment=row, answers={item: 2}, by=by, at=now)
    assert (AuditEvent.objects.count(), audit.verify(study)) == (before, [])
    assessments.submit(
        assessment=row,
        answers=factories.answers_to(study, row.instrument, 1),
        language="en",
        by=by,
        at=now,
    )
    Assessment._base_manager.filter(pk=row.pk).update(answers={item: 3})
    assert len(audit.verify(study)) == 1


def other(field: models.Field, value: object, row: facts.Fact) -> object:
    """A value of the same kind that is not this one."""
    under = row.sealed_under.get(field.name)
    if under and not isinstance(value, dict):
        return (
            vault.seal_for(key_of(row), "changed")
            if under != "master" and key_of(row)
            else vault.seal("00")
        )
    if isinstance(value, bool) or isinstance(field, models.BooleanField):
        return not value
    if isinstance(value, datetime | date):
        return value + timedelta(days=1)
    if isinstance(value, dict):
        return {**value, "changed": 1}
    if isinstance(value, list):
        return [*value, "changed"]
    if isinstance(field, models.DateTimeField):
        return datetime(2020, 1, 1, tzinfo=UTC)
    if isinstance(value, int | float) or isinstance(
        field, models.ForeignKey | models.IntegerField | models.FloatField
    ):
        return (value or 0) + 1000
    return f"{str(value or '')[:-1]}~"


def key_of(row: facts.Fact) -> str:
    (found,) = facts.read(type(row), facts.newest(type(row)), pk=row.pk)
    return found.sealed_key or ""


@pytest.mark.django_db
def test_a_row_that_the_trail_says_was_deleted_and_is_there_is_named(by_hand, now):
    row = Milestone.objects.filter(participant=by_hand).first()
    Milestone.objects.get(pk=row.pk).delete()
    audit.record(by_hand, "milestone taken back", by=actors.SYSTEM, at=now)
    assert places(by_hand) == []
    Milestone._base_manager.bulk_create([row])
    assert [place.partition(": ")[2] for place in places(by_hand)] == [
        f"trial.milestone {row.pk} was deleted, and is there"
    ]


@pytest.mark.django_db
def test_a_digest_by_a_list_of_columns_that_is_not_known_here_is_named_and_not_taken_for_a_match(
    by_hand, monkeypatch, now
):
    with monkeypatch.context() as newer:
        newer.setattr(
            Participant,
            "fact_columns",
            {**Participant.fact_columns, 9: Participant.fact_columns[1]},
        )
        own_details.choose_language(participant=by_hand, language="nl", by=actors.SYSTEM, at=now)
        assert places(by_hand) == []
    assert [place.partition(": ")[2] for place in places(by_hand)] == [
        f"trial.participant {by_hand.pk} was digested by list 9 of its columns, which is not known"
    ]


@pytest.mark.django_db
def test_in_a_live_database_an_action_that_forgets_its_event_is_not_stopped(study, now, settings):
    dan = factories.a_screening_participant(study, now)
    settings.DATABASE_KIND = "live"
    with transaction.atomic(), facts.all_told():
        Participant.objects.filter(pk=dan.pk).update(language="nl")
    dan.refresh_from_db()
    assert dan.language == "nl"
    settings.DATABASE_KIND = "rehearsal"
    with pytest.raises(facts.NoEvent), transaction.atomic(), facts.all_told():
        Participant.objects.filter(pk=dan.pk).update(language="en")


@pytest.mark.django_db(transaction=True)
def test_what_an_event_in_a_savepoint_told_is_told_once_that_savepoint_is_kept(study, now):
    dan = factories.a_screening_participant(study, now)
    with transaction.atomic():
        dan.language = "nl"
        dan.save(update_fields=["language"])
        with transaction.atomic():
            audit.record(dan, "language chosen", by=actors.SYSTEM, at=now)
    assert audit.verify(study) == []


@pytest.mark.django_db(transaction=True)
def test_a_row_that_is_set_up_by_hand_outside_of_any_transaction_waits_for_no_event(study, now):
    dan = factories.a_screening_participant(study, now)
    row = Milestone.objects.create(participant=dan, name="by hand", reached_at=now)
    row.delete()
    with transaction.atomic():
        audit.record(dan, "looked", by=actors.SYSTEM, at=now)
    assert "trial.milestone" not in AuditEvent.objects.get(action="looked").facts


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("new", "told"), [({"language": "nl"}, ["trial.participant"]), ({"user_id": None}, [])]
)
def test_what_is_written_by_sql_is_told_where_it_is_a_fact(study, now, new, told):
    dan = factories.a_screening_participant(study, now)
    rows.update(Participant, {"id": dan.pk}, **new)
    audit.record(dan, "looked", by=actors.SYSTEM, at=now)
    assert [
        each[0] for each in json.loads(AuditEvent.objects.get(action="looked").facts or "[]")
    ] == told
