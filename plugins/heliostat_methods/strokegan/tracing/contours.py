"""Marching squares at one level, over a stack of images at once.

A contour's vertex lies between two neighbouring pixels of which one is ink. With ink on its right
hand the way through a vertex has one direction, into one cell of four pixels; by which side it
leaves the cell depends on the two pixels ahead:

    right one ink, left one not: straight on
    both ink: to the left; neither: to the right
    left one alone (a saddle): to the left if the cell's mean is ink, so that ink is joined

Lorensen and Cline 1987, in two dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.strokegan.metrics.checks import checked_images
from heliostat_methods.strokegan.tracing.edges import FRAME, Edge, Floats, Indices, linear_edge

LEVEL = 0.5


@dataclass(frozen=True)
class Contours:
    """Closed polygons of a stack of images, one after the other."""

    points: Floats
    """(P, 2): x and y in pixels; a contour's last point joins its first."""
    starts: Indices
    """(C + 1,): where each contour begins, and P."""
    image: Indices
    """(C,): which image each contour is of, ascending."""

    def polygons(self) -> list[Floats]:
        """Return each contour's points (n, 2)."""
        return np.split(self.points, self.starts[1:-1]) if len(self.image) else []

    def areas(self) -> Floats:
        """Return signed areas (C,) in square pixels: below 0 for outer contours, else holes."""
        begin = self.starts[:-1]
        if not len(begin):
            return np.zeros(0)
        apart = self.points - np.repeat(self.points[begin], np.diff(self.starts), axis=0)
        after = apart[following(self.starts)]
        twice = apart[:, 0] * after[:, 1] - apart[:, 1] * after[:, 0]
        return np.asarray(np.add.reduceat(twice, begin) / 2.0)


def contours(images: ArrayLike, level: float = LEVEL, edge: Edge = linear_edge) -> Contours:
    """Return the contours of images (N, H, W) in [0, 1], white 1: ink is 1 - image >= ``level``.

    All outside of an image is white; what has no area is left out. ``edge`` says where between two
    pixels a vertex lies, see ``edges``; what is enclosed does not depend on it. Raises ValueError
    unless the values are finite and within [0, 1], and 0 < level <= 1.
    """
    if not 0.0 < level <= 1.0:
        raise ValueError(f"level: {level}, expected 0 < level <= 1")
    ink = np.pad(1.0 - checked_images(images, "images"), ((0, 0), (FRAME, FRAME), (FRAME, FRAME)))
    points, after, cell = _vertices(ink, level, edge)
    order, starts = _cycles(after)
    size = ink.shape[1] * ink.shape[2]
    return _with_area(points[order], starts, cell[order[starts[:-1]]] // size)


def following(starts: Indices) -> Indices:
    """Return for each point of closed contours the index of the point after it."""
    after = np.arange(1, starts[-1] + 1, dtype=np.int64)
    after[starts[1:] - 1] = starts[:-1]
    return after


def _vertices(ink: Floats, level: float, edge: Edge) -> tuple[Floats, Indices, Indices]:
    """Return vertices (P, 2), which vertex follows each, and the flat index of its first pixel.

    Those between a pixel and its right neighbour come first, in the order of pixels.
    """
    _, height, width = ink.shape
    flat = ink.reshape(-1)
    # The white frame keeps differences of flat neighbours from crossing the ends of rows.
    black = flat >= level
    beside = np.flatnonzero(black[:-1] != black[1:])
    below = np.flatnonzero(black[:-width] != black[width:])
    vertex_beside, vertex_below = np.empty((2, len(flat)), np.int64)
    vertex_beside[beside] = np.arange(len(beside))
    vertex_below[below] = np.arange(len(beside), len(beside) + len(below))
    pixel = np.concatenate([beside, below])
    step = np.repeat([1, width], [len(beside), len(below)])
    share = edge(flat, pixel, step, level)
    row, column = np.divmod(pixel % (height * width), width)
    points = np.stack([column - (FRAME - 0.5), height - (FRAME + 0.5) - row], axis=1)
    points[: len(beside), 0] += share[: len(beside)]
    points[len(beside) :, 1] -= share[len(beside) :]
    after = np.empty(len(pixel), np.int64)

    def lead(
        which: NDArray[np.bool_], first: int, where: Indices, cell: int, ahead: tuple[int, int],
        straight: tuple[Indices, int], right: tuple[Indices, int], left: tuple[Indices, int],
    ) -> None:  # fmt: skip
        """Set what follows vertices that enter the cell at ``cell`` from their pixel."""
        some = where[which]
        corner = some + cell
        ahead_right, ahead_left = black[some + ahead[0]], black[some + ahead[1]]
        mean = flat[corner] + flat[corner + 1] + flat[corner + width] + flat[corner + width + 1]
        to_left = ahead_left & (ahead_right | (mean >= 4.0 * level))
        onward = ahead_right & ~ahead_left
        exits = [ids[some + offset] for ids, offset in (left, straight, right)]
        after[first + np.flatnonzero(which)] = np.select([to_left, onward], exits[:2], exits[2])

    south, west = black[beside], black[below]
    lead(south, 0, beside, 0, (width, width + 1),
         (vertex_beside, width), (vertex_below, 0), (vertex_below, 1))  # fmt: skip
    lead(~south, 0, beside, -width, (1 - width, -width),
         (vertex_beside, -width), (vertex_below, 1 - width), (vertex_below, -width))  # fmt: skip
    lead(west, len(beside), below, -1, (-1, width - 1),
         (vertex_below, -1), (vertex_beside, -1), (vertex_beside, width - 1))  # fmt: skip
    lead(~west, len(beside), below, 0, (width + 1, 1),
         (vertex_below, 1), (vertex_beside, width), (vertex_beside, 0))  # fmt: skip
    return points, after, pixel


def _cycles(after: Indices) -> tuple[Indices, Indices]:
    """Return the vertices in the order of the ways through them, and where each way begins."""
    to, seen = after.tolist(), bytearray(len(after))
    order: list[int] = []
    starts = [0]
    for first in range(len(to)):
        at = first
        while not seen[at]:
            seen[at] = 1
            order.append(at)
            at = to[at]
        if len(order) > starts[-1]:
            starts.append(len(order))
    return np.asarray(order, np.int64), np.asarray(starts, np.int64)


def _with_area(points: Floats, starts: Indices, image: Indices) -> Contours:
    """Return contours without points that repeat, and without those that have no area.

    Both occur where a pixel is exactly at the level: its vertices are its centre.
    """
    if not len(image):
        return Contours(points.reshape(-1, 2), starts, image)
    differs = (points != points[following(starts)]).any(axis=1)
    lengths = np.add.reduceat(differs.astype(np.int64), starts[:-1])
    keep = lengths >= 3
    points = points[differs & np.repeat(keep, np.diff(starts))]
    found = Contours(points, np.concatenate([[0], np.cumsum(lengths[keep])]), image[keep])
    flat = found.areas() == 0.0
    if not flat.any():
        return found
    lengths = np.diff(found.starts)
    points = found.points[np.repeat(~flat, lengths)]
    starts = np.concatenate([[0], np.cumsum(lengths[~flat])])
    return Contours(points, starts, found.image[~flat])
