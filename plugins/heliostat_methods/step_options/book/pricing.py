"""The prices of a book's rows; rows that cannot be priced are kept apart.

Contracts of the closed form are solved together, all others one by one by their engines; equal
contracts are priced once. Each bad row is named by its line, field and value; it never stops the
others, and every price has passed the gate.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from heliostat import stored
from heliostat_methods.step_options.book.closed_form import price_together
from heliostat_methods.step_options.book.rows import KNOWN, OWN, BookRows
from heliostat_methods.step_options.book.solving import SCALARS
from heliostat_methods.step_options.book.terms import BookSettings, Terms, read_terms
from heliostat_methods.step_options.contracts.market import HestonMarket, LocalVolMarket
from heliostat_methods.step_options.contracts.result import Result
from heliostat_methods.step_options.contracts.validation import InvalidInput, Vector
from heliostat_methods.step_options.engines.pricing import STOCHASTIC, price

SIDES = ("delta_below", "delta_above", "gamma_below", "gamma_above")
"""What delta and gamma are the mean of, with a spot on a barrier; they are not summed."""
NUMBERS = ("price", "abs_error", "std_error", "delta", "gamma", *SCALARS, *SIDES)
"""What a row has one of; NaN where its engine does not say it."""
LISTS = ("d_levels", "d_rates")
"""What it has one of for each barrier or region."""


STEPS_A_YEAR = 52
"""Of paths whose volatility changes on the way."""


@stored("step_options.bad_row")
@dataclass(frozen=True)
class BadRow:
    """Why a row has no price."""

    line: int
    id: str
    field: str
    message: str


@stored("step_options.book_prices")
@dataclass(frozen=True)
class BookPrices:
    """Prices of the good rows, in their order; `problems` names the bad ones.

    `numbers` (rows, len(NUMBERS)) and `lists`, as `LISTS`, are of one contract; `quantity` (rows,)
    says how many there are. `engines`: which one priced a row; `taken_over` says by line why it was
    another than the row's.
    """

    lines: tuple[int, ...]
    ids: tuple[str, ...]
    engines: tuple[str, ...]
    quantity: Vector
    numbers: Vector
    lists: tuple[tuple[tuple[float, ...], ...], ...]
    problems: tuple[BadRow, ...]
    taken_over: tuple[tuple[int, str], ...] = ()

    def column(self, name: str) -> Vector:
        """Return one of `NUMBERS` of every row."""
        return np.asarray(self.numbers[:, NUMBERS.index(name)])

    def refusing(self, problems: Sequence[BadRow]) -> BookPrices:
        """Return the prices without those of some rows, which are bad ones."""
        bad = {problem.line: problem for problem in problems}
        keep = [i for i, line in enumerate(self.lines) if line not in bad]
        more = [bad[line] for line in self.lines if line in bad]
        return BookPrices(
            lines=tuple(self.lines[i] for i in keep),
            ids=tuple(self.ids[i] for i in keep),
            engines=tuple(self.engines[i] for i in keep),
            quantity=self.quantity[keep],
            numbers=self.numbers[keep],
            lists=tuple(self.lists[i] for i in keep),
            problems=tuple(sorted((*self.problems, *more), key=lambda problem: problem.line)),
            taken_over=self.taken_over,
        )


@dataclass(frozen=True)
class _Row:
    line: int
    id: str
    terms: Terms
    same: tuple[str, ...]
    """The cells that say the contract: rows that share them share a price."""


def price_rows(rows: BookRows, settings: BookSettings | None = None) -> BookPrices:
    """Return prices and sensitivities of rows."""
    settings = settings or BookSettings()
    good, problems = _read(rows, settings)
    distinct = {row.same: row for row in good}
    found = _priced(list(distinct.values()), settings)
    kept: list[tuple[_Row, Result]] = []
    for row in good:
        result = found[row.same]
        if isinstance(result, InvalidInput):
            problems.append(BadRow(row.line, row.id, result.field, str(result)))
        else:
            kept.append((row, result))
    numbers = np.array([_numbers(result) for _, result in kept]).reshape(len(kept), len(NUMBERS))
    return BookPrices(
        lines=tuple(row.line for row, _ in kept),
        ids=tuple(row.id for row, _ in kept),
        engines=tuple(result.method for _, result in kept),
        quantity=np.array([row.terms.quantity for row, _ in kept]),
        numbers=numbers,
        lists=tuple(_lists(result) for _, result in kept),
        problems=tuple(sorted(problems, key=lambda problem: problem.line)),
        taken_over=tuple((row.line, str(result.details["taken_over"]))
                         for row, result in kept if "taken_over" in result.details),
    )  # fmt: skip


def terms_of(rows: BookRows, settings: BookSettings) -> dict[int, Terms]:
    """Return the terms of the rows that have them, by line."""
    return {row.line: row.terms for row in _read(rows, settings)[0]}


def _read(rows: BookRows, settings: BookSettings) -> tuple[list[_Row], list[BadRow]]:
    good: list[_Row] = []
    problems: list[BadRow] = []
    same = [i for i, name in enumerate(rows.columns)
            if name in KNOWN and (name not in OWN or name == "method")]  # fmt: skip
    for line, cells in zip(rows.lines, rows.cells, strict=True):
        values = dict(zip(rows.columns, cells, strict=False))
        name = values.get("id", "")
        if len(cells) != len(rows.columns):
            message = f"{len(cells)} cells, the header has {len(rows.columns)}"
            problems.append(BadRow(line, name, "row", message))
            continue
        try:
            terms = read_terms(values, settings)
        except InvalidInput as error:
            problems.append(BadRow(line, name, error.field, str(error)))
            continue
        good.append(_Row(line, name, terms, tuple(cells[i] for i in same)))
    return good, problems


def _priced(
    rows: Sequence[_Row], settings: BookSettings
) -> Mapping[tuple[str, ...], Result | InvalidInput]:
    found: dict[tuple[str, ...], Result | InvalidInput] = {}
    closed = [row for row in rows if row.terms.engine == "laplace"]
    together = price_together([row.terms for row in closed], settings.greeks)
    found |= {row.same: one for row, one in zip(closed, together, strict=True) if one is not None}
    for row in rows:
        if row.same not in found:
            found[row.same] = _alone(row.terms, settings)
    return found


def _alone(terms: Terms, settings: BookSettings) -> Result | InvalidInput:
    """Return what the engine of a row finds, or why it finds nothing."""
    engine, market = terms.engine, terms.market
    more = sampling(terms, settings)
    greeks = settings.greeks and engine in ("laplace", "mc_bridge")
    try:
        return price(terms.option, market, engine, greeks, **more)
    except InvalidInput as error:
        if engine == "mc_bridge" and greeks:  # its sensitivities are for fewer contracts
            return _alone(terms, dataclasses.replace(settings, greeks=False))
        return error


def sampling(terms: Terms, settings: BookSettings) -> dict[str, Any]:
    """Return what the engine of a row is told if it samples: a seed, paths and steps."""
    engine = terms.engine
    if engine not in STOCHASTIC:
        return {}
    steps = settings.steps
    if steps is None:
        # what moves the variance is frozen in a step; otherwise one step is exact
        moves = isinstance(terms.market, HestonMarket | LocalVolMarket) or engine == "mc_naive"
        steps = math.ceil(STEPS_A_YEAR * terms.option.maturity) if moves else 1
    more: dict[str, Any] = {"seed": settings.seed}
    if engine in ("mc_bridge", "mc_naive"):
        more |= {"n_paths": settings.paths}
    if engine != "metropolis":
        more |= {"first_steps" if engine == "mlmc" else "n_steps": max(steps, 1)}
    return more


def _numbers(result: Result) -> list[float]:
    more = result.sensitivities
    known = {
        "price": result.price, "abs_error": result.abs_error_estimate,
        "std_error": result.std_error, "delta": result.delta, "gamma": result.gamma,
    }  # fmt: skip
    values = [known[name] if name in known else more.get(name) for name in NUMBERS]
    return [math.nan if value is None else float(value) for value in values]


def _lists(result: Result) -> tuple[tuple[float, ...], ...]:
    found: list[Any] = [result.sensitivities.get(name) for name in LISTS]
    return tuple(() if one is None else tuple(map(float, one)) for one in found)
