"""What nothing but tests uses: names are followed through imports, so that `known` of one module is
not `known` of another.

A function, class or constant of a module is used where another place of the five apps names it: by
an import that is followed to where the name is made, by an attribute of the module, or by its
dotted path in a string. A method counts as used where its name stands after a dot, in a template or
alone in a string, and where a class of somebody else's has it too (a hook of Django, of the API
framework, of pydantic).
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
APPS = ("trial", "outcomes", "randomisation", "coaching_protocol", "reports")
WORD = re.compile(r"[A-Za-z_]\w*")
NAME = re.compile(r"[A-Za-z_][\w.]*")
# Whoever is decorated with one of these is called by its framework.
LOOKED_FOR = re.compile(
    r"trial\.settings\..*"  # read by Django and its apps
    r"|.*\.(urlpatterns|app_name|handler\d+|application)"
    r"|\w+\.management\.commands\.\w+\.Command"
    r"|\w+\.apps\.\w+Config"
    # of a middleware, of a field: no class above has them
    r"|.*\.(process_view|process_exception|from_db_value)"
)
CALLED_BY_A_FRAMEWORK = {
    "field_validator",
    "model_validator",
    "register",
    "receiver",
    "extend_schema_field",
}


Place = tuple[str, int]  # module, line
Uses = dict[str, set[Place]]


@dataclass(frozen=True)
class Definition:
    module: str
    name: str  # "make" or "Report.make"
    node: ast.AST

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"

    @property
    def is_method(self) -> bool:
        return "." in self.name

    @property
    def last(self) -> str:
        return self.name.rpartition(".")[2]

    def holds(self, at: Place) -> bool:
        return at[0] == self.module and self.node.lineno <= at[1] <= (self.node.end_lineno or 0)


class House:
    """Every module of the apps, read once: what it makes, what its names stand for, and what it
    uses.
    """

    def __init__(self, texts: dict[str, str], templates: str = "") -> None:
        self.trees = {name: ast.parse(text) for name, text in texts.items()}
        self.packages = {
            name for name in texts if any(each.startswith(name + ".") for each in texts)
        }
        self.bound = {name: dict(self._bindings(name, tree)) for name, tree in self.trees.items()}
        self.in_templates = set(WORD.findall(templates))

    def _bindings(self, module: str, tree: ast.Module) -> Iterator[tuple[str, str]]:
        """(name, dotted path of what it stands for) of every import."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for each in node.names:
                    yield (
                        (each.asname, each.name)
                        if each.asname
                        else (each.name.partition(".")[0],) * 2
                    )
            elif isinstance(node, ast.ImportFrom):
                here = module.split(".") if module in self.packages else module.split(".")[:-1]
                base = ".".join([*here[: len(here) - node.level + 1], *filter(None, [node.module])])
                for each in node.names:
                    yield (
                        each.asname or each.name,
                        f"{base if node.level else node.module}.{each.name}",
                    )

    def definitions(self) -> Iterator[Definition]:
        for module, tree in self.trees.items():
            for node in tree.body:
                for name in made(node):
                    yield Definition(module, name, node)
                if isinstance(node, ast.ClassDef):
                    for inner in node.body:
                        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                            yield Definition(module, f"{node.name}.{inner.name}", inner)

    def origin(self, path: str) -> str:
        """The dotted path where it is made, followed through packages that pass it on."""
        module, _, name = path.rpartition(".")
        further = self.bound.get(module, {}).get(name, path)
        return path if further == path else self.origin(further)

    def uses(self) -> tuple[Uses, Uses]:
        """Where each dotted path and each attribute is named, as (module, line)."""
        paths, attributes = defaultdict(set), defaultdict(set)
        for module, tree in self.trees.items():
            for node in ast.walk(tree):
                at = (module, getattr(node, "lineno", 0))
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                    bound = self.bound[module].get(node.id)
                    paths[self.origin(bound) if bound else f"{module}.{node.id}"].add(at)
                elif isinstance(node, ast.Attribute):
                    attributes[node.attr].add(at)
                    paths[self.chain(module, node)].add(at)
                elif (
                    isinstance(node, ast.Constant)
                    and isinstance(node.value, str)
                    and NAME.fullmatch(node.value)
                ):
                    paths[self.origin(node.value)].add(at)
                    attributes[node.value.rpartition(".")[2]].add(at)
        return paths, attributes

    def chain(self, module: str, node: ast.Attribute) -> str:
        """`reads.sittings` as the dotted path that it stands for."""
        parts: list[str] = [node.attr]
        of = node.value
        while isinstance(of, ast.Attribute):
            parts.append(of.attr)
            of = of.value
        if not isinstance(of, ast.Name):
            return ""
        path = self.origin(self.bound[module].get(of.id, f"{module}.{of.id}"))
        for part in reversed(parts):
            path = self.origin(f"{path}.{part}")
        return path

    def unused(self, kept: Collection[str] = ()) -> list[Definition]:
        """Also what is used by nothing but what is unused. `kept` counts as used."""
        paths, attributes = self.uses()
        alive = [
            each
            for each in self.definitions()
            if str(each) not in kept and not self.is_called(each)
        ]
        dead = []
        while True:
            found = [
                each for each in alive if not self._is_used(each, [*dead, each], paths, attributes)
            ]
            if not found:
                return sorted(dead, key=str)
            dead += found
            alive = [each for each in alive if each not in found]

    def _is_used(
        self, each: Definition, dead: list[Definition], paths: Uses, attributes: Uses
    ) -> bool:
        where = attributes[each.last] if each.is_method else paths[str(each)]
        return any(not any(one.holds(at) for one in dead) for at in where)

    def is_called(self, each: Definition) -> bool:
        """By a framework, a template or Python itself."""
        return (
            (each.last.startswith("__") and each.last.endswith("__"))
            or LOOKED_FOR.fullmatch(str(each)) is not None
            or is_of_the_library(each)
            or bool(decorators(each.node) & CALLED_BY_A_FRAMEWORK)
            or (
                each.last in self.in_templates and (each.is_method or "templatetags" in each.module)
            )
            or (each.is_method and is_hook(each))
        )


