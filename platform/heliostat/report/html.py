"""Sections as one self-contained HTML file: no script, no network, readable in ten years.

The file is also well-formed XML, so that any tool can take it apart. A Content-Security-Policy
forbids what escaping already prevents: even a mistake here could not run or fetch anything.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from heliostat.contract.sections import (
    Block,
    Folded,
    Frames,
    HeatMap,
    Image,
    Picture,
    Plot,
    Section,
    Table,
    Text,
)
from heliostat.report import tables
from heliostat.report.heat import draw_heat
from heliostat.report.marks import DARK, PHONE, WIDTH
from heliostat.report.svg import draw
from heliostat.report.typeset import escape

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

_DARK_SERIES = "".join(f"--series-{n}:{colour};" for n, colour in enumerate(DARK))

STYLE = (
    """
:root{color-scheme:light dark;--ink:#1f2328;--soft:#5b6470;--rule:#d9dde3;--paper:#fdfdfc;
--shade:#f2f4f6;--accent:#0b5cad;--warn:#b35900}
@media screen and (prefers-color-scheme:dark){:root{--ink:#dfe3e8;--soft:#98a2ae;--rule:#353b44;
--paper:#15181c;--shade:#1e2329;--accent:#79b8ff;--warn:#f5924d;"""
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
.narrow{display:none}
.scroll img{max-width:100%;height:auto}
.pixels{image-rendering:pixelated}
.banner{margin-top:1rem;padding:.7rem 1rem;border-left:.3rem solid var(--warn);
background:var(--shade);color:var(--ink)}
details{margin:1rem 0}
summary{cursor:pointer;color:var(--accent)}
table{border-collapse:collapse;font-size:.9rem;line-height:1.4;min-width:min(100%,24rem);
font-variant-numeric:tabular-nums}
th,td{padding:.4rem 1.4rem .4rem 0;text-align:left;vertical-align:baseline;
border-bottom:1px solid var(--rule);max-width:26rem}
th{font-weight:600;border-bottom-color:var(--soft);vertical-align:bottom}
th:last-child,td:last-child{padding-right:.25rem}
.n{text-align:right;white-space:nowrap}
.frames{margin:1.5rem 0 2rem}
.frames legend{color:var(--soft);font-size:.9rem;padding:0}
.frames fieldset{border:0;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:.1rem .9rem}
.frames label{order:1;padding:.45rem 0;font-size:.9rem;font-variant-numeric:tabular-nums}
.frames figure,.frames figcaption{order:2;width:100%;margin:.35rem 0 0}
@media screen{.frames label:has(input:not(:checked))+figure{display:none}}
tbody tr:hover{background:var(--shade)}
.none{color:var(--soft)}
@media screen and (max-width:34rem){body{padding:1.5rem .9rem 3rem}h1{font-size:1.45rem}
.wide{display:none}.narrow{display:block}th,td{padding-right:.9rem;max-width:60vw;
overflow-wrap:break-word}.n{overflow-wrap:normal}}
@media print{body{max-width:none;padding:0;font-size:10.5pt}nav{display:none}
h2{break-after:avoid}figure,tr,pre{break-inside:avoid}.scroll{overflow:visible}
.frames legend,.frames label,.frames .between{display:none}
pre{white-space:pre-wrap}a{color:inherit}}
"""
)


def render(
    title: str,
    sections: Sequence[Section],
    subtitle: str = "",
    *,
    banner: str = "",
    lead: Sequence[Block] = (),
) -> str:
    """Return the report as one HTML document; all text in it is escaped.

    `banner` is what a reader must know before anything else, `lead` what stands before the first
    heading.
    """
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8"/>',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"/>',
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style></head>",
        f"<body><header><h1>{escape(title)}</h1>",
        f"<p>{escape(subtitle)}</p>" if subtitle else "",
        f'<p class="banner" role="status">{escape(banner)}</p>' if banner else "",
        *map(_block, lead),
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


def _block(block: Block) -> str:
    match block:
        case Text(body, code=True):
            return f"<pre><code>{escape(body)}</code></pre>"
        case Text(body):
            parts = [escape(part.strip()) for part in body.split("\n\n")]
            if block.strong:
                parts = [f"<strong>{part}</strong>" if part else "" for part in parts]
            return "".join(f"<p>{part}</p>" for part in parts if part)
        case Table():
            return tables.drawn(block)
        case Plot():
            return _figure(_both(draw(block), draw(block, PHONE)), block.note)
        case Frames():
            return _frames(block)
        case HeatMap():
            return _figure(_both(draw_heat(block), draw_heat(block, PHONE)), block.note)
        case Picture():
            return _figure(_image(block.title, "svg+xml", block.svg.encode()), block.note)
        case Image():
            width, height = (block.scale * side for side in block.size)
            sides = f' class="pixels" width="{width}" height="{height}"'
            return _figure(_image(block.title, "png", block.png, sides), block.note)
        case Folded():
            inside = "\n".join(map(_block, block.content))
            summary = f"<summary>{escape(block.title)}</summary>"
            return f"<details>{summary}{inside}</details>"


def _frames(frames: Frames) -> str:
    """Return a button before each plot; the style shows the plot of the one that is chosen.

    Buttons of a form are a group of their own, whatever else the page has. A form of this method
    that is in no dialog cannot be sent.
    """
    parts, last = [], len(frames.plots) - 1
    for place, (name, plot) in enumerate(zip(frames.names, frames.plots, strict=True)):
        chosen = ' checked="checked"' if place == last else ""
        parts.append(f'<label><input type="radio" name="at"{chosen}/> {escape(name)}</label>')
        wide, narrow = (draw(plot, size, frames.plots) for size in (WIDTH, PHONE))
        between = ' class="between"' if 0 < place < last else ""
        parts.append(f"<figure{between}>{_both(wide, narrow)}</figure>")
    if frames.note:
        parts.append(f"<figcaption>{escape(frames.note)}</figcaption>")
    legend = f"<legend>{escape(frames.title)}</legend>"
    inside = "\n".join(parts)
    return f'<form class="frames" method="dialog"><fieldset>{legend}{inside}</fieldset></form>'


def _both(wide: str, narrow: str) -> str:
    """Return a drawing for a page and for a phone; the style shows one of them."""
    return f'<div class="wide">{wide}</div><div class="narrow">{narrow}</div>'


def _image(title: str, kind: str, data: bytes, more: str = "") -> str:
    """Return a stranger's picture as an image: so no browser runs or fetches what it holds."""
    text = base64.b64encode(data).decode("ascii")
    return f'<img alt="{escape(title)}"{more} src="data:image/{kind};base64,{text}"/>'


def _figure(picture: str, note: str) -> str:
    said = f"<figcaption>{escape(note)}</figcaption>" if note else ""
    return f'<figure><div class="scroll">{picture}</div>{said}</figure>'
