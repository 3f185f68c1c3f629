"""The report as PDF: one column of a journal, figures as vectors, provenance at the foot of every
page.
"""

import io
import logging
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from .dates import moment
from .spans import Block, ColumnHead, Facts, Figure, Heading, Paragraph, Report, Span, Table, plain

SERIF, BOLD, ITALIC = "STIX", "STIX-Bold", "STIX-Italic"
INK, QUIET, ACCENT, WARN, WARN_BACK = "#1a1a1a", "#595959", "#0b5a57", "#7a2e00", "#fdf1e7"
LONG = 12
CELL_SIZE, HEAD_SIZE, PADDING, AIR = 8.6, 8.2, 3, 22
SHORT = 70  # points: a head no longer than this stays on one line where it can


@cache
def _fonts() -> None:
    """STIX for text and DejaVu Sans for figures, both brought along by matplotlib: true minus
    signs, even digits.
    """
    import matplotlib
    from reportlab.lib.fonts import addMapping
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from svglib.svglib import register_font

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for name, file in (
        (SERIF, "STIXGeneral"),
        (BOLD, "STIXGeneralBol"),
        (ITALIC, "STIXGeneralItalic"),
    ):
        pdfmetrics.registerFont(TTFont(name, folder / f"{file}.ttf"))
    for bold, italic, name in ((0, 0, SERIF), (1, 0, BOLD), (0, 1, ITALIC), (1, 1, BOLD)):
        addMapping(SERIF, bold, italic, name)
    register_font("DejaVu Sans", str(folder / "DejaVuSans.ttf"))
    register_font("DejaVu Sans", str(folder / "DejaVuSans-Bold.ttf"), weight="bold")


@cache
def _styles() -> dict:
    from reportlab.lib.styles import ParagraphStyle

    body = ParagraphStyle(
        "body", fontName=SERIF, fontSize=9.8, leading=13, textColor=INK, spaceAfter=6
    )
    cell = ParagraphStyle("cell", parent=body, fontSize=CELL_SIZE, leading=10.4, spaceAfter=0)
    caption = ParagraphStyle(
        "caption",
        parent=body,
        fontSize=9.2,
        leading=11.6,
        spaceBefore=8,
        spaceAfter=4,
        keepWithNext=True,
    )
    quiet = {"textColor": QUIET, "fontSize": 8.4, "leading": 10.6}
    return {
        "body": body,
        "note": ParagraphStyle("note", parent=body, **quiet),
        "missing": ParagraphStyle("missing", parent=body, fontName=ITALIC, textColor=QUIET),
        "notice": ParagraphStyle(
            "notice",
            parent=body,
            textColor=WARN,
            backColor=WARN_BACK,
            borderPadding=(5, 7, 6, 7),
            spaceBefore=6,
            spaceAfter=12,
            leftIndent=7,
            rightIndent=7,
        ),
        "title": ParagraphStyle(
            "title", parent=body, fontName=BOLD, fontSize=20, leading=24, spaceAfter=2
        ),
        "subtitle": ParagraphStyle(
            "subtitle", parent=body, fontSize=12, leading=15, textColor=QUIET, spaceAfter=10
        ),
        "heading": ParagraphStyle(
            "heading",
            parent=body,
            fontName=BOLD,
            fontSize=13,
            leading=16,
            textColor=ACCENT,
            spaceBefore=14,
            spaceAfter=5,
            keepWithNext=True,
        ),
        "caption": caption,
        "loose_caption": ParagraphStyle("loose_caption", parent=caption, keepWithNext=False),
        "cell": cell,
        "strong": ParagraphStyle("strong", parent=cell, fontName=BOLD),
        "number": ParagraphStyle("number", parent=cell, alignment=2),
        "strong_number": ParagraphStyle("strong_number", parent=cell, alignment=2, fontName=BOLD),
        "head": ParagraphStyle("head", parent=cell, fontName=BOLD, fontSize=HEAD_SIZE, leading=9.8),
        "head_number": ParagraphStyle(
            "head_number", parent=cell, fontName=BOLD, alignment=2, fontSize=HEAD_SIZE, leading=9.8
        ),
        "head_group": ParagraphStyle(
            "head_group", parent=cell, fontName=BOLD, alignment=1, fontSize=HEAD_SIZE, leading=9.8
        ),
    }


