"""What import contracts cannot see: who writes, who reads the clock, which doors are shut, what the
docs name.
"""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from importlib.metadata import packages_distributions
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

import pytest
from django.apps import apps
from django.conf import settings
from django.db import models
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.module_loading import import_string

from coaching_protocol.models import CoachingPlan
from outcomes.models import Schedule
from randomisation.models import Allocation
from tests import house_map
from tests.dead_code import House, house
from trial import hooks, triggers
from trial.grants import Grant
from trial.languages import LANGUAGES
from trial.models import AuditEvent, AuditHead, AuditSeal, AuditSealedHead

ROOT = Path(__file__).resolve().parent.parent
APPS = ("trial", "outcomes", "randomisation", "coaching_protocol", "reports")
OURS = [model for model in apps.get_models() if model._meta.app_label in APPS]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACTS = {each["name"]: each for each in PROJECT["tool"]["importlinter"]["contracts"]}
PURE = CONTRACTS["Pure modules know neither Django nor the API framework"]["source_modules"]

# Who writes without being an action, and why.
WRITERS = {
    "trial/audit.py": "the trail, its heads and seals: called by actions, inside their "
    "transactions",
    "trial/stamp.py": "what a database is for, at its first migration",
    "trial/life.py": "its entry of ERASURE, called by the action that erases, in its transaction",
    "outcomes/life.py": "the same",
    "coaching_protocol/life.py": "the same",
    "trial/claims.py": "marks rows as one worker's, in one short update",
}
# Who reads the clock: requests, commands, and the two places that say when something was really
# written.
CLOCKS = ("/views/", "/api/", "/api.py", "/management/commands/")
CLOCK_READERS = {
    "trial/audit.py": "recorded_at: when the row was written, whatever `at` says",
    "trial/stamp.py": "the first migration has no caller with a clock",
    "trial/accounts.py": "allauth calls the adapter itself",
    "trial/forms/accounts.py": "allauth calls the form itself",
    "reports/demonstration.py": "the demo begins so that its rehearsal ends today",
}
# Functions beside the actions that say who and when in another shape.
OTHER_SHAPES = {
    "trial.actions.drafts.keep": "`owner` is who; nothing happens yet, so there is nothing to be "
    "told of",
    "trial.actions.drafts.give_up": "the same",
    "trial.actions.drafts.forget_of_role": "a part of ending a role",
    "trial.actions.drafts.forget_old": "the worker's",
    "trial.actions.messages.queue": "`by` has a default: nearly always the worker",
    "outcomes.actions.screening.decide": "a part of the screening step, never called by a page",
}
# Raw SQL passes by the managers, so every place is named.
SQL = {
    "trial/actions/sealing.py": "sealed values as they stand, past the fields that seal what they "
    "are given",
    "trial/audit.py": "the head of a stream, which every action locks",
    "trial/blank.py": "a copy of a database is not in Django's language",
    "trial/facts.py": "which of all tables of facts hold a row, in one statement",
    "trial/prepared.py": "statements of rows that are saved, which Django builds anew each time",
    "trial/rows.py": "rows that every action writes",
    "trial/snapshots.py": "how a transaction is isolated is not in Django's language",
    "trial/stamp.py": "asked while a database is being opened",
    "trial/triggers.py": "triggers are not in Django's language",
    "randomisation/actions/allocations.py": "asks the isolation level; the lock that others wait "
    "for",
    "randomisation/queries/histories.py": "what is read while others wait",
    "randomisation/queries/matches.py": "what every allocation asks",
}
SIGN_IN = ("/account/login/?", "/account/login/code/request/?", "/account/login/code/?")
# What anybody may open without being known, and why.
PUBLIC = {
    "front": "which studies take part now",
    "help": "help in a crisis is for everybody",
    "set_language": "a language is chosen before anything else",
    "accept_invitation": "the link is the key",
    "take_back_address": "the link is the key",
    "join:information": "the way in begins here",
    "join:begin": "agreeing to be screened makes the session",
    "join:anew": "forgets whoever began in this browser",
    "join:help": "help in a crisis is for everybody",
    "api:schema": "the shape of the API, without a row of anybody",
    "api:docs": "the same, to be read",
    "api:token": "asks for the password itself",
    "api:join": "the way in begins here",
}