def is_of_the_library(each: Definition) -> bool:
    """The statistics are a library: what its modules and their results offer, others call."""
    return each.module.startswith("reports.statistics.") and not any(
        part.startswith("_") for part in each.name.split(".")
    )


def made(node: ast.stmt) -> Iterator[str]:
    """The names that a line of a module makes."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            yield from (
                each.id
                for target in targets
                for each in ast.walk(target)
                if isinstance(each, ast.Name)
            )
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name


def decorators(node: ast.AST) -> set[str]:
    found = getattr(node, "decorator_list", [])
    return {
        each.id if isinstance(each, ast.Name) else getattr(each, "attr", "")
        for one in found
        for each in ast.walk(one)
    }


def is_hook(method: Definition) -> bool:
    """A class above it, and not of the five apps, has a method of that name, or asks for one by it
    (`clean_field`).
    """
    owner, _, name = method.name.partition(".")
    found = getattr(import_module(method.module), owner)
    if any(
        hasattr(each, name)
        for each in found.__mro__[1:]
        if each.__module__.partition(".")[0] not in APPS
    ):
        return True
    return (
        name.startswith(("clean_", "get_", "validate_", "visit_", "depart_"))
        and found.__mro__[1] is not object
    )


def house() -> House:
    paths = [
        path
        for app in APPS
        for path in sorted((ROOT / app).rglob("*.py"))
        if "migrations" not in path.parts
    ]
    texts = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(
            ".__init__"
        ): path.read_text()
        for path in paths
    }
    templates = [
        path.read_text() for app in APPS for path in (ROOT / app / "templates").rglob("*.*")
    ]
    return House(texts, "\n".join(templates))
