"""A scanned or photographed sheet back to images of its boxes.

The marks are found among the contours of the page: a ring whose hole and inner square have the
same centre and areas as 49 : 25 : 9. Three of them and a ring alone say where the page lies, turned
or not, by a projective map. Paper is what is brightest nearby, ink what the marks are.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.strokegan.font_file.libraries import pillow
from heliostat_methods.strokegan.font_file.page_number import cells, number_of
from heliostat_methods.strokegan.font_file.sheet import checked_on_page
from heliostat_methods.strokegan.font_file.sheet_layout import MARK, MODULES, SheetLayout
from heliostat_methods.strokegan.fonts.grey_pictures import grey_of, read_grey
from heliostat_methods.strokegan.metrics.checks import Floats
from heliostat_methods.strokegan.tracing.contours import contours

if TYPE_CHECKING:
    from PIL.Image import Image

SEARCHED = 1200
"""Pixels of the longer side in which marks are looked for."""
PATCHES = 16
"""Patches along the longer side, each of which has paper of one brightness."""
CONTRAST = 0.15
"""What is nearer than that to paper or ink, of their distance, is paper or ink: noise."""
HOLE, SQUARE = 25 / 49, 9 / 49
"""Areas of a mark's hole and square by that of the mark."""
MOST_MARKS = 12


def read_sheet(
    image: Image | str | Path | NDArray[Any], characters: Sequence[str], *, px: int = 128,
    layout: SheetLayout | None = None,
) -> Floats:  # fmt: skip
    """Return what was drawn in the box of each character, (N, px, px) in [0, 1], white 1.

    ``image`` is a scan as Pillow's image, a file or grey values (H, W); it may be turned, scaled,
    unevenly lit, a photograph from aside. An empty box is all white. Raises ValueError where the
    marks are not found, or the layout has fewer boxes than characters.
    """
    if not 8 <= px <= 4096:
        raise ValueError(f"px: {px}, expected 8..4096 pixels a side")
    plan, some = layout or SheetLayout(), checked_on_page(characters, layout)
    grey, to_scan, ink = _found_page(image, plan)
    found = np.stack([_box(grey, plan, k, px, to_scan) for k in range(len(some))])
    share = (found - ink) / max(1.0 - ink, 1e-3)
    return np.clip((share - CONTRAST) / (1.0 - 2.0 * CONTRAST), 0.0, 1.0)


def read_page(
    image: Image | str | Path | NDArray[Any], layout: SheetLayout | None = None
) -> tuple[int, int] | None:
    """Return the number printed on a page and the check of its characters; None without them.

    The image is as ``read_sheet`` takes it; see ``check_of``. Raises ValueError where the marks are
    not found.
    """
    plan = layout or SheetLayout()
    place = cells(plan)
    if place is None:
        return None
    grey, to_scan, ink = _found_page(image, plan)
    centres, side = place
    offsets = np.linspace(-0.3, 0.3, 5) * side
    x, y = np.meshgrid(offsets, offsets)
    grid = np.stack([x.ravel(), y.ravel()], axis=1)
    values = [float(np.median(_sampled(grey, to_scan, centre + grid))) for centre in centres]
    return number_of([value < (1.0 + ink) / 2.0 for value in values])


def _found_page(
    image: Image | str | Path | NDArray[Any], layout: SheetLayout
) -> tuple[Floats, Floats, float]:
    """Return grey values (H, W) with paper 1, the map from layout to scan, and how dark ink is."""
    grey = _grey(image)
    grey = np.clip(grey / _paper(grey), 0.0, 1.0)
    to_scan = projective_map(layout.marks(), find_marks(grey, layout))
    return grey, to_scan, _ink(grey, layout, to_scan)


def find_marks(grey: Floats, layout: SheetLayout) -> Floats:
    """Return the centres (4, 2) of marks in grey values (H, W), white 1, in the layout's order.

    x and y are in pixels from the left upper corner. Raises ValueError where they are not found.
    """
    small, scale = _smaller(grey)
    squares, rings = _marks(small)
    target = layout.marks()
    best: tuple[float, Floats] | None = None
    for corner, right, below in itertools.permutations(squares[:MOST_MARKS], 3):
        three = np.array([some[:2] for some in (corner, right, below)])
        if not _like_the_page(three, target):
            continue
        last = _ring_near(three[1] + three[2] - three[0], corner, rings, three)
        if last is None:
            continue
        area = abs(_cross(three[1] - three[0], three[2] - three[0]))
        if best is None or area > best[0]:
            best = area, np.vstack([three, last])
    if best is None:
        raise ValueError(
            f"image: {len(squares)} square marks and {len(rings)} rings found, expected three and "
            "one at the corners of the page; take all of the page, sharp and evenly lit, with the "
            "layout that it was printed with"
        )
    return best[1] * scale


