"""A contract in a market as the problem on a grid: its frame, its units, its walls.

y = ln S - ln B_1(t) makes barriers stand still when they share a growth rate. A claim that grows
with S is counted in units of S, so that all that is solved for is bounded. Where drift dominates
the whole contract the frame goes with it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from heliostat_methods.step_options.contracts.market import (
    BlackScholesMarket,
    LocalVolMarket,
    PiecewiseMarket,
)
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.validation import Vector
from heliostat_methods.step_options.paths.unseen import worth

OneFactor = BlackScholesMarket | PiecewiseMarket | LocalVolMarket
Span = tuple[float, float, float, float, float]
"""Years, rate, dividend, vol, charge of an interval."""
DOMINATES = 30.0
"""|drift| sqrt(T) / vol from which on the frame goes with the drift."""
ON_BARRIER = 1e-12
"""Distance of logarithms at which a spot counts as on a barrier."""


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
