"""Volatility surfaces from outside: a table of quotes, or a parametric form, as one uniform grid.

A table is a CSV file. First row: an empty cell (or a label), then price levels S > 0 in increasing
order; each further row: a time in years, in increasing order, then the volatility at each level.
Between quotes it is bilinear in (ln S, t); beyond them the nearest quote holds.
"""

from __future__ import annotations

import csv
import itertools
import math
from pathlib import Path

import numpy as np

from heliostat.contract import regular_file
from heliostat_methods.step_options.contracts.market import LocalVolMarket
from heliostat_methods.step_options.contracts.validation import (
    InvalidInput,
    Vector,
    nearest_file,
    number,
)

DEVIATIONS = 6.0
"""A parametric surface covers so many deviations on both sides of the level."""
TIMES, LEVELS = 33, 257
"""The least size of the uniform grid."""


def surface_from_file(spot: float, rate: float, dividend: float, path: Path) -> LocalVolMarket:
    """Return the market of a CSV table; raises InvalidInput naming its line and cell."""
    levels, times, quotes = read_surface(path)
    logs = np.log(levels)
    if _uniform(logs) and _uniform(times) and times[0] == 0:
        grid = quotes
    else:
        # finer than the table, so that its kinks move by less than a fourth of a cell
        at = np.linspace(0.0, times[-1], max(TIMES, 4 * len(times)))
        across = np.linspace(logs[0], logs[-1], max(LEVELS, 4 * len(levels)))
        rows = np.array([np.interp(across, logs, row) for row in quotes])
        grid = np.array([np.interp(at, times, column) for column in rows.T]).T
    return LocalVolMarket(spot, rate, dividend, float(times[-1]), float(logs[0]), float(logs[-1]),
                          grid)  # fmt: skip


def read_surface(path: Path) -> tuple[Vector, Vector, Vector]:
    """Return levels (n,), times (m,) and volatilities (m, n) of a CSV table."""
    field = "local_vol.file"
    try:
        with regular_file(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            table = [(reader.line_num, row) for row in reader if any(c.strip() for c in row)]
    except OSError as error:
        hint = "" if path.exists() else nearest_file(path)
        raise InvalidInput(
            field, str(path), "a readable CSV file", hint or str(error.strerror)
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(field, str(path), "a CSV file in UTF-8", str(error)) from None
    if len(table) < 3 or len(table[0][1]) < 3:
        raise InvalidInput(
            field, str(path), "a table of two levels and two times at least",
            "first row: an empty cell and price levels; first column: years",
        )  # fmt: skip
    width = len(table[0][1])
    numbers = []
    for i, (line, row) in enumerate(table):
        if len(row) != width:
            raise InvalidInput(f"{field} line {line}", len(row), f"{width} cells, as in line 1")
        first = [] if i == 0 else [number(f"{field} line {line} time", row[0], least=0.0)]
        what = "level" if i == 0 else "volatility"
        cells = [
            number(f"{field} line {line} {what} {j}", cell, above=0.0)
            for j, cell in enumerate(row[1:], 1)
        ]
        numbers.append([*first, *cells])
    levels = np.array(numbers[0])
    body = np.array(numbers[1:])
    for name, values in (("levels", levels), ("times", body[:, 0])):
        for a, b in itertools.pairwise(values):
            if not b > a:
                raise InvalidInput(
                    f"{field} {name}", float(b), f"{name} in increasing order, above {a:g}"
                )
    return levels, body[:, 0], body[:, 1:]


def parametric_surface(
    form: str, spot: float, rate: float, dividend: float, vol: float, *, maturity: float,
    level: float, beta: float = 1.0, shift: float = 0.0,
) -> LocalVolMarket:  # fmt: skip
    """Return the market with volatility `vol` at price `level`, evaluated once on the grid.

    "cev": vol (S / level)^(beta - 1), constant elasticity of variance; beta = 1 is Black-Scholes.
    "displaced": vol level (S + shift) / (S (level + shift)), a shifted lognormal; shift = 0 is
    Black-Scholes, a large one is normal. maturity: years that the grid covers.
    """
    away = max(DEVIATIONS * vol * math.sqrt(maturity), 1e-3) + abs(math.log(spot / level))

    def surface(s: Vector, t: Vector) -> Vector:
        if form == "cev":
            return np.asarray(vol * (s / level) ** (beta - 1.0) + 0.0 * t)
        return np.asarray(vol * level * (s + shift) / (s * (level + shift)) + 0.0 * t)

    low, high = math.log(level) - away, math.log(level) + away
    if form == "displaced":
        number("local_vol.shift", shift, above=-math.exp(low))
    return LocalVolMarket.from_function(
        spot, rate, dividend, surface, horizon=max(maturity, 1e-9), low=low, high=high,
        shape=(2, LEVELS),
    )  # fmt: skip


def _uniform(values: Vector) -> bool:
    steps = np.diff(values)
    return bool(np.all(np.abs(steps - steps[0]) <= 1e-9 * abs(steps[0])))
