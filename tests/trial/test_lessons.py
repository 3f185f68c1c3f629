import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trial.lessons import to_html, unclean_html
from trial.unread_markdown import DEEPEST, unread

HEAD = (
    '<div class="table" tabindex="0" role="region" aria-label="Day, '
    'Walk">\n<table>\n<thead>\n<tr>\n'
)

# Every construct of CommonMark that a page shows, and tables as GitHub writes them: what comes out,
# by hand.
SHOWN = {
    "a paragraph": ("One\ntwo", "<p>One\ntwo</p>\n"),
    "two paragraphs": ("One\n\ntwo", "<p>One</p>\n<p>two</p>\n"),
    "a hard break by a stroke": ("One\\\ntwo", "<p>One<br>\ntwo</p>\n"),
    "a hard break by blanks": ("One  \ntwo", "<p>One<br>\ntwo</p>\n"),
    "headings": ("## A\n\n### B\n\n#### C", "<h2>A</h2>\n<h3>B</h3>\n<h4>C</h4>\n"),
    "a heading of the page's own level": ("# A\n\n### B", "<h2>A</h2>\n<h3>B</h3>\n"),
    "a heading with closing signs": ("## A ##", "<h2>A</h2>\n"),
    "a heading underlined": ("A\n---\nb", "<h2>A</h2>\n<p>b</p>\n"),
    "emphasis": (
        "*a* _b_ **c** __d__",
        "<p><em>a</em> <em>b</em> <strong>c</strong> <strong>d</strong></p>\n",
    ),
    "emphasis in emphasis": ("***a***", "<p><em><strong>a</strong></em></p>\n"),
    "a code span": ("`a <b> ** |`", "<p><code>a &lt;b&gt; ** |</code></p>\n"),
    "a list": ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
    "a list with stars and a loose one": (
        "* a\n\n* b",
        "<ul>\n<li>\n<p>a</p>\n</li>\n<li>\n<p>b</p>\n</li>\n</ul>\n",
    ),
    "a numbered list": ("1. a\n2. b", "<ol>\n<li>a</li>\n<li>b</li>\n</ol>\n"),
    "a numbered list that goes on": (
        "4. a\n5. b",
        '<ol start="4">\n<li>a</li>\n<li>b</li>\n</ol>\n',
    ),
    "a list in a list": ("- a\n  1. b", "<ul>\n<li>a\n<ol>\n<li>b</li>\n</ol>\n</li>\n</ul>\n"),
    "a quote": ("> a\n> b", "<blockquote>\n<p>a\nb</p>\n</blockquote>\n"),
    "a line": ("a\n\n---\n\nb", "<p>a</p>\n<hr>\n<p>b</p>\n"),
    "a fenced block": ("```\na\n  <b>\n```", "<pre><code>a\n  &lt;b&gt;\n</code></pre>\n"),
    "a fenced block in a quote": (
        "> ~~~\n> a\n> ~~~",
        "<blockquote>\n<pre><code>a\n</code></pre>\n</blockquote>\n",
    ),
    "an indented block": ("    a\n     b", "<pre><code>a\n b\n</code></pre>\n"),
    "a link": ("[a](https://b.org/c)", '<p><a href="https://b.org/c" rel="noreferrer">a</a></p>\n'),
    "a telephone link": ("[113](tel:113)", '<p><a href="tel:113" rel="noreferrer">113</a></p>\n'),
    "a link by its label": (
        "[a][b] [b]\n\n[b]: https://c.org",
        '<p><a href="https://c.org" rel="noreferrer">a</a> <a href="https://c.org" '
        'rel="noreferrer">b</a></p>\n',
    ),
    "an address": (
        "<https://b.org>",
        '<p><a href="https://b.org" rel="noreferrer">https://b.org</a></p>\n',
    ),
    "an e-mail address": (
        "<a@b.org>",
        '<p><a href="mailto:a@b.org" rel="noreferrer">a@b.org</a></p>\n',
    ),
    "signs that are escaped": (
        r"\*\*a\*\* \<b> \[\^1] \~~ \| 2\. \#",
        "<p>**a** &lt;b&gt; [^1] ~~ | 2. #</p>\n",
    ),
    "entities": ("&eacute;&nbsp;&lt;b&gt; &amp;", "<p>é&nbsp;&lt;b&gt; &amp;</p>\n"),
    "signs of a sentence": (
        "2 < 3 * 4, [a] (b): 5 | 6_7 & 8 ~ 9",
        "<p>2 &lt; 3 * 4, [a] (b): 5 | 6_7 &amp; 8 ~ 9</p>\n",
    ),
    "a table": (
        "| Day | Walk |\n|---|---|\n| Mon | `a` |\n",
        HEAD + '<th scope="col">Day</th>\n<th '
        'scope="col">Walk</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>Mon</td>\n'
        + "<td><code>a</code></td>\n</tr>\n</tbody>\n</table>\n</div>\n",
    ),
    "a table with sides": (
        "Day | **Walk**\n:-- | --:\nMon | a \\| b\n",
        HEAD + '<th scope="col">Day</th>\n<th scope="col" '
        'class="right"><strong>Walk</strong></th>\n</tr>\n</thead>\n<tbody>\n'
        + '<tr>\n<td>Mon</td>\n<td class="right">a | b</td>\n</tr>\n</tbody>\n</table>\n</div>\n',
    ),
    "a table with a corner and an empty cell": (
        "| | Walk |\n|---|:-:|\n| Mon | |\n",
        HEAD.replace("Day, ", "")
        + '<td></td>\n<th scope="col" class="centre">Walk</th>\n</tr>\n</thead>\n<tbody>\n'
        + '<tr>\n<td>Mon</td>\n<td class="centre"></td>\n</tr>\n</tbody>\n</table>\n</div>\n',
    ),
}

