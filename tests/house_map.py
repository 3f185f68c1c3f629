"""The parts of docs/architecture.md that are read from the code: `python -m tests.house_map` writes
them anew.

The layers are those of pyproject.toml; what a module is for is the first sentence of its own
docstring.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "architecture.md"
APPS = ("trial", "outcomes", "randomisation", "coaching_protocol", "reports")
# Has the same meaning in each app, and stands in the map once, by hand.
ALIKE = {"actions", "api", "apps", "forms", "life", "management", "migrations", "models", "queries", "sections"} | {  # noqa: E501
    "rehearsal", "settings", "templatetags", "urls", "views", "wsgi",
}  # fmt: skip


def layers() -> str:
    """From top to bottom, one to a line."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    (found,) = [
        each["layers"] for each in contracts if each["name"] == "The same layers in every app"
    ]
    lines = [re.sub(r"[()]", "", line) for line in found]
    return "\n".join(["```", *(re.sub(r" [:|] ", ", ", line) for line in lines), "```"])


def contracts() -> str:
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    return "\n".join(f"- {each['name']}." for each in found)


def modules(app: str) -> Iterator[tuple[str, str]]:
    """(name, what it is for) of the modules and packages of an app that stand in no other
    package.
    """
    for path in sorted((ROOT / app).iterdir()):
        file = path if path.suffix == ".py" else path / "__init__.py"
        if path.stem not in ALIKE | {"__init__"} and file.exists():
            yield path.stem, purpose(file)


def purpose(file: Path) -> str:
    """The first sentence of a docstring."""
    said = " ".join((ast.get_docstring(ast.parse(file.read_text())) or "").split("\n\n")[0].split())
    return re.split(r"(?<=[.!?]) (?=[A-Z`])", said)[0].rstrip(".")


def table(app: str) -> str:
    rows = [f"| `{app}.{name}` | {said} |" for name, said in modules(app)]
    return "\n".join(["| module | what for |", "| --- | --- |", *rows])


def generated() -> dict[str, str]:
    """By the name of its place in the page."""
    return {"layers": layers(), "contracts": contracts(), **{app: table(app) for app in APPS}}


def written(page: str) -> str:
    """The page with every generated part as it is now."""
    for name, content in generated().items():
        place = re.compile(rf"(<!-- {name}: from the code -->\n).*?(\n<!-- end -->)", re.DOTALL)
        assert place.search(page), name
        page = place.sub(lambda found, content=content: f"{found[1]}\n{content}\n{found[2]}", page)
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
