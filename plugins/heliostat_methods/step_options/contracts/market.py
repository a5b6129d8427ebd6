"""What the underlying does: Black-Scholes, also by time intervals, Heston, baskets, local vol."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from heliostat import stored
from heliostat_methods.step_options.contracts.step_option import LARGEST_LOG
from heliostat_methods.step_options.contracts.validation import (
    InvalidInput,
    Vector,
    increasing,
    number,
    numbers,
    sequence,
)


@stored("step_options.black_scholes_market")
@dataclass(frozen=True)
class BlackScholesMarket:
    """dS/S = (rate - dividend) dt + vol dW; `spot` may be an array (a ladder of spots)."""

    spot: float | Vector
    rate: float
    dividend: float
    vol: float

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "spot", numbers("spot", self.spot, above=0))
        set_(self, "rate", number("rate", self.rate))
        set_(self, "dividend", number("dividend", self.dividend))
        set_(self, "vol", number("vol", self.vol, above=0))


@stored("step_options.piecewise_market")
@dataclass(frozen=True)
class PiecewiseMarket:
    """Black-Scholes with rate, dividend and vol constant between `times` (years).

    `times` (n,) are the ends of the first n intervals; the last values hold for ever after, so
    the others have n + 1 entries. `charge`, if given, multiplies the contract's rates in each
    interval. Engines that go through time price it, and closed forms where one clock serves all
    (`reduced.equivalent`).
    """

    spot: float
    times: tuple[float, ...]
    rate: tuple[float, ...]
    dividend: tuple[float, ...]
    vol: tuple[float, ...]
    charge: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "spot", number("spot", self.spot, above=0))
        ends = sequence("times", self.times)
        times = tuple(number(f"times[{i}]", t, above=0) for i, t in enumerate(ends))
        increasing("times", times)
        set_(self, "times", times)
        for name in ("rate", "dividend", "vol", "charge"):
            values = getattr(self, name)
            if values is None and name == "charge":
                continue
            values = sequence(name, values)
            if len(values) != len(times) + 1:
                raise InvalidInput(name, values, f"{len(times) + 1} values, one an interval")
            above, least = {"vol": (0.0, -np.inf), "charge": (-np.inf, 0.0)}.get(
                name, (-np.inf, -np.inf)
            )
            set_(self, name, tuple(
                number(f"{name}[{i}]", v, above=above, least=least) for i, v in enumerate(values)
            ))  # fmt: skip

    def at(self, t: float) -> tuple[float, float, float, float]:
        """Return (rate, dividend, vol, charge) in the interval that begins at or before t."""
        i = int(np.searchsorted(self.times, t, side="right"))
        return self.rate[i], self.dividend[i], self.vol[i], self.charge[i] if self.charge else 1.0

    def spans(self, maturity: float) -> tuple[tuple[float, float, float, float, float], ...]:
        """Return (years, rate, dividend, vol, charge) of each interval up to maturity."""
        cuts = [0.0, *(t for t in self.times if t < maturity), maturity]
        return tuple((b - a, *self.at(a)) for a, b in itertools.pairwise(cuts))

    def averaged(self, maturity: float) -> BlackScholesMarket:
        """Return the constant market in which S_T has the same law."""
        spans = self.spans(maturity)
        rate = sum(d * r for d, r, _, _, _ in spans) / maturity
        dividend = sum(d * q for d, _, q, _, _ in spans) / maturity
        variance = sum(d * v * v for d, _, _, v, _ in spans) / maturity
        return BlackScholesMarket(self.spot, rate, dividend, math.sqrt(variance))


@stored("step_options.heston_market")
@dataclass(frozen=True)
class HestonMarket:
    """dv = kappa (theta - v) dt + xi sqrt(v) dW', d<W, W'> = corr dt; v(0) = v0."""

    spot: float
    rate: float
    dividend: float
    v0: float
    kappa: float
    theta: float
    xi: float
    corr: float

    def __post_init__(self) -> None:
        for name in ("spot", "v0", "kappa", "theta", "xi"):
            object.__setattr__(self, name, number(name, getattr(self, name), above=0))
        for name in ("rate", "dividend"):
            object.__setattr__(self, name, number(name, getattr(self, name)))
        object.__setattr__(self, "corr", number("corr", self.corr, least=-1, below=1 + 1e-15))


@stored("step_options.basket_market")
@dataclass(frozen=True)
class BasketMarket:
    """Several correlated Black-Scholes assets; the claim is on sum_i weights[i] S_i(T).

    The barrier and its occupation time refer to the first asset. `correlation` is (n, n).
    """

    spots: tuple[float, ...]
    rate: float
    dividends: tuple[float, ...]
    vols: tuple[float, ...]
    correlation: tuple[tuple[float, ...], ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        n = len(sequence("spots", self.spots))
        if n == 0:
            raise InvalidInput("spots", self.spots, "at least one asset")
        for name, above in (("spots", 0.0), ("dividends", -np.inf), ("vols", 0.0),
                            ("weights", 0.0)):  # fmt: skip
            values = sequence(name, getattr(self, name))
            if len(values) != n:
                raise InvalidInput(name, values, f"{n} values, one an asset")
            object.__setattr__(self, name, tuple(
                number(f"{name}[{i}]", v, above=above) for i, v in enumerate(values)
            ))  # fmt: skip
        object.__setattr__(self, "rate", number("rate", self.rate))
        try:
            matrix = np.asarray(self.correlation, dtype=np.float64)
        except (TypeError, ValueError):
            expected = f"{n} rows of {n} numbers"
            raise InvalidInput("correlation", self.correlation, expected) from None
        if matrix.shape != (n, n) or not np.isfinite(matrix).all():
            raise InvalidInput("correlation", self.correlation, f"a finite {n} x {n} matrix")
        if not np.allclose(matrix, matrix.T) or not np.allclose(np.diag(matrix), 1.0):
            raise InvalidInput(
                "correlation", self.correlation, "symmetric with ones on the diagonal"
            )
        smallest = float(np.linalg.eigvalsh(matrix)[0])
        if smallest < -1e-12:
            raise InvalidInput(
                "correlation",
                self.correlation,
                "a positive semi-definite matrix",
                f"its smallest eigenvalue is {smallest:.6g}",
            )

    @property
    def spot(self) -> float:
        """The price of the asset that the barrier refers to."""
        return self.spots[0]

    @property
    def factor(self) -> Vector:
        """Return the lower-triangular L with L L' = correlation, also where it is singular."""
        matrix = np.asarray(self.correlation, dtype=np.float64)
        n = len(matrix)
        lower = np.zeros((n, n))
        for i in range(n):
            for j in range(i + 1):
                rest = matrix[i, j] - lower[i, :j] @ lower[j, :j]
                if i == j:
                    lower[i, i] = np.sqrt(max(rest, 0.0))
                elif lower[j, j] > 1e-12:
                    lower[i, j] = rest / lower[j, j]
        return lower


