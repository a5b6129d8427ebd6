"""The path integral as it stands: a few time slices, each an integral over one grid.

V <- K_dt V with K_dt = phi * W, exact for any length of the slice, on Gauss-Legendre panels that
end at barriers and (at maturity) at the strike. Nodes have to resolve sqrt(dt), so panels shrink
with it, and towards barriers down to the layer in which a charge is felt. Nodes lie where paths
from the spot go, and only steps of some likelihood are summed, so drift may carry them far.
"""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import dataclass

import numpy as np

from heliostat_methods.step_options.contracts.market import (
    BlackScholesMarket,
    Market,
    PiecewiseMarket,
)
from heliostat_methods.step_options.contracts.reduced import source_terms
from heliostat_methods.step_options.contracts.result import Result
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.time_plan import TimeStep, time_plan
from heliostat_methods.step_options.contracts.validation import (
    Unsupported,
    Vector,
    whole_number,
)
from heliostat_methods.step_options.paths.unseen import worth
from heliostat_methods.step_options.weights.barrier import step_rates
from heliostat_methods.step_options.weights.lines import LineSolutions

REACH = 8.5
"""Standard deviations from the mean at which integrals end."""
PANEL = 0.9
"""Longest panel, in deviations of the shortest slice."""
MOST_SLICES, MOST_PANEL_NODES, MOST_PAIRS = 1024, 64, 1 << 25
ROWS = 64
"""Rows of a kernel that are made at a time."""
DIGITS = 1e-12
"""Of the claim's scale: what weights and sums lose."""


def price_grid(option: StepOption, market: Market, greeks: bool = False, slices: int = 4,
               panel_nodes: int = 8) -> Result:  # fmt: skip
    """Return the price by `slices` deterministic integrals; `panel_nodes` nodes in each panel."""
    began = time.perf_counter()
    slices = whole_number("slices", slices, least=1, most=MOST_SLICES)
    panel_nodes = whole_number("panel_nodes", panel_nodes, least=4, most=MOST_PANEL_NODES)
    if option.amortisation != "proportional" or option.common_gamma is None:
        raise Unsupported(
            "contract", (option.amortisation, option.gamma),
            'proportional, barriers with one growth rate, for method="path_integral_grid"',
            'use "occupation" for other weights, "pde" for other barriers',
        )  # fmt: skip
    if not isinstance(market, BlackScholesMarket | PiecewiseMarket):
        raise Unsupported(
            "market", type(market).__name__, "one asset with known volatility", "use mc_bridge"
        )
    plan = time_plan(market, option.maturity, slices)
    if option.knocked_out(market.spot) and plan[0].charge > 0:
        return Result(0.0, "path_integral_grid", 0.0, wall_s=time.perf_counter() - began,
                      details={"slices": slices, "nodes": 0})  # fmt: skip
    value, size = _integrate(option, market, plan, panel_nodes)
    coarse, _ = _integrate(option, market, plan, panel_nodes - 2)
    return Result(
        price=value,
        method="path_integral_grid",
        abs_error_estimate=abs(value - coarse) + DIGITS * worth(option, market).of(1.0),
        n_evals=len(plan) * size,
        wall_s=time.perf_counter() - began,
        details={"slices": slices, "nodes": size},
    )


@dataclass(frozen=True)
class Windows:
    """Where paths from the spot are after each slice, as an interval of y for each time."""

    low: tuple[float, ...]
    high: tuple[float, ...]

    @classmethod
    def of(cls, plan: tuple[TimeStep, ...], gamma: float, y0: float, grows: bool) -> Windows:
        """Return them, in the measure of `_drift`."""
        low, high, mean, variance = [y0], [y0], y0, 0.0
        for step in plan:
            mean += _drift(step, gamma, grows)
            variance += step.deviation**2
            away = REACH * math.sqrt(variance)
            low.append(mean - away)
            high.append(mean + away)
        return cls(tuple(low), tuple(high))


