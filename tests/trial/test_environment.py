"""What the process is told from outside. In production nothing stands in for a secret."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from trial import environment

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {"HANDVAT_ENVIRONMENT": "production"}
SET = {
    "HANDVAT_SECRET_KEY": "x" * 50,
    "HANDVAT_FIELD_KEYS": Fernet.generate_key().decode(),
    "HANDVAT_HASH_KEY": "y" * 50,
    "HANDVAT_AUDIT_KEYS": "1:" + "z" * 50,
}
MAIL = {"HANDVAT_MAIL_HOST": "mail.example.org"}
NEW, OLD = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.mark.parametrize("name", environment.SECRETS)
def test_a_development_default_stands_in_on_a_fresh_machine(name):
    assert environment.secret({}, name) == environment.DEVELOPMENT_SECRET


@pytest.mark.parametrize("name", environment.SECRETS)
@pytest.mark.parametrize("value", ["", environment.DEVELOPMENT_SECRET])
def test_production_refuses_a_secret_that_is_missing_or_the_default(name, value):
    with pytest.raises(environment.MissingSecret, match=name):
        environment.secret({**PRODUCTION, name: value}, name)


def settings_of(env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("HANDVAT") and key != "DATABASE_URL"
    }
    kept["HOME"] = "/nowhere"  # whose keys are not ours
    code = (
        "import trial.settings as s; print(s.DEBUG, s.SESSION_COOKIE_SECURE, s.SECURE_HSTS_SECONDS "
        "> 0)"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**kept, **env},
        capture_output=True,
        text=True,
        check=False,
    )


def test_settings_refuse_to_load_in_production_while_any_secret_is_missing():
    for left_out in SET:
        done = settings_of(
            {**PRODUCTION, **MAIL, **{k: v for k, v in SET.items() if k != left_out}}
        )
        assert done.returncode == 1
        assert f"MissingSecret: {left_out} is not set" in done.stderr


def test_production_with_every_secret_loads_and_is_strict():
    done = settings_of({**PRODUCTION, **SET, **MAIL, "HANDVAT_DEBUG": "1"})
    assert (done.returncode, done.stdout.split()) == (0, ["False", "True", "True"])


@pytest.mark.parametrize(
    "value", ["", "nobody", "two@example.org, three@example.org", "Handvat, team <a@example.org>"]
)
def test_mail_comes_from_one_address_or_nothing_starts(value):
    with pytest.raises(environment.MalformedAddress, match="HANDVAT_MAIL_FROM"):
        environment.mail_from({"HANDVAT_MAIL_FROM": value})
    assert (
        environment.mail_from({"HANDVAT_MAIL_FROM": "Team <a@example.org>"})
        == "Team <a@example.org>"
    )


def test_settings_refuse_to_load_in_production_without_a_mail_host_since_codes_would_go_to_the_console():  # noqa: E501
    done = settings_of({**PRODUCTION, **SET})
    assert (done.returncode, "MissingMailHost: HANDVAT_MAIL_HOST is not set" in done.stderr) == (
        1,
        True,
    )


def test_elsewhere_no_mail_host_is_needed():
    assert (environment.mail_host({}), environment.mail_host(MAIL)) == ("", "mail.example.org")


@pytest.mark.parametrize("name", ["prod", "Production", "production ", "staging", ""])
def test_an_environment_that_is_not_known_is_refused_so_that_a_typo_never_means_development(name):
    with pytest.raises(environment.UnknownEnvironment, match="development or production"):
        environment.is_production({"HANDVAT_ENVIRONMENT": name})
    done = settings_of({**SET, **MAIL, "HANDVAT_ENVIRONMENT": name})
    assert (done.returncode, "UnknownEnvironment" in done.stderr) == (1, True)


def test_the_two_environments_and_none():
    known = [{"HANDVAT_ENVIRONMENT": name} for name in environment.ENVIRONMENTS]
    assert [environment.is_production(env) for env in ({}, *known)] == [False, False, True]


def test_field_keys_come_newest_first():
    assert environment.field_keys({"HANDVAT_FIELD_KEYS": f"{NEW}, {OLD}"}) == [
        NEW.encode(),
        OLD.encode(),
    ]


@pytest.mark.parametrize("where", [{}, PRODUCTION])
@pytest.mark.parametrize("value", [",", " , ,"])
def test_field_keys_without_a_single_key_are_refused(where, value):
    with pytest.raises(environment.MissingSecret, match="HANDVAT_FIELD_KEYS holds no key"):
        environment.field_keys({**where, "HANDVAT_FIELD_KEYS": value})


@pytest.mark.parametrize("where", [{}, PRODUCTION])
@pytest.mark.parametrize(
    "bad", ["old", OLD[:-4], "é" * 44], ids=["no key", "cut short", "not ASCII"]
)
def test_a_malformed_field_key_is_named_by_its_place_and_never_shown(where, bad):
    with pytest.raises(
        environment.MalformedKey, match="key 2 of HANDVAT_FIELD_KEYS is not a Fernet key"
    ) as refused:
        environment.field_keys({**where, "HANDVAT_FIELD_KEYS": f"{NEW},{bad}"})
    assert (
        bad in str(refused.value),
        NEW in str(refused.value),
        refused.value.__suppress_context__,
    ) == (
        False,
        False,
        True,
    )


def test_a_database_url_becomes_postgresql(tmp_path):
    made = environment.database(
        {"DATABASE_URL": "postgresql://me:p%40ss@db:5433/trial?sslmode=require"}, tmp_path
    )
    assert (
        made["NAME"],
        made["USER"],
        made["PASSWORD"],
        made["HOST"],
        made["PORT"],
        made["OPTIONS"],
    ) == (
        "trial",
        "me",
        "p@ss",
        "db",
        "5433",
        {"prepare_threshold": 0, "sslmode": "require"},
    )


def test_who_answers_people_waits_for_no_lock_longer_than_they_do_and_the_worker_takes_its_time(
    tmp_path,
):
    worker = {"DATABASE_URL": "postgresql://db/trial?sslmode=require"}
    site = dict(worker)
    environment.answering_people(site)
    patience = {"options": "-c lock_timeout=5s -c statement_timeout=30s -c jit=off"}
    same = {"prepare_threshold": 0, "sslmode": "require"}
    assert environment.database(worker, tmp_path)["OPTIONS"] == same
    assert environment.database(site, tmp_path)["OPTIONS"] == {**patience, **same}


@pytest.mark.parametrize(("told", "meant"), [("5", 5), ("none", None)])
def test_a_url_may_say_how_statements_are_kept(tmp_path, told, meant):
    url = {"DATABASE_URL": f"postgresql://db/trial?prepare_threshold={told}"}
    assert environment.database(url, tmp_path)["OPTIONS"] == {"prepare_threshold": meant}


def test_the_site_answers_people():
    code = (
        "import trial.wsgi; from django.conf import settings; "
        "print(settings.DATABASES['default']['OPTIONS'])"
    )
    told = {**os.environ, "DATABASE_URL": "postgresql://127.0.0.1:1/trial"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=told, capture_output=True, text=True, check=True
    )
    assert done.stdout == (
        "{'options': '-c lock_timeout=5s -c statement_timeout=30s -c jit=off', "
        "'prepare_threshold': 0}\n"
    )


def test_another_kind_of_url_is_refused(tmp_path):
    with pytest.raises(ValueError, match="must begin with postgresql://"):
        environment.database({"DATABASE_URL": "mysql://db/trial"}, tmp_path)


def test_without_a_url_it_is_sqlite_that_takes_the_write_lock_at_once(tmp_path):
    made = environment.database(
        {"HANDVAT_DATABASE": str(tmp_path / "deep" / "x.sqlite3")}, tmp_path
    )
    assert made["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert (tmp_path / "deep").is_dir()


@pytest.mark.parametrize(
    ("bind", "link"),
    [
        ("127.0.0.1:8123", "http://127.0.0.1:8123"),
        ("0.0.0.0:80", "http://127.0.0.1:80"),
        (":8000", "http://127.0.0.1:8000"),
        ("[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_links_lead_to_where_the_site_is_served(bind, link):
    assert environment.public_url(bind, {}) == {"HANDVAT_PUBLIC_URL": link}
    named = {"HANDVAT_PUBLIC_URL": "https://trial.example.org"}
    assert environment.public_url(bind, named) == named


def test_a_rehearsal_has_its_database_and_its_mail_in_its_directory(tmp_path):
    told = environment.of_rehearsal(
        tmp_path, "127.0.0.1:8000", {"DATABASE_URL": "postgresql://live"}
    )
    assert told == {
        "HANDVAT_DATABASE": str(tmp_path / "handvat.sqlite3"),
        "HANDVAT_FILES": str(tmp_path / "handvat.files"),
        "HANDVAT_KIND": "rehearsal",
        "HANDVAT_MAIL_DIRECTORY": str(tmp_path),
        "DATABASE_URL": "",
        "HANDVAT_PUBLIC_URL": "http://127.0.0.1:8000",
    }


def test_audit_keys_have_numbers_and_the_development_one_is_the_first():
    assert environment.audit_keys({"HANDVAT_AUDIT_KEYS": "2:new, 1:old"}) == {2: b"new", 1: b"old"}
    assert list(environment.audit_keys({})) == [1]


@pytest.mark.parametrize("bad", ["", "key", ":key", "x:key", "²:key", "2:", "1:other"])
def test_an_audit_key_without_a_number_of_its_own_is_named_by_its_place_and_never_shown(bad):
    with pytest.raises(
        environment.MalformedKey, match="key 2 of HANDVAT_AUDIT_KEYS is not NUMBER:KEY"
    ) as refused:
        environment.audit_keys({"HANDVAT_AUDIT_KEYS": f"1:{NEW},{bad}"})
    assert NEW not in str(refused.value)


def test_fit_keys_have_no_weakness():
    assert environment.weaknesses(SET) == []


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("HANDVAT_SECRET_KEY", "", "stands in the source"),
        ("HANDVAT_SECRET_KEY", "x" * 31, "is shorter than 32 bytes"),
        ("HANDVAT_FIELD_KEYS", "", "stands in the source"),
        (
            "HANDVAT_FIELD_KEYS",
            f"{NEW},{environment.DEVELOPMENT_FIELD_KEY.decode()}",
            "stands in the source",
        ),
        ("HANDVAT_HASH_KEY", environment.DEVELOPMENT_SECRET, "stands in the source"),
        ("HANDVAT_HASH_KEY", "é" * 15, "is shorter than 32 bytes"),
        (
            "HANDVAT_AUDIT_KEYS",
            f"1:{environment.DEVELOPMENT_SECRET},2:{NEW}",
            "stands in the source",
        ),
        ("HANDVAT_AUDIT_KEYS", f"1:{NEW},2:short", "is shorter than 32 bytes"),
    ],
    ids=range(8),  # what stands in them is new in each process
)
def test_each_weak_key_is_named_and_production_does_not_begin_with_it(name, value, says):
    assert environment.weaknesses({**SET, name: value}) == [f"{name} {says}"]
    if value and value != environment.DEVELOPMENT_SECRET:
        done = settings_of({**PRODUCTION, **SET, **MAIL, name: value})
        assert (done.returncode, f"WeakKey: {name} {says}." in done.stderr) == (1, True)


@pytest.mark.parametrize("length", [32, 33])
def test_thirty_two_bytes_are_enough(length):
    assert (
        environment.weaknesses(
            {**SET, "HANDVAT_SECRET_KEY": "x" * length, "HANDVAT_HASH_KEY": "é" * 16}
        )
        == []
    )


def test_what_the_worker_makes_lies_where_it_is_told_else_by_the_database(tmp_path):
    embedded = environment.database({"HANDVAT_DATABASE": str(tmp_path / "a.sqlite3")}, tmp_path)
    server = environment.database({"DATABASE_URL": "postgresql://a/b"}, tmp_path)
    told = {"HANDVAT_FILES": "/srv/files"}
    assert environment.files({}, embedded, Path("/base")) == tmp_path / "handvat.files"
    assert environment.files({}, server, Path("/base")) == Path("/base/var/handvat.files")
    assert environment.files(told, server, Path("/base")) == Path("/srv/files")
