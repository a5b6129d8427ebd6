"""The pricing equation on three grids: Crank-Nicolson with a Rannacher start, all cell-averaged.

y = ln S - ln B_1(t) makes barriers stand still when they share a growth rate; others carry the mesh
with them. Barriers and strike are edges of cells, which shrink towards them (`mesh`). A claim that
grows with S is counted in units of S, so that all that is solved for is bounded. Fluxes are those
of Il'in's scheme: second order, and never negative where drift dominates a cell; where it dominates
the whole contract the frame goes with it and barriers pass through the cells. Four implicit half
steps damp what Crank-Nicolson would let ring in gamma.

Grids of 2, 3 and 4 times as many cells and steps give the order of convergence that is observed, a
value extrapolated from the finer two, and an error: what the coarser two would have said instead. A
local volatility is taken at each node and in the middle of each time step.
"""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from heliostat_methods.step_options.closed_form.laplace import AT_BARRIER
from heliostat_methods.step_options.contracts.market import (
    BlackScholesMarket,
    LocalVolMarket,
    Market,
    PiecewiseMarket,
)
from heliostat_methods.step_options.contracts.reduced import source_terms
from heliostat_methods.step_options.contracts.result import Result
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.validation import (
    Unsupported,
    Vector,
    whole_number,
)
from heliostat_methods.step_options.grids.mesh import Density, Feature, Mesh, averaged_step, spread
from heliostat_methods.step_options.paths.unseen import worth

OneFactor = BlackScholesMarket | PiecewiseMarket | LocalVolMarket
Span = tuple[float, float, float, float, float]
"""Years, rate, dividend, vol, charge of an interval."""
REACH = 8.0
"""Standard deviations beyond the mean that the grid covers."""
DOMINATES = 30.0
"""|drift| sqrt(T) / vol from which on the frame goes with the drift."""
LEVELS = (2, 3, 4)
ORDERS = 1.9, 2.15
"""Observed orders with which values are extrapolated."""
ON_BARRIER = 1e-12
CHANCE = 0.05
"""Of what the finest two grids differ by: the order may look right while cells are too large."""
DIGITS = 1e-9
"""Of the claim: what the ends of the grid and round-off cost."""
MOST_NODES, MOST_STEPS = 20_000, 20_000


def price_pde(option: StepOption, market: Market, greeks: bool = False, nodes: int = 1000,
              steps: int | None = None) -> Result:  # fmt: skip
    """Return price, delta and gamma on about `nodes` cells and `steps` time steps (nodes / 2).

    Errors of delta and gamma are among the sensitivities; on a barrier also gamma_below and
    gamma_above (delta_below and delta_above, where a rate is infinite), whose mean is the headline.
    """
    began = time.perf_counter()
    nodes = whole_number("nodes", nodes, least=20, most=MOST_NODES)
    steps = max(nodes // 2, 8) if steps is None else whole_number(
        "steps", steps, least=8, most=MOST_STEPS
    )  # fmt: skip
    if option.amortisation != "proportional":
        raise Unsupported(
            "amortisation", option.amortisation, 'proportional for method="pde"',
            'use method="occupation" or "mc_naive"',
        )  # fmt: skip
    if not isinstance(market, OneFactor):
        raise Unsupported(
            "market", type(market).__name__, "one asset with known volatility", "use mc_bridge"
        )
    problem = Problem.of(option, market)
    sides = [side for side in problem.sides if not problem.dead(side)]
    found = {side: _extrapolated(problem, side, nodes, steps) for side in sides}
    found = found or {"none": Extrapolated(np.zeros(3), np.zeros(3), None)}
    spot = float(market.spot)
    values = {side: found[side].values if side in found else np.zeros(3) for side in problem.sides}
    u, u1, u2 = sum(values.values(), np.zeros(3)) / len(values)
    more: dict[str, Any] = {}
    details: dict[str, Any] = {"nodes": nodes, "steps": steps}
    if len(values) > 1:
        details["at_barrier"] = AT_BARRIER
        for side, (_, d1, d2) in values.items():
            more[f"gamma_{side}"] = float(d2 - d1) / spot**2
            if math.inf in option.rates:
                more[f"delta_{side}"] = float(d1) / spot
    orders = [f.order for f in found.values() if f.order is not None]
    if orders:
        details["observed_order"] = min(orders)
    claim, errors = worth(option, market), np.max([f.errors for f in found.values()], axis=0)
    if len(found) < len(values):  # on a wall, or behind one
        u = errors[0] = 0.0
    more |= {"delta_error": float(errors[1]) / spot}
    more |= {"gamma_error": float(errors[1] + errors[2]) / spot**2}
    error = float(errors[0]) + DIGITS * claim.of(1.0)
    return Result(
        price=float(u),
        method="pde",
        # a price outside of its bounds is wrong by as much at least
        abs_error_estimate=error + max(0.0, -float(u), float(u) - claim.all),
        delta=float(u1) / spot,
        gamma=float(u2 - u1) / spot**2,
        sensitivities=more,
        n_evals=sum(level**2 for level in LEVELS) * nodes * steps // 16,
        wall_s=time.perf_counter() - began,
        details=details,
    )


