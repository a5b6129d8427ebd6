"""The cells of a grid for a problem: which regions it covers, between which walls, how fine.

Barriers and strike are edges of cells, which shrink towards them (`mesh`). Barriers that no path
reaches are left out; barriers that grow apart carry the mesh with them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from heliostat_methods.step_options.grids.mesh import Density, Feature, Mesh, spread
from heliostat_methods.step_options.grids.problem import Problem

REACH = 8.0
"""Standard deviations beyond the mean that the grid covers."""


@dataclass(frozen=True)
class Grid:
    """A mesh and the regions that it covers: `first` .. `last`, between walls where there are."""

    mesh: Mesh
    first: int
    last: int
    wall_below: bool
    wall_above: bool


def grid_of(problem: Problem, side: str, nodes: int, level: int) -> Grid:
    """Return the cells of one grid."""
    p, s, T = problem, problem.deviation, problem.option.maturity
    moves = [float(p.drift(span)) - p.frame(span) for span in p.spans]
    so_far = np.cumsum([0.0, *(m * span[0] for m, span in zip(moves, p.spans, strict=True))])
    low, high = p.y0 + float(so_far.min()) - REACH * s, p.y0 + float(so_far.max()) + REACH * s
    shift = sum(p.frame(span) * span[0] for span in p.spans)
    k = math.log(float(p.option.strike) / p.option.levels_at(T)[0]) - shift
    if p.moving:
        beside = [w for w, b in zip(p.widths(), p.breaks, strict=True) if abs(b - p.y0) < 2 * s]
        ends, pieces = [low, high], [Feature(p.y0, min([s, *beside]))]
        if p.option.kind in ("call", "put", "digital") and low < k < high:
            ends, pieces = [low, k, high], [*pieces, Feature(k, s / 20)]
        density = Density(s / 2, tuple(pieces))
        mesh = Mesh(tuple(spread(density, ends, nodes, level)), np.array(ends), np.zeros(len(ends)))
        return Grid(mesh, 0, len(p.breaks), False, False)
    walls = [i for i, rate in enumerate(p.option.rates) if rate == math.inf and p.walled]
    walls_below = [i for i in walls if i < p.region(side)]
    walls_above = [i for i in walls if i > p.region(side)]
    first = walls_below[-1] + 1 if walls_below else 0
    last = walls_above[0] - 1 if walls_above else len(p.breaks)
    at_end = p.breaks + p.speeds * T
    seen = np.minimum(p.breaks, at_end) < high, np.maximum(p.breaks, at_end) > low
    while first < p.region(side) and not seen[1][first]:
        first += 1
    while last > p.region(side) and not seen[0][last - 1]:
        last -= 1
    wall_below = first - 1 in walls and bool(seen[1][first - 1])
    wall_above = last + 1 in walls and bool(seen[0][last])
    inner = list(range(first, last))
    start, speed = [float(p.breaks[i]) for i in inner], [float(p.speeds[i]) for i in inner]
    farthest = [f(a, b) for a, b in zip(start, at_end[inner], strict=True) for f in (min, max)]
    low, high = min([low, *(f - s for f in farthest)]), max([high, *(f + s for f in farthest)])
    below = (float(p.breaks[first - 1]), float(p.speeds[first - 1])) if wall_below else (low, 0.0)
    above = (float(p.breaks[last]), float(p.speeds[last])) if wall_above else (high, 0.0)
    start, speed = [below[0], *start, above[0]], [below[1], *speed, above[1]]
    at_T = [a + v * T for a, v in zip(start, speed, strict=True)]
    vol = max(span[3] for span in p.spans)
    rates = p.option.rates[first : last + 1]
    features = [Feature(p.y0, s / 2)]
    gaps = np.diff(at_T)
    for i, place in enumerate(at_T):
        wall = (i == 0 and wall_below) or (i == len(at_T) - 1 and wall_above)
        if not wall and i in (0, len(at_T) - 1):
            continue
        near = min(gaps[max(i - 1, 0) : i + 1])
        width = min(s / 8, near / 2)
        if not wall:
            jump = abs(rates[i] - rates[i - 1]) * max(span[4] for span in p.spans)
            jump = jump if jump < math.inf else 0.0
            drift = max(abs(m) for m in moves)
            root = math.sqrt(drift**2 + 2 * vol**2 * jump)
            width = min(width, vol * vol / max(drift + root, 1e-300))
        features.append(Feature(place, width))
    if p.option.kind in ("call", "put", "digital"):
        i = int(np.searchsorted(at_T, k)) - 1
        if 0 <= i < len(at_T) - 1 and min(k - at_T[i], at_T[i + 1] - k) > 1e-7 * s:
            f = (k - at_T[i]) / (at_T[i + 1] - at_T[i])
            start.insert(i + 1, (1 - f) * start[i] + f * start[i + 1])
            speed.insert(i + 1, (1 - f) * speed[i] + f * speed[i + 1])
            at_T.insert(i + 1, k)
            features.append(Feature(k, s / 20))
    fractions = spread(Density(s / 2, tuple(features)), at_T, nodes, level)
    mesh = Mesh(tuple(fractions), np.array(start), np.array(speed))
    return Grid(mesh, first, last, wall_below, wall_above)