def pdf(report: Report, at: datetime) -> bytes:
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import Paragraph as Flowing
    from reportlab.platypus import SimpleDocTemplate

    _fonts()
    styles = _styles()
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=51,
        rightMargin=51,
        topMargin=62,
        bottomMargin=62,
        title=report.title,
        subject=report.subtitle,
        author="Handvat",
        lang=report.language,
        pageCompression=0,  # packed, its length would hang on the hash of the seal
    )
    title = [
        Flowing(escape(report.title), styles["title"]),
        Flowing(escape(report.subtitle), styles["subtitle"]),
    ]
    # The frame has six points of its own on either side.
    document.build(
        [*title, *_story(report.blocks, document.width - 12)], canvasmaker=_numbered(report, at)
    )
    return out.getvalue()


def _numbered(report: Report, at: datetime):
    """A canvas that knows how many pages there are when it draws the foot of each."""
    from reportlab.pdfgen.canvas import Canvas

    class Numbered(Canvas):
        def __init__(self, *args, **kwargs) -> None:
            super().__init__(*args, **kwargs)
            self.pages: list[dict] = []

        def showPage(self) -> None:
            self.pages.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, page in enumerate(self.pages, start=1):
                self.__dict__.update(page)
                _furniture(self, report, at, number, len(self.pages))
                super().showPage()
            super().save()

    return Numbered


def _furniture(canvas, report: Report, at: datetime, number: int, pages: int) -> None:
    width, height = canvas._pagesize
    canvas.setFont(SERIF, 8)
    canvas.setFillColor(QUIET)
    canvas.setStrokeColor("#c9c5bd")
    canvas.setLineWidth(0.5)
    canvas.line(57, 46, width - 57, 46)
    canvas.drawString(57, 35, f"{report.foot} · {moment(at, report.language)}")
    canvas.drawRightString(width - 57, 35, f"{report.page_word} {number} / {pages}")
    if number > 1:
        canvas.drawString(57, height - 42, f"{report.title} – {report.subtitle}")
    if report.mark:
        canvas.setFillColor(WARN_BACK)
        canvas.rect(0, height - 26, width, 26, stroke=0, fill=1)
        canvas.setFillColor(WARN)
        canvas.setFont(BOLD, 10)
        canvas.drawCentredString(width / 2, height - 17, report.mark)


def _story(blocks: Sequence[Block], width: float) -> Iterator:
    """The blocks as flowables; a heading stays with what follows it, a figure or short table is
    never cut.
    """
    from reportlab.platypus import CondPageBreak, KeepTogether

    headings: list = []
    for block, notes in _with_notes(blocks):
        made = [*_block(block, width), *(part for note in notes for part in _block(note, width))]
        if isinstance(block, Heading):
            headings += made
        elif isinstance(block, Paragraph):
            # It may go on overleaf; the styles keep its heading with it and no line of it alone.
            yield from (*headings, *made)
            headings = []
        elif isinstance(block, Table) and len(block.rows) > LONG:
            # Room for the caption, the head and a few rows; then it may go on overleaf, under its
            # head again.
            yield CondPageBreak(130)
            made[0].style = _styles()["loose_caption"]
            yield from (*headings, *made)
            headings = []
        else:
            yield KeepTogether([*headings, *made])
            headings = []
    yield from headings


def _with_notes(blocks: Sequence[Block]) -> Iterator[tuple[Block, list[Block]]]:
    """Each block with the notes that belong under it."""
    i = 0
    while i < len(blocks):
        block, notes = blocks[i], []
        i += 1
        while (
            isinstance(block, Table)
            and i < len(blocks)
            and getattr(blocks[i], "kind", "") == "note"
        ):
            notes.append(blocks[i])
            i += 1
        yield block, notes