@cache  # read once for all the tests; none of them changes a tree
def sources() -> list[tuple[str, ast.Module]]:
    paths = [path for app in APPS for path in sorted((ROOT / app).rglob("*.py"))]
    names = {path.relative_to(ROOT).as_posix(): path for path in paths}
    return [
        (name, ast.parse(path.read_text()))
        for name, path in names.items()
        if "/migrations/" not in name
    ]


def calls(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, dotted text) of every call of an attribute: `Study.objects.filter().update`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.lineno, dotted(node.func)


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    if isinstance(node, ast.Call):
        return f"{dotted(node.func)}()"
    return node.id if isinstance(node, ast.Name) else "?"


ROW_WRITES = {"save", "bulk_create", "bulk_update", "get_or_create", "update_or_create"}
QUERYSET_WRITES = {"create", "update", "delete"}


def writes(called: str) -> bool:
    *before, verb = called.split(".")
    if {"session", "cache", "super()", "np"} & set(before):
        return False
    if called in {"rows.insert", "rows.update", "rows.at_once"}:
        return True
    is_query = any(part.startswith(("objects", "filter()", "exclude()")) for part in before)
    return (
        verb in ROW_WRITES
        or (verb in QUERYSET_WRITES and is_query)
        or (verb == "delete" and len(before) == 1)
    )


def test_only_actions_write():
    found = [
        f"{name}:{line} {called}"
        for name, tree in sources()
        if "/actions/" not in name and name not in WRITERS
        for line, called in calls(tree)
        if writes(called)
    ]
    assert found == []


def test_the_scan_sees_a_write_in_a_view():
    tree = ast.parse(
        "def view(request):\n    study.save()\n    "
        "Study.objects.filter(pk=1).update(state='open')\n    row.delete()"
        "\n    rows.insert(row)"
    )
    assert [called for _, called in calls(tree) if writes(called)] == [
        "study.save",
        "Study.objects.filter().update",
        "row.delete",
        "rows.insert",
    ]


def test_whoever_is_excused_for_writing_still_does():
    trees = dict(sources())
    assert [
        name for name in WRITERS if not any(writes(called) for _, called in calls(trees[name]))
    ] == []


def test_at_is_a_parameter_and_the_clock_is_read_at_the_edge():
    clocks = {
        "timezone.now",
        "datetime.now",
        "date.today",
        "datetime.utcnow",
        "time.time",
        "timezone.localdate",
    }
    found = [
        f"{name}:{line} {called}"
        for name, tree in sources()
        if not any(edge in f"/{name}" for edge in CLOCKS) and name not in CLOCK_READERS
        for line, called in calls(tree)
        if called in clocks
    ]
    assert found == []


def test_raw_sql_stands_where_it_is_named():
    found = {
        name
        for name, tree in sources()
        for _, called in calls(tree)
        if called.endswith(("cursor.execute", ".raw", ".Statement"))
    }
    found |= {
        name
        for name, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and dotted(node.func) == "Statement"
    }
    assert found == SQL.keys()


def action_functions() -> list[tuple[str, object]]:
    found = []
    for app in APPS:
        for path in sorted((ROOT / app / "actions").glob("[a-z]*.py")):
            module = import_module(f"{app}.actions.{path.stem}")
            for name, function in inspect.getmembers(module, inspect.isfunction):
                if function.__module__ == module.__name__ and not name.startswith("_"):
                    found.append((f"{module.__name__}.{name}", function))
    return found


def test_an_action_takes_keywords_only_and_ends_with_who_and_when():
    wrong = []
    for name, function in action_functions():
        parameters = list(inspect.signature(function).parameters.values())
        if "by" not in [each.name for each in parameters]:
            continue  # a helper of actions, not one itself
        is_keyword = all(each.kind is each.KEYWORD_ONLY for each in parameters[-2:])
        if not is_keyword or [each.name for each in parameters[-2:]] != ["by", "at"]:
            wrong.append(name)
    assert [name for name in wrong if name not in OTHER_SHAPES] == []


