"""Life cycles are tables; the page in docs is made from them."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command

from coaching_protocol.models import Contact
from outcomes.schedules import AssessmentState
from trial import lifecycles
from trial.models import Alert, Job, Message, Participant, Study

PAGE = Path(__file__).resolve().parents[2] / "docs" / "life-cycles.md"
COLUMNS = {
    "study": Study,
    "participant": Participant,
    "contact": Contact,
    "message": Message,
    "alert": Alert,
    "job": Job,
}


@pytest.mark.parametrize("name", lifecycles.ALL)
def test_every_step_leads_to_a_state_of_the_same_table(name):
    table = lifecycles.ALL[name]
    assert {after for verbs in table.values() for after in verbs.values()} <= table.keys()


@pytest.mark.parametrize("name", lifecycles.ALL)
def test_every_state_can_be_reached_from_the_first(name):
    table = lifecycles.ALL[name]
    reached, look = set(), [next(iter(table))]
    while look:
        state = look.pop()
        if state not in reached:
            reached.add(state)
            look += table[state].values()
    assert reached == table.keys()


@pytest.mark.parametrize(("name", "model"), COLUMNS.items())
def test_a_column_allows_exactly_the_states_of_its_table(name, model):
    field = model._meta.get_field("state")
    assert [state for state, _ in field.choices] == list(lifecycles.ALL[name])
    assert field.default == next(iter(lifecycles.ALL[name]))


def test_assessments_have_the_states_that_are_worked_out():
    assert {state.value for state in AssessmentState} == lifecycles.ALL["assessment"].keys()


def test_a_step_that_does_not_exist_is_refused_by_name():
    with pytest.raises(lifecycles.NotAllowedNow, match="a study that is locked cannot open"):
        lifecycles.step("study", "locked", "open")
    assert lifecycles.step("study", "draft", "open") == "open"


def test_the_page_in_docs_is_what_the_tables_say(tmp_path):
    made = tmp_path / "life-cycles.md"
    call_command("lifecycles", "--to", str(made))
    assert PAGE.read_text() == made.read_text(), "run `manage.py lifecycles`"


def test_check_says_when_the_page_is_out_of_date(tmp_path, capsys):
    stale = tmp_path / "life-cycles.md"
    stale.write_text("old")
    with pytest.raises(SystemExit) as ended:
        call_command("lifecycles", "--to", str(stale), "--check")
    assert (ended.value.code, stale.read_text()) == (1, "old")


def test_check_says_nothing_while_the_page_is_what_the_tables_say(capsys):
    call_command("lifecycles", "--check")
    assert capsys.readouterr() == ("", "")


def test_check_says_so_where_there_is_no_page(tmp_path):
    with pytest.raises(SystemExit):
        call_command("lifecycles", "--to", str(tmp_path / "nothing.md"), "--check")
    assert list(tmp_path.iterdir()) == []