def _block(block: Block, width: float) -> list:
    from reportlab.platypus import Paragraph as Flowing

    styles = _styles()
    match block:
        case Heading(spans):
            return [Flowing(_text(spans), styles["heading"])]
        case Paragraph(spans, kind):
            return [Flowing(_text(spans), styles[kind])]
        case Facts(pairs):
            return _facts(pairs, width)
        case Figure():
            return [_caption(block), drawing(block.svg, width), *_notes(block)]
    return [_caption(block), _grid(block, width), *_notes(block)]


def _notes(block: Figure | Table) -> list:
    from reportlab.platypus import Paragraph as Flowing

    return (
        [Flowing(" ".join(_text(note) for note in block.notes), _styles()["note"])]
        if block.notes
        else []
    )


def _text(spans: Sequence[Span]) -> str:
    return escape(plain(spans))


def _facts(pairs, width: float) -> list:
    from reportlab.platypus import Paragraph as Flowing
    from reportlab.platypus import Spacer
    from reportlab.platypus import Table as Grid

    style, quiet = _styles()["cell"], _styles()["note"]
    cells = [[Flowing(_text(name), quiet), Flowing(_text(value), style)] for name, value in pairs]
    grid = Grid(cells, colWidths=[width * 0.24, width * 0.76], hAlign="LEFT")
    grid.setStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 0),
            ("LEFTPADDING", (0, 0), (0, -1), 0),
        ]
    )
    return [grid, Spacer(1, 6)]


def _caption(block: Figure | Table):
    from reportlab.platypus import Paragraph as Flowing

    words = block.title if isinstance(block, Figure) else block.caption
    return Flowing(
        f'<font name="{BOLD}" color="{ACCENT}">{_text(block.ref)}.</font> <b>{_text(words)}</b>',
        _styles()["caption"],
    )


def drawing(svg: str, width: float) -> Any:
    """The SVG as a vector drawing, scaled to `width` and to what fits on a page."""
    from svglib.svglib import svg2rlg

    # svglib reports each clip path it leaves out; the figures use none that matter.
    logging.getLogger("svglib").setLevel(logging.ERROR)
    picture: Any = svg2rlg(io.BytesIO(svg.encode()))
    scale = min(width / picture.width, 640 / picture.height)
    picture.scale(scale, scale)
    picture.width, picture.height = picture.width * scale, picture.height * scale
    picture.hAlign = "CENTER"
    return picture


def _grid(table: Table, width: float):
    from reportlab.platypus import Table as Grid

    cells = [*_heads(table), *(_row(table, row) for row in table.rows)]
    depth = len(cells) - len(table.rows)
    widths = _widths(table, width)
    return Grid(
        cells, widths, repeatRows=depth, hAlign="LEFT", spaceAfter=4, style=_rules(table, depth)
    )


def _widths(table: Table, width: float) -> list[float]:
    """Each column at least as wide as its longest word, as wide as its longest line where the page
    allows.
    """
    both = [(_head_across(head), _cells_across(table, i)) for i, head in enumerate(table.heads)]
    least, wanted = ([max(head[i], cells[i]) for head, cells in both] for i in (0, 1))
    start = 0
    for group, members in groupby(table.heads, key=lambda head: head.group):
        size = len(list(members))
        if group:
            _widen(least, start, size, _across(plain(group).split(" "), HEAD_SIZE))
            _widen(wanted, start, size, min(_across([plain(group)], HEAD_SIZE), width / 3))
        start += size
    return _fitted(least, wanted, width)


def _head_across(head: ColumnHead) -> tuple[float, float]:
    """Of its longest word, and of its text: a long one may take two lines."""
    text = _head_text(head.spans)
    word, line = _across(text.split(" "), HEAD_SIZE), _across([text], HEAD_SIZE)
    return word, line if line < SHORT else max(word, line / 2)


def _head_text(spans: Sequence[Span]) -> str:
    """Week 1 is one word."""
    return re.sub(r" (?=\d+$)", "\u00a0", plain(spans))


