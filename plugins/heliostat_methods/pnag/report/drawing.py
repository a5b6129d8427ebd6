"""Architectures as rows of blocks, an SVG as wide as a phone.

A block is as wide as its expand ratio, and its kernel sets height and colour; gaps part units.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from heliostat.terminal import printable
from heliostat_methods.pnag.report.blocks import Block

WIDTH, MARGIN = 360, 10
ROW, LABEL = 46, 13
"""Height of a network with its label, and of the label alone."""
LOW, HIGH = 9.0, 24.0
"""Heights of the smallest and the largest kernel."""
UNIT_GAP, BLOCK_GAP = 8, 2
COLOURS = ("#0072b2", "#d55e00", "#00805c", "#a8508f", "#8a6d00", "#3b8fd0", "#595959")
KEY = 16
_LETTER = 7.0

Units = Sequence[Sequence[Block]]


def drawn(networks: Sequence[tuple[str, Units]]) -> str:
    """Return the SVG of networks, each a label and its blocks by unit."""
    kernels = _kernels(networks)
    scale = _scale(networks)
    key, key_height = _key(kernels, 8 + ROW * len(networks))
    height = 8 + ROW * len(networks) + key_height + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="system-ui,sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" rx="6" fill="#ffffff"/>',
    ]
    for row, (label, units) in enumerate(networks):
        top = 8 + ROW * row
        parts.append(_text(MARGIN, top + LABEL, label))
        parts += _row(units, top + LABEL + 5, scale, kernels)
    return "\n".join([*parts, *key, "</svg>"])


def _kernels(networks: Sequence[tuple[str, Units]]) -> list[str]:
    found = {kernel for _, units in networks for unit in units for kernel, _ in unit}
    return sorted(found, key=lambda one: (not one.isdigit(), int(one) if one.isdigit() else 0, one))


def _scale(networks: Sequence[tuple[str, Units]]) -> float:
    """Return pixels for each step of expand ratio, so that every network fits."""
    scales = []
    for _, units in networks:
        gaps = UNIT_GAP * (len(units) - 1) + BLOCK_GAP * sum(map(len, units))
        wide = sum(expand for unit in units for _, expand in unit)
        scales.append(max(WIDTH - 2 * MARGIN - gaps, 1) / max(wide, 1))
    return min([*scales, HIGH])


def _row(units: Units, top: float, scale: float, kernels: Sequence[str]) -> Iterator[str]:
    x = float(MARGIN)
    for unit in units:
        for kernel, expand in unit:
            place = kernels.index(kernel)
            tall = LOW + (HIGH - LOW) * place / max(len(kernels) - 1, 1)
            yield _rect(x, top + HIGH - tall, expand * scale, tall, place)
            x += expand * scale + BLOCK_GAP
        x += UNIT_GAP


def _key(kernels: Sequence[str], top: float) -> tuple[list[str], int]:
    """Return the entries of the key in rows, and their height."""
    parts: list[str] = []
    x, y = float(MARGIN), top
    for place, kernel in enumerate(kernels):
        name = printable(kernel)
        name = f"kernel {name if len(name) <= 30 else name[:29] + chr(0x2026)}"
        wide = 18 + _LETTER * len(name) + 12
        if x > MARGIN and x + wide > WIDTH - MARGIN:
            x, y = float(MARGIN), y + KEY
        parts += [_rect(x, y + 3, 12, 12, place), _text(x + 18, y + 13, name)]
        x += wide
    return parts, int(y - top) + KEY


def _rect(x: float, y: float, width: float, height: float, place: int) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="1.5" '
        f'fill="{COLOURS[place % len(COLOURS)]}"/>'
    )


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="#1f2328">{escape(printable(text))}</text>'