@dataclass(frozen=True)
class Extrapolated:
    """Value and two derivatives in y, their errors, both (3,), and the order that is observed."""

    values: Vector
    errors: Vector
    order: float | None


def _extrapolated(problem: Problem, side: str, nodes: int, steps: int) -> Extrapolated:
    """Return what grids of 2, 3 and 4 times as many cells say together."""
    two, three, four = (_march(problem, side, nodes, steps, level) for level in LEVELS)
    fine, coarse = (16 * four - 9 * three) / 7, (9 * three - 4 * two) / 5
    first, second = two - three, three - four
    apart = np.abs(fine - coarse)
    small = 1e-10 * max(abs(float(four[0])), problem.scale)
    if max(abs(float(first[0])), abs(float(second[0]))) < small:
        return Extrapolated(fine, apart + small, None)
    order = _order(float(first[0] / second[0])) if second[0] else None
    if order is not None and ORDERS[0] <= order <= ORDERS[1]:
        return Extrapolated(fine, apart + CHANCE * np.abs(second), order)
    # not yet where errors have an order: the finest value, and how far the others are from it
    return Extrapolated(four, 2 * (np.abs(first) + np.abs(second)) + apart, order)


def _order(ratio: float) -> float | None:
    """Return p with (2^-p - 3^-p) / (3^-p - 4^-p) = ratio, or None where there is none."""
    low, high = 0.01, 12.0
    if not _ratio(low) < ratio < _ratio(high):
        return None
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if _ratio(middle) < ratio else (low, middle)
    return (low + high) / 2


def _ratio(p: float) -> float:
    return float((2.0**-p - 3.0**-p) / (3.0**-p - 4.0**-p))


