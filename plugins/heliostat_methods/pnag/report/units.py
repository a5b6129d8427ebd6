"""Costs, shares and accuracies as people read them: 1.2M MAdds, 350 us, 93.4 %."""

from __future__ import annotations

from decimal import Decimal

HEADS = {"madds": "MAdds", "params": "parameters", "latency": "latency"}
"""What a quantity is called."""

_COUNTS = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
_TIMES = ((1.0, " s"), (1e-3, " ms"), (1e-6, " us"))
_ROUNDED_UP = 0.9995
"""From this share of a unit on, three digits make one of it."""


def head(quantity: str) -> str:
    """Return what a quantity is called; one of a plugin's by its own name."""
    return HEADS.get(quantity, quantity)


def bare(quantity: str, cost: float) -> str:
    """Return a cost in three digits without its quantity: 1.2M, or 350 us."""
    steps = _TIMES if quantity == "latency" else _COUNTS
    scale, unit = next(
        ((scale, unit) for scale, unit in steps if cost >= scale * _ROUNDED_UP), steps[-1]
    )
    return f"{_three_digits(cost / scale)}{unit}"


def cost_text(quantity: str, cost: float) -> str:
    """Return a cost with its quantity: 1.2M MAdds, 340k params, 350 us."""
    if quantity == "latency":
        return bare(quantity, cost)
    return f"{bare(quantity, cost)} {'params' if quantity == 'params' else head(quantity)}"


def roomy_budget(quantity: str, cost: float) -> str:
    """Return a short budget that a cost fits, as `--budget` takes it: 350k, 12ms."""
    step = Decimal(10) ** (Decimal(repr(cost)).adjusted() - 1)
    rounded = (Decimal(repr(cost)) / step).to_integral_value("ROUND_CEILING") * step
    return bare(quantity, float(rounded)).replace(" ", "").replace(",", "")


def percent(accuracy: float | None) -> str:
    """Return an accuracy in percent, "-" where there is none."""
    return "-" if accuracy is None else f"{100 * accuracy:.1f} %"


def short(value: float, signed: bool = False) -> str:
    """Return a number near 1 or below it in three digits, without the 0 before its point."""
    rounded = round(value, 3) + 0.0  # no -0
    text = f"{rounded:+.3f}" if signed else f"{rounded:.3f}"
    return text.replace("0.", ".", 1) if abs(rounded) < 1 else text


def count_text(size: str) -> str:
    """Return how many networks a space has: 8,000, or 2.18e19."""
    number = Decimal(size)
    return f"{number:,}" if number < 10**9 else f"{number:.3g}".replace("e+", "e")


def _three_digits(value: float) -> str:
    return f"{value:,.0f}" if 1000 <= value < 1e6 else f"{value:.3g}"
