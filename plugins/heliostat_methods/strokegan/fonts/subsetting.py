"""Makes the two embedded fonts from the whole ones, always the same bytes from the same files.

    apt-get install fonts-lxgw-wenkai
    npm install --prefix FOLDER @fontsource/zcool-kuaile@5.3.0
    HELIOSTAT_FONTS=FOLDER python -m heliostat_methods.strokegan.fonts.subsetting

Characters are those of GB2312 level 1 that both fonts have: 永国龙一, by which pictures are
checked, and the rest evenly spread. A part of a font may not bear the font's reserved name
(OFL 1.1, condition 3), so both are renamed; copyright and licence stay.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from heliostat.terminal import say
from heliostat_methods.strokegan.fonts.catalogue import resolved
from heliostat_methods.strokegan.fonts.coverage import common_characters
from heliostat_methods.strokegan.fonts.embedded import default_fonts
from heliostat_methods.strokegan.fonts.errors import FontError
from heliostat_methods.strokegan.fonts.font_file import opened, package

CHECKED = "永国龙一"
COUNT = 1000
SOURCE, TARGET = "lxgw-wenkai", "zcool-kuaile"
_UNUSED = ["GSUB", "GPOS", "GDEF", "BASE", "vhea", "vmtx", "DSIG"]
"""Tables for setting text, which pictures of single characters do without."""
_COPYRIGHT, _LICENCE, _LICENCE_PAGE = 0, 13, 14
_OFL = "This Font Software is licensed under the SIL Open Font License, Version 1.1."


def spread(chars: Sequence[str], count: int = COUNT, first: str = CHECKED) -> tuple[str, ...]:
    """Return `count` of the characters, `first` among them and the rest evenly spread, in order.

    Raises ``ValueError`` where there are fewer.
    """
    rest = [char for char in chars if char not in first]
    needed = count - (len(chars) - len(rest))
    if not 0 <= needed <= len(rest):
        raise ValueError(f"count must be from {count - needed} to {len(chars)}, got {count}")
    taken = {rest[at * len(rest) // needed] for at in range(needed)}
    return tuple(char for char in chars if char in taken or char in first)


def write_subset(file: Path, chars: Sequence[str], family: str, into: Path) -> int:
    """Write the part of a font that draws some characters, renamed; return its size in bytes.

    `family`: its new name, which holds no reserved one.
    """
    library = package("fontTools.subset", "fonttools")
    options = library.Options(
        hinting=True, notdef_outline=True, layout_features=[], drop_tables=_UNUSED,
        name_IDs=[_COPYRIGHT, _LICENCE, _LICENCE_PAGE], name_languages=[0x409], legacy_cmap=False,
    )  # fmt: skip
    font = opened(file)
    font.recalcTimestamp = False
    font.flavor = None
    part = library.Subsetter(options)
    part.populate(text="".join(chars))
    part.subset(font)
    _rename(font["name"], family)
    font.save(into)
    return into.stat().st_size


def _rename(names: Any, family: str) -> None:
    windows = (3, 1, 0x409)
    names.names = [one for one in names.names if one.platformID == windows[0]]
    plain = family.replace(" ", "")
    for number, text in (
        (1, family), (2, "Regular"), (3, f"1.000;{plain}"), (4, family), (5, "Version 1.000"),
        (6, f"{plain}-Regular"), (_LICENCE, _OFL), (_LICENCE_PAGE, "https://openfontlicense.org"),
    ):  # fmt: skip
        names.setName(text, number, *windows)


def main() -> int:
    """Write both fonts where `default_fonts` finds them; return the exit status."""
    try:
        (source, source_face), (target, target_face) = resolved(SOURCE), resolved(TARGET)
    except FontError as error:
        say(str(error))
        return 1
    chars = spread(common_characters([(source, source_face), (target, target_face)]))
    made = default_fonts()
    for file, family, into in (
        (source, "Heliostat Sample Kai", made.source),
        (target, "Heliostat Sample Kuaile", made.target),
    ):
        size = write_subset(file, chars, family, into)
        say(f"{into.name}: {len(chars):,} characters, {size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