# What would be lost, or be read with its signs: the lines from 0, and how the message begins.
REFUSED = {
    "HTML": ("a\n\n<div>\nb\n</div>", [(2, "HTML is not read: <div>;")]),
    "HTML in a line": ("a\nb <u>c", [(1, "HTML is not read: <u>;")]),
    "a comment": ("a\n\n<!-- say more -->", [(2, "HTML is not read: <!-- say more -->;")]),
    "a break in a cell": ("| a |\n|---|\n| b<br>c |", [(2, "HTML is not read: <br>;")]),
    "a name in angles": ("Dear <your name>,", [(0, "HTML is not read: <your name>;")]),
    "a picture": ("a\n![b](https://c.org/d.png)", [(1, "pictures are not shown")]),
    "a picture by its label": ("![b]\n\n[b]: https://c.org", [(0, "pictures are not shown")]),
    "a picture in a link": ("[![b](c.png)](https://d.org)", [(0, "pictures are not shown")]),
    "a link to a script": ("[a](javascript:b)", [(0, "'javascript:b' is no address")]),
    "a link to a page beside it": ("[a](b.md)", [(0, "'b.md' is no address")]),
    "a link to a host without https": ("[a](//b.org)", [(0, "'//b.org' is no address")]),
    "a link within the page": ("[a](#b)", [(0, "'#b' is no address")]),
    "an address of another kind": ("<sms:113>", [(0, "'sms:113' is no address")]),
    "a link with a title": ('[a](https://b.org "c")', [(0, "'c' after the address of a link")]),
    "a link without words": ("[](https://b.org)", [(0, "a link to 'https://b.org' without words")]),
    "a link with a blank in it": (
        "[a](https://b.org/c d)",
        [(0, "a link or picture that cannot be read")],
    ),
    "a label that is nowhere": ("[a][b]", [(0, "a link to a label that no line below defines")]),
    "a label that nothing uses": ("a\n\n[b]: https://c.org", [(2, "no link goes to '[B]'")]),
    "a label twice": (
        "[b]\n\n[b]: https://c.org\n[b]: https://d.org",
        [(3, "'[B]' is defined above already")],
    ),
    "a footnote": (
        "a[^1]\n\n[^1]: b c",
        [(0, "there are no footnotes"), (2, "there are no footnotes")],
    ),
    "a footnote of one word": ("a [^1]\n\n[^1]: b", [(0, "'b' is no address")]),
    "a list to tick": (
        "- [ ] a\n- [x] b",
        [(0, "there are no lists to tick"), (1, "there are no lists to tick")],
    ),
    "bold that is not": ("**a **", [(0, "'**' that makes nothing bold")]),
    "struck through": ("~~a~~", [(0, "nothing can be struck through")]),
    "marked": ("==a==", [(0, "nothing can be marked")]),
    "a formula": ("$$a$$", [(0, "there are no formulas")]),
    "a box": ("::: note\na\n:::", [(0, "there are no boxes"), (2, "there are no boxes")]),
    "attributes": ("## A {#b}", [(0, "there are no boxes and no attributes")]),
    "a definition": ("a\n: b", [(1, "there are no definition lists")]),
    "a fence that stays open": ("a\n```\nb\n``", [(1, "the block is never closed")]),
    "a fence with words": ("```b\na\n```", [(0, "'b' after ``` is not shown")]),
    "an exercise by another fence": (
        "~~~ Exercise\na\n~~~",
        [(0, "an exercise begins with a line of ```exercise")],
    ),
    "headings that look alike": ("# A\n## B", [(1, "a heading of '##' looks like those of '#'")]),
    "headings too deep": (
        "#### A\n##### B",
        [(1, "a heading of '#####' looks like those of '####'")],
    ),
    "nested too deep": (">" * (DEEPEST + 1) + " a", [(0, "lists and quotes are nested")]),
    "a table without dashes": ("a\n| b | c |\n| d | e |", [(1, "not read as a table")]),
    "a table with too few dashes": ("b | c\n---|---|---\nd | e", [(1, "not read as a table")]),
    "a table with a gap": ("| b |\n|---|\n\n| c |", [(3, "not read as a table")]),
    "a row too long": ("| b |\n|---|\n| c | d |", [(2, "a row of 2 cells under a head of 1")]),
    "a row too short": ("| b | c |\n|---|---|\n| d |", [(2, "a row of 1 cell under a head of 2")]),
    "a paragraph that runs into a table": (
        "| b | c |\n|---|---|\n| d | e |\nf",
        [(3, "a row of 1 cell under")],
    ),
    "a table without a head": (
        "| | |\n|---|---|\n| b | c |",
        [(0, "the head of the table is empty")],
    ),
}