@stored("step_options.local_vol_market")
@dataclass(frozen=True)
class LocalVolMarket:
    """dS/S = (rate - dividend) dt + vol(ln S, t) dW with vol bilinear on a uniform grid.

    `vols` (n_times, n_levels) at times `0..horizon` and log-prices `low..high`, both equally
    spaced; beyond the grid the nearest value holds.
    """

    spot: float
    rate: float
    dividend: float
    horizon: float
    low: float
    high: float
    vols: Vector

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "spot", number("spot", self.spot, above=0))
        set_(self, "horizon", number("horizon", self.horizon, above=0))
        set_(self, "low", number("low", self.low))
        set_(self, "high", number("high", self.high, above=self.low))
        for name in ("rate", "dividend"):
            set_(self, name, number(name, getattr(self, name)))
        vols = numbers("vols", self.vols, above=0)
        if not isinstance(vols, np.ndarray) or vols.ndim != 2 or min(vols.shape) < 2:
            raise InvalidInput("vols", np.shape(self.vols), "an array (times >= 2, levels >= 2)")
        set_(self, "vols", np.ascontiguousarray(vols))

    def vol_at(self, log_spot: ArrayLike, t: float) -> Vector:
        """Return vol(ln S, t), bilinear; beyond the grid the nearest value."""
        n_times, n_levels = self.vols.shape
        at = min(max(t / self.horizon, 0.0), 1.0) * (n_times - 1)
        i = min(int(at), n_times - 2)
        row = (1 - (at - i)) * self.vols[i] + (at - i) * self.vols[i + 1]
        grid = np.linspace(self.low, self.high, n_levels)
        return np.asarray(np.interp(np.asarray(log_spot, dtype=np.float64), grid, row))

    @classmethod
    def from_function(
        cls, spot: float, rate: float, dividend: float, vol: object, *,
        horizon: float, low: float, high: float, shape: tuple[int, int] = (33, 257),
    ) -> LocalVolMarket:  # fmt: skip
        """Return the grid of `vol(S, t)`, evaluated once: paths then need no splines."""
        if not callable(vol):
            raise InvalidInput("vol", vol, "a function of (S, t)", "BlackScholesMarket has one vol")
        for name, edge in (("low", low), ("high", high)):
            if not abs(number(name, edge)) < LARGEST_LOG:
                raise InvalidInput(name, edge, "a logarithm of a price that floats can hold")
        t = np.linspace(0, horizon, shape[0])[:, None]
        s = np.exp(np.linspace(low, high, shape[1]))[None, :]
        values = np.asarray(vol(s, t), dtype=np.float64)
        try:
            grid = np.broadcast_to(values, shape)
        except ValueError:
            raise InvalidInput(
                "vol", f"values of shape {values.shape}", f"a function that returns {shape}, or "
                "what broadcasts to it, for S (1, levels) and t (times, 1)",
            ) from None  # fmt: skip
        return cls(spot, rate, dividend, horizon, low, high, np.array(grid))


Market = BlackScholesMarket | PiecewiseMarket | HestonMarket | BasketMarket | LocalVolMarket
