"""States of any staircase potential: H = -1/2 d^2/dz^2 + V(z), V constant between its breaks.

Bound states lie below both ends of V. They are counted by the nodes of the solution that decays on
the left (Sturm): that solution has as many as there are states below its energy, so none is missed.
Each is carried from both sides, growing all the way, and joined where it is large.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from heliostat_methods.step_options.contracts.validation import Unsupported, Vector

APART = 1e-8
"""States closer than this, relative to the depth, have no wave functions of their own in floats."""


@dataclass(frozen=True)
class StaircaseState:
    """One bound state; energy above the lowest potential, z from the lowest break.

    `ends`: (psi, psi') at each break. `decays`: of psi below all breaks and above them.
    """

    energy: float
    decays: tuple[float, float]
    breaks: tuple[float, ...]
    squares: tuple[float, ...]
    """Squared wave number of each region, negative where the state decays."""
    ends: tuple[tuple[float, float], ...]

    def __call__(self, z: ArrayLike) -> Vector:
        """Return psi(z), normalised."""
        z = np.asarray(z, dtype=np.float64)
        region = np.searchsorted(self.breaks, z)
        out = np.zeros(z.shape)
        for i in range(len(self.squares)):
            inside = region == i
            if not inside.any():
                continue
            at = z[inside]
            if i == 0:
                out[inside] = self.ends[0][0] * np.exp(self.decays[0] * (at - self.breaks[0]))
            elif i == len(self.breaks):
                out[inside] = self.ends[-1][0] * np.exp(self.decays[1] * (self.breaks[-1] - at))
            else:
                low, high = self.breaks[i - 1], self.breaks[i]
                out[inside] = _between(
                    self.ends[i - 1], self.ends[i], self.squares[i], at - low, high - at
                )
        return out


MOST_STATES = 10_000


def staircase_states(breaks: ArrayLike, potential: ArrayLike) -> list[StaircaseState]:
    """Return all bound states, lowest energy first.

    breaks: (m,) increasing. potential: (m + 1,), lowest region first. Raises Unsupported where two
    states cannot be told apart in double precision (deep wells far from each other).
    """
    b = np.asarray(breaks, dtype=np.float64)
    v = np.asarray(potential, dtype=np.float64)
    floor, top = float(v.min()), float(min(v[0], v[-1]))
    depth = top - floor
    count = _nodes(top - 1e-14 * depth, b, v) if depth > 0 else 0
    if count > MOST_STATES:
        raise Unsupported(
            "rates", tuple(map(float, v)),
            f"a potential of at most {MOST_STATES} bound states, and this has {count}",
            'use method="laplace", which needs no states',
        )  # fmt: skip
    energies = [_energy(n, floor, top, b, v) for n in range(count)]
    for n in range(1, count):
        if energies[n] - energies[n - 1] < APART * depth:
            raise Unsupported(
                "rates", tuple(map(float, v)),
                f"bound states {n - 1} and {n} further apart than {APART:g} of the well's depth",
                'use method="laplace", which needs no states',
            )  # fmt: skip
    return [_state(energy, floor, b, v) for energy in energies]


def _carry(psi: float, slope: float, square: float, width: float) -> tuple[float, float, int]:
    """Carry (psi, psi') over `width`, scaled; also return the nodes on the way."""
    if square > 0:
        k = math.sqrt(square)
        c, s = math.cos(k * width), math.sin(k * width)
        new = psi * c + slope * s / k
        phase = math.atan2(k * psi, slope) / math.pi  # psi = a sin, psi' = a k cos
        turns = phase + k * width / math.pi
        nodes = math.floor(turns) - math.floor(phase)
        if psi != 0 and (nodes % 2 == 1) != ((new < 0) != (psi < 0)):
            # a node on a break: the sign of psi decides on which side it is
            nodes += 1 if turns - math.floor(turns) > 0.5 else -1
        return new, slope * c - psi * k * s, nodes
    kappa = math.sqrt(-square)
    far = math.exp(-2 * kappa * width)
    # cosh and sinh without their common growth
    c = (1 + far) / 2
    s = width * far if kappa == 0 else (1 - far) / (2 * kappa)
    new, new_slope = psi * c + slope * s, slope * c + psi * kappa * kappa * s
    if new == 0 and new_slope == 0:
        # a solution that decays all the way: what grows has vanished in round-off
        return 1e-17 * psi, 1e-17 * kappa * psi, 0
    return new, new_slope, int((new < 0) != (psi < 0))


def _between(start: tuple[float, float], end: tuple[float, float], square: float, up: Vector,
             down: Vector) -> Vector:  # fmt: skip
    """Return psi at distances `up` from the lower end and `down` from the upper end."""
    k, width = math.sqrt(abs(square)), float(up[0] + down[0])
    if k == 0:
        return np.asarray(start[0] + start[1] * up)
    if square > 0:
        return np.asarray(start[0] * np.cos(k * up) + start[1] / k * np.sin(k * up))
    if k * width < 1:
        return np.asarray(start[0] * np.cosh(k * up) + start[1] / k * np.sinh(k * up))
    # one part decays from either end: no growing exponential, however high the wall
    far = math.exp(-k * width)
    rest = -math.expm1(-2 * k * width)
    below, above = (start[0] - far * end[0]) / rest, (end[0] - far * start[0]) / rest
    return np.asarray(below * np.exp(-k * up) + above * np.exp(-k * down))


def _nodes(energy: float, b: Vector, v: Vector) -> int:
    """Return the nodes of the solution that decays on the left: the states below `energy`."""
    squares = 2 * (energy - v)
    psi, slope, count = 1.0, math.sqrt(-squares[0]), 0
    for i in range(1, len(b)):
        psi, slope, more = _carry(psi, slope, float(squares[i]), float(b[i] - b[i - 1]))
        size = math.hypot(psi, slope)
        psi, slope, count = psi / size, slope / size, count + more
    # above all breaks the growing part decides whether there is one more
    growing = slope + math.sqrt(-squares[-1]) * psi
    return count + int((growing < 0) != (psi < 0))


def _energy(n: int, floor: float, top: float, b: Vector, v: Vector) -> float:
    """Return the energy of state n by bisection of the count, to the last digits."""
    lo, hi = 0.0, top - floor
    for _ in range(200):
        middle = 0.5 * (lo + hi)
        if middle in (lo, hi):
            break
        if _nodes(floor + middle, b, v) > n:
            hi = middle
        else:
            lo = middle
    return 0.5 * (lo + hi)


def _state(energy: float, floor: float, b: Vector, v: Vector) -> StaircaseState:
    squares = tuple(float(x) for x in 2 * (energy + floor - v))
    below, above = math.sqrt(-squares[0]), math.sqrt(-squares[-1])
    m = len(b)
    left, log_left = _sides(1.0, below, b, squares[1:-1])
    mirrored, log_right = _sides(1.0, above, -b[::-1], squares[1:-1][::-1])
    right = [(psi, -slope) for psi, slope in mirrored[::-1]]
    log_right = log_right[::-1]
    # |left| |right| at a break is the square of the state there, up to one common factor
    joint = max(range(m), key=lambda i: log_left[i] + log_right[i])
    ratio = _same(left[joint], right[joint])
    left = [(p * math.exp(log_left[i] - log_left[joint]),
             s * math.exp(log_left[i] - log_left[joint])) for i, (p, s) in enumerate(left)
            if i <= joint]  # fmt: skip
    right = [(ratio * p * math.exp(log_right[i] - log_right[joint]),
              ratio * s * math.exp(log_right[i] - log_right[joint]))
             for i, (p, s) in enumerate(right) if i >= joint]  # fmt: skip
    values = [*left, *right[1:]]
    total = values[0][0] ** 2 / (2 * below) + values[-1][0] ** 2 / (2 * above)
    for i in range(1, m):
        total += _square(values[i - 1], values[i], squares[i], float(b[i] - b[i - 1]))
    norm = 1 / math.sqrt(total)
    ends = tuple((norm * p, norm * s) for p, s in values)
    return StaircaseState(energy, (below, above), tuple(map(float, b)), squares, ends)


def _sides(
    psi: float, slope: float, b: Vector, squares: tuple[float, ...]
) -> tuple[list[tuple[float, float]], list[float]]:
    """Return (psi, psi') of unit length at each break, and the logarithm of their true length."""
    size = math.hypot(psi, slope)
    found, logs = [(psi / size, slope / size)], [math.log(size)]
    for i, square in enumerate(squares):
        width = float(b[i + 1] - b[i])
        psi, slope, _ = _carry(*found[-1], square, width)
        size = math.hypot(psi, slope)
        found.append((psi / size, slope / size))
        logs.append(logs[-1] + math.log(size) + (math.sqrt(-square) * width if square < 0 else 0.0))
    return found, logs


def _same(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Return 1 or -1: two unit vectors of one state are equal up to their sign."""
    return 1.0 if a[0] * b[0] + a[1] * b[1] >= 0 else -1.0


def _square(start: tuple[float, float], end: tuple[float, float], square: float,
            width: float) -> float:  # fmt: skip
    """Return the integral of psi^2 over a region."""
    if abs(square) * width * width < 1:
        x, w = np.polynomial.legendre.leggauss(12)
        up = width * (x + 1) / 2
        psi = _between(start, end, square, up, width - up)
        return float(np.sum(w * psi * psi)) * width / 2
    # psi'^2 + k^2 psi^2 is constant, and (psi psi')' = psi'^2 - k^2 psi^2
    constant = start[1] ** 2 + square * start[0] ** 2
    return (constant * width - (end[0] * end[1] - start[0] * start[1])) / (2 * square)
