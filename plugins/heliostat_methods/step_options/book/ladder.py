"""What a book is worth when all spots and vols move: a grid of sums over its rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from heliostat import stored
from heliostat_methods.step_options.book.closed_form import is_closed, without_rates
from heliostat_methods.step_options.book.pricing import sampling, terms_of
from heliostat_methods.step_options.book.rows import BookRows
from heliostat_methods.step_options.book.terms import BookSettings, Terms
from heliostat_methods.step_options.closed_form.laplace import solve
from heliostat_methods.step_options.contracts.market import BlackScholesMarket
from heliostat_methods.step_options.contracts.reduced import reduce
from heliostat_methods.step_options.contracts.validation import InvalidInput, Vector
from heliostat_methods.step_options.engines.gate import PASSES, default_limit, judge, row_bounds
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
    for line, values in zip(terms, on_rungs(list(terms.values()), ladder), strict=True):
        if values is None:
            left_out.append(line)
        else:
            total += terms[line].quantity * values
    return LadderValues(total, tuple(left_out))


def on_rungs(contracts: Sequence[Terms], ladder: Ladder) -> list[Vector | None]:
    """Return prices (vols, spots) of each contract, None where one of them is missing."""
    found: list[Vector | None] = [None] * len(contracts)
    able = [i for i, one in enumerate(contracts) if isinstance(one.market, BlackScholesMarket)
            and one.market.vol + min(ladder.vols) > 0]  # fmt: skip
    closed = [i for i in able if contracts[i].engine == "laplace" and is_closed(contracts[i])]
    if closed:
        for i, values in zip(closed, _together([contracts[i] for i in closed], ladder),
                             strict=True):  # fmt: skip
            found[i] = values if np.isfinite(values).all() else None
    for i in able:
        if found[i] is None:
            found[i] = _one_by_one(contracts[i], ladder)
    return found


def _together(contracts: Sequence[Terms], ladder: Ladder) -> Vector:
    """Return prices (contracts, vols, spots) of the closed form, NaN where the gate objects."""
    problems = [reduce(one.option, market, "laplace")
                for one in contracts for market in _ladders(one, ladder)]  # fmt: skip
    with np.errstate(all="ignore"):  # what is no number is seen by the gate
        solution = solve(problems)
    bounds = row_bounds(problems)
    price = solution.values[:, 0]
    passed = judge(price, solution.error, bounds, default_limit(bounds)) == PASSES
    table = np.where(passed, price, np.nan)
    table = table.reshape(len(contracts), len(ladder.vols), len(ladder.spots))
    inward = [i for i, one in enumerate(contracts) if one.option.knock == "in"]
    if inward:
        table[inward] = (
            _together([without_rates(contracts[i]) for i in inward], ladder) - (table[inward])
        )
    return np.asarray(table)


def _one_by_one(terms: Terms, ladder: Ladder) -> Vector | None:
    """Return prices (vols, spots) by the engine of a contract; None where it refuses one."""
    prices = []
    for market in _ladders(terms, ladder):
        try:
            found = price(terms.option, market, terms.engine, **sampling(terms, ladder.settings))
            prices.append(found.price)
        except InvalidInput:
            return None
    table = np.array(prices, dtype=np.float64)
    return table if np.isfinite(table).all() else None


def _ladders(terms: Terms, ladder: Ladder) -> Iterator[BlackScholesMarket]:
    """Yield a market with all spots for each vol."""
    market = terms.market
    assert isinstance(market, BlackScholesMarket)
    spots = market.spot * np.array(ladder.spots)
    for up in ladder.vols:
        yield dataclasses.replace(market, spot=spots, vol=market.vol + up)
