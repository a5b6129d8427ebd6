"""Monte Carlo integration over the unit cube in blocks that anybody may compute.

A block is decided by the grid, its random numbers and its size alone, and blocks are summed in
their order, so a result has the same bits with any number of workers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.amplitudes.loops.adaptive_grid import AdaptiveGrid

Array = NDArray[Any]
Stream = Callable[..., np.random.Generator]
"""The random numbers of a name, such as stream("all_plus", 2, 17)."""


class CubeIntegrand(Protocol):
    """A function of points of the unit cube, (samples, dimensions) -> (samples,)."""

    @property
    def dimensions(self) -> int:
        """How many coordinates there are."""

    def __call__(self, cube: Array) -> Array:
        """Return real or complex values."""


@dataclass(frozen=True, eq=False)
class Block:
    """Sums over the samples of a block.

    ``total``: of weighted values, complex. ``squares``: of the squares of their real and imaginary
    parts. ``shares`` (axes, bins): of the absolute squares by bin, which refine the grid.
    """

    samples: int
    total: complex
    squares: tuple[float, float]
    shares: Array


@dataclass(frozen=True)
class Estimate:
    """An integral with standard errors, of its real and imaginary part."""

    samples: int
    value: complex
    error: float
    imaginary_error: float


@dataclass(frozen=True)
class Integral:
    """The result, and estimates on the way: by the first 1, 2, 4, .. blocks of the last grid.

    ``rate``: fitted power of the samples in the error; -1/2 where the variance is finite.
    """

    estimate: Estimate
    steps: tuple[Estimate, ...]
    rate: float
    grid: AdaptiveGrid


def sample_block(
    integrand: CubeIntegrand, grid: AdaptiveGrid, rng: np.random.Generator, samples: int
) -> Block:
    """Return the sums over so many samples of a grid; ValueError for a value that is no number."""
    points, weights, inside = grid.mapped(rng.random((samples, integrand.dimensions)))
    values = np.asarray(integrand(points) * weights, dtype=complex)
    size = values.real**2 + values.imag**2
    if not np.isfinite(size).all():
        bad = int(np.argmax(~np.isfinite(size)))
        raise ValueError(f"integrand at {points[bad].tolist()}: {values[bad]}, expected a number")
    bins = grid.bounds.shape[1] - 1
    shares = np.array([np.bincount(axis, size, bins) for axis in inside.T])
    squares = (float((values.real**2).sum()), float((values.imag**2).sum()))
    return Block(samples, complex(values.sum()), squares, shares)


def estimate(blocks: Sequence[Block]) -> Estimate:
    """Return the mean over all samples of some blocks of one grid, summed in their order."""
    samples, total, real, imaginary = 0, 0j, 0.0, 0.0
    for block in blocks:
        samples += block.samples
        total += block.total
        real += block.squares[0]
        imaginary += block.squares[1]
    mean = total / samples

    def error(squares: float, of: float) -> float:
        return math.sqrt(max(squares / samples - of * of, 0.0) / max(samples - 1, 1))

    return Estimate(samples, mean, error(real, mean.real), error(imaginary, mean.imag))


def refined_grid(grid: AdaptiveGrid, blocks: Iterable[Block]) -> AdaptiveGrid:
    """Return the grid for the shares of some blocks."""
    total: Array = np.zeros_like(grid.bounds[:, 1:])
    for block in blocks:
        total = total + block.shares
    return grid.refined(total)


def integral(blocks: Sequence[Block], grid: AdaptiveGrid) -> Integral:
    """Return the estimate by all blocks of one grid, those by 1, 2, 4, .. of them, and the rate."""
    counts = [2**j for j in range(len(blocks).bit_length()) if 2**j <= len(blocks)]
    steps = tuple(estimate(blocks[:count]) for count in counts)
    rate = fitted_rate([s.samples for s in steps], [s.error for s in steps])
    return Integral(estimate(blocks), steps, rate, grid)


def integrate(
    integrand: CubeIntegrand, stream: Stream, *, refinements: int = 5, samples: int = 4096,
    blocks: int = 32, refining_blocks: int = 4, bins: int = 64,
) -> Integral:  # fmt: skip
    """Return the integral over the cube, on one core.

    ``refinements`` of the grid, each by ``refining_blocks`` blocks of ``samples``, then ``blocks``
    blocks on the last grid, which alone count. ``stream``: random numbers by name, stream(turn,
    block). With workers, send `sample_block` of each name instead: bits are the same.
    """
    least = {"refinements": (refinements, 0), "samples": (samples, 2), "blocks": (blocks, 1),
             "refining_blocks": (refining_blocks, 1), "bins": (bins, 1)}  # fmt: skip
    for name, (value, low) in least.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < low:
            raise ValueError(f"{name}: {value!r}, expected a whole number from {low}")
    grid = AdaptiveGrid.uniform(integrand.dimensions, bins)
    for turn in range(refinements):
        made = [sample_block(integrand, grid, stream(turn, block), samples)
                for block in range(refining_blocks)]  # fmt: skip
        grid = refined_grid(grid, made)
    made = [sample_block(integrand, grid, stream(refinements, block), samples)
            for block in range(blocks)]  # fmt: skip
    return integral(made, grid)


def fitted_rate(samples: Sequence[int], errors: Sequence[float]) -> float:
    """Return the slope of log error against log samples; nan for fewer than two errors above 0."""
    pairs = [(math.log(n), math.log(e)) for n, e in zip(samples, errors, strict=True) if e > 0]
    if len(pairs) < 2:
        return math.nan
    x, y = np.array(pairs).T
    return float(np.polyfit(x, y, 1)[0])
