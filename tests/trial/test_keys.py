"""The file of keys: made once and whole, for its user alone, never beside the database, and what it
is worth.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from trial import environment, keys

ELSEWHERE = "/nowhere/handvat.sqlite3"


@pytest.fixture
def told(tmp_path):
    return {"HANDVAT_KEYS_FILE": str(tmp_path / "deep" / "keys.env")}


def test_keys_lie_in_the_configuration_folder_unless_somebody_says_where():
    assert keys.place({"HOME": "/home/ada"}) == Path("/home/ada/.config/handvat/keys.env")
    assert keys.place({"HOME": "/home/ada", "XDG_CONFIG_HOME": "/cfg"}) == Path(
        "/cfg/handvat/keys.env"
    )
    assert keys.place({"HOME": "/home/ada", "HANDVAT_KEYS_FILE": "/run/keys"}) == Path("/run/keys")
    assert keys.place({}) is None


def test_a_user_without_a_home_says_where_the_keys_lie():
    with pytest.raises(keys.UnfitKeysFile, match="name a file in HANDVAT_KEYS_FILE"):
        keys.make({}, ELSEWHERE)


def test_what_is_made_is_read_by_every_command_and_fit_for_a_live_database(told):
    path = keys.make(told, ELSEWHERE)
    read = keys.told(told, ELSEWHERE)
    assert (path.stat().st_mode & 0o777, set(read) - set(told)) == (0o600, set(environment.SECRETS))
    assert environment.weaknesses(read) == []
    assert environment.weaknesses({**read, "HANDVAT_ENVIRONMENT": "production"}) == []
    assert list(path.parent.iterdir()) == [path]


def test_keys_are_never_made_twice_nor_alike(told, tmp_path):
    first = keys.make(told, ELSEWHERE).read_text()
    with pytest.raises(keys.KeysStand, match="holds keys already"):
        keys.make(told, ELSEWHERE)
    other = keys.make({"HANDVAT_KEYS_FILE": str(tmp_path / "other")}, ELSEWHERE).read_text()
    assert keys.make.__doc__
    assert Path(told["HANDVAT_KEYS_FILE"]).read_text() == first
    assert not {line for line in first.splitlines() if "=" in line} & set(other.splitlines())


def test_of_many_that_make_keys_at_once_one_does(told):
    def made(_: int) -> bool:
        try:
            keys.make(told, ELSEWHERE)
        except keys.KeysStand:
            return False
        return True

    with ThreadPoolExecutor(8) as crowd:
        assert sum(crowd.map(made, range(8))) == 1
    assert environment.weaknesses(keys.told(told, ELSEWHERE)) == []


def test_no_keys_lie_beside_the_database(told, tmp_path):
    beside = str(tmp_path / "deep" / "handvat.sqlite3")
    with pytest.raises(keys.UnfitKeysFile, match="lies beside the database"):
        keys.make(told, beside)
    keys.make(told, ELSEWHERE)
    with pytest.raises(keys.UnfitKeysFile, match="lies beside the database"):
        keys.told(told, beside)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_others_can_open_is_refused(told, mode):
    keys.make(told, ELSEWHERE).chmod(mode)
    with pytest.raises(keys.UnfitKeysFile, match="chmod 600"):
        keys.told(told, ELSEWHERE)


def test_the_environment_goes_before_the_file_and_an_empty_name_does_not(told):
    made = dict(keys.told({**told, "HANDVAT_HASH_KEY": "x"}, ELSEWHERE))
    assert made["HANDVAT_HASH_KEY"] == "x"
    keys.make(told, ELSEWHERE)
    assert keys.told({**told, "HANDVAT_HASH_KEY": "x"}, ELSEWHERE)["HANDVAT_HASH_KEY"] == "x"
    assert len(keys.told({**told, "HANDVAT_HASH_KEY": ""}, ELSEWHERE)["HANDVAT_HASH_KEY"]) == 64


def test_a_rehearsal_goes_on_with_its_keys_whatever_the_machine_is_given_later(told):
    keys.make(told, ELSEWHERE)
    rehearsal = {**told, "HANDVAT_KIND": "rehearsal"}
    assert keys.told(rehearsal, ELSEWHERE) == rehearsal


def test_a_new_field_key_stands_before_the_old_and_a_new_audit_key_after_it_under_the_next_number(
    told,
):
    path = keys.make(told, ELSEWHERE)
    before, head = keys.told(told, ELSEWHERE), path.read_text().splitlines()[:2]
    assert keys.add_field_key(told, ELSEWHERE) == keys.add_audit_key(told, ELSEWHERE) == path
    after = keys.told(told, ELSEWHERE)
    new, old = environment.field_keys(after)
    assert ([old], new != old) == (environment.field_keys(before), True)
    numbered = environment.audit_keys(after)
    assert (list(numbered), numbered[1]) == ([1, 2], environment.audit_keys(before)[1])
    same = ("HANDVAT_SECRET_KEY", "HANDVAT_HASH_KEY")
    assert [after[name] for name in same] == [before[name] for name in same]
    assert (path.stat().st_mode & 0o777, list(path.parent.iterdir())) == (0o600, [path])
    assert (environment.weaknesses(after), path.read_text().splitlines()[:2]) == ([], head)


def test_of_many_keys_that_are_added_at_once_none_is_lost(told):
    keys.make(told, ELSEWHERE)
    with ThreadPoolExecutor(8) as crowd:
        list(crowd.map(lambda _: keys.add_field_key(told, ELSEWHERE), range(8)))
    assert len(set(environment.field_keys(keys.told(told, ELSEWHERE)))) == 9


def test_no_key_is_added_to_a_file_that_is_not_read(told):
    with pytest.raises(keys.KeysElsewhere):
        keys.add_field_key(told, ELSEWHERE)
    before = keys.make(told, ELSEWHERE).read_text()
    for elsewhere in ({"HANDVAT_KIND": "rehearsal"}, {"HANDVAT_FIELD_KEYS": "x"}):
        with pytest.raises(keys.KeysElsewhere, match="change it where it comes from"):
            keys.add_field_key({**told, **elsewhere}, ELSEWHERE)
    path = Path(told["HANDVAT_KEYS_FILE"])
    assert path.read_text() == before
    path.write_text("HANDVAT_HASH_KEY=x\n")
    with pytest.raises(keys.KeysElsewhere, match="no line HANDVAT_AUDIT_KEYS"):
        keys.add_audit_key(told, ELSEWHERE)


def test_a_line_that_is_not_understood_is_named_and_not_shown(told):
    path = keys.make(told, ELSEWHERE)
    with path.open("a") as file:
        file.write("\nHANDVAT_HASH_KEYS=secret\n")
    with pytest.raises(
        keys.UnfitKeysFile, match=r"line 9 of .*keys.env does not begin with one of"
    ) as refused:
        keys.told(told, ELSEWHERE)
    assert "secret" not in str(refused.value)


def test_a_folder_that_may_not_be_looked_into_holds_no_keys():
    assert keys.told({"XDG_CONFIG_HOME": "/proc/1/root/no"}, ELSEWHERE) == {
        "XDG_CONFIG_HOME": "/proc/1/root/no"
    }
    assert os.path.exists(ELSEWHERE) is False
