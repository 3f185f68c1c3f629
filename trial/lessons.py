"""Markdown of a study folder as clean HTML: lessons and consent letters. Headings begin at the second level."""

from __future__ import annotations

from functools import lru_cache

import nh3
from markdown_it import MarkdownIt

TAGS = {"p", "h2", "h3", "h4", "ul", "ol", "li", "strong", "em", "blockquote", "a", "hr", "br", "code"}
SCHEMES = {"http", "https", "mailto", "tel"}
DEEPEST = 4
_markdown = MarkdownIt("commonmark", {"html": False})


@lru_cache(maxsize=256)  # the same few texts are read again and again
def to_html(text: str) -> str:
    """Whatever the folder holds, only these tags come out, and links that go somewhere harmless."""
    tokens = _markdown.parse(text)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = _below_the_title(token.tag)
    html = _markdown.renderer.render(tokens, _markdown.options, {})
    return nh3.clean(html, tags=TAGS, attributes={"a": {"href"}}, url_schemes=SCHEMES, link_rel="noreferrer")


def _below_the_title(tag: str) -> str:
    """The page has its own h1, so a letter that opens with one does not bring a second."""
    return f"h{min(max(int(tag[1]), 2), DEEPEST)}"
