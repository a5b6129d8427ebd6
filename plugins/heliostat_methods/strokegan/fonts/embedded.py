"""Two small fonts that are always there, for a first run and for tests: a source and a target.

`sample-kai.ttf` is 1,000 characters of LXGW WenKai, `sample-kuaile.ttf` the same of ZCOOL KuaiLe;
both under the SIL Open Font License 1.1 (`data/fonts/OFL.txt`). `LXGW` is a reserved name, so the
parts have names of their own. `subsetting` made them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from heliostat_methods.strokegan.fonts.catalogue import EMBEDDED
from heliostat_methods.strokegan.fonts.coverage import common_characters


@dataclass(frozen=True)
class DefaultFonts:
    """The two embedded fonts."""

    source: Path
    target: Path

    def characters(self) -> tuple[str, ...]:
        """Return the characters that both have, in the order of GB2312."""
        return common_characters([(self.source, 0), (self.target, 0)])


def default_fonts() -> DefaultFonts:
    """Return the files of the embedded source and target font."""
    return DefaultFonts(EMBEDDED / "sample-kai.ttf", EMBEDDED / "sample-kuaile.ttf")
