"""One grid, marched from maturity to today: Crank-Nicolson with a Rannacher start.

Fluxes are those of Il'in's scheme: second order, and never negative where drift dominates a cell.
Four implicit half steps damp what Crank-Nicolson would let ring in gamma. In a frame that goes with
the drift barriers pass through the cells, averaged over cell and time, in small steps. A local
volatility is taken at each node and in the middle of each time step.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from heliostat_methods.step_options.contracts.market import LocalVolMarket
from heliostat_methods.step_options.contracts.reduced import source_terms
from heliostat_methods.step_options.contracts.validation import Vector
from heliostat_methods.step_options.grids.cells import Grid, grid_of
from heliostat_methods.step_options.grids.mesh import Density, Feature, averaged_step
from heliostat_methods.step_options.grids.problem import ON_BARRIER, Problem, Span


def march(problem: Problem, side: str, nodes: int, steps: int, level: int) -> Vector:
    """Return U, U', U'' at the spot from one grid."""
    p, T = problem, problem.option.maturity
    grid = grid_of(p, side, nodes, level)
    shift = sum(p.frame(span) * span[0] for span in p.spans)
    values = _average_claim(p, grid.mesh.edges(T), shift)
    still = not (grid.mesh.moves or isinstance(p.market, LocalVolMarket))
    at = T
    for span in reversed(p.spans):
        lengths = _time_steps(p, span, at, shift, level * max(1, round(steps * span[0] / T / 4)))
        factored: dict[float, tuple[Any, ...]] = {}
        values = np.where(_dead(p, grid, span, grid.mesh.edges(at)), 0.0, values)
        # a kink in the payoff or a jump of the coefficients: four implicit half steps
        halves = [lengths[0] / 2] * 2 + [lengths[1] / 2] * 2
        for length, implicit in [*((h, 1.0) for h in halves), *((n, 0.5) for n in lengths[2:])]:
            c = length * implicit
            if not still:
                factored = {}
            if c not in factored:
                factored[c] = _factor(_operator(p, grid, span, at - length, at), c)
            before, here = shift - p.frame(span) * length, shift
            if p.moving:
                # charges that pass through the cells act before and after, half each (Strang)
                half = (before + here) / 2
                values = values * _survival(p, grid, span, length / 2, half, here)
            solved = _solve(factored[c], values)
            values = solved if implicit == 1.0 else 2 * solved - values
            if p.moving:
                values = values * _survival(p, grid, span, length / 2, before, half)
            at, shift = at - length, before
    return _at(p, grid, values, side)


def _time_steps(p: Problem, span: Span, end: float, shift: float, count: int) -> list[float]:
    """Return lengths of steps back from the end of an interval: equal where the frame stands.

    Where it moves they are small while a barrier passes the spot's place in it.
    """
    years, speed = span[0], p.frame(span)
    if not speed:
        return [years / count] * count
    features = []
    for width, b in zip(p.widths(), p.breaks, strict=True):
        # the frame was shift at the end, and is where the barrier is at this time
        passed = end - (shift - (float(b) - p.y0)) / speed
        if end - years - width / abs(speed) <= passed <= end + width / abs(speed):
            features.append(Feature(passed - (end - years), max(width / abs(speed), 1e-7 * years)))
    cut = Density(years / 4, tuple(features)).cut(0.0, years, count)
    return [float(length) * years for length in np.diff(cut)[::-1]]


def _survival(p: Problem, grid: Grid, span: Span, years: float, before: float,
              here: float) -> Vector:  # fmt: skip
    """Return what charges leave of each cell in a time in which the frame moves so far."""
    edges = grid.mesh.edges(0.0)
    rate = _charges(p, grid, (edges, edges), (p.breaks - before, p.breaks - here))
    return np.asarray(np.exp(-years * span[4] * rate))


def _dead(p: Problem, grid: Grid, span: Span, edges: Vector) -> Any:
    """Return which cells knock out in an interval but not in all, (n,)."""
    found = np.zeros(len(edges) - 1, dtype=bool)
    if span[4] > 0 and not p.walled:
        bounds = [-math.inf, *(float(b) for b in p.breaks), math.inf]
        x = (edges[1:] + edges[:-1]) / 2
        for rate, (low, high) in zip(p.option.rates, itertools.pairwise(bounds), strict=True):
            found |= (rate == math.inf) & (x > low) & (x < high)
    return found


def _charges(p: Problem, grid: Grid, edges: tuple[Vector, Vector],
             walls: tuple[Vector, Vector]) -> Vector:  # fmt: skip
    """Return the rate averaged over cells and time; edges and barriers at its beginning and end."""
    # where a path is knocked out, `_dead` says so
    rates = [rate if rate < math.inf else 0.0 for rate in p.option.rates]
    total = np.full(len(edges[0]) - 1, rates[grid.first])
    for i in range(grid.first, grid.last):
        total += (rates[i + 1] - rates[i]) * averaged_step(
            edges[0][:-1], edges[0][1:], float(walls[0][i]),
            edges[1][:-1], edges[1][1:], float(walls[1][i]),
        )  # fmt: skip
    return total


def _average_claim(p: Problem, edges: Vector, shift: float) -> Vector:
    """Return the claim averaged over cells, exactly; edges in the frame, which is `shift` ahead."""
    terminal = p.option.levels_at(p.option.maturity)[0]
    strike = float(p.option.strike)
    source = source_terms(p.option.kind, np.asarray(strike), terminal)
    lo, hi = edges[:-1] + shift, edges[1:] + shift
    k = np.clip(math.log(strike / terminal), lo, hi)
    total = np.zeros(len(lo))
    for a, b, (slope, level) in ((lo, k, source[:2]), (k, hi, source[2:])):
        flat, steep, sign = (slope, level, -1.0) if p.grows else (level, slope, 1.0)
        total += flat * (b - a)
        if steep:
            total += steep * sign * np.exp(sign * a) * np.expm1(sign * (b - a))
    return np.asarray(total / (hi - lo))


