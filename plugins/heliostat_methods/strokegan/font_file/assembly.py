"""Outlines to the tables of a font, with TrueType or CFF curves."""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np

from heliostat_methods.strokegan.font_file.characters import glyph_name
from heliostat_methods.strokegan.font_file.libraries import font_tools
from heliostat_methods.strokegan.font_file.scale import FontScale
from heliostat_methods.strokegan.tracing.outline import Outline

CREATED = 3_660_681_600
"""2020-01-01 in seconds since 1904: the same glyphs give the same bytes on any day."""
NO_HINTING = (
    "PUSHW[ ] 511", "SCANCTRL[ ]", "PUSHB[ ] 4", "SCANTYPE[ ]", "PUSHB[ ] 1 1", "INSTCTRL[ ]",
)  # fmt: skip
"""Turns instructions off. FreeType fits a font to the grid by itself where this program has 7 bytes
or fewer, which moves strokes by up to half a pixel; this one has 11."""
BLANK = Outline(np.zeros((0, 2)), np.zeros(0, np.bool_), np.zeros(0, np.int64))
SMOOTHED = 0x000A
"""gasp: grey and smooth at all sizes, never fitted to the grid."""


def assembled(
    outlines: Sequence[Outline], characters: Sequence[str], scale: FontScale,
    names: dict[str, str], embedding: int, curves: str,
) -> Any:  # fmt: skip
    """Return a TTFont of outlines in units; ``curves`` is ttf (quadratic) or otf (cubic).

    It has a box for what is missing, a space of half an em, and an ideographic space.
    """
    builder = font_tools("fontBuilder").FontBuilder(scale.upm, isTTF=curves == "ttf")
    glyphs = {".notdef": in_units(_box(scale.px), scale), "space": BLANK, "uni3000": BLANK}
    glyphs |= {glyph_name(one): outline for one, outline in zip(characters, outlines, strict=True)}
    builder.setupGlyphOrder(list(glyphs))
    spaces = {0x20: "space", 0x3000: "uni3000"}
    builder.setupCharacterMap(spaces | {ord(one): glyph_name(one) for one in characters})
    advances = dict.fromkeys(glyphs, scale.upm) | {"space": scale.upm // 2}
    if curves == "ttf":
        _quadratic(builder, glyphs, advances)
    else:
        _cubic(builder, glyphs, advances, names)
    builder.setupHorizontalHeader(ascent=scale.ascent, descent=-scale.descent, lineGap=0)
    builder.setupNameTable(names, mac=False)
    builder.setupOS2(
        version=4, fsType=embedding, fsSelection=0x00C0, achVendID="    ",
        sTypoAscender=scale.ascent, sTypoDescender=-scale.descent, sTypoLineGap=0,
        usWinAscent=scale.ascent, usWinDescent=scale.descent,
        ulCodePageRange1=_code_pages(characters),
    )  # fmt: skip
    builder.setupPost(keepGlyphNames=curves == "ttf")
    font = builder.font
    font["OS/2"].recalcUnicodeRanges(font)
    font.recalcTimestamp = False
    font["head"].created = font["head"].modified = CREATED
    font["head"].fontRevision = float(names["version"].split()[-1])
    return font


def name_strings(family: str, style: str, version: str) -> dict[str, str]:
    """Return names of a font; raises ValueError where one is empty or the version is no number."""
    for name, text in (("family", family), ("style", style)):
        if not text.strip() or not text.isprintable() or len(text) > 63:
            raise ValueError(f"{name}: {text!r}, expected 1 to 63 printable characters")
    if not re.fullmatch(r"[0-9]{1,4}\.[0-9]{1,3}", version):
        raise ValueError(f"version: {version!r}, expected a number such as 1.000")
    # PostScript takes ASCII without spaces; a family in Chinese has no such name of its own.
    plain = [re.sub(r"[^A-Za-z0-9]", "", text) for text in (family, style)]
    postscript = f"{plain[0] or 'Glyphs'}-{plain[1] or 'Regular'}"[:63]
    return {
        "familyName": family,
        "styleName": style,
        "uniqueFontIdentifier": f"{version};{postscript}",
        "fullName": f"{family} {style}",
        "version": f"Version {version}",
        "psName": postscript,
    }


def in_units(outline: Outline, scale: FontScale) -> Outline:
    """Return an outline in whole units above the baseline, without what has shrunk to nothing."""
    points = np.rint(outline.points * (scale.upm / scale.px) - [0, scale.descent])
    on = outline.on_curve
    after = np.arange(1, len(points) + 1)
    after[outline.ends] = [begin for begin, _ in outline.spans()]
    # A point goes if the one after it is at its place; a curve that starts there stays.
    keep = (points != points[after]).any(axis=1) | (on & ~on[after])
    if keep.all():
        return Outline(points, on, outline.ends)
    parts, ons = [], []
    for begin, end in outline.spans():
        some = keep[begin:end]
        here, is_on = points[begin:end][some], on[begin:end][some]
        if len(here) >= 3 and is_on.sum() >= 2:
            first = int(np.argmax(is_on))
            parts.append(np.roll(here, -first, axis=0))
            ons.append(np.roll(is_on, -first))
    if not parts:
        return BLANK
    ends = np.cumsum([len(part) for part in parts]) - 1
    return Outline(np.concatenate(parts), np.concatenate(ons), ends)


def _quadratic(builder: Any, glyphs: dict[str, Outline], advances: dict[str, int]) -> None:
    table, programs = font_tools("ttLib.tables._g_l_y_f"), font_tools("ttLib.tables.ttProgram")
    made = {}
    for name, outline in glyphs.items():
        glyph = made[name] = table.Glyph()
        glyph.numberOfContours = 0
        if outline.contours:
            glyph.numberOfContours = outline.contours
            glyph.coordinates = table.GlyphCoordinates(outline.points.astype(int).tolist())
            glyph.flags = array("B", outline.on_curve.astype(np.uint8).tobytes())
            glyph.endPtsOfContours = outline.ends.tolist()
            glyph.program = programs.Program()
            glyph.program.fromBytecode(b"")
    builder.setupGlyf(made)
    lefts = {name: getattr(glyph, "xMin", 0) for name, glyph in made.items()}
    builder.setupHorizontalMetrics({name: (advances[name], lefts[name]) for name in made})
    new_table = font_tools("ttLib").newTable
    builder.font["prep"] = prep = new_table("prep")
    prep.program = programs.Program()
    prep.program.fromAssembly(list(NO_HINTING))
    builder.font["maxp"].maxStackElements = 2
    builder.font["gasp"] = gasp = new_table("gasp")
    gasp.version, gasp.gaspRange = 1, {0xFFFF: SMOOTHED}


def _cubic(
    builder: Any, glyphs: dict[str, Outline], advances: dict[str, int], names: dict[str, str]
) -> None:  # fmt: skip
    pens = font_tools("pens.t2CharStringPen")
    reverse = font_tools("pens.reverseContourPen").ReverseContourPen
    made, lefts = {}, {}
    for name, outline in glyphs.items():
        pen = pens.T2CharStringPen(advances[name], None)
        # CFF has its outer contours the other way round.
        _draw(outline, reverse(pen))
        made[name] = pen.getCharString()
        lefts[name] = int(outline.points[:, 0].min()) if outline.contours else 0
    info = {"FullName": names["fullName"], "FamilyName": names["familyName"]}
    ascii_info = {key: text for key, text in info.items() if text.isascii()}
    builder.setupCFF(names["psName"], ascii_info, made, {})
    builder.setupHorizontalMetrics({name: (advances[name], lefts[name]) for name in made})


def _draw(outline: Outline, pen: Any) -> None:
    for begin, end in outline.spans():
        points = [tuple(point) for point in outline.points[begin:end].astype(int).tolist()]
        on = outline.on_curve[begin:end].tolist()
        pen.moveTo(points[0])
        for k in range(1, len(points) + 1):
            here, is_on = points[k % len(points)], on[k % len(points)]
            if not is_on:
                pen.qCurveTo(here, points[(k + 1) % len(points)])
            elif on[k - 1] and k < len(points):
                pen.lineTo(here)
        pen.closePath()


def _box(px: int) -> Outline:
    """Return the outline of a frame, in pixels: what is drawn for a character that is missing."""
    outer = np.array([[0.1, 0.1], [0.1, 0.9], [0.9, 0.9], [0.9, 0.1]]) * px
    inner = np.array([[0.15, 0.15], [0.85, 0.15], [0.85, 0.85], [0.15, 0.85]]) * px
    return Outline(np.concatenate([outer, inner]), np.ones(8, np.bool_), np.array([3, 7]))


def _code_pages(characters: Sequence[str]) -> int:
    """Return the bits by which systems know Latin, simplified and traditional Chinese fonts."""
    bits = 1
    for codec, bit in (("gb2312", 18), ("big5", 20)):
        if any(one.encode(codec, "ignore") for one in characters):
            bits |= 1 << bit
    return bits