def projective_map(from_points: Floats, to_points: Floats) -> Floats:
    """Return the matrix (3, 3) that takes four points (4, 2) to four others, its last entry 1."""
    rows, right = [], []
    for (x, y), (u, v) in zip(from_points, to_points, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    return np.append(np.linalg.solve(np.array(rows), np.array(right)), 1.0).reshape(3, 3)


def _grey(image: Image | str | Path | NDArray[Any]) -> Floats:
    """Return grey values (H, W) in [0, 1] of whatever holds them."""
    if isinstance(image, np.ndarray):
        if image.ndim != 2 or min(image.shape) < MARK:
            raise ValueError(f"image: shape {image.shape}, expected grey values (H, W) of a page")
        values = np.asarray(image, np.float64) / (255.0 if image.dtype == np.uint8 else 1.0)
        if not ((values >= 0.0) & (values <= 1.0)).all():
            raise ValueError("image: values outside [0, 1], expected grey values, or bytes")
        return values
    grey = read_grey(image) if isinstance(image, str | Path) else grey_of(image)
    return np.asarray(grey, np.float64) / 255.0


def _paper(grey: Floats) -> Floats:
    """Return the brightness of paper at each pixel (H, W): the brightest tenth of a patch."""
    side = max(1, -(-max(grey.shape) // PATCHES))
    rows, columns = (max(1, round(length / side)) for length in grey.shape)
    bright = np.array(
        [[np.percentile(patch, 90) for patch in np.array_split(band, columns, axis=1)]
         for band in np.array_split(grey, rows, axis=0)]
    )  # fmt: skip
    # Dark patches lie outside of the page or are full of ink.
    bright = np.maximum(bright, 0.5 * np.median(bright))
    return np.maximum(_resized(bright, grey.shape, "BILINEAR"), 1e-3)


def _smaller(grey: Floats) -> tuple[Floats, Floats]:
    """Return the page small enough to search, and pixels of the page by pixels of it, x and y."""
    shrink = min(1.0, SEARCHED / max(grey.shape))
    height, width = (max(1, round(length * shrink)) for length in grey.shape)
    small = grey if shrink == 1.0 else _resized(grey, (height, width), "BOX")
    scale = np.array([grey.shape[1] / width, grey.shape[0] / height])
    return np.clip(small, 0.0, 1.0), scale


def _resized(values: Floats, shape: tuple[int, ...], how: str) -> Floats:
    library = pillow("Image")
    picture = library.fromarray(values.astype(np.float32))
    resized = picture.resize((shape[1], shape[0]), getattr(library.Resampling, how))
    return np.asarray(resized, np.float64)


def _marks(grey: Floats) -> tuple[list[Floats], list[Floats]]:
    """Return squares in rings, and rings alone, as (x, y, area), the largest first."""
    found = contours(grey[None])
    areas, height = found.areas(), grey.shape[0]
    large = [k for k in np.argsort(-np.abs(areas)) if abs(areas[k]) >= 8.0]
    polygons = found.polygons()
    centres = {int(k): _centroid(polygons[k]) * [1, -1] + [0, height] for k in large}
    outer = [k for k in centres if areas[k] < 0]
    holes = [k for k in centres if areas[k] > 0]
    at_outer, at_hole = _stacked(centres, outer), _stacked(centres, holes)
    squares: list[Floats] = []
    rings: list[Floats] = []
    for k in outer:
        size = -areas[k]
        if not _inside(at_hole, areas[holes], centres[k], size, HOLE):
            continue
        mark = np.array([*centres[k], size])
        inner = _inside(at_outer, -areas[outer], centres[k], size, SQUARE)
        (squares if inner else rings).append(mark)
    return squares, rings


def _inside(at: Floats, areas: Floats, centre: Floats, size: float, share: float) -> bool:
    """Return whether a contour about that share of ``size`` has the same centre."""
    near = np.hypot(*(at - centre).T) <= 0.08 * np.sqrt(size) + 0.5
    return bool((near & (np.abs(areas / size - share) <= 0.35 * share)).any())


def _stacked(centres: dict[int, Floats], some: list[int]) -> Floats:
    return np.array([centres[k] for k in some]).reshape(-1, 2)


def _centroid(polygon: Floats) -> Floats:
    """Return the centre of a polygon's area."""
    x, y = (polygon - polygon[0]).T
    twice = x * np.roll(y, -1) - np.roll(x, -1) * y
    sums = [((some + np.roll(some, -1)) * twice).sum() for some in (x, y)]
    return np.asarray(polygon[0] + np.array(sums) / (3.0 * twice.sum()))


def _cross(a: Floats, b: Floats) -> float:
    return float(a[0] * b[1] - a[1] * b[0])


def _like_the_page(three: Floats, target: Floats) -> bool:
    """Return whether three marks have the page's shape: not mirrored, sides and angle as there."""
    right, below = three[1] - three[0], three[2] - three[0]
    lengths = np.hypot(*right), np.hypot(*below)
    shape = (target[1, 0] - target[0, 0]) / (target[2, 1] - target[0, 1])
    sine = _cross(right, below) / max(lengths[0] * lengths[1], 1e-9)
    return bool(sine > 0.9 and 0.8 < lengths[0] / max(lengths[1], 1e-9) / shape < 1.25)


def _ring_near(
    expected: Floats, corner: Floats, rings: list[Floats], three: Floats
) -> Floats | None:
    """Return the centre of the ring that completes three marks, or none."""
    reach = 0.15 * min(np.hypot(*(three[1] - three[0])), np.hypot(*(three[2] - three[0])))
    near = [
        (float(np.hypot(*(ring[:2] - expected))), ring[:2])
        for ring in rings
        if 0.4 < ring[2] / corner[2] < 2.5
    ]
    distance, centre = min(near, key=lambda one: one[0], default=(np.inf, None))
    return centre if distance <= reach else None


def _ink(grey: Floats, layout: SheetLayout, to_scan: Floats) -> float:
    """Return how dark ink is: the median of the marks' squares."""
    offsets = np.linspace(-1.0, 1.0, 9) * MARK / MODULES
    x, y = np.meshgrid(offsets, offsets)
    grid = np.stack([x.ravel(), y.ravel()], axis=1)
    values = [_sampled(grey, to_scan, centre + grid) for centre in layout.marks()[:3]]
    return float(np.median(np.concatenate(values)))


def _box(grey: Floats, layout: SheetLayout, k: int, px: int, to_scan: Floats) -> Floats:
    """Return box k at (px, px), each pixel the mean over as many points as the scan has there."""
    # The map's scale at the middle of the box says how fine the scan is.
    x, y = layout.box(k)
    middle = np.array([x, y]) + layout.cell / 2
    ends = _mapped(to_scan, np.array([middle, [middle[0] + layout.cell, middle[1]]]))
    fine = int(np.clip(np.ceil(np.hypot(*(ends[1] - ends[0])) / px), 2, 8))
    at = (np.arange(px * fine) + 0.5) * layout.cell / (px * fine)
    across, down = np.meshgrid(x + at, y + at)
    points = np.stack([across.ravel(), down.ravel()], axis=1)
    values = _sampled(grey, to_scan, points).reshape(px, fine, px, fine)
    return np.asarray(values.mean(axis=(1, 3)))


def _mapped(matrix: Floats, points: Floats) -> Floats:
    found = points @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(found[:, :2] / found[:, 2:])


def _sampled(grey: Floats, to_scan: Floats, points: Floats) -> Floats:
    """Return grey values at points (n, 2) of the layout, linear between centres of pixels."""
    x, y = (_mapped(to_scan, points) - 0.5).T
    height, width = grey.shape
    x, y = np.clip(x, 0.0, width - 1.0), np.clip(y, 0.0, height - 1.0)
    left = np.minimum(x.astype(np.int64), width - 2)
    top = np.minimum(y.astype(np.int64), height - 2)
    right_share, below_share = x - left, y - top
    upper = grey[top, left] * (1 - right_share) + grey[top, left + 1] * right_share
    lower = grey[top + 1, left] * (1 - right_share) + grey[top + 1, left + 1] * right_share
    return np.asarray(upper * (1 - below_share) + lower * below_share)
