"""Paths with a volatility of their own: Heston by Andersen's scheme, local volatility on a grid.

The volatility of a step is frozen for its bridge weight, which is then exact given the step.
Heston's variance follows the quadratic-exponential scheme with the martingale correction (Andersen
2008, QE-M), so that few steps do; log-Euler with full truncation would be off by 0.28 with four.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from heliostat_methods.step_options.arithmetic.compilation import compiled, inlined
from heliostat_methods.step_options.arithmetic.philox import normals
from heliostat_methods.step_options.contracts.market import HestonMarket, LocalVolMarket
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.validation import Vector
from heliostat_methods.step_options.paths.settings import PathSettings
from heliostat_methods.step_options.paths.step_plan import surface_steps
from heliostat_methods.step_options.weights.barrier import Barrier
from heliostat_methods.step_options.weights.bridge import (
    BridgeWeightTable,
    crossing_weight,
    same_side,
)


@inlined
def _weight(a: float, b: float, deviation: float, naive: bool, line: Any, plane: Any,
            n: Any) -> float:  # fmt: skip
    """The weight of a step between mirrored log-prices a and b over the barrier."""
    if naive:
        inside = (0.5 if a < 0.0 else 0.0) + (0.5 if b < 0.0 else 0.0)
        return 1.0 if inside == 0.0 else (n[6] if inside == 1.0 else math.sqrt(n[6]))
    deviation = max(deviation, 1e-9)
    x, y = a / deviation, b / deviation
    if x * y > 0.0:
        return same_side(x, y, line, n)
    return crossing_weight(max(x, y), -min(x, y), plane, n)


@compiled("void(f8[:,::1],f8,f8,f8[::1],f8,boolean,f8[:,::1],f8[:,::1],f8[::1],f8[::1],f8[::1])")
def heston_paths(x: Any, sign: float, y0: float, h: Any, mirror: float, naive: bool, line: Any,
                 plane: Any, n: Any, weight: Any, terminal: Any) -> None:  # fmt: skip
    """March Heston paths; x (2 steps, paths). h: v0, kappa, theta, xi, corr, drift, dt."""
    v0, kappa, theta, xi, corr, drift, dt = h[0], h[1], h[2], h[3], h[4], h[5], h[6]
    steps = x.shape[0] // 2
    e = math.exp(-kappa * dt)
    k1 = 0.5 * dt * (kappa * corr / xi - 0.5) - corr / xi
    k2 = 0.5 * dt * (kappa * corr / xi - 0.5) + corr / xi
    k3 = 0.5 * dt * (1.0 - corr * corr)
    a_ = k2 + 0.5 * k3
    for i in range(x.shape[1]):
        y, v, w = y0, v0, 1.0
        for j in range(steps):
            zv, zs = sign * x[2 * j, i], sign * x[2 * j + 1, i]
            m = theta + (v - theta) * e
            s2 = v * xi * xi * e / kappa * (1.0 - e) + theta * xi * xi / (2.0 * kappa) * (
                (1.0 - e) * (1.0 - e)
            )
            psi = s2 / (m * m)
            if psi <= 1.5:
                q = 2.0 / psi
                b2 = q - 1.0 + math.sqrt(q) * math.sqrt(q - 1.0)
                a = m / (1.0 + b2)
                b = math.sqrt(b2)
                v_next = a * (b + zv) * (b + zv)
                k0 = -a_ * b2 * a / (1.0 - 2.0 * a_ * a) + 0.5 * math.log(1.0 - 2.0 * a_ * a)
            else:
                p = (psi - 1.0) / (psi + 1.0)
                beta = (1.0 - p) / m
                tail = 0.5 * math.erfc(zv / 1.4142135623730951)  # 1 - U
                v_next = 0.0 if 1.0 - tail <= p else math.log((1.0 - p) / tail) / beta
                k0 = -math.log(p + beta * (1.0 - p) / (beta - a_))
            k0 -= (k1 + 0.5 * k3) * v
            y_next = y + drift * dt + k0 + k1 * v + k2 * v_next
            y_next += math.sqrt(k3 * (v + v_next)) * zs
            deviation = math.sqrt(0.5 * dt * (v + v_next))
            w *= _weight(mirror * y, mirror * y_next, deviation, naive, line, plane, n)
            y, v = y_next, v_next
        weight[i] = w
        terminal[i] = y


@compiled("void(f8[:,::1],f8,f8,f8[:,::1],f8[::1],f8,boolean,f8[:,::1],f8[:,::1],f8[::1],"
          "f8[::1],f8[::1])")  # fmt: skip
def local_vol_paths(x: Any, sign: float, y0: float, vols: Any, g: Any, mirror: float, naive: bool,
                    line: Any, plane: Any, n: Any, weight: Any, terminal: Any) -> None:  # fmt: skip
    """March log-Euler paths; g: low, high (of ln S), horizon, ln B(0), gamma, r - q, dt."""
    low, high, horizon, log_b, gamma, carry, dt = g[0], g[1], g[2], g[3], g[4], g[5], g[6]
    times, levels = vols.shape
    for i in range(x.shape[1]):
        y, w = y0, 1.0
        for j in range(x.shape[0]):
            t = (j + 0.5) * dt  # the middle of the step: second order in time
            ft = min(max(t / horizon, 0.0), 1.0) * (times - 1)
            it = min(int(ft), times - 2)
            ft -= it
            s = y + log_b + gamma * j * dt
            fs = min(max((s - low) / (high - low), 0.0), 1.0) * (levels - 1)
            js = min(int(fs), levels - 2)
            fs -= js
            vol = (1.0 - ft) * ((1.0 - fs) * vols[it, js] + fs * vols[it, js + 1]) + ft * (
                (1.0 - fs) * vols[it + 1, js] + fs * vols[it + 1, js + 1]
            )
            deviation = vol * math.sqrt(dt)
            y_next = y + (carry - gamma - 0.5 * vol * vol) * dt + deviation * sign * x[j, i]
            w *= _weight(mirror * y, mirror * y_next, deviation, naive, line, plane, n)
            y = y_next
        weight[i] = w
        terminal[i] = y


def heston_columns(option: StepOption, market: HestonMarket, x: Vector, naive: bool,
                   sign: float = 1.0) -> Vector:  # fmt: skip
    """Return weighted payoff, payoff and asset, discounted, of normals x (2 steps, n)."""
    dt = option.maturity / (len(x) // 2)
    gamma = float(option.common_gamma or 0.0)
    h = np.array([market.v0, market.kappa, market.theta, market.xi, market.corr,
                  market.rate - market.dividend - gamma, dt])  # fmt: skip
    y0 = math.log(market.spot / option.levels_at(0.0)[0])
    barrier = Barrier.of(option)
    table = BridgeWeightTable.build(barrier.rate * dt)
    weight, terminal = np.empty(x.shape[1]), np.empty(x.shape[1])
    heston_paths(np.ascontiguousarray(x), sign, y0, h, barrier.mirror, naive, table.line,
                 table.plane, table.numbers, weight, terminal)  # fmt: skip
    return _columns(option, market.rate, barrier, weight, terminal)


def local_vol_columns(option: StepOption, market: LocalVolMarket, x: Vector, naive: bool,
                      sign: float = 1.0) -> Vector:  # fmt: skip
    """Return weighted payoff, payoff and asset, discounted, of normals x (steps, n)."""
    dt = option.maturity / len(x)
    gamma = float(option.common_gamma or 0.0)
    log_b = math.log(option.levels_at(0.0)[0])
    g = np.array([market.low, market.high, market.horizon, log_b, gamma,
                  market.rate - market.dividend, dt])  # fmt: skip
    barrier = Barrier.of(option)
    table = BridgeWeightTable.build(barrier.rate * dt)
    weight, terminal = np.empty(x.shape[1]), np.empty(x.shape[1])
    vols = np.array(market.vols)  # stored data are read-only, which is another type to the compiler
    local_vol_paths(np.ascontiguousarray(x), sign, math.log(market.spot) - log_b, vols, g,
                    barrier.mirror, naive, table.line, table.plane, table.numbers, weight,
                    terminal)  # fmt: skip
    return _columns(option, market.rate, barrier, weight, terminal)


def _columns(option: StepOption, rate: float, barrier: Barrier, weight: Vector,
             terminal: Vector) -> Vector:  # fmt: skip
    s = option.levels_at(option.maturity)[0] * np.exp(terminal)
    payoff = option.payoff(s)
    factor = math.exp(-barrier.common * option.maturity)
    return math.exp(-rate * option.maturity) * np.stack([factor * weight * payoff, payoff, s])


def sample_volatility(option: StepOption, market: HestonMarket | LocalVolMarket,
                      settings: PathSettings, seed: int, first: int,
                      count: int) -> Vector:  # fmt: skip
    """Return weighted payoff and discounted asset, (2, count)."""
    naive = settings.weights == "naive"
    steps = settings.steps if naive else surface_steps(option, market, settings.steps)
    rows = steps * (2 if isinstance(market, HestonMarket) else 1)
    x = normals(seed, first, count, rows)
    signs = (1.0, -1.0) if settings.antithetic else (1.0,)
    total = np.zeros((2, count))
    for sign in signs:
        if isinstance(market, HestonMarket):
            columns = heston_columns(option, market, x, naive, sign)
        else:
            columns = local_vol_columns(option, market, x, naive, sign)
        total += columns[[0, 2]]
    return total / len(signs)