def _operator(p: Problem, grid: Grid, span: Span, t: float,
              after: float) -> tuple[Vector, Vector, Vector]:  # fmt: skip
    """Return the three diagonals of a d2 + v d1 - (discount + V) between two times.

    a d2 and v d1 are differences of fluxes through edges, a fitted so that none is negative
    (Il'in). A frame that moves has its V apart.
    """
    middle = (t + after) / 2
    edges = grid.mesh.edges(middle)
    x, h = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    _, r, q, vol, charge = span
    local: Any = vol
    if isinstance(p.market, LocalVolMarket):
        log_level = math.log(p.option.levels_at(0.0)[0]) + p.option.gammas[0] * middle
        local = p.market.vol_at(x + log_level, middle)
    moved = grid.mesh.edges(after), grid.mesh.edges(t)
    centres = [(e[1:] + e[:-1]) / 2 for e in moved]
    v = p.drift(span, local) - p.frame(span) - (centres[0] - centres[1]) / (after - t)
    a = np.full(len(x), 1.0) * (local * local / 2)
    peclet = np.abs(v) * h / (2 * a)
    small = peclet < 1e-3
    safe = np.where(small, 1.0, peclet)
    a = a * np.where(small, 1 + peclet * peclet / 3, safe / np.tanh(safe))
    gap = np.diff(x)
    share = (edges[1:-1] - x[:-1]) / gap  # of the upper cell in the value on an edge
    lower, upper = np.zeros(len(x)), np.zeros(len(x))
    upper[:-1] = a[:-1] / gap / h[:-1] + v[:-1] * share / h[:-1]
    lower[1:] = a[1:] / gap / h[1:] - v[1:] * (1 - share) / h[1:]
    diagonal = np.zeros(len(x))
    diagonal[:-1] += -a[:-1] / gap / h[:-1] + v[:-1] * (1 - share) / h[:-1]
    diagonal[1:] += -a[1:] / gap / h[1:] - v[1:] * share / h[1:]
    # beyond the outer edges nothing changes; behind a wall there is nothing
    if grid.wall_below:
        diagonal[0] -= a[0] / (x[0] - edges[0]) / h[0]
    else:
        diagonal[0] -= v[0] / h[0]
    if grid.wall_above:
        diagonal[-1] -= a[-1] / (edges[-1] - x[-1]) / h[-1]
    else:
        diagonal[-1] += v[-1] / h[-1]
    dead = _dead(p, grid, span, edges)
    for i in np.flatnonzero(dead[1:] != dead[:-1]):
        # an edge that is a wall for now: as at the ends of the grid, for the cell that lives
        j = int(i) + int(dead[i])
        reach = abs(float(edges[i + 1] - x[j]))
        diagonal[j] += a[j] / gap[i] / h[j] - a[j] / reach / h[j]
        own = (1 - share[i]) if j == i else -share[i]
        diagonal[j] -= v[j] * own / h[j]
    alive = ~dead
    upper[:-1] *= alive[:-1] & alive[1:]
    lower[1:] *= alive[:-1] & alive[1:]
    discount = q + p.option.gammas[0] if p.grows else r
    diagonal -= discount
    if not p.moving:
        walls = p.breaks + p.speeds * t, p.breaks + p.speeds * after
        diagonal -= charge * _charges(p, grid, (moved[1], moved[0]), walls)
    return lower, diagonal, upper


def _factor(diagonals: tuple[Vector, Vector, Vector], c: float) -> tuple[Any, ...]:
    from scipy.linalg import lapack

    lower, diagonal, upper = diagonals
    found: tuple[Any, ...] = lapack.dgttrf(-c * lower[1:], 1 - c * diagonal, -c * upper[:-1])
    return found[:-1]


def _solve(factors: tuple[Any, ...], right: Vector) -> Vector:
    from scipy.linalg import lapack

    return np.asarray(lapack.dgttrs(*factors, right)[0])


def _at(p: Problem, grid: Grid, values: Vector, side: str) -> Vector:
    """Return U and two derivatives in y at the spot, by a quartic through cells of its region."""
    edges = grid.mesh.edges(0.0)
    x = (edges[1:] + edges[:-1]) / 2
    region = p.region(side)
    low = float(p.breaks[region - 1]) if region > 0 else -math.inf
    high = float(p.breaks[region]) if region < len(p.breaks) else math.inf
    inside = np.flatnonzero((edges[:-1] >= low - ON_BARRIER) & (edges[1:] <= high + ON_BARRIER))
    if len(inside) < 3:
        inside = np.arange(len(x))
    nearest = inside[np.argsort(np.abs(x[inside] - p.y0), kind="stable")[:5]]
    nearest.sort()
    unit = float(x[nearest[-1]] - x[nearest[0]])
    powers = np.vander((x[nearest] - p.y0) / unit, increasing=True)
    series = np.linalg.solve(powers, values[nearest])
    u, u1, u2 = series[0], series[1] / unit, 2 * series[2] / unit**2
    if not p.grows:
        return np.array([u, u1, u2])
    s = math.exp(p.y0)
    return s * np.array([u, u + u1, u + 2 * u1 + u2])
