"""Small fonts made for tests: squares where a glyph should be, or nothing."""

from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen


def square(side, corner=(0, 0)):
    pen = TTGlyphPen(None)
    x, y = corner
    pen.moveTo((x, y))
    for point in ((x, y + side), (x + side, y + side), (x + side, y)):
        pen.lineTo(point)
    pen.closePath()
    return pen.glyph()


def write_font(path: Path, sides: dict[str, int]) -> Path:
    """Write a font whose characters are squares of these sides in units of 1000; 0 is empty."""
    names = {char: f"uni{ord(char):04X}" for char in sides}
    glyphs = {".notdef": square(500)} | {
        names[char]: square(side) if side else TTGlyphPen(None).glyph()
        for char, side in sides.items()
    }
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap({ord(char): name for char, name in names.items()})
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics({name: (1000, 0) for name in glyphs})
    builder.setupHorizontalHeader(ascent=875, descent=-125)
    builder.setupNameTable({"familyName": "Squares", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return path