def _cells_across(table: Table, column: int) -> tuple[float, float]:
    """Of the longest word and the longest line; numbers are never broken."""
    least = wanted = 0.0
    for row in table.rows:
        text, font = plain(row.cells[column]), BOLD if row.kind == "strong" else SERIF
        line = _across([text], CELL_SIZE, font)
        least = max(
            least,
            line if table.heads[column].numeric else _across(text.split(" "), CELL_SIZE, font),
        )
        wanted = max(wanted, line)
    return least, wanted


def _across(texts: Sequence[str], size: float, font: str = BOLD) -> float:
    from reportlab.pdfbase.pdfmetrics import stringWidth

    return max((stringWidth(text, font, size) for text in texts), default=0.0) + 2 * PADDING + 0.5


def _widen(widths: list[float], start: int, size: int, across: float) -> None:
    """Room for a group's name over its columns."""
    lack = across - sum(widths[start : start + size])
    for i in range(start, start + size):
        widths[i] += max(lack, 0) / size


def _fitted(least: Sequence[float], wanted: Sequence[float], width: float) -> list[float]:
    """All that is wanted and a little air, or what is left over the least shared by how much more
    is wanted.
    """
    wanted = [max(pair) for pair in zip(least, wanted, strict=True)]
    spare = width - sum(wanted)
    if spare >= 0:
        # A narrow table is not stretched over the page: its columns would fall apart.
        return [each + min(spare / len(wanted), AIR) for each in wanted]
    room = width - sum(least)
    if room <= 0:
        return [each * width / sum(least) for each in least]
    more = sum(wanted) - sum(least)
    return [low + room * (high - low) / more for low, high in zip(least, wanted, strict=True)]


def _heads(table: Table) -> list[list]:
    from reportlab.platypus import Paragraph as Flowing

    styles = _styles()
    low = [
        Flowing(escape(_head_text(head.spans)), styles["head_number" if head.numeric else "head"])
        for head in table.heads
    ]
    if not any(head.group for head in table.heads):
        return [low]
    top = []
    for group, members in groupby(table.heads, key=lambda head: head.group):
        top += [Flowing(_text(group), styles["head_group"])] + [""] * (len(list(members)) - 1)
    return [top, low]


def _row(table: Table, row) -> list:
    from reportlab.platypus import Paragraph as Flowing

    styles = _styles()
    prefix = "strong" if row.kind == "strong" else ""
    made = []
    for head, cell in zip(table.heads, row.cells, strict=True):
        name = f"{prefix}_number".lstrip("_") if head.numeric else prefix or "cell"
        made.append(Flowing(_text(cell), styles[name]))
    return made


def _rules(table: Table, depth: int) -> list[tuple]:
    """Three lines as journals set them, a hair line under each group's name and above each new
    block of rows.
    """
    rules: list[tuple] = [
        ("LINEABOVE", (0, 0), (-1, 0), 1, INK),
        ("LINEBELOW", (0, depth - 1), (-1, depth - 1), 0.5, INK),
        ("LINEBELOW", (0, -1), (-1, -1), 1, INK),
        ("VALIGN", (0, 0), (-1, depth - 1), "BOTTOM"),
        ("VALIGN", (0, depth), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 1.6),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.2),
        ("LEFTPADDING", (0, 0), (-1, -1), PADDING),
        ("RIGHTPADDING", (0, 0), (-1, -1), PADDING),
    ]
    column = 0
    for group, members in groupby(table.heads, key=lambda head: head.group):
        size = len(list(members))
        if group:
            rules += [("SPAN", (column, 0), (column + size - 1, 0))]
            rules += [("LINEBELOW", (column, 0), (column + size - 1, 0), 0.4, QUIET)]
        column += size
    grouped = not all(row.cells[0] for row in table.rows)
    rules += [
        ("LINEABOVE", (0, depth + i), (-1, depth + i), 0.25, "#c9c5bd")
        for i, row in enumerate(table.rows)
        if grouped and i and row.cells[0]
    ]
    return rules
