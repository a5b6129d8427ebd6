"""Sections as one self-contained HTML file: no script, no network, readable in ten years.

The file is also well-formed XML, so that any tool can take it apart. A Content-Security-Policy
forbids what escaping already prevents: even a mistake here could not run or fetch anything.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from numbers import Real

from heliostat.contract.sections import HeatMap, Picture, Plot, Section, Table, Text
from heliostat.report.heat import draw_heat
from heliostat.report.marks import DARK
from heliostat.report.svg import draw
from heliostat.report.typeset import cell, escape

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

_DARK_SERIES = "".join(f"--series-{n}:{colour};" for n, colour in enumerate(DARK))

STYLE = (
    """
:root{color-scheme:light dark;--ink:#1f2328;--soft:#5b6470;--rule:#d9dde3;--paper:#fdfdfc;
--shade:#f2f4f6;--accent:#0b5cad}
@media screen and (prefers-color-scheme:dark){:root{--ink:#dfe3e8;--soft:#98a2ae;--rule:#353b44;
--paper:#15181c;--shade:#1e2329;--accent:#79b8ff;"""
    + _DARK_SERIES
    + """}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:50rem;padding:3rem 1.25rem 5rem;color:var(--ink);
background:var(--paper);font:1rem/1.6 system-ui,-apple-system,"Segoe UI",sans-serif;
overflow-wrap:break-word}
header{border-bottom:1px solid var(--rule);padding-bottom:1.25rem;margin-bottom:1.5rem}
h1{font-size:1.9rem;line-height:1.2;letter-spacing:-.015em;margin:0}
header p{margin:.5rem 0 0;color:var(--soft)}
nav ol{margin:0;padding:0;list-style:none;display:flex;flex-wrap:wrap;gap:.15rem 1.4rem;
font-size:.925rem}
a{color:var(--accent);text-decoration:none}
a:hover,a:focus-visible{text-decoration:underline}
section{margin-top:2.75rem}
h2{font-size:1.3rem;line-height:1.3;margin:0 0 .75rem;letter-spacing:-.005em}
p{margin:.75rem 0;max-width:42rem}
pre{margin:.9rem 0;padding:.75rem 1rem;background:var(--shade);border-radius:6px;overflow-x:auto;
font:.85rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
figure{margin:1.5rem 0 2rem}
figcaption,caption{color:var(--soft);font-size:.9rem;line-height:1.5;text-align:left}
figcaption{max-width:42rem;margin-top:.35rem}
caption{padding-bottom:.45rem}
caption span{position:sticky;left:0;display:inline-block;max-width:min(42rem,calc(100vw - 2.5rem))}
.scroll{overflow-x:auto}
.scroll .hp{min-width:34rem}
.scroll img{max-width:100%;height:auto}
table{border-collapse:collapse;font-size:.9rem;line-height:1.4;min-width:min(100%,24rem);
font-variant-numeric:tabular-nums}
th,td{padding:.4rem 1.4rem .4rem 0;text-align:left;vertical-align:baseline;
border-bottom:1px solid var(--rule);max-width:26rem}
th{font-weight:600;border-bottom-color:var(--soft);vertical-align:bottom}
th:last-child,td:last-child{padding-right:.25rem}
.n{text-align:right;white-space:nowrap}
tbody tr:hover{background:var(--shade)}
.none{color:var(--soft)}
@media print{body{max-width:none;padding:0;font-size:10.5pt}nav{display:none}
h2{break-after:avoid}figure,tr,pre{break-inside:avoid}.scroll{overflow:visible}
pre{white-space:pre-wrap}a{color:inherit}}
"""
)


def render(title: str, sections: Sequence[Section], subtitle: str = "") -> str:
    """Return the report as one HTML document; all text in it is escaped."""
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8"/>',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"/>',
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style></head>",
        f"<body><header><h1>{escape(title)}</h1>",
        f"<p>{escape(subtitle)}</p>" if subtitle else "",
        "</header>",
        _contents(sections),
        "<main>",
        fragment(sections),
        "</main></body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def fragment(sections: Sequence[Section]) -> str:
    """Return the sections as elements for a page that has this module's `STYLE`."""
    parts = []
    for position, section in enumerate(sections, start=1):
        parts.append(f'<section id="s{position}"><h2>{escape(section.title)}</h2>')
        parts += [_block(block) for block in section.content]
        parts.append("</section>")
    return "\n".join(part for part in parts if part)


def _contents(sections: Sequence[Section]) -> str:
    """Return the table of contents; a report of one section needs none."""
    if len(sections) < 2:
        return ""
    entries = "".join(
        f'<li><a href="#s{position}">{escape(section.title)}</a></li>'
        for position, section in enumerate(sections, start=1)
    )
    return f'<nav aria-label="Contents"><ol>{entries}</ol></nav>'


def _block(block: Text | Table | Plot | HeatMap | Picture) -> str:
    match block:
        case Text(body, code=True):
            return f"<pre><code>{escape(body)}</code></pre>"
        case Text(body):
            parts = [escape(part.strip()) for part in body.split("\n\n")]
            if block.strong:
                parts = [f"<strong>{part}</strong>" if part else "" for part in parts]
            return "".join(f"<p>{part}</p>" for part in parts if part)
        case Table():
            return _table(block)
        case Plot():
            return _figure(draw(block), block.note)
        case HeatMap():
            return _figure(draw_heat(block), block.note)
        case Picture():
            return _figure(_image(block), block.note)


def _image(picture: Picture) -> str:
    """Return a stranger's SVG as an image: so no browser runs or fetches what it holds."""
    data = base64.b64encode(picture.svg.encode()).decode("ascii")
    return f'<img alt="{escape(picture.title)}" src="data:image/svg+xml;base64,{data}"/>'


def _figure(picture: str, note: str) -> str:
    said = f"<figcaption>{escape(note)}</figcaption>" if note else ""
    return f'<figure><div class="scroll">{picture}</div>{said}</figure>'


def _table(table: Table) -> str:
    """Return the table; a column of numbers has its head on the right as well."""
    caption = f"<caption><span>{escape(table.caption)}</span></caption>" if table.caption else ""
    wide = max([len(table.columns), *(len(row) for row in table.rows)])
    heads = []
    numeric_columns = []
    for column in range(wide):
        values = [row[column] for row in table.rows if column < len(row)]
        values = [value for value in values if value is not None]
        numeric = bool(values) and all(_is_number(value) for value in values)
        name = escape(table.columns[column]) if column < len(table.columns) else ""
        numeric_columns.append(numeric)
        heads.append(f'<th scope="col"{_css("n" if numeric else "")}>{name}</th>')
    rows = []
    for row in table.rows:
        cells = [
            _cell(value, numeric) for value, numeric in zip(row, numeric_columns, strict=False)
        ]
        cells += ["<td></td>"] * (wide - len(row))
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return (
        f'<figure class="scroll"><table>{caption}<thead><tr>{"".join(heads)}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></figure>"
    )


def _cell(value: object, numeric: bool) -> str:
    """Return one cell; a float that was rounded carries all its digits as a tooltip."""
    shown = cell(value)
    if not _is_number(value):
        # An absent value stands where the others of its column do.
        names = ("n none" if numeric else "none") if value is None else ""
        return f"<td{_css(names)}>{escape(shown)}</td>"
    exact = str(value) if isinstance(value, float) and math.isfinite(value) else shown
    full = f' title="{escape(exact)}"' if len(exact) > len(shown) else ""
    return f"<td{_css('n')}{full}>{escape(shown)}</td>"


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _css(names: str) -> str:
    return f' class="{names}"' if names else ""
