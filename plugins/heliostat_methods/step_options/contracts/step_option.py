"""Step options: a payoff weighted by how long the price stayed in which region.

With regions cut by barriers B_1 < ... < B_n that float as B_i exp(gamma t), and a rate for each of
the n + 1 regions, the proportional contract pays exp(-sum_i rate_i * time_i) f(S_T). A rate of zero
everywhere is the vanilla claim, an infinite one a knock-out. Years, continuous rates; a rate quoted
per trading day has to be multiplied by 252.

Sources: Linetsky 1999, "Step options"; Davydov and Linetsky 2002; arXiv 2209.12542.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliostat import stored
from heliostat_methods.step_options.contracts.validation import (
    InvalidInput,
    Vector,
    charge_rate,
    choice,
    flag,
    increasing,
    number,
    numbers,
    sequence,
)

KINDS = ("call", "put", "digital", "unit", "asset")
"""f(S): (S - K)+, (K - S)+, 1 if S > K, 1, S."""
KNOCKS = ("out", "in")
ANCHORS = ("start", "maturity")
AMORTISATIONS = ("proportional", "simple", "delayed")
LARGEST_LOG = 700.0
"""e to this is a float."""


@stored("step_options.step_option")
@dataclass(frozen=True)
class StepOption:
    """One contract; `strike` may be an array, which prices a ladder of strikes.

    Args:
        kind: claim f, one of `KINDS`; `unit` and `asset` do not use the strike.
        strike: K > 0.
        maturity: T >= 0 in years; at 0 the price is the payoff.
        barriers: levels in increasing order, at `anchor`.
        rates: 1/year, one for each region from the lowest to the highest (len(barriers) + 1);
            inf knocks out: a path that enters the region, or touches its edge, is worth nothing.
        gamma: growth rate of the barriers, 1/year; one for all, or one for each barrier.
        anchor: the levels hold at the "start" (pricing date) or at "maturity".
        knock: "out" pays weight * f, "in" pays (1 - weight) * f, so that in + out = vanilla.
        amortisation: weight of the occupation time tau = time in regions with a rate:
            "proportional" exp(-sum rate * time), "simple" max(1 - R tau, 0) with R the common
            positive rate, "delayed" 1 if tau < window (cumulative Parisian).
        window: years, for "delayed" only.
        allow_accrual: accept negative rates, which make the weight grow.

    Raises:
        InvalidInput: names the field and its value.
    """

    kind: str
    strike: float | Vector
    maturity: float
    barriers: tuple[float, ...]
    rates: tuple[float, ...]
    gamma: float | tuple[float, ...] = 0.0
    anchor: str = "start"
    knock: str = "out"
    amortisation: str = "proportional"
    window: float | None = None
    allow_accrual: bool = False

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        choice("kind", self.kind, KINDS)
        choice("anchor", self.anchor, ANCHORS)
        choice("knock", self.knock, KNOCKS)
        choice("amortisation", self.amortisation, AMORTISATIONS)
        set_(self, "allow_accrual", flag("allow_accrual", self.allow_accrual))
        set_(self, "strike", numbers("strike", self.strike, above=0))
        set_(self, "maturity", number("maturity", self.maturity, least=0))
        barriers = sequence("barriers", self.barriers)
        if not barriers:
            raise InvalidInput("barriers", self.barriers, "at least one level")
        set_(self, "barriers", tuple(
            number(f"barriers[{i}]", b, above=0) for i, b in enumerate(barriers)
        ))  # fmt: skip
        increasing("barriers", self.barriers)
        rates = tuple(
            charge_rate(f"rates[{i}]", v) for i, v in enumerate(sequence("rates", self.rates))
        )
        if len(rates) != len(barriers) + 1:
            made = "1 barrier makes" if len(barriers) == 1 else f"{len(barriers)} barriers make"
            expected = f"{len(barriers) + 1} rates, one for each region that {made}"
            raise InvalidInput("rates", self.rates, expected)
        for i, rate in enumerate(rates):
            if rate < 0 and not self.allow_accrual:
                hint = "allow_accrual=True accepts negative rates"
                raise InvalidInput(f"rates[{i}]", rate, "a rate >= 0", hint)
        set_(self, "rates", rates)
        self._check_gamma()
        self._check_amortisation()

    def _check_gamma(self) -> None:
        several = isinstance(self.gamma, Sequence) and not isinstance(self.gamma, str)
        if several or np.ndim(self.gamma) == 1:
            values = sequence("gamma", self.gamma)
            gammas = tuple(number(f"gamma[{i}]", g) for i, g in enumerate(values))
            if len(gammas) != len(self.barriers):
                raise InvalidInput(
                    "gamma", self.gamma, f"one number, or {len(self.barriers)} of them"
                )
            object.__setattr__(self, "gamma", gammas if len(set(gammas)) > 1 else gammas[0])
        else:
            object.__setattr__(self, "gamma", number("gamma", self.gamma))
        for i, g in enumerate(self.gammas):
            if not abs(g) * self.maturity < LARGEST_LOG - abs(math.log(self.barriers[i])):
                least = LARGEST_LOG / max(self.maturity, 1e-300)
                raise InvalidInput(
                    "gamma", self.gamma, f"a growth rate that keeps barriers[{i}] e^(gamma T) a "
                    f"number: below {least:.3g} in absolute value for T = {self.maturity:g}",
                )  # fmt: skip
        for levels, when in ((self.levels_at(0.0), "start"), (self.levels_at(self.maturity), "T")):
            if any(not b > a for a, b in itertools.pairwise(levels)):
                raise InvalidInput("gamma", self.gamma, f"barriers that do not cross ({when})")

    def _check_amortisation(self) -> None:
        if self.amortisation == "delayed":
            if self.window is None:
                raise InvalidInput("window", None, "years > 0 for a delayed step option")
            object.__setattr__(self, "window", number("window", self.window, above=0))
        elif self.window is not None:
            hint = 'only amortisation="delayed" has a window'
            raise InvalidInput("window", self.window, "no window", hint)
        if self.amortisation == "proportional":
            return
        for i, rate in enumerate(self.rates):
            if rate == math.inf:
                hint = 'amortisation="proportional" takes an infinite rate as a knock-out'
                raise InvalidInput(f"rates[{i}]", rate, "a finite rate", hint)
        positive = {rate for rate in self.rates if rate != 0}
        if len(positive) > 1 or min(self.rates) < 0:
            expected = f"one common positive rate and zeros for amortisation={self.amortisation!r}"
            raise InvalidInput("rates", self.rates, expected)

    @property
    def gammas(self) -> tuple[float, ...]:
        """The growth rate of each barrier."""
        if isinstance(self.gamma, tuple):
            return self.gamma
        return (self.gamma,) * len(self.barriers)

    @property
    def common_gamma(self) -> float | None:
        """The growth rate that all barriers share, or None when they differ."""
        return None if isinstance(self.gamma, tuple) else self.gamma

    def levels_at(self, t: float) -> tuple[float, ...]:
        """Return the barriers at time t (years)."""
        since = t - (self.maturity if self.anchor == "maturity" else 0.0)
        return tuple(b * math.exp(g * since) for b, g in zip(self.barriers, self.gammas,
                                                             strict=True))  # fmt: skip

    def knocked_out(self, spot: float | Vector) -> NDArray[np.bool_]:
        """Return where a spot at t = 0 lies in a region of infinite rate, or on its edge."""
        s, levels = np.asarray(spot, dtype=np.float64), np.array(self.levels_at(0.0))
        infinite = np.array(self.rates) == math.inf
        below, above = np.searchsorted(levels, s, "left"), np.searchsorted(levels, s, "right")
        return np.asarray(infinite[below] | infinite[above])

    @property
    def charged(self) -> tuple[bool, ...]:
        """Which regions count for the occupation time of simple and delayed contracts."""
        return tuple(rate != 0 for rate in self.rates)

    def payoff(self, terminal: float | Vector) -> Vector:
        """Return f(S_T), undiscounted and unweighted."""
        s = np.asarray(terminal, dtype=np.float64)
        k = self.strike
        if self.kind == "call":
            return np.asarray(np.maximum(s - k, 0.0))
        if self.kind == "put":
            return np.asarray(np.maximum(k - s, 0.0))
        if self.kind == "digital":
            return np.asarray((s > k) * 1.0)
        ones = np.ones(np.broadcast_shapes(s.shape, np.shape(k)))
        return ones if self.kind == "unit" else np.asarray(s * ones)


def down_step(
    kind: str, strike: float | Vector, maturity: float, barrier: float, rate: float, **more: object
) -> StepOption:
    """Return a contract that charges `rate` below `barrier`; `more` as in StepOption."""
    return StepOption(kind, strike, maturity, (barrier,), (rate, 0.0), **more)  # type: ignore[arg-type]


def up_step(
    kind: str, strike: float | Vector, maturity: float, barrier: float, rate: float, **more: object
) -> StepOption:
    """Return a contract that charges `rate` above `barrier`; `more` as in StepOption."""
    return StepOption(kind, strike, maturity, (barrier,), (0.0, rate), **more)  # type: ignore[arg-type]


def double_step(
    kind: str,
    strike: float | Vector,
    maturity: float,
    barriers: tuple[float, float],
    rate: float | tuple[float, float],
    **more: object,
) -> StepOption:
    """Return a contract that charges outside (L, U): one rate, or (below, above)."""
    pair = sequence("rate", rate) if np.ndim(rate) else (rate, rate)
    if len(pair) != 2:
        raise InvalidInput("rate", rate, "one rate, or two of them: below and above")
    if len(sequence("barriers", barriers)) != 2:
        raise InvalidInput("barriers", barriers, "two levels, the lower one first")
    return StepOption(kind, strike, maturity, barriers, (pair[0], 0.0, pair[1]), **more)  # type: ignore[arg-type]