def routes(
    patterns: list, prefix: str = "", names: tuple[str, ...] = ()
) -> Iterator[tuple[str, str]]:
    """(name, path) of every route, with something in the place of each argument."""
    for each in patterns:
        path = prefix + re.sub(
            r"<(?:(\w+):)?\w+>", lambda found: "1" if found[1] == "int" else "x", str(each.pattern)
        )
        if isinstance(each, URLResolver):
            yield from routes(
                each.url_patterns, path, (*names, each.namespace) if each.namespace else names
            )
        elif isinstance(each, URLPattern):
            yield (
                ":".join([*names, each.name or path]),
                "/" + re.sub(r"\\|\^|\$|\(\?P<\w+>[^)]*\)", "x", path),
            )


@pytest.mark.django_db
def test_every_route_is_shut_to_whoever_is_not_signed_in(study):
    open_doors = []
    for name, path in routes(get_resolver().url_patterns):
        if name in PUBLIC or path.startswith(("/account/", "/static/")):
            continue
        for method in ("get", "post"):
            client = Client(raise_request_exception=False)
            answer = getattr(client, method)(path.replace("/x/", f"/{study.public_slug}/", 1))
            if answer.status_code == 302 and answer.headers["Location"].startswith("/join/"):
                answer = client.get(
                    answer.headers["Location"]
                )  # the page with the form, which has a door of its own
            to_sign_in = answer.status_code == 302 and answer.headers["Location"].startswith(
                SIGN_IN
            )
            is_lost = [each.name for each in getattr(answer, "templates", [])][:1] == [
                "join/lost.html"
            ]
            if not to_sign_in and not is_lost and answer.status_code not in {401, 403, 404, 405}:
                open_doors.append(
                    f"{method} {name} {path} {answer.status_code} "
                    f"{answer.headers.get('Location', '')}"
                )
    assert open_doors == []


def test_pure_modules_import_without_django():
    code = (
        f"import sys\nfor name in {PURE!r}: __import__(name)\n"
        "print(sorted(each for each in sys.modules if each.partition('.')[0] in ('django', "
        "'rest_framework')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_pure_modules_have_no_ambient_randomness():
    pure = tuple(name.replace(".", "/") for name in PURE)
    # A generator made from a seed that was passed in is not ambient.
    random = re.compile(
        r"^(random|secrets|(np|numpy)\.random\.(?!Generator|SeedSequence|default_rng))"
    )
    found = [
        f"{name}:{line} {called}"
        for name, tree in sources()
        if name.startswith(pure)
        for line, called in calls(tree)
        if random.match(called)
    ]
    assert found == []


def test_a_generator_is_made_from_a_seed():
    unseeded = [
        f"{name}:{node.lineno}"
        for name, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and dotted(node.func).endswith("default_rng")
        and not node.args
    ]
    assert unseeded == []


def test_no_drawer_for_everything():
    found = [
        name
        for name, _ in sources()
        if re.search(r"(^|/)(core|common|utils?|helpers?|misc)(/|\.py)", name)
    ]
    assert found == []


def test_no_admin_and_no_signals_on_models():
    assert "django.contrib.admin" not in settings.INSTALLED_APPS
    found = [
        name
        for name, tree in sources()
        for _, called in calls(tree)
        if re.match(r"(pre|post)_(save|delete)", called)
    ]
    assert found == []


def test_what_tells_the_arm_has_no_way_back_from_the_person():
    for model in (Allocation, Grant, CoachingPlan, Schedule):
        assert model._meta.get_field("participant").remote_field.hidden, model


def test_deleting_one_row_never_takes_another_with_it():
    found = [
        f"{model.__name__}.{field.name}"
        for model in OURS
        for field in model._meta.local_fields
        if field.remote_field and field.remote_field.on_delete is models.CASCADE
    ]
    assert found == []


def test_the_trail_stands_on_its_own_and_what_is_kept_is_append_only():
    for model in (AuditEvent, AuditHead, AuditSeal, AuditSealedHead):
        assert [field.name for field in model._meta.fields if field.is_relation] == []
    kept = {AuditEvent, AuditSeal, AuditSealedHead, Allocation}
    assert kept <= set(triggers.append_only_models())


LISTS = {
    each.setting: name
    for name, each in vars(hooks).items()
    if isinstance(each, hooks.Entries | hooks.ByName)
}


def paths(setting: str) -> list[str]:
    found = getattr(settings, setting)
    return list(found.values()) if isinstance(found, dict) else list(found)


def test_every_list_of_entries_in_settings_has_its_type():
    entry = re.compile(rf"({'|'.join(APPS)})\.(life|granted)\.\w+")
    named = {
        name
        for name in dir(settings)
        if name.isupper()
        and isinstance(getattr(settings, name), dict | list)
        and getattr(settings, name)
        if all(isinstance(path, str) and entry.fullmatch(path) for path in paths(name))
    }
    assert named == LISTS.keys() == set(LISTS.values())


@pytest.mark.parametrize("setting", LISTS)
def test_every_entry_is_called_with_what_its_list_says_and_answers_that(setting):
    (of,) = get_args(get_type_hints(hooks)[setting])
    arguments, answer = get_args(of)
    for path in paths(setting):
        function = import_string(path)
        hints = get_type_hints(function)
        told = hints.pop("return")
        assert len(hints) == len(inspect.signature(function).parameters) == len(arguments), path
        for given, wanted in zip(hints.values(), arguments, strict=True):
            assert Any in (given, wanted) or given is object or given == wanted, (
                path,
                given,
                wanted,
            )
        assert kinds(told) <= kinds(answer), (path, told, answer)


def kinds(of: object) -> set[object]:
    """Each of a union; nothing is the type of None."""
    return {
        type(None) if each is None else each
        for each in (get_args(of) if isinstance(of, UnionType) else (of,))
    }


DOCS = [*sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("*.md"))]


