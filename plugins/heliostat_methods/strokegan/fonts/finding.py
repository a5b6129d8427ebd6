"""What `heliostat doctor` says of fonts."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from heliostat.contract import Finding
from heliostat_methods.strokegan.fonts.catalogue import (
    FONTS_VARIABLE,
    FontStatus,
    font_statuses,
)

PACKAGES = {"fontTools": "fonttools", "PIL": "pillow"}
"""Modules that read fonts and draw them, with the packages that bring them."""


def findings(statuses: Sequence[FontStatus] | None = None) -> list[Finding]:
    """Return which known fonts are there, and the package that brings the first that is not.

    No font is missing for good: the embedded ones are enough for a first run, so all is ok.
    """
    statuses = font_statuses() if statuses is None else statuses
    others = [one for one in statuses if one.font.origin != "embedded"]
    there = [one.font.name for one in others if one.file is not None]
    absent = [one.font for one in others if one.file is None]
    said = [f"{len(statuses) - len(others)} embedded, {len(there)} of {len(others)} others"]
    if there:
        said[0] += f": {', '.join(there)}"
    if absent:
        said.append(f"one more: {absent[0].get}")
    if not there:
        said.append(f"folders of your own: {FONTS_VARIABLE}")
    lacking = [name for module, name in PACKAGES.items() if not importlib.util.find_spec(module)]
    if lacking:
        said.append(f"to draw them: pip install {' '.join(lacking)}")
    return [Finding("fonts", "ok", "; ".join(said))]
