"""Learning rates over the steps of a training."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

WARM_SHARE, START, END = 0.3, 1 / 25, 1e-4


def cosine(step: int, steps: int, peak: float) -> float:
    """Return the rate that falls from `peak` to nothing along half a cosine."""
    return peak * 0.5 * (1 + math.cos(math.pi * step / steps))


def one_cycle(step: int, steps: int, peak: float) -> float:
    """Return the rate that rises from peak / 25 over 30 % of the steps, then falls to peak / 10^4.

    Both along half a cosine (Smith and Topin 2019, with the shares that torch takes).
    """
    warm = WARM_SHARE * steps
    if step < warm:
        return _between(peak * START, peak, step / warm)
    return _between(peak, peak * END, (step - warm) / max(1e-12, steps - 1 - warm))


def _between(start: float, end: float, share: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))


RATES: Mapping[str, Callable[[int, int, float], float]] = {
    "one_cycle": one_cycle,
    "cosine": cosine,
}
