"""What a book is worth when all spots and vols move: a grid of sums over its rows."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from heliostat import stored
from heliostat_methods.step_options.book.closed_form import price_together
from heliostat_methods.step_options.book.pricing import terms_of
from heliostat_methods.step_options.book.rows import BookRows
from heliostat_methods.step_options.book.terms import BookSettings, Terms
from heliostat_methods.step_options.contracts.market import BlackScholesMarket
from heliostat_methods.step_options.contracts.result import Result
from heliostat_methods.step_options.contracts.validation import InvalidInput, Vector
from heliostat_methods.step_options.engines.pricing import price


@stored("step_options.ladder")
@dataclass(frozen=True)
class Ladder:
    """Rungs: factors on every spot, and what is added to every vol; `settings` of the rows."""

    spots: tuple[float, ...]
    vols: tuple[float, ...]
    settings: BookSettings = dataclasses.field(default_factory=BookSettings)


@stored("step_options.ladder_values")
@dataclass(frozen=True)
class LadderValues:
    """`values` (vols, spots): sums of quantity times price. `left_out`: lines not in any of them.

    A row is left out when it has no price on every rung, or its market is not Black-Scholes.
    """

    values: Vector
    left_out: tuple[int, ...]


def climb(rows: BookRows, ladder: Ladder) -> LadderValues:
    """Return the value of rows on each rung; rows without a price are in neither result."""
    total = np.zeros((len(ladder.vols), len(ladder.spots)))
    left_out = []
    terms = terms_of(rows, ladder.settings)
    for line, one in terms.items():
        values = on_rungs(one, ladder)
        if values is None:
            left_out.append(line)
        else:
            total += one.quantity * values
    return LadderValues(total, tuple(left_out))


def on_rungs(terms: Terms, ladder: Ladder) -> Vector | None:
    """Return one contract's prices (vols, spots), None where one of them is missing."""
    market = terms.market
    if not isinstance(market, BlackScholesMarket) or market.vol + min(ladder.vols) <= 0:
        return None
    moved = [
        dataclasses.replace(
            terms, market=dataclasses.replace(market, spot=spot, vol=market.vol + up)
        )
        for up in ladder.vols
        for spot in (market.spot * factor for factor in ladder.spots)
    ]
    closed: Sequence[Result | None] = [None] * len(moved)
    if terms.engine == "laplace":
        closed = price_together(moved, greeks=False)
    prices = []
    for one, found in zip(moved, closed, strict=True):
        try:
            result = price(one.option, one.market, one.engine) if found is None else found
        except InvalidInput:
            return None
        prices.append(float(result.price))
    if not all(map(math.isfinite, prices)):
        return None
    return np.array(prices).reshape(len(ladder.vols), len(ladder.spots))