def exists(name: str) -> bool:
    """`trial.actions.journey`, `trial.life.section`, `reports.statistics`: a module, or something
    in one.
    """
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:end])
        if path.is_dir() and end == len(parts):
            return True
        if path.with_suffix(".py").exists() or (path / "__init__.py").exists():
            found = import_module(".".join(parts[:end]))
            return all((found := getattr(found, part, None)) is not None for part in parts[end:])
    return False


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_docs_name_only_what_exists(page):
    text = page.read_text()
    names = re.findall(rf"`((?:{'|'.join(APPS)})(?:\.\w+)+)(?:\([^`]*\))?`", text)
    paths = re.findall(rf"`((?:{'|'.join(APPS)}|docs|tests)/[\w./-]+)`", text)
    wrong = [name for name in names if not exists(name)]
    wrong += [path for path in paths if not (ROOT / path).exists()]
    assert wrong == []


def test_the_readme_names_every_command_and_none_that_is_not_there():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    ours = {
        file.stem
        for app in APPS
        for file in (ROOT / app / "management" / "commands").glob("[!_]*.py")
    }
    assert ours <= set(re.findall(r"manage\.py (\w+)", text)) <= ours | {"check", "collectstatic"}
    targets = set(
        re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert set(re.findall(r"`make (\w+)", text)) <= targets


# By language, and no text: whoever may not read it in that language gets none, and is not asked or
# not let in.
WHOLE_PAGES = {
    "letters": "a letter is signed in one language, which is recorded",
    "blocks": "a lesson is answered in one language",
    "described": "the text for a protocol is there in every language of the product",
    "wordings": "a questionnaire without a wording in somebody's language is not asked of them",
}


def chosen(tree: ast.Module) -> Iterator[int]:
    """The line of everything that looks a text up by a reader's language, or falls back on
    whichever there is.
    """
    every = {  # `{language: text[language] for language in texts}` treats all languages alike
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp)
        if any(
            isinstance(part.target, ast.Name) and is_language(part.target)
            for part in node.generators
        )
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            of, key = node.value, node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            if node.func.attr not in {"get", "index"}:
                continue
            of, key = node.func.value, node.args[0]
        else:
            continue
        if (
            is_language(key)
            and node not in every
            and dotted(of).rpartition(".")[2] not in WHOLE_PAGES
        ):
            yield node.lineno


def is_language(key: ast.expr) -> bool:
    if isinstance(key, ast.Constant):
        return key.value in LANGUAGES
    if isinstance(key, ast.BoolOp):
        return any(map(is_language, key.values))
    if isinstance(key, ast.Subscript):  # get_language()[:2]
        return is_language(key.value)
    name = dotted(key).removesuffix("()").rpartition(".")[2]
    return name in {"lang", "language", "get_language", "spoken"}


def test_a_language_is_chosen_in_one_place():
    found = [f"{name}:{line}" for name, tree in sources() for line in chosen(tree)]
    assert found == []
    asked = {
        name
        for name, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute) and dotted(node).endswith("get_language")
    }
    assert asked == {"trial/words.py"}


