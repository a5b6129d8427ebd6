"""Images of glyphs to a font file that draws them again.

>>> import numpy as np, tempfile, pathlib
>>> from heliostat_methods.strokegan.font_file.export import export_font
>>> from heliostat_methods.strokegan.font_file.licence import FontLicence
>>> images = np.ones((1, 64, 64))
>>> images[0, 28:36, 8:56] = 0.0
>>> mine = FontLicence("drawings", "by hand", "CC0 1.0")
>>> path = pathlib.Path(tempfile.mkdtemp(), "one.ttf")
>>> export_font(images, "一", path, family="One Stroke", licences=[mine]).check.least_iou
1.0
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from numpy.typing import ArrayLike

from heliostat_methods.strokegan.font_file.assembly import assembled, in_units, name_strings
from heliostat_methods.strokegan.font_file.characters import checked_characters, listed
from heliostat_methods.strokegan.font_file.check import FontCheck, check_font
from heliostat_methods.strokegan.font_file.licence import (
    FontLicence,
    checked_licences,
    joint_embedding,
)
from heliostat_methods.strokegan.font_file.scale import ASCENT, FontScale, font_scale
from heliostat_methods.strokegan.metrics.checks import Floats, checked_images
from heliostat_methods.strokegan.tracing.outline import Outline, outlines
from heliostat_methods.strokegan.tracing.segments import TOLERANCE

CURVES = ("ttf", "otf")
FAINTEST = 1.0 / 255.0
"""An image with less ink everywhere is blank."""


@dataclass(frozen=True)
class FontReport:
    """What was written, and how well it draws what it was made from."""

    path: Path
    scale: FontScale
    points: int
    """Points of all outlines, the font's own boxes and spaces aside."""
    bytes: int
    check: FontCheck
    left_out: tuple[str, ...] = ()
    """Characters in whose image no ink reaches a half."""

    def __str__(self) -> str:
        check = self.check
        return (
            f"{self.path.name}: {len(check.glyphs):,} glyphs, {self.bytes / 1024:,.0f} KB; drawn "
            f"again at {check.px} pixels: IoU {check.mean_iou:.3f} on average, "
            f"{check.least_iou:.3f} at least, L1 {check.mean_l1:.4f}"
        )


def export_font(
    images: ArrayLike,
    characters: Sequence[str],
    path: str | Path,
    *,
    family: str,
    licences: Sequence[FontLicence],
    style: str = "Regular",
    version: str = "1.000",
    upm: int | None = None,
    ascent: float = ASCENT,
    tolerance: float = TOLERANCE,
    allow_restricted: bool = False,
    leave_out: bool = False,
) -> FontReport:
    """Write images (N, px, px) in [0, 1], white 1, as a font, and say how well it draws them.

    The ending of ``path`` says how: .ttf has quadratic curves, .otf cubic ones. ``licences`` are
    those of the source and the target font, by ``read_licence``; ``upm`` are units per em, a
    multiple of px near 2048 unless given; ``ascent`` is the share above the baseline;
    ``tolerance`` is in pixels, see ``outlines``. With ``leave_out`` characters in whose image no
    ink reaches a half are left out and told, unless nothing remains. Raises ValueError for a
    character that comes twice or more, a blank image, one in which no ink reaches a half, settings
    outside their ranges, and a restricted font without ``allow_restricted``; nothing is written.
    """
    target = Path(path)
    curves = target.suffix.lower().removeprefix(".")
    if curves not in CURVES:
        raise ValueError(f"path: {target.name!r}, expected an ending .ttf or .otf")
    if not target.parent.is_dir():
        raise ValueError(f"path: {target.parent} is no folder")
    some, stack = checked_characters(characters), _checked_stack(images, characters)
    names = name_strings(family, style, version)
    names |= checked_licences(licences, family, allow_restricted)
    scale = font_scale(stack.shape[1], upm, ascent)
    if not leave_out:
        _refuse_blank(stack, some)
    traced = [in_units(outline, scale) for outline in outlines(stack, tolerance)]
    there = [at for at, outline in enumerate(traced) if outline.contours]
    if not (leave_out and there):
        _refuse_empty(traced, some)
    left_out = tuple(one for one, outline in zip(some, traced, strict=True) if not outline.contours)
    if left_out:
        stack, some = stack[there], [some[at] for at in there]
        traced = [traced[at] for at in there]
    font = assembled(traced, some, scale, names, joint_embedding(licences), curves)
    # A file that fails its own check half way is never left at the place that was asked for.
    handle, name = tempfile.mkstemp(suffix=target.suffix, dir=target.parent)
    os.close(handle)
    written = Path(name)
    try:
        font.save(written)
        check = check_font(written, stack, some)
        size = written.stat().st_size
        written.chmod(0o644)
        written.replace(target)
    finally:
        written.unlink(missing_ok=True)
    points = sum(len(one.points) for one in traced)
    return FontReport(target, scale, points, size, check, left_out)


def _checked_stack(images: ArrayLike, characters: Sequence[str]) -> Floats:
    stack = checked_images(images, "images")
    if stack.shape[1] != stack.shape[2]:
        raise ValueError(f"images: {stack.shape[1]} x {stack.shape[2]} pixels, expected squares")
    if len(stack) != len(characters):
        raise ValueError(f"images: {len(stack)}, expected {len(characters)}, one a character")
    return stack


def _refuse_blank(stack: Floats, characters: Sequence[str]) -> None:
    faint = ((1.0 - stack).max(axis=(1, 2)) < FAINTEST).tolist()
    blank = [one for one, is_faint in zip(characters, faint, strict=True) if is_faint]
    if blank:
        raise ValueError(f"images: blank for {listed(blank)}; leave these characters out")


def _refuse_empty(traced: Sequence[Outline], characters: Sequence[str]) -> None:
    both = zip(characters, traced, strict=True)
    empty = [one for one, outline in both if not outline.contours]
    if empty:
        raise ValueError(
            f"images: no contour for {listed(empty)}: no ink reaches a half over an area; leave "
            "these characters out"
        )
