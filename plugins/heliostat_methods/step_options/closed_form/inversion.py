"""Numerical inversion of Laplace transforms: four strategies by name.

All singularities must be real and left of `shift`. `hyperbola` (Weideman and Trefethen 2007) and
`talbot` (fixed Talbot, Abate and Valko 2004) converge geometrically; `euler` (Abate and Whitt 1995)
needs a vertical line only, so it also serves where singularities are complex; `gaver` (Gaver and
Stehfest) uses real s but needs as many digits as nodes, so it runs in mpmath and is for checks.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.step_options.contracts.validation import InvalidInput, choice, number

Complex = NDArray[np.complex128]
STRATEGIES = ("hyperbola", "talbot", "euler", "gaver")


@dataclass(frozen=True)
class LaplaceInverter:
    """Inverts F(s) at t > 0; `nodes` None takes the strategy's usual number."""

    strategy: str = "hyperbola"
    nodes: int | None = None

    def __post_init__(self) -> None:
        choice("strategy", self.strategy, STRATEGIES)
        if self.nodes is not None and self.nodes < 2:
            raise InvalidInput("nodes", self.nodes, "at least 2")

    def points(self, t: float) -> tuple[Complex, Complex]:
        """Return s (n,) and weights (n,), with f(t) = Re sum weights * F(s + shift) e^{shift t}."""
        number("t", t, above=0)
        if self.strategy == "hyperbola":
            return _hyperbola(self.nodes or 16, t)
        if self.strategy == "talbot":
            return _talbot(self.nodes or 24, t)
        if self.strategy == "euler":
            return _euler(self.nodes or 30, t)
        raise InvalidInput("strategy", self.strategy, "a strategy with nodes in double precision")

    def invert(self, transform: Callable[[Any], Any], t: float, shift: float = 0.0) -> float:
        """Return f(t) of F = `transform`, which maps an array of s (mpmath numbers for gaver)."""
        if self.strategy == "gaver":
            return _gaver(transform, number("t", t, above=0), self.nodes or 16, shift)
        s, w = self.points(t)
        return float(np.real(np.sum(w * transform(s + shift))) * math.exp(shift * t))


def _hyperbola(n: int, t: float) -> tuple[Complex, Complex]:
    from heliostat_methods.step_options.closed_form.laplace_kernel import hyperbola

    z, w = hyperbola(n)
    return z / t, w / t


def _talbot(n: int, t: float) -> tuple[Complex, Complex]:
    r = 2 * n / (5 * t)
    theta = np.arange(1, n) * np.pi / n
    cot = 1 / np.tan(theta)
    s: Complex = r * theta * (cot + 1j)
    slope = theta + (theta * cot - 1) * cot
    w = r / n * np.exp(t * s) * (1 + 1j * slope)
    first = np.array([0.5 * r / n * np.exp(r * t)])
    return np.concatenate([[r], s]).astype(np.complex128), np.concatenate([first, w]).astype(
        np.complex128
    )


def _euler(n: int, t: float) -> tuple[Complex, Complex]:
    """Abate-Whitt: a Fourier series on Re s = A / (2t), its tail summed by binomial averages."""
    a, extra = 19.0, 14  # e^{-A} is the aliasing, e^{A/2} the growth of round-off
    k = np.arange(n + extra + 1)
    s = np.asarray((a + 2j * np.pi * k) / (2 * t), dtype=np.complex128)
    binomial = np.array([math.comb(extra, j) for j in range(extra + 1)]) / 2.0**extra
    tail = np.cumsum(binomial[::-1])[::-1]  # weight of term n + j in the averaged partial sums
    factor = np.concatenate([np.ones(n), tail])
    w = np.exp(a / 2) / t * factor * (-1.0) ** k
    w[0] *= 0.5
    return s, w.astype(np.complex128)


def _gaver(transform: Callable[[Any], Any], t: float, n: int, shift: float) -> float:
    import mpmath as mp

    n += n % 2
    with mp.workdps(int(2.4 * n)):
        half, log2t, total = n // 2, mp.log(2) / t, mp.mpf(0)
        for k in range(1, n + 1):
            v = mp.mpf(0)
            for j in range((k + 1) // 2, min(k, half) + 1):
                v += (
                    mp.mpf(j) ** half * mp.factorial(2 * j)
                    / (mp.factorial(half - j) * mp.factorial(j) * mp.factorial(j - 1)
                       * mp.factorial(k - j) * mp.factorial(2 * j - k))
                )  # fmt: skip
            total += (-1) ** (k + half) * v * transform(k * log2t + shift)
        return float(log2t * total * mp.exp(shift * t))