@pytest.mark.parametrize(
    "line",
    [
        'texts.get("en") or next(iter(texts.values()))',
        "label.get(person.language)",
        "title[language]",
        "step.text.get((get_language() or '')[:2])",
        "words[LANGUAGES.index(language)]",
        "[texts[language] for texts in both]",
    ],
)
def test_the_scan_sees_a_language_that_is_chosen_elsewhere(line):
    assert list(chosen(ast.parse(line)))


def test_the_scan_lets_all_languages_alike_and_whole_pages_pass():
    assert not list(
        chosen(
            ast.parse(
                "{language: texts[language] for language in texts}\nconsent.letters[language]"
            )
        )
    )


def test_no_template_looks_a_text_up_by_its_language():
    paths = [path for app in APPS for path in (ROOT / app / "templates").rglob("*.html")]
    assert [
        path.name
        for path in paths
        if re.search(r"[\w)]\.(en|nl)\b(?!/)", path.read_text(encoding="utf-8"))
    ] == []


# What nobody calls yet, and why it stands here all the same.
KEPT = {
    "trial.prepared._Answered.execute_sql": "Django asks, of what it takes for a compiler",
    "trial.prepared._Answered.results_iter": "the same",
    "coaching_protocol.plan.compare": "a call beside its protocol: the coach's desk will show it",
    "coaching_protocol.plan.Comparison.minutes_over": "the same",
}


def test_nothing_lives_for_its_tests_alone():
    assert [str(each) for each in house().unused(KEPT)] == []


def test_what_is_kept_without_a_use_still_has_none():
    assert KEPT.keys() <= {str(each) for each in house().unused()}


def test_the_scan_sees_what_is_used_by_nothing_or_by_the_dead_alone():
    texts = {
        "trial.kinds": "def known():\n    return LIMIT\n\ndef other():\n    return "
        "other()\n\nLIMIT = 3\n"
        "class Kind:\n    def told(self):\n        return self.told()\n",
        "trial.others": "def known():\n    return 1\n\nclass Other:\n    pass\n",
        "trial": "from trial.others import Other\n__all__ = ['Other']\n",
        "trial.urls": "from trial import others\nfrom trial.kinds import Kind\nurlpatterns = "
        "[others.known(), Kind()]\n",
    }
    found = [str(each) for each in House(texts).unused({"trial.kinds.Kind.told"})]
    assert found == [
        "trial.kinds.LIMIT",
        "trial.kinds.known",
        "trial.kinds.other",
        "trial.others.Other",
    ]


# What is used without an import of ours: by a command line, as a plugin, or by Django's own name
# for it.
UNIMPORTED = {
    "psycopg": "Django's engine for PostgreSQL",
    "gunicorn": "`manage.py serve` starts it",
    "pytest": "the runner",
    "pytest-django": "its plugin",
    "pytest-xdist": "its plugin",
    "coverage": "make test COVERAGE=1",
    "mutmut": "make mutants",
    "ruff": "make check",
    "mypy": "make check",
    "django-stubs": "a plugin of mypy",
    "djangorestframework-stubs": "types for mypy",
    "djlint": "make check",
    "import-linter": "make check",
}


