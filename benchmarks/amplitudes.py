"""Yang-Mills tree amplitudes at many points: compiled currents against Feynman rules in numpy.

    python benchmarks/amplitudes.py [--points 2048] [--seconds 0.4] [--json]

The peer is the Feynman-rule recursion of `kernels/reference.py`, batched over the same points:
three- and four-vertices, O(n^4), the dense four-vertex in one einsum a term; beside it the same
with that einsum taken apart by hand, which is several times faster. Both sides give the same
amplitudes (the deviation is printed). Then the time a point takes for n = 4 to 14 in complex and
real doubles and modulo primes, and how it grows with n: the slope of log time against log n beside
that of the C(n, 3) splits, which is 3 for large n.

All is in D = 4 on one thread, calls from Python with their checks of the input: minima of the
thread's CPU time over interleaved turns, so other jobs on the machine do not count. The C kernel
runs as the best variant that this CPU has. About a minute.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from heliostat_methods.amplitudes import (
    amplitude,
    field_named,
    flat_phase_space,
    random_gram_point,
    spinors_of,
)
from heliostat_methods.amplitudes.helicity.references import default_reference
from heliostat_methods.amplitudes.kernels import backend, ym_amplitudes, ym_amplitudes_mod
from heliostat_methods.amplitudes.kernels.reference import dense_amplitudes, pair_by_pair
from heliostat_methods.amplitudes.loops.batched import batched_integrand
from heliostat_methods.amplitudes.loops.integrands import integrand
from heliostat_methods.amplitudes.loops.random_loops import random_loop_point

LEGS = range(4, 15)
GROWTH = (8, 14)
"""Legs from and to which the growth is fitted: below, what is done once a point weighs more."""
PRIMES = {"GF(2^31-1)": 2**31 - 1, "GF(2^31-19)": 2**31 - 19}
GOALS = {"C over einsum": 200.0, "numba over einsum": 40.0}
LONGEST_RESIDUE = 20.0
"""Microseconds that 12 legs modulo 2^31 - 1 may take."""
Work = Callable[[], object]
Claims = dict[str, dict[str, Any]]


def minima(works: dict[str, Work], seconds: float) -> dict[str, float]:
    """Return the least CPU seconds of each work, all taken in turns for ``seconds`` each."""
    least = dict.fromkeys(works, math.inf)
    for work in works.values():
        work()
    until, turns = time.perf_counter() + seconds * len(works), 0
    while turns < 5 or time.perf_counter() < until:
        for name, work in works.items():
            work()  # brings its own data back into the caches
            began = time.thread_time()
            work()
            least[name] = min(least[name], time.thread_time() - began)
        turns += 1
    return least


def gluons(points: int, n: int) -> tuple[Any, Any]:
    """Return momenta of sum 0, massless, and transversal complex polarisations."""
    rng = np.random.default_rng(n)
    d = rng.normal(size=(points, n - 2, 3))
    q = np.concatenate([np.linalg.norm(d, axis=-1, keepdims=True), d], -1)
    total = q.sum(1)
    # two massless beams that carry it: in the frame at rest they are back to back, along z
    mass = np.sqrt(total[:, 0] ** 2 - (total[:, 1:] ** 2).sum(-1))
    gamma, b = total[:, :1] / mass[:, None], total[:, 1:] / mass[:, None]
    space = b * b[:, 2:] / (1 + gamma) + np.array([0, 0, 1.0])  # of the boosted (0, 0, 0, 1)
    beam = np.concatenate([b[:, 2:], space], -1) * mass[:, None] / 2
    k = np.concatenate([-q, (total / 2 + beam)[:, None], (total / 2 - beam)[:, None]], 1)
    e = rng.normal(size=(points, n, 4)) + 1j * rng.normal(size=(points, n, 4))
    # e.k = 0 by its time component
    e[..., 0] = (e[..., 1:] * k[..., 1:]).sum(-1) / k[..., 0]
    return k, e


def claim(claims: Claims, name: str, ours: float, peer: float, unit: str, goal: str = "") -> None:
    """Keep and print one comparison, by how many times ours is less."""
    claims[name] = {"ours": ours, "peer": peer, "ratio": peer / ours, "unit": unit}
    print(f"{name:<44} ours {ours:>9.4g}  peer {peer:>9.4g} {unit:<11} ratio {peer / ours:>7.1f}"
          f"{goal}")  # fmt: skip


def against_feynman_rules(claims: Claims, points: int, seconds: float) -> None:
    """Compare 8 gluons, complex, with the recursion in numpy."""
    k, e = gluons(points, 8)
    works: dict[str, Work] = {
        "C": lambda: ym_amplitudes(k, e),
        "numba": lambda: ym_amplitudes(k, e, using="numba"),
        "numpy": lambda: ym_amplitudes(k, e, using="numpy"),
        "einsum": lambda: dense_amplitudes(k, e),
        "einsum by pairs": lambda: dense_amplitudes(k, e, four=pair_by_pair),
    }
    deviation = np.median(np.abs(dense_amplitudes(k, e) / ym_amplitudes(k, e) - 1))
    print(f"8 gluons, complex128, {points} points; median relative deviation {deviation:.1e}")
    least = {name: 1e6 * t / points for name, t in minima(works, seconds).items()}
    for ours in ("C", "numba", "numpy"):
        for peer in ("einsum", "einsum by pairs"):
            name = f"{ours} over {peer}"
            goal = f"  (goal {GOALS[name]:.0f})" if name in GOALS else ""
            claim(claims, f"8 gluons, {name}", least[ours], least[peer], "us a point", goal)


def times_by_legs(points: int, seconds: float) -> dict[str, dict[int, float]]:
    """Return microseconds a point, by kind of number and n."""
    table: dict[str, dict[int, float]] = {}
    for n in LEGS:
        k, e = gluons(points, n)
        real = e.real.copy()
        works: dict[str, Work] = {
            "complex": lambda k=k, e=e: ym_amplitudes(k, e),
            "real": lambda k=k, e=real: ym_amplitudes(k, e),
            "complex, numba": lambda k=k, e=e: ym_amplitudes(k, e, using="numba"),
        }
        for name, p in PRIMES.items():
            whole = np.random.default_rng(n).integers(0, p, (2, points, n, 4)).astype(np.uint64)
            works[name] = lambda w=whole, p=p: ym_amplitudes_mod(*w, p, metric=(1, -1, 1, -1))
        for name, t in minima(works, seconds).items():
            table.setdefault(name, {})[n] = 1e6 * t / points
    return table


def slope(of: dict[int, float]) -> float:
    """Return the slope of log value against log n, by least squares over `GROWTH`."""
    some = [n for n in of if GROWTH[0] <= n <= GROWTH[1]]
    return float(np.polyfit(np.log(some), np.log([of[n] for n in some]), 1)[0])


def by_legs(claims: Claims, points: int, seconds: float) -> None:
    """Print the times of all n, and how they grow."""
    table = times_by_legs(points, seconds)
    print(f"us a point, {points} points:")
    print("   n" + "".join(f"{name:>16}" for name in table))
    for n in LEGS:
        print(f"{n:>4}" + "".join(f"{row[n]:>16.3f}" for row in table.values()))
    splits = slope({n: math.comb(n, 3) for n in LEGS})
    print(f"growth, slope for n = {GROWTH[0]} to {GROWTH[1]} (splits C(n, 3): {splits:.2f}; "
          "large n: 3):")  # fmt: skip
    for name, row in table.items():
        claim(claims, f"growth with n, {name}", slope(row), splits, "slope")
    claim(claims, "12 gluons modulo 2^31-1, against the limit", table["GF(2^31-1)"][12],
          LONGEST_RESIDUE, "us a point")  # fmt: skip


def rationals(claims: Claims) -> None:
    """Compare exact rational numbers, `fmpq` against `Fraction`, on one Gram-basis amplitude."""
    try:
        flint = field_named("flint")
    except ImportError as error:
        print(error)
        return
    ratios = []
    for n in (6, 8, 10):
        point = random_gram_point(n, np.random.default_rng(n))
        sides = {"Fraction": point, "fmpq": point.over(flint)}
        least = dict.fromkeys(sides, math.inf)
        for _ in range(5):
            for name, at in sides.items():
                start = time.thread_time()
                amplitude("ym", at)
                least[name] = min(least[name], time.thread_time() - start)
        ratios.append(least["Fraction"] / least["fmpq"])
        print(f"exact, {n} gluons: fmpq {1e3 * least['fmpq']:.2f} ms, Fraction "
              f"{1e3 * least['Fraction']:.2f} ms, {ratios[-1]:.1f}x")  # fmt: skip
        claims[f"fmpq over Fraction, {n} legs"] = {
            "ours": 1e3 * least["fmpq"], "peer": 1e3 * least["Fraction"], "ratio": ratios[-1],
            "unit": "ms",
        }  # fmt: skip


def loops(claims: Claims, seconds: float) -> None:
    """Time one-loop integrands: exact with six legs, floats over loop momenta with four."""
    limits = {"rational": 5.0, "flint": 5.0}
    for name, limit in limits.items():
        try:
            field = field_named(name)
        except ImportError as error:
            print(error)
            continue
        point = random_gram_point(6, np.random.default_rng(6)).over(field)
        loop = random_loop_point(point, np.random.default_rng(7))
        start = time.thread_time()
        integrand("ym", point, loop)
        took = time.thread_time() - start
        print(f"exact integrand of 6 gluons, {name}: {took:.2f} s (limit {limit:g} s)")
        claims[f"6-gluon integrand, {name}"] = {
            "ours": took,
            "peer": limit,
            "ratio": limit / took,
            "unit": "s",
        }
    rng = np.random.default_rng(0)
    k = flat_phase_space(1, 4, rng)[0]
    e = spinors_of(k[None]).polarisations("++++", default_reference(spinors_of(k[None])))[0]
    for theory in ("scalar", "ym"):
        l = rng.normal(size=(8192, 4)) * 500
        least = math.inf
        end = time.thread_time() + 4 * seconds
        while time.thread_time() < end:
            start = time.thread_time()
            batched_integrand(theory, k, e, l)
            least = min(least, time.thread_time() - start)
        rate = len(l) / least
        print(f"float integrand of 4 gluons, {theory}: {rate:.3g} points a second (goal 1e5)")
        claims[f"4-gluon {theory} integrand, floats"] = {
            "ours": rate,
            "peer": 1e5,
            "ratio": rate / 1e5,
            "unit": "points a second",
        }


def main() -> int:
    """Print both sides of every claim; the last line as JSON if asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=2048)
    parser.add_argument("--seconds", type=float, default=0.4, help="for each work")
    parser.add_argument("--json", action="store_true", help="last line as JSON")
    args = parser.parse_args()
    for kind in ("complex", "real", "modular"):
        print(backend(kind))
    claims: Claims = {}
    with threadpool_limits(1):  # the time of other threads would not be counted
        against_feynman_rules(claims, args.points, args.seconds)
        by_legs(claims, args.points, args.seconds)
        rationals(claims)
        loops(claims, args.seconds)
    if args.json:
        print(json.dumps(claims))
    return 0


if __name__ == "__main__":
    sys.exit(main())
