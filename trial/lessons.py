"""Markdown of a study folder as clean HTML: lessons and consent letters.

CommonMark with tables. Headings begin at the second level, under the title of the page. What would
be lost on the way is found by `trial.unread_markdown` when the folder is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from html import escape

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

# fmt: off
TAGS = {
    "p", "h2", "h3", "h4", "ul", "ol", "li", "strong", "em", "blockquote", "a", "hr", "br",
    "code", "pre",
    "div", "table", "thead", "tbody", "tr", "th", "td",
}
# fmt: on
ATTRIBUTES = {
    "a": {"href"},
    "ol": {"start"},
    "div": {"class", "role", "tabindex", "aria-label"},
    "th": {"class", "scope"},
    "td": {"class"},
}
SCHEMES = {"http", "https", "mailto", "tel"}
DEEPEST = 4
SIDES = {
    "text-align:right": "right",
    "text-align:center": "centre",
}  # the left is where cells begin anyway


def parser(*, html: bool = False) -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": html}).enable("table")


_markdown = parser()


@lru_cache(maxsize=256)  # the same few texts are read again and again
def to_html(text: str) -> str:
    """Whatever the folder holds, only these tags come out, and links that go somewhere harmless."""
    return nh3.clean(
        unclean_html(text),
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel="noreferrer",
    )


def unclean_html(text: str) -> str:
    """As it is before the cleaning, which has nothing to take away from a text that the loader let
    in.
    """
    tokens = _markdown.parse(text)
    for number, token in enumerate(tokens):
        if token.type in {"heading_open", "heading_close"}:
            token.tag = below_the_title(token.tag)
        elif token.type == "fence":
            token.info = ""
        elif token.type in {"th_open", "td_open"}:
            _turn_into_cell(tokens, number)
    return str(_markdown.renderer.render(tokens, _markdown.options, {}))


def below_the_title(tag: str) -> str:
    """The page has its own h1, so a letter that opens with one does not bring a second."""
    return f"h{min(max(int(tag[1]), 2), DEEPEST)}"


def words_of(token: Token) -> str:
    """The plain words of a heading, a cell or a paragraph; none of any other token."""
    return "".join(each.content for each in token.children or ())


def _turn_into_cell(tokens: Sequence[Token], number: int) -> None:
    """Sides by class, as the pages allow no style of their own; a head without words heads
    nothing.
    """
    cell, words, end = tokens[number : number + 3]
    side = SIDES.get(str(cell.attrs.pop("style", "")))
    if cell.tag == "th" and not words.content:
        cell.tag = end.tag = "td"
    if cell.tag == "th":
        cell.attrSet("scope", "col")
    if side:
        cell.attrSet("class", side)


def _open_table(
    _self: object, tokens: Sequence[Token], number: int, _options: object, _env: object
) -> str:
    """A box that scrolls where the screen is too narrow, by the keyboard too, named by the heads of
    the table.
    """
    heads = [words_of(each) for each in tokens[number : _end_of_heads(tokens, number)]]
    name = ", ".join(head for head in heads if head)
    return f'<div class="table" tabindex="0" role="region" aria-label="{escape(name)}">\n<table>\n'


def _end_of_heads(tokens: Sequence[Token], number: int) -> int:
    return next(
        place for place in range(number, len(tokens)) if tokens[place].type == "thead_close"
    )


def _close_table(*_: object) -> str:
    return "</table>\n</div>\n"


_markdown.add_render_rule("table_open", _open_table)
_markdown.add_render_rule("table_close", _close_table)
