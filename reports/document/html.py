"""The report as one HTML file that needs nothing else: styles inside, figures as pictures in data
URIs.
"""

import base64
from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape
from itertools import groupby

from .dates import moment
from .spans import (
    Block,
    Facts,
    Figure,
    Heading,
    Label,
    Meta,
    Paragraph,
    Ref,
    Report,
    Span,
    Table,
    Value,
    plain,
)

STYLE = """
:root{color-scheme:light dark;
--paper:#fff;--ink:#1a1a1a;--quiet:#595959;--line:#c9c5bd;--accent:#0b5a57;--warn:#7a2e00;
--warn-back:#fdf1e7;--card:#fff}
@media (prefers-color-scheme:dark){:root{--paper:#16191a;--ink:#e8e6e1;--quiet:#b0aca3;
--line:#454b4c;--accent:#7cc7c2;
--warn:#ffc79a;--warn-back:#33210f;--card:#fff}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.5 Georgia,"Times New Roman",
serif}
main{max-width:54rem;margin:0 auto;padding:1rem}
header,h1,h2,caption,figcaption,th,dt,.notice,footer,.mark{
font-family:system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
h1{font-size:1.8rem;line-height:1.2;margin:.5rem 0 0}
.sub{color:var(--quiet);margin:.25rem 0 1.25rem;font-size:1.05rem}
h2{font-size:1.25rem;color:var(--accent);margin:2.5rem 0 .5rem;padding-top:.5rem;
border-top:1px solid var(--line)}
.mark{position:sticky;top:0;z-index:2;background:var(--warn-back);color:var(--warn);
padding:.4rem 1rem;font-weight:600;
text-align:center;border-bottom:2px solid var(--warn)}
.notice{border-left:4px solid var(--warn);background:var(--warn-back);color:var(--warn);
padding:.6rem .9rem}
.note{color:var(--quiet);font-size:.9rem}
.missing{color:var(--quiet);font-style:italic}
dl{display:grid;grid-template-columns:minmax(8rem,14rem) 1fr;gap:.25rem 1rem;font-size:.92rem}
dt{color:var(--quiet)}dd{margin:0;overflow-wrap:anywhere}
.scroll{overflow-x:auto;margin:1.25rem 0}
.scroll:focus-visible,.wide-figure:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
table{border-collapse:collapse;font-size:.9rem;line-height:1.35;min-width:60%;
font-variant-numeric:tabular-nums lining-nums}
caption{text-align:left;font-weight:600;padding-bottom:.4rem}
/* A wide table scrolls under its caption, which stays within the window. */
caption>span{display:block;position:sticky;left:0;width:fit-content;max-width:min(52rem,
calc(100vw - 2rem))}
caption .ref,figcaption .ref{color:var(--accent)}
thead th{font-weight:600;font-size:.82rem;vertical-align:bottom;padding:.25rem .55rem;
text-align:right}
thead tr:first-child th{border-top:2px solid var(--ink)}
thead tr:last-child th{border-bottom:1px solid var(--ink)}
th.group{text-align:center;border-bottom:1px solid var(--line)}
td,tbody th{padding:.22rem .55rem;text-align:right;white-space:nowrap;font-weight:400}
tbody th,th.text,td.text{text-align:left;white-space:normal;min-width:6rem}
tbody th{font-family:inherit;vertical-align:top}
tbody{border-bottom:2px solid var(--ink)}
tr.strong>*{font-weight:700}
tr.new>*{border-top:1px solid var(--line)}
figure{margin:1.5rem 0}
figure img{display:block;width:100%;max-width:44rem;height:auto;background:var(--card);
padding:.4rem;border-radius:4px}
figcaption{font-weight:600;margin-bottom:.5rem}
footer{margin-top:3rem;border-top:1px solid var(--line);padding:1rem 0;color:var(--quiet);
font-size:.85rem;
overflow-wrap:anywhere}
@media (max-width:34rem){dl{grid-template-columns:1fr}dd{margin-bottom:.4rem}h1{font-size:1.45rem}
.wide-figure{overflow-x:auto}.wide-figure img{width:40rem;max-width:none}}
@media print{.mark{position:static}.scroll{overflow:visible}figure,table{break-inside:avoid}}
"""


def html(report: Report, at: datetime) -> str:
    title = f"{report.title} – {report.subtitle}"
    mark = f'<header class="mark">{escape(report.mark)}</header>' if report.mark else ""
    body = "\n".join(_block(block) for block in report.blocks)
    made = moment(at, report.language)
    return (
        f'<!doctype html>\n<html lang="{report.language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{mark}\n<main>\n"
        f"<header><h1><span data-label>{escape(report.title)}</span></h1>"
        f'<p class="sub">{escape(report.subtitle)}</p></header>\n{body}\n'
        f"<footer><span data-meta>{escape(report.foot)} · "
        f"{escape(made)}</span></footer>\n</main>\n</body>\n</html>\n"
    )


