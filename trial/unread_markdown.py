"""What somebody wrote in Markdown and no reader would see as it was meant: found when a folder is
read, not by a reader.

It is read a second time as liberally as can be: with HTML, with links to anywhere, one level
deeper. Whatever then turns up that a page does not show, and whatever signs are left over in the
plain text, is named by its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any

from markdown_it.rules_block.table import escapedSplit
from markdown_it.token import Token

from trial.lessons import SCHEMES, below_the_title, parser, words_of

Found = tuple[int, str]  # the line, from 0, and what is wrong in it

_liberal = parser(html=True).disable(
    "text_join"
)  # which would mix what is escaped with what is not
DEEPEST = _liberal.options["maxNesting"]
_liberal.options["maxNesting"] = DEEPEST + 1
_liberal.options["store_labels"] = True
_liberal.validateLink = lambda url: True  # type: ignore[method-assign]

LITERALLY = "put a '\\' before a sign that is meant as it stands"
LEFT_OVER = [  # signs in plain text that a reader would see as signs
    (r"\]\(", "a link or picture that cannot be read; an address with blanks stands in <...>"),
    (r"\]\[", "a link to a label that no line below defines; write the address in (...)"),
    (r"\[\^", "there are no footnotes; put the note into the text"),
    (r"^\[[ xX]\]\s", "there are no lists to tick; use an exercise of kind checklist"),
    (r"\*\*", "'**' that makes nothing bold; it stands right before and right after the words"),
    (r"~~", "nothing can be struck through with '~~'"),
    (r"==\S[^=]*==", "nothing can be marked with '=='"),
    (r"\$\$", "there are no formulas; write it in words"),
    (r"^:::|\{[.#:][^}]*\}", "there are no boxes and no attributes; leave ':::' and '{...}' out"),
    (r"^:\s", "there are no definition lists; write a list with '-'"),
    (r"```|~~~", "a fence of ``` or ~~~ has a line of its own"),
]
PIPES = re.compile(r"^\s*\|.*\|\s*$")
DASHES = re.compile(r"^[\s|:]*-[-\s|:]*$")


def unread(text: str, levels: dict[str, str] | None = None) -> list[Found]:
    """What of `text` would not come out, in the order of its lines.

    `levels` are the levels of headings in the pieces before this one, by how they look; those of
    this one join them.
    """
    env: dict[str, Any] = {}
    lines = text.split("\n")
    tokens = _liberal.parse(text, env)
    headings = _headings(tokens, {} if levels is None else levels)
    return sorted(
        {*_blocks(tokens, lines), *headings, *_tables(tokens, lines), *_labels(tokens, env)}
    )


def _blocks(tokens: Sequence[Token], lines: Sequence[str]) -> Iterator[Found]:
    for token in tokens:
        line = token.map[0] if token.map else 0
        if token.level >= DEEPEST and token.map:
            yield (
                line,
                f"lists and quotes are nested more than {DEEPEST // 2} deep; what is deeper is "
                f"lost",
            )
        if token.type == "html_block":
            yield line, _no_html(token.content.strip().partition("\n")[0])
        elif token.type == "fence":
            yield from _fence(token, lines)
        elif token.type == "inline":
            yield from _inline(token.children or [], line)
            yield from _almost_table(token, line)


def _fence(token: Token, lines: Sequence[str]) -> Iterator[Found]:
    assert token.map
    first, end = token.map
    last = lines[end - 1].strip(" \t>")
    if end - 1 == first or last.strip(token.markup[0]) or len(last) < len(token.markup):
        yield first, f"the block is never closed; end it with a line of {token.markup}"
    info = token.info.strip()
    if info.lower().startswith("exercise"):
        yield first, "an exercise begins with a line of ```exercise, and with nothing else"
    elif info:
        yield first, f"'{info}' after {token.markup} is not shown; write it in a line of its own"


def _inline(children: Sequence[Token], line: int) -> Iterator[Found]:
    begins = True
    for place, token in enumerate(children):
        if token.type in {"softbreak", "hardbreak"}:
            line, begins = line + 1, True
            continue
        if token.level >= DEEPEST:
            yield line, "signs are nested too deep to be read"
        if token.type == "html_inline":
            yield line, _no_html(token.content)
        elif token.type == "image":
            yield (
                line,
                "pictures are not shown; leave '![...](...)' out, or say in words what it shows",
            )
        elif token.type == "link_open":
            yield from _link(token, children[place + 1], line)
        elif token.type == "text":
            yield from ((line, message) for message in _left_over(token.content, begins))
        begins = False


def _left_over(text: str, begins: bool) -> Iterator[str]:
    for pattern, message in LEFT_OVER:
        if (begins or not pattern.startswith("^")) and re.search(pattern, text):
            yield f"{message}; {LITERALLY}"


def _no_html(tag: str) -> str:
    return (
        f"HTML is not read: {tag}; leave it out, and put a '\\' before a '<' that is meant as it "
        f"stands"
    )


def _link(token: Token, after: Token, line: int) -> Iterator[Found]:
    address = str(token.attrs["href"])
    if address.partition(":")[0].lower() not in SCHEMES or ":" not in address:
        message = (
            f"'{address}' is no address that a link can go to; begin it with https:, mailto: or "
            f"tel:"
        )
        yield line, message
    if token.attrs.get("title"):
        yield (
            line,
            f"'{token.attrs['title']}' after the address of a link is not shown; put it into the "
            f"text",
        )
    if after.type == "link_close":
        yield line, f"a link to '{address}' without words; put them in the [...] before it"


def _almost_table(token: Token, first: int) -> Iterator[Found]:
    """Rows of a table that lacks its line of dashes, or whose line of dashes has other cells than
    its head.
    """
    for number, line in enumerate(token.content.split("\n")):
        if PIPES.match(line) or ("|" in line and DASHES.match(line)):
            message = (
                "not read as a table: its second line is of dashes, one '---' for each cell of the "
                "head, and no line "
                "between its rows is empty"
            )
            yield first + number, message
            return


def _headings(tokens: Sequence[Token], levels: dict[str, str]) -> Iterator[Found]:
    """Levels that would look alike."""
    for token in tokens:
        if token.type != "heading_open" or not token.map:
            continue
        level = levels.setdefault(below_the_title(token.tag), token.tag)
        if level != token.tag:
            signs, others = "#" * int(token.tag[1]), "#" * int(level[1])
            message = (
                f"a heading of '{signs}' looks like those of '{others}'; use '##', '###' and '####'"
            )
            yield token.map[0], message


def _tables(tokens: Sequence[Token], lines: Sequence[str]) -> Iterator[Found]:
    """Tables whose columns nobody could name, and rows of which cells would be lost or made up."""
    for place, token in enumerate(tokens):
        if token.type == "table_open":
            end = next(at for at in range(place, len(tokens)) if tokens[at].type == "table_close")
            yield from _table(tokens[place:end], lines)


def _table(tokens: Sequence[Token], lines: Sequence[str]) -> Iterator[Found]:
    rows = [token.map[0] for token in tokens if token.type == "tr_open" and token.map]
    columns = sum(token.type == "th_open" for token in tokens)
    head = takewhile(lambda token: token.type != "thead_close", tokens)
    if not any(words_of(token).strip() for token in head):
        yield rows[0], "the head of the table is empty; say what stands in its columns"
    for line in rows[1:]:
        cells = _cells(lines[line])
        if cells != columns:
            message = (
                f"a row of {_number(cells)} under a head of {columns}; a '|' that is meant as it "
                f"stands is written '\\|', "
                "and an empty line ends a table"
            )
            yield line, message


def _number(cells: int) -> str:
    return f"{cells} cell" if cells == 1 else f"{cells} cells"


def _cells(line: str) -> int:
    return len(escapedSplit(line.strip(" \t>").removeprefix("|").removesuffix("|")))


def _labels(tokens: Sequence[Token], env: dict[str, Any]) -> Iterator[Found]:
    """Lines that define a label: one for each, and each for a link."""
    used = {
        each.meta.get("label") for token in tokens for each in token.children or () if each.meta
    }
    for label, reference in env.get("references", {}).items():
        if label not in used:
            yield reference["map"][0], f"no link goes to '[{label}]', so this line is shown nowhere"
    for reference in env.get("duplicate_refs", ()):
        yield (
            reference["map"][0],
            f"'[{reference['label']}]' is defined above already; this line counts for nothing",
        )