class Reading(HTMLParser):
    """The elements and the words of a page, without what the cleaning adds to links."""

    def __init__(self, html: str):
        super().__init__()
        self.parts: list = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.parts.append((tag, sorted(pair for pair in attrs if pair[0] != "rel")))

    def handle_endtag(self, tag):
        if tag not in {"br", "hr"}:
            self.parts.append(tag)

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("name", SHOWN)
def test_what_a_page_shows_is_let_in_and_comes_out(name):
    markdown, html = SHOWN[name]
    assert unread(markdown) == []
    assert to_html(markdown) == html


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_page_does_not_show_is_named_by_its_line(name):
    markdown, expected = REFUSED[name]
    found = unread(markdown)
    assert [line for line, _ in found] == [line for line, _ in expected]
    assert [
        message[: len(begins)] for (_, message), (_, begins) in zip(found, expected, strict=True)
    ] == [begins for _, begins in expected]


# Words by which a reader would miss what is lost, and every sign that means something to somebody's
# Markdown.
words = st.integers(1, 99).map("word{}".format)
blocks = [
    "\n",
    "\n\n",
    "    ",
    "- ",
    "1. ",
    "> ",
    "## ",
    "|",
    "---",
    "|---|",
    ":",
    "```",
    "~~~",
    "\\",
]
inline = [" ", "*", "**", "_", "`", "<b>", "<!--", "-->", "[", "]", "(https://a.org)", "][", "]: "]
others = ["![", "~~", "&amp;", "'", '"', "[^1]", "<"]
signs = st.sampled_from([*blocks, *inline, *others])
constructs = st.sampled_from([markdown for markdown, _ in (*SHOWN.values(), *REFUSED.values())])
documents = st.lists(st.one_of(words, signs, constructs.map("\n\n{}\n\n".format)), max_size=30).map(
    "".join
)


@given(documents)
@example("| word1 | word2 |\n|---|---|\n| word3 |\nword4")
@example("```word1\nword2\n```")
@example("[word1]: word2\n\nword3")
def test_whatever_is_let_in_loses_no_word_and_nothing_to_the_cleaning(markdown):
    if unread(markdown):
        return
    shown = Reading(to_html(markdown))
    assert shown.parts == Reading(unclean_html(markdown)).parts
    assert [each for each in words_in(markdown) if each not in shown.text] == []


def words_in(markdown: str) -> list[str]:
    return re.findall(r"word\d+", markdown)


def test_only_harmless_html_comes_out_of_what_was_stored_before():
    html = to_html(
        "<script>alert(1)</script>\n\n[x](javascript:alert(1)) ![i](https://x.example/i.png)"
    )
    assert ("<script" in html, "href" in html, "<img" in html) == (False, False, False)


def test_a_name_of_a_table_brings_no_markup_into_the_page():
    html = to_html('| "><script> |\n|---|\n| a |')
    assert '"><script>' not in html
    assert (
        'aria-label="&quot;>&lt;script>"' in html or 'aria-label="&quot;&gt;&lt;script&gt;"' in html
    )