def _block(block: Block) -> str:
    match block:
        case Heading(spans):
            return f"<h2>{_spans(spans)}</h2>"
        case Paragraph(spans, kind):
            return f'<p class="{kind}">{_spans(spans)}</p>'
        case Facts(pairs):
            return (
                "<dl>"
                + "".join(
                    f"<dt>{_spans(name)}</dt><dd>{_spans(value)}</dd>" for name, value in pairs
                )
                + "</dl>"
            )
        case Figure():
            return _figure(block)
    return _table(block)


def _spans(spans: Sequence[Span]) -> str:
    return "".join(_span(span) for span in spans)


def _span(span: Span) -> str:
    text = escape(span.text)
    match span:
        case Value(_, id, about):
            return f'<span data-id="{escape(id)}" title="{escape(about)}">{text}</span>'
        case Label():
            return f"<span data-label>{text}</span>"
        case Meta():
            return f"<span data-meta>{text}</span>"
        case Ref():
            return f"<span data-ref>{text}</span>"
    return text


def _figure(figure: Figure) -> str:
    name = _name(figure.ref)
    data = base64.b64encode(figure.svg.encode()).decode()
    notes = _notes(figure.notes)
    return (
        f'<figure><figcaption id="{name}"><span class="ref">{_spans(figure.ref)}.</span> '
        f"{_spans(figure.title)}</figcaption>"
        f'<div class="wide-figure" role="region" aria-labelledby="{name}" tabindex="0">'
        f'<img src="data:image/svg+xml;base64,{data}" alt="{escape(figure.alt)}"></div>'
        f"{notes}</figure>"
    )


def _name(ref: Sequence[Span]) -> str:
    return plain(ref).lower().replace(" ", "-")


def _notes(notes: Sequence[Sequence[Span]]) -> str:
    return f'<p class="note">{" ".join(_spans(note) for note in notes)}</p>' if notes else ""


def _table(table: Table) -> str:
    name = _name(table.ref)
    caption = (
        f'<caption><span id="{name}"><span class="ref">{_spans(table.ref)}.</span> '
        f"{_spans(table.caption)}</span></caption>"
    )
    rows = "\n".join(_rows(table))
    notes = _notes(table.notes)
    grid = f"<table>{caption}<thead>{_head(table)}</thead><tbody>{rows}</tbody></table>"
    return (
        f'<div class="scroll" role="region" aria-labelledby="{name}" '
        f'tabindex="0">{grid}</div>{notes}'
    )


def _head(table: Table) -> str:
    if not any(head.group for head in table.heads):
        return "<tr>" + "".join(_head_cell(head) for head in table.heads) + "</tr>"
    top, bottom = "", ""
    for group, heads in groupby(table.heads, key=lambda head: head.group):
        members = list(heads)
        if group:
            top += (
                f'<th scope="colgroup" class="group" colspan="{len(members)}">{_spans(group)}</th>'
            )
            bottom += "".join(_head_cell(head) for head in members)
        else:
            top += "".join(_head_cell(head, 2) for head in members)
    return f"<tr>{top}</tr><tr>{bottom}</tr>"


def _head_cell(head, rows: int = 1) -> str:
    kind = "" if head.numeric else ' class="text"'
    span = f' rowspan="{rows}"' if rows > 1 else ""
    return f'<th scope="col"{kind}{span}>{_spans(head.spans)}</th>'


def _row_head(table: Table, number: int) -> str:
    """The first cell; it stands for the rows under it whose first cell is empty, which have none of
    their own.
    """
    spans = table.rows[number].cells[0]
    if number and not spans:
        return ""
    last = next(
        (i for i in range(number + 1, len(table.rows)) if table.rows[i].cells[0]), len(table.rows)
    )
    if last - number == 1:
        return f'<th scope="row">{_spans(spans)}</th>'
    return f'<th scope="rowgroup" rowspan="{last - number}">{_spans(spans)}</th>'


def _rows(table: Table) -> Iterator[str]:
    for number, row in enumerate(table.rows):
        kinds = [row.kind] if row.kind != "normal" else []
        if number and row.cells[0] and not all(other.cells[0] for other in table.rows):
            kinds.append("new")
        cells = [_row_head(table, number)]
        for head, cell in zip(table.heads[1:], row.cells[1:], strict=True):
            cells.append(
                f"<td>{_spans(cell)}</td>"
                if head.numeric
                else f'<td class="text">{_spans(cell)}</td>'
            )
        yield (
            f'<tr class="{" ".join(kinds)}">{"".join(cells)}</tr>'
            if kinds
            else f"<tr>{''.join(cells)}</tr>"
        )
