"""Images of glyphs to a font file: milliseconds a glyph, and how alike the font draws them.

    python benchmarks/strokegan_export.py [--font FILE] [--face 0] [--glyphs 500] [--json]

Glyphs are the first of GB2312 level 1 that the font has, drawn four times as large and averaged;
without --font it is the first of gkai00mp.ttf, wqy-zenhei.ttc and any Chinese one that fontconfig
knows. The other side is what one writes first: marching squares cell by cell in plain Python,
polygons by Ramer-Douglas-Peucker at the same 0.15 pixels, a font by fontTools' builder and pens,
1000 units an em. Both sides trace the same blocks of 50 glyphs in turns; times are of this thread's
CPU. Ours of the whole export includes the check that draws every glyph again, the other's does not.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw, ImageFont

from heliostat_methods.strokegan.font_file.check import check_font
from heliostat_methods.strokegan.font_file.export import export_font
from heliostat_methods.strokegan.font_file.licence import FontLicence
from heliostat_methods.strokegan.tracing.contours import contours
from heliostat_methods.strokegan.tracing.outline import outlines

FIRST = ("gkai00mp.ttf", "wqy-zenhei.ttc")
BLOCK = 50
FINE = 4
Point = tuple[float, float]


def plain_contours(image: np.ndarray) -> list[list[Point]]:
    """Return closed contours at a half, cell by cell: x right, y up, ink on the right hand."""
    height, width = image.shape
    ink = [[0.0] * (width + 2)]
    ink += [[0.0, *(1.0 - float(v) for v in row), 0.0] for row in image]
    ink += [[0.0] * (width + 2)]
    leads: dict[tuple[str, int, int], tuple[str, int, int]] = {}
    # Sides of a cell that a contour enters and leaves by, for each of 16 cells; bits from the left
    # upper pixel clockwise. Saddles are looked at below.
    table = {1: "LB", 2: "BR", 3: "LR", 4: "RT", 6: "BT", 7: "LT", 8: "TL", 9: "TB", 11: "TR",
             12: "RL", 13: "RB", 14: "BL"}  # fmt: skip
    for y in range(height + 1):
        for x in range(width + 1):
            a, b, c, d = ink[y][x], ink[y][x + 1], ink[y + 1][x + 1], ink[y + 1][x]
            case = 8 * (a >= 0.5) + 4 * (b >= 0.5) + 2 * (c >= 0.5) + (d >= 0.5)
            if case in (0, 15):
                continue
            joined = a + b + c + d >= 2.0
            if case == 5:
                ways = ["LT", "RB"] if joined else ["LB", "RT"]
            elif case == 10:
                ways = ["TR", "BL"] if joined else ["TL", "BR"]
            else:
                ways = [table[case]]
            sides = {"T": ("h", y, x), "B": ("h", y + 1, x), "L": ("v", y, x), "R": ("v", y, x + 1)}
            for way in ways:
                leads[sides[way[0]]] = sides[way[1]]

    def place(side: tuple[str, int, int]) -> Point:
        kind, y, x = side
        near = ink[y][x]
        far = ink[y][x + 1] if kind == "h" else ink[y + 1][x]
        share = (0.5 - near) / (far - near)
        right, down = (share, 0.0) if kind == "h" else (0.0, share)
        return x + right - 0.5, height - (y + down - 0.5)

    found = []
    while leads:
        first, after = leads.popitem()
        loop = [place(first)]
        while after != first:
            loop.append(place(after))
            after = leads.pop(after)
        found.append(loop)
    return found


def plain_polygon(loop: list[Point], tolerance: float = 0.15) -> list[Point]:
    """Return a closed polygon of fewer points, by Ramer-Douglas-Peucker."""
    x0, y0 = loop[0]
    far = max(range(len(loop)), key=lambda k: (loop[k][0] - x0) ** 2 + (loop[k][1] - y0) ** 2)
    closed, keep, stack = [*loop, loop[0]], {0, far}, [(0, far), (far, len(loop))]
    while stack:
        begin, end = stack.pop()
        (ax, ay), (bx, by) = closed[begin], closed[end]
        dx, dy = bx - ax, by - ay
        length = (dx * dx + dy * dy) ** 0.5 or 1e-12
        most, worst = 0.0, begin
        for k in range(begin + 1, end):
            off = abs(dx * (closed[k][1] - ay) - dy * (closed[k][0] - ax)) / length
            if off > most:
                most, worst = off, k
        if most > tolerance:
            keep.add(worst)
            stack += [(begin, worst), (worst, end)]
    return [loop[k] for k in sorted(keep)]


def plain_font(traced: list[list[list[Point]]], characters: str, px: int, path: Path) -> None:
    """Write polygons as a font by fontTools' pens."""
    upm, ascent = 1000, 875
    names = [f"uni{ord(one):04X}" for one in characters]
    glyphs: dict[str, Any] = {".notdef": TTGlyphPen(None).glyph()}
    for name, polygons in zip(names, traced, strict=True):
        pen = TTGlyphPen(None)
        for polygon in polygons:
            if len(polygon) < 3:
                continue
            points = [(round(x * upm / px), round(y * upm / px) - upm + ascent) for x, y in polygon]
            pen.moveTo(points[0])
            for point in points[1:]:
                pen.lineTo(point)
            pen.closePath()
        glyphs[name] = pen.glyph()
    builder = FontBuilder(upm, isTTF=True)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap(dict(zip(map(ord, characters), names, strict=True)))
    builder.setupGlyf(glyphs)
    table = builder.font["glyf"]
    builder.setupHorizontalMetrics({n: (upm, getattr(table[n], "xMin", 0)) for n in glyphs})
    builder.setupHorizontalHeader(ascent=ascent, descent=ascent - upm)
    builder.setupNameTable({"familyName": "Plain", "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=ascent, sTypoDescender=ascent - upm)
    builder.setupPost()
    builder.save(path)


def chinese_font() -> Path:
    """Return a font that fontconfig knows, or end with what to do."""
    try:
        lines = subprocess.run(["fc-list", ":lang=zh", "file"], capture_output=True, text=True)
        files = sorted(Path(line.strip().rstrip(":")) for line in lines.stdout.splitlines())
    except FileNotFoundError:
        files = []
    for name in FIRST:
        files.sort(key=lambda file: file.name != name)
        if files and files[0].name == name:
            return files[0]
    if not files:
        sys.exit("no Chinese font is installed; name one with --font")
    return files[0]


def glyph_images(file: Path, face: int, count: int, px: int) -> tuple[str, np.ndarray]:
    """Return characters and their images (N, px, px), white 1."""
    with TTFont(file, fontNumber=face, lazy=True) as font:
        known = font.getBestCmap()
    level_1 = (bytes([a, b]) for a in range(0xB0, 0xD8) for b in range(0xA1, 0xFF))
    every = (pair.decode("gb2312", "ignore") for pair in level_1)
    characters = [one for one in every if one and ord(one) in known][:count]
    drawing = ImageFont.truetype(str(file), round(0.875 * px * FINE), face)
    side, found = px * FINE, []
    for character in characters:
        page = Image.new("L", (side, side), 255)
        draw = ImageDraw.Draw(page)
        left, top, right, bottom = draw.textbbox((0, 0), character, font=drawing)
        at = ((side - left - right) / 2, (side - top - bottom) / 2)
        draw.text(at, character, font=drawing, fill=0)
        found.append(np.asarray(page, float).reshape(px, FINE, px, FINE).mean(axis=(1, 3)) / 255)
    return "".join(characters), np.array(found)


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return this thread's CPU seconds, and what came out."""
    began = time.thread_time()
    found = work()
    return time.thread_time() - began, found


def in_turns(images: np.ndarray) -> tuple[dict[str, float], list[list[list[Point]]]]:
    """Return seconds of both sides over blocks of glyphs, and the other side's polygons."""
    spent = dict.fromkeys(("ours", "squares", "peer", "plain squares"), 0.0)
    polygons: list[list[list[Point]]] = []
    outlines(images[:2])  # what loads on first use is not measured
    for begin in range(0, len(images), BLOCK):
        some = images[begin : begin + BLOCK]
        for name, work in (("ours", outlines), ("squares", contours)):
            spent[name] += seconds(lambda work=work, some=some: work(some))[0]
        took, loops = seconds(lambda some=some: [plain_contours(image) for image in some])
        spent["plain squares"] += took
        more, simpler = seconds(lambda loops=loops: [[plain_polygon(q) for q in p] for p in loops])
        spent["peer"] += took + more
        polygons += simpler
    return spent, polygons


def measure(characters: str, images: np.ndarray, folder: Path) -> dict[str, dict[str, object]]:
    """Return both sides of every claim."""
    count, px = len(images), images.shape[1]
    spent, polygons = in_turns(images)
    licence = FontLicence("source", "benchmark", "for measuring only")
    export, report = seconds(
        lambda: export_font(
            images, characters, folder / "ours.ttf", family="Ours", licences=[licence]
        )
    )
    plain = folder / "plain.ttf"
    build, _ = seconds(lambda: plain_font(polygons, characters, px, plain))
    other = check_font(plain, images, characters)
    ms = 1e3 / count
    points = sum(len(polygon) for glyph in polygons for polygon in glyph)
    rows = [
        ("marching squares", ms * spent["squares"], ms * spent["plain squares"], "ms a glyph"),
        ("tracing", ms * spent["ours"], ms * spent["peer"], "ms a glyph"),
        ("whole export", ms * export, ms * (spent["peer"] + build), "ms a glyph"),
        ("points", report.points / count, points / count, "a glyph"),
        ("size", report.bytes / 1024, plain.stat().st_size / 1024, "KB"),
        ("L1", report.check.mean_l1, other.mean_l1, "of white"),
        ("mean IoU", report.check.mean_iou, other.mean_iou, "of ink"),
        ("least IoU", report.check.least_iou, other.least_iou, "of ink"),
    ]
    found: dict[str, dict[str, object]] = {}
    print(f"{'':<18} {'ours':>9} {'plain':>9} {'ratio':>7}")
    for name, ours, peer, unit in rows:
        # of overlaps more is better, of all else less
        ratio = ours / peer if "IoU" in name else peer / ours
        print(f"{name:<18} {ours:>9.4g} {peer:>9.4g} {ratio:>7.3g}  {unit}")
        found[f"{name}, {count} glyphs at {px} px"] = {
            "ours": ours, "peer": peer, "ratio": ratio, "unit": unit,
        }  # fmt: skip
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Print both sides of every claim; the last line as JSON if asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--font", type=Path, help="a Chinese font file")
    parser.add_argument("--face", type=int, default=0, help="which face of a collection")
    parser.add_argument("--glyphs", type=int, default=500)
    parser.add_argument("--px", type=int, default=128, help="side of the images")
    parser.add_argument("--json", action="store_true", help="last line as JSON")
    args = parser.parse_args(arguments)
    file = args.font or chinese_font()
    characters, images = glyph_images(file, args.face, args.glyphs, args.px)
    print(f"{len(characters)} glyphs of {file.name} at {args.px} pixels, one thread")
    with tempfile.TemporaryDirectory() as folder:
        found = measure(characters, images, Path(folder))
    if args.json:
        print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