@dataclass(frozen=True)
class Problem:
    """A contract in a market, in the frame and in the units that it is solved in."""

    option: StepOption
    market: OneFactor
    spans: tuple[Span, ...]
    y0: float
    grows: bool
    """Counted in units of S: a call or the asset."""
    moving: bool
    """The frame goes with the drift."""
    breaks: Vector
    """ln B_i / B_1 at t = 0, (m,)."""
    speeds: Vector
    """How fast they move in y, 1/year, (m,)."""
    scale: float

    @classmethod
    def of(cls, option: StepOption, market: OneFactor) -> Problem:
        """Return the problem; its frame goes with a drift that dominates."""
        spans = _spans(market, option.maturity)
        levels = np.log(np.array(option.levels_at(0.0)))
        speeds = np.array(option.gammas) - option.gammas[0]
        grows = option.kind in ("call", "asset")
        found = cls(option, market, spans, math.log(float(market.spot)) - float(levels[0]), grows,
                    False, levels - levels[0], speeds, worth(option, market).path)  # fmt: skip
        drift = sum(found.drift(s) * s[0] for s in spans)
        free = math.inf not in option.rates and not isinstance(market, LocalVolMarket)
        if not (free and abs(drift) > DOMINATES * found.deviation):
            return found
        return cls(option, market, spans, found.y0, grows, True, found.breaks, speeds, found.scale)

    @property
    def deviation(self) -> float:
        """Of ln S_T."""
        return math.sqrt(sum(s[0] * s[3] ** 2 for s in self.spans))

    def drift(self, span: Span, vol: float | Vector | None = None) -> Any:
        """Return the drift of y in an interval, in the measure that the claim is counted in."""
        _, r, q, known, _ = span
        v = known if vol is None else vol
        return r - q - self.option.gammas[0] + (0.5 if self.grows else -0.5) * v * v

    def frame(self, span: Span) -> float:
        """Return the velocity of the frame."""
        return float(self.drift(span)) if self.moving else 0.0

    def widths(self) -> list[float]:
        """Return over what distance each barrier is felt where the frame passes it, (m,)."""
        found, total = [], self.deviation
        rates = self.option.rates
        drift = max(abs(float(self.drift(span))) for span in self.spans)
        gaps = np.diff(self.breaks)
        for i, b in enumerate(self.breaks):
            near = [total, *gaps[max(i - 1, 0) : i + 1] / 2]
            # deviation when the frame is there, and what is left of a path a while behind it
            away, years = abs(float(b) - self.y0), sum(span[0] for span in self.spans)
            near.append(total * math.sqrt(min(away / max(drift * years, 1e-300), 1.0)) + away / 2)
            jump = abs(rates[i + 1] - rates[i])
            near.append(drift / jump if jump > 0 else total)
            found.append(max(min(float(n) for n in near), 1e-5 * total))
        return found

    @property
    def sides(self) -> tuple[str, ...]:
        """From where the spot is looked at: both sides of a barrier that it is on."""
        rates = self.option.rates
        for b, below, above in zip(self.breaks, rates[:-1], rates[1:], strict=True):
            if abs(float(b) - self.y0) < ON_BARRIER and below != above and self.spans[0][4] > 0:
                return ("below", "above")
        return ("here",)

    @property
    def walled(self) -> bool:
        """Whether infinite rates are walls all the time, not in some intervals only."""
        return all(span[4] > 0 for span in self.spans)

    def region(self, side: str) -> int:
        """Return the region that the spot is in, seen from a side."""
        above = self.breaks + (ON_BARRIER if side == "below" else -ON_BARRIER) < self.y0
        return int(np.count_nonzero(above))

    def dead(self, side: str) -> bool:
        """Whether the spot is knocked out."""
        return self.option.rates[self.region(side)] == math.inf and self.spans[0][4] > 0


def _spans(market: OneFactor, maturity: float) -> tuple[Span, ...]:
    """Return (years, rate, dividend, vol, charge) of intervals; of a local vol its largest value.

    Largest within five deviations of the spot: the wings of a surface would widen the grid for
    prices that are never reached.
    """
    if isinstance(market, PiecewiseMarket):
        return market.spans(maturity)
    if isinstance(market, LocalVolMarket):
        spot = math.log(market.spot)
        away = 5 * float(market.vol_at(spot, 0.0)) * math.sqrt(maturity)
        near = np.linspace(spot - away, spot + away, 101)
        times = np.linspace(0.0, maturity, 11)
        vol = max(float(market.vol_at(near, float(t)).max()) for t in times)
    else:
        vol = market.vol
    return ((maturity, market.rate, market.dividend, float(vol), 1.0),)


@dataclass(frozen=True)
class Grid:
    """A mesh and the regions that it covers: `first` .. `last`, between walls where there are."""

    mesh: Mesh
    first: int
    last: int
    wall_below: bool
    wall_above: bool


def _grid(problem: Problem, side: str, nodes: int, level: int) -> Grid:
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


def _march(problem: Problem, side: str, nodes: int, steps: int, level: int) -> Vector:
    """Return U, U', U'' at the spot from one grid."""
    p, T = problem, problem.option.maturity
    grid = _grid(p, side, nodes, level)
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
