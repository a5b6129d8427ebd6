"""The prices of a book's rows, solved together; rows that cannot be priced are kept apart.

Each bad row is named by its line, field and value; it never stops the others.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from heliostat import stored
from heliostat_methods.step_options.book.rows import BookRows
from heliostat_methods.step_options.closed_form.black_scholes import vanilla
from heliostat_methods.step_options.closed_form.laplace import COARSE_NODES, NODES, solve_many
from heliostat_methods.step_options.contracts.market import BlackScholesMarket
from heliostat_methods.step_options.contracts.reduced import Reduced, reduce
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.validation import InvalidInput, Vector


@stored("step_options.bad_row")
@dataclass(frozen=True)
class BadRow:
    """Why a row has no price."""

    line: int
    id: str
    field: str
    message: str


@stored("step_options.priced_rows")
@dataclass(frozen=True)
class PricedRows:
    """Prices of the good rows, in their order: (rows,) each; `problems` names the bad ones."""

    lines: tuple[int, ...]
    ids: tuple[str, ...]
    price: Vector
    delta: Vector
    gamma: Vector
    abs_error: Vector
    problems: tuple[BadRow, ...]


def price_rows(rows: BookRows) -> PricedRows:
    """Return prices and Greeks of rows; contracts with equally many barriers are solved at once."""
    problems: list[BadRow] = []
    good: list[tuple[int, str, StepOption, BlackScholesMarket, Reduced]] = []
    for line, cells in zip(rows.lines, rows.cells, strict=True):
        values = dict(zip(rows.columns, cells, strict=False))
        name = values.get("id", "")
        if len(cells) != len(rows.columns):
            message = f"{len(cells)} cells, the header has {len(rows.columns)}"
            problems.append(BadRow(line, name, "row", message))
            continue
        try:
            option, market = _contract(values)
            good.append((line, name, option, market, reduce(option, market, "laplace")))
        except InvalidInput as error:
            problems.append(BadRow(line, name, error.field, str(error)))
    found = np.full((len(good), 4), np.nan)
    for count in sorted({len(row[2].barriers) for row in good}):
        chosen = [i for i, row in enumerate(good) if len(row[2].barriers) == count]
        found[chosen] = _solve([good[i][4] for i in chosen])
    for i, (_, _, option, market, problem) in enumerate(good):
        if option.maturity == 0:
            found[i] = (float(option.payoff(market.spot)), np.nan, np.nan, 0.0)
        if option.knock == "in":
            out_price = found[i, 0]
            found[i, :3] = _vanilla_row(problem) - found[i, :3]
            found[i, 0] = float(vanilla(option, market)) - out_price
    price, delta, gamma, errors = (np.ascontiguousarray(column) for column in found.T)
    lines, names = tuple(row[0] for row in good), tuple(row[1] for row in good)
    return PricedRows(lines, names, price, delta, gamma, errors, tuple(problems))


def _contract(values: dict[str, str]) -> tuple[StepOption, BlackScholesMarket]:
    def text(name: str, default: str) -> str:
        return values.get(name) or default

    def many(name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in values[name].split(";") if part.strip())

    option = StepOption(
        kind=values["kind"], strike=_number("strike", values["strike"]),
        maturity=_number("maturity", values["maturity"]), barriers=many("barriers"),  # type: ignore[arg-type]
        rates=many("rates"), gamma=_number("gamma", text("gamma", "0")),  # type: ignore[arg-type]
        anchor=text("anchor", "start"), knock=text("knock", "out"),
        allow_accrual=text("allow_accrual", "false").lower() in ("1", "true", "yes"),
    )  # fmt: skip
    market = BlackScholesMarket(
        _number("spot", values["spot"]), _number("rate", text("rate", "0")),
        _number("dividend", text("dividend", "0")), _number("vol", values["vol"]),
    )  # fmt: skip
    return option, market


def _number(field: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidInput(field, text, "a number") from None


def _solve(problems: Sequence[Reduced]) -> Vector:
    """Return price, delta, gamma and error estimate of problems with equally many barriers."""

    def column(name: str) -> Vector:
        return np.array([getattr(p, name) for p in problems], dtype=np.float64)

    maturity = np.maximum(column("maturity"), 1e-12)  # rows at maturity are replaced
    arguments = (
        maturity, column("rate"), column("nu"), column("vol"),
        np.concatenate([p.k for p in problems]), np.concatenate([p.source for p in problems]),
        np.stack([p.breaks for p in problems]), np.stack([p.rates for p in problems]),
        np.concatenate([p.y for p in problems]), np.arange(len(problems) + 1),
    )  # fmt: skip
    fine, coarse = solve_many(*arguments, NODES), solve_many(*arguments, COARSE_NODES)
    s = np.concatenate([p.spot for p in problems])
    error = np.abs(fine[:, 0] - coarse[:, 0]) + 4e-15 * s
    return np.stack([fine[:, 0], fine[:, 1] / s, (fine[:, 2] - fine[:, 1]) / s**2, error], axis=1)


def _vanilla_row(problem: Reduced) -> Vector:
    free = dataclasses.replace(problem, rates=np.zeros_like(problem.rates))
    return np.asarray(_solve([free])[0, :3])