def test_every_dependency_is_used():
    named = {
        node.value.partition(".")[0]
        for _, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    ours = imported(tree for _, tree in sources()) | named
    tests = imported(ast.parse(path.read_text()) for path in (ROOT / "tests").rglob("*.py"))
    provided: dict[str, set[str]] = {}
    for module, distributions in packages_distributions().items():
        for each in distributions:
            provided.setdefault(each.lower(), set()).add(module)
    idle = []
    for group, used in (("dependencies", ours), ("dev", ours | tests)):
        lines = (
            PROJECT["project"][group]
            if group == "dependencies"
            else PROJECT["dependency-groups"][group]
        )
        names = [re.split(r"[\[<>=;]", line)[0].lower() for line in lines]
        idle += [each for each in names if each not in UNIMPORTED and not provided[each] & used]
    assert idle == []


def imported(trees: Iterable[ast.Module]) -> set[str]:
    found: set[str] = set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found |= {each.name.partition(".")[0] for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize(
    ("lock", "groups"), [("requirements.lock", 1), ("requirements-dev.lock", 2)]
)
def test_every_dependency_is_locked(lock, groups):
    lines = [PROJECT["project"]["dependencies"], PROJECT["dependency-groups"]["dev"]][:groups]
    wanted = {re.split(r"[\[<>=;]", line)[0].lower() for group in lines for line in group}
    locked = set(
        re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==", (ROOT / lock).read_text(), re.MULTILINE)
    )
    assert wanted - {each.lower() for each in locked} == set()


def test_no_two_errors_have_one_name():
    """Whoever reads `except NotLogged` knows which; that of the API is named by its code."""
    found: dict[str, list[str]] = {}
    for name, _ in sources():
        if name == "trial/wsgi.py":  # opens the database, and makes nothing but the application
            continue
        module = import_module(name.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
        for error, made in vars(module).items():
            if (
                inspect.isclass(made)
                and issubclass(made, BaseException)
                and made.__module__ == module.__name__
            ):
                found.setdefault(error, []).append(module.__name__)
    assert {error: modules for error, modules in found.items() if len(modules) > 1} == {}
    assert {"NotLogged", "NotConverged"} <= found.keys()


def test_a_function_called_said_has_a_name_that_tells_what():
    private = [
        f"{name}:{node.lineno}"
        for name, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name in {"_said", "said"}
    ]
    assert private == []


def test_the_map_is_that_of_the_house():
    assert house_map.written(house_map.PAGE.read_text()) == house_map.PAGE.read_text(), (
        "python -m tests.house_map"
    )


def test_every_module_says_what_it_is_for_and_stands_in_the_map_once():
    page = house_map.PAGE.read_text()
    for app in APPS:
        for name, said in house_map.modules(app):
            assert said, f"{app}.{name} has no docstring"
            assert page.count(f"| `{app}.{name}` |") == 1
    alike = {
        path.stem for app in APPS for path in (ROOT / app).iterdir() if path.stem in house_map.ALIKE
    }
    assert alike == house_map.ALIKE


def test_the_map_tells_the_chain_of_the_apps_as_the_contract_has_it():
    chain = CONTRACTS["One chain of apps, no siblings"]["layers"]
    assert (
        re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \|$", house_map.PAGE.read_text(), re.MULTILINE)[
            :5
        ]
        == chain
    )


DOORS = ("/views/", "/views.py", "/api/", "/api.py")
# Where nobody is known yet: what goes wrong before a view, and signing in.
OF_STRANGERS = {"trial/api/errors.py", "trial/api/tokens.py"}


def test_a_request_has_one_type():
    told = []
    for name, tree in sources():
        if any(each in f"/{name}" for each in DOORS):
            told += [
                f"{name}:{node.lineno}"
                for node in ast.walk(tree)
                if isinstance(node, ast.arg)
                and node.arg == "request"
                and node.annotation is not None
                if dotted(node.annotation) not in {"PageRequest", "Request", "FrameworkRequest"}
            ]
        told += [
            f"{name}:{node.lineno} a cast"
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and dotted(node.func) == "cast"
            and "request." in ast.unparse(node)
        ]
    assert [each for each in told if each.partition(":")[0] not in OF_STRANGERS] == []
