"""The blocks of an architecture's text, for a picture of it."""

from __future__ import annotations

Block = tuple[str, int]
"""Kernel and expand ratio."""


def blocks_of(text: str) -> list[list[Block]] | None:
    """Return the blocks of `depths:kernels:expands` by unit, None for a text of another form."""
    parts = [part.split(",") for part in text.split(":")]
    if len(parts) != 3:
        return None
    depths, kernels, expands = parts
    if len(kernels) != len(expands) or len(kernels) % len(depths):
        return None
    slots = len(kernels) // len(depths)
    units = []
    for unit, depth in enumerate(depths):
        layers = list(zip(kernels, expands, strict=True))[unit * slots : (unit + 1) * slots]
        if not _is_count(depth) or int(depth) > slots:
            return None
        existing = layers[: int(depth)]
        if not all(_is_count(expand) and int(expand) > 0 for _, expand in existing):
            return None
        units.append([(kernel.strip(), int(expand)) for kernel, expand in existing])
    return units


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6