def _drift(step: TimeStep, gamma: float, grows: bool) -> float:
    """Return the drift of y in a slice; a claim that grows with S is counted in units of it."""
    half = 0.5 if grows else -0.5
    return (step.rate - step.dividend - gamma + half * step.vol**2) * step.length


def _integrate(option: StepOption, market: BlackScholesMarket | PiecewiseMarket,
               plan: tuple[TimeStep, ...], panel_nodes: int) -> tuple[float, int]:  # fmt: skip
    """Return the price and the number of nodes."""
    T, gamma = option.maturity, float(option.common_gamma or 0.0)
    grows = option.kind in ("call", "asset")
    levels = np.log(np.array(option.levels_at(0.0)))
    breaks = levels - levels[0]
    y0 = math.log(float(market.spot)) - float(levels[0])
    terminal = option.levels_at(T)[0]
    k = math.log(float(option.strike) / terminal)
    windows = Windows.of(plan, gamma, y0, grows)
    shortest = min(step.deviation for step in plan)
    finite = [rate for rate in option.rates if rate < math.inf] or [0.0]
    charge = (max(finite) - min(finite)) * max(step.charge for step in plan)
    layer = min(step.vol for step in plan) / math.sqrt(2 * charge) if charge > 0 else shortest
    y, dy = _nodes(windows, breaks, k, PANEL * shortest, min(layer, shortest) / 2, panel_nodes)
    values = _claim(option, y, k, terminal, grows)
    kernels: dict[TimeStep, _Kernel] = {}
    log_factor = y0 if grows else 0.0
    for step in plan:
        log_factor -= ((step.dividend + gamma) if grows else step.rate) * step.length
    points = np.append(y, y0)
    for i in range(len(plan) - 1, -1, -1):
        step = plan[i]
        if step not in kernels:
            kernels[step] = _Kernel.of(option, points, breaks, step, _drift(step, gamma, grows))
        inside = np.flatnonzero((y >= windows.low[i]) & (y <= windows.high[i]))
        low, high = (int(inside[0]), int(inside[-1]) + 1) if i > 0 else (len(y), len(y) + 1)
        found = kernels[step].applied(low, high, dy * values)
        if i == 0:
            return math.exp(log_factor) * float(found[0]), len(y)
        values = np.zeros(len(y))
        values[low:high] = found
    raise AssertionError("a plan has at least one slice")


def _claim(option: StepOption, y: Vector, k: float, terminal: float, grows: bool) -> Vector:
    """Return the claim at nodes, for one that grows with S as a share of e^y."""
    source = source_terms(option.kind, np.asarray(float(option.strike)), terminal)
    above, values = y > k, np.zeros_like(y)
    for side, (slope, level) in ((~above, source[:2]), (above, source[2:])):
        first, second = (slope, level) if grows else (level, slope)
        values[side] = first
        if second:
            values[side] += second * np.exp(-y[side] if grows else y[side])
    return values


def _nodes(windows: Windows, breaks: Vector, k: float, longest: float, layer: float,
           panel_nodes: int) -> tuple[Vector, Vector]:  # fmt: skip
    """Return nodes and weights of Gauss-Legendre panels over all windows."""
    spans: list[list[float]] = []
    for low, high in sorted(zip(windows.low[1:], windows.high[1:], strict=True)):
        if spans and low <= spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], high)
        else:
            spans.append([low, high])
    walls = [float(b) for b in breaks]
    panels: list[tuple[float, float]] = []
    for low, high in spans:
        fixed = sorted({low, high, *(b for b in (*walls, k) if low < b < high)})
        for a, b in itertools.pairwise(fixed):
            panels += _split(a, b, walls, longest, layer)
    edges = np.array(panels)
    x, w = np.polynomial.legendre.leggauss(panel_nodes)
    left, width = edges[:, :1], np.diff(edges, axis=1)
    return (left + width * (x + 1) / 2).ravel(), (width * w / 2).ravel()


def _split(a: float, b: float, walls: list[float], longest: float,
           layer: float) -> list[tuple[float, float]]:  # fmt: skip
    """Return panels of [a, b], none longer than `longest` or its distance from a barrier."""
    pieces = max(1, math.ceil((b - a) / longest))
    if pieces > 1:
        at = [a + (b - a) * i / pieces for i in range(pieces)] + [b]
        return [panel for u, v in itertools.pairwise(at)
                for panel in _split(u, v, walls, longest, layer)]  # fmt: skip
    near = min(max(wall - b, a - wall, 0.0) for wall in walls)
    middle = (a + b) / 2
    if b - a <= max(near, layer) or not a < middle < b:
        return [(a, b)]
    return [*_split(a, middle, walls, longest, layer), *_split(middle, b, walls, longest, layer)]


@dataclass(frozen=True)
class _Kernel:
    """One slice's kernel between points, without discount; rows are made when first asked for."""

    solved: LineSolutions
    mean: float
    scale: float
    blocks: dict[int, tuple[int, Vector]]

    @classmethod
    def of(cls, option: StepOption, points: Vector, breaks: Vector, step: TimeStep,
           drift: float) -> _Kernel:  # fmt: skip
        """Return the kernel between points (n + 1,), nodes in order and then the spot."""
        scale = step.deviation
        mean = drift / scale
        z = points / scale
        band = 2 * (REACH + 1) * len(z) / max(float(z[:-1].max() - z[:-1].min()), 1.0)
        if len(z) * min(band, len(z)) > MOST_PAIRS:
            raise Unsupported(
                "slices", len(z), f"a grid of fewer nodes than slices that drift {mean:.3g} "
                "standard deviations need", 'use method="laplace", or fewer slices',
            )  # fmt: skip
        charge = step.length * step.charge
        solved = LineSolutions.of(
            z, tuple(float(b) for b in breaks / scale), step_rates(option.rates, charge),
            abs(mean) + REACH + 1, max(abs(mean) - REACH - 1, 0.0),
        )  # fmt: skip
        return cls(solved, mean, scale, {})

    def applied(self, low: int, high: int, values: Vector) -> Vector:
        """Return the kernel's rows low .. high - 1 times values (n,) at the nodes."""
        out = np.empty(high - low)
        for block in range(low // ROWS, (high - 1) // ROWS + 1):
            if block not in self.blocks:
                self.blocks[block] = self._block(block, len(values))
            first, matrix = self.blocks[block]
            a, b = max(low - block * ROWS, 0), min(high - block * ROWS, len(matrix))
            # not a matrix product: its order of summation is the library's affair
            found = (matrix[a:b] * values[first : first + matrix.shape[1]]).sum(axis=1)
            out[block * ROWS + a - low : block * ROWS + b - low] = found
        return out

    def _block(self, block: int, nodes: int) -> tuple[int, Vector]:
        """Return the first column and the entries of ROWS rows, where steps are likely."""
        z, low, high = self.solved.z, block * ROWS, min((block + 1) * ROWS, nodes)
        if low >= nodes:
            low, high = nodes, nodes + 1
        elif high == nodes:
            high = nodes + 1
        rows = z[low:high]
        first = int(np.searchsorted(z[:nodes], rows.min() + self.mean - REACH))
        last = int(np.searchsorted(z[:nodes], rows.max() + self.mean + REACH))
        if last <= first:
            return 0, np.zeros((high - low, 1))
        d = z[None, first:last] - rows[:, None] - self.mean
        weight = self.solved.weights((low, high), (first, last))
        # beyond the reach there are no lines for a weight
        near = np.where(np.abs(d) <= REACH, np.exp(-d * d / 2), 0.0)
        weight = np.where(near > 0, weight, 0.0)
        return first, near * weight / (math.sqrt(2 * math.pi) * self.scale)
