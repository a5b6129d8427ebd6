"""The search of a book: its rows in blocks, a sample of them by other engines, sums, a ladder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from heliostat import ConfigError, Run
from heliostat.errors import did_you_mean
from heliostat_methods.step_options.book.agreement import SIGMAS, allowed, z_score
from heliostat_methods.step_options.book.ladder import Ladder
from heliostat_methods.step_options.book.output import (
    FOUND,
    as_csv,
    as_parquet,
    output_columns,
    output_rows,
)
from heliostat_methods.step_options.book.pricing import BadRow, BookPrices, sampling, terms_of
from heliostat_methods.step_options.book.rows import HESTON, BookRows, read_book
from heliostat_methods.step_options.book.terms import BookSettings, Terms
from heliostat_methods.step_options.book.totals import SUMMED, Total, add_up
from heliostat_methods.step_options.book.units import UNITS
from heliostat_methods.step_options.config import SAMPLED_ROWS, LadderConfig, StepOptionsConfig
from heliostat_methods.step_options.contracts.market import PiecewiseMarket
from heliostat_methods.step_options.contracts.validation import InvalidInput
from heliostat_methods.step_options.contracts.volatility_surface import surface_from_file
from heliostat_methods.step_options.engines.coverage import obstacle
from heliostat_methods.step_options.tasks import (
    EngineCall,
    climb_ladder,
    evaluate,
    price_book_rows,
)

SHOWN = ("line", "id", "price", "delta", "gamma", "abs_error", "value", "vega", "theta", "engine")
"""Columns of the rows that the result holds; the product has all of them."""
MOST_SHOWN = 1000
"""Rows, and bad rows, that the result holds; the products have all of them."""
_FROM_FILE = "local_vol.file"


def price_book(config: StepOptionsConfig, run: Run) -> dict[str, Any]:
    """Price the rows of a book; bad rows are named and kept apart."""
    path = Path(str(config.book))
    given = _given(config)
    rows = read_book(path, given)
    by = config.by or ()
    for name in by:
        if name not in rows.columns:
            expected = f"a column of {path.name}"
            raise ConfigError("by", name, expected, did_you_mean(name, rows.columns))
    settings = _settings(config, rows, given, run.seed64("book") >> 1)
    n, block = len(rows.lines), config.book_block
    items = [rows.part(i, i + block) for i in range(0, n, block)]
    parts: list[BookPrices] = []
    done_rows = bad = 0
    shared = run.share(settings)
    run.phase(f"{path.name}: pricing")
    for done, outcome in enumerate(run.stream(price_book_rows, items, shared=shared), 1):
        parts.append(outcome.unwrap())
        done_rows += len(items[done - 1].lines)
        bad += len(parts[-1].problems)
        run.report(done, of=len(items), rows=float(done_rows), bad=float(bad))
    checked = None
    if config.cross_check:
        run.phase(f"{path.name}: cross check")
        checked = _cross_check(config, settings, rows, parts, run)
        parts = [part.refusing(_disagreeing(checked)) for part in parts]
    result = _result(rows, parts, by, _write(config, path, rows, parts, run))
    if checked is not None:
        result["cross_check"] = checked
    if config.ladder is not None:
        result["ladder"] = _ladder(config.ladder, settings, items, parts, run)
    return result


def _given(config: StepOptionsConfig) -> dict[str, str]:
    """Return the columns that the model of the configuration fills where a row says no other."""
    given: dict[str, str] = {}
    if config.heston is not None:
        given = {name: repr(getattr(config.heston, name)) for name in HESTON}
    elif config.local_vol is not None and config.local_vol.file is not None:
        given = {"surface": _FROM_FILE}
    elif config.local_vol is not None:
        names = ("form", "level", "beta", "shift")
        found = {name: getattr(config.local_vol, name) for name in names}
        given = {name: str(value) for name, value in found.items() if value is not None}
    elif config.piecewise is not None:
        given = {"piecewise": ""}
    return given


def _settings(config: StepOptionsConfig, rows: BookRows, given: dict[str, str],
              seed: int) -> BookSettings:  # fmt: skip
    market = config.market()
    files = {_FROM_FILE: config.local_vol.file} if "surface" in given and config.local_vol else {}
    if "surface" in rows.columns:
        at, width = rows.columns.index("surface"), len(rows.columns)
        named = (cells[at] for cells in rows.cells if len(cells) == width)
        files |= {name: name for name in named if name}
    surfaces, unreadable = {}, {}
    for name, file in files.items():
        try:
            surfaces[name] = surface_from_file(1.0, 0.0, 0.0, Path(str(file)))
        except InvalidInput as error:
            unreadable[name] = error.hint or str(error)
    return BookSettings(
        method=config.method,
        greeks=config.greeks,
        given={name: text for name, text in given.items() if text},
        surfaces=surfaces,
        unreadable=unreadable,
        piecewise=market if isinstance(market, PiecewiseMarket) else None,
        paths=config.n_paths or BookSettings.paths,
        steps=config.steps if config.steps > 1 else None,
        seed=seed,
    )


def _result(rows: BookRows, parts: Sequence[BookPrices], by: Sequence[str],
            table: str) -> dict[str, Any]:  # fmt: skip
    columns = output_columns(rows)
    names = [FOUND.get(name, name) for name in SHOWN]
    places = [columns.index(name) for name in names if name in columns]
    shown: list[list[Any]] = []
    for row in output_rows(rows, parts):
        if len(shown) == MOST_SHOWN:
            break
        shown.append([row[i] for i in places])
    if "id" not in columns:  # a place for it all the same
        shown = [[row[0], "", *row[1:]] for row in shown]
    problems = [problem for part in parts for problem in part.problems]
    engines: dict[str, int] = {}
    for part in parts:
        for engine in part.engines:
            engines[engine] = engines.get(engine, 0) + 1
    whole, *groups = add_up(rows, parts, by)
    sums = whole.sums
    return {
        "columns": list(SHOWN),
        "rows": shown,
        "count": whole.priced,
        "bad": whole.bad,
        "bad_rows": [_plain(problem) for problem in problems[:MOST_SHOWN]],
        "price": sums.get("value"),
        "abs_error": sums.get("abs_error"),
        "engines": engines,
        "taken_over": [list(row) for part in parts for row in part.taken_over][:MOST_SHOWN],
        "carried": list(rows.carried),
        "table": table,
        "units": dict(UNITS),
        "totals": {
            "by": list(by),
            "columns": [*by, "rows", "bad rows", *SUMMED],
            "rows": [_total(total, len(by)) for total in (whole, *groups)],
            "without": whole.without,
        },
    }


def _plain(problem: BadRow) -> dict[str, Any]:
    return {"line": problem.line, "id": problem.id, "field": problem.field,
            "message": problem.message}  # fmt: skip


def _total(total: Total, by: int) -> list[Any]:
    cells = list(total.group) or ["all"] * min(by, 1) + [""] * (by - 1)
    return [*cells, total.priced, total.bad, *(total.sums.get(name) for name in SUMMED)]


def _write(config: StepOptionsConfig, path: Path, rows: BookRows, parts: Sequence[BookPrices],
           run: Run) -> str:  # fmt: skip
    """Save the tables and return the first one's name: all prices, bad rows, sums."""
    is_parquet = path.suffix.lower() in (".parquet", ".pq")
    name = f"prices.{config.book_output or ('parquet' if is_parquet else 'csv')}"
    if name == "prices.parquet":
        table = as_parquet(rows, parts, UNITS, path if is_parquet else None)
        run.save(name, table, kind="value")
    else:
        table = as_csv(output_columns(rows), output_rows(rows, parts))
        run.save(name, table, kind="value")
    problems = [[p.line, p.id, p.field, p.message] for part in parts for p in part.problems]
    if problems:
        table = as_csv(["line", "id", "field", "reason"], problems)
        run.save("bad_rows.csv", table, kind="value")
    by = config.by or ()
    totals = [_total(total, len(by)) for total in add_up(rows, parts, by)]
    table = as_csv([*by, "rows", "bad rows", *SUMMED], totals)
    run.save("totals.csv", table, kind="value")
    return name


def _cross_check(config: StepOptionsConfig, settings: BookSettings, rows: BookRows,
                 parts: Sequence[BookPrices], run: Run) -> dict[str, Any]:  # fmt: skip
    """Price a sample of rows by further engines, where they can."""
    priced = [(part, i) for part in parts for i in range(len(part.lines))]
    most = min(config.cross_check_rows or SAMPLED_ROWS, len(priced))
    drawn = run.rng("cross_check").permutation(len(priced))[:most]
    sample = [priced[i] for i in sorted(map(int, drawn))]
    at = {line: i for i, line in enumerate(rows.lines)}
    asked: list[tuple[BookPrices, int, str]] = []
    calls: list[EngineCall] = []
    able: dict[str, int] = dict.fromkeys(config.cross_check, 0)
    for part, i in sample:
        place = at[part.lines[i]]
        terms = terms_of(rows.part(place, place + 1), settings)[part.lines[i]]
        for engine in (str(name) for name in config.cross_check):
            if engine == part.engines[i] or obstacle(engine, terms.option, terms.market):
                continue
            able[engine] += 1
            asked.append((part, i, engine))
            other = Terms(terms.option, terms.market, engine, 1.0)
            calls.append(EngineCall(terms.option, terms.market, engine, False,
                                    sampling(other, settings)))  # fmt: skip
    checks = []
    for (part, i, engine), outcome in zip(asked, run.map(evaluate, calls), strict=True):
        row = {"line": part.lines[i], "id": part.ids[i], "engine": part.engines[i],
               "other": engine}  # fmt: skip
        if outcome.failure is not None:
            checks.append({**row, "failure": outcome.failure.kind})
            continue
        checks.append(row | _compared(part, i, engine, outcome.unwrap()))
    return {"sampled": len(sample), "of": len(priced), "able": able, "checks": checks}


def _compared(part: BookPrices, i: int, engine: str, found: dict[str, Any]) -> dict[str, Any]:
    price, error, std = (float(part.column(name)[i]) for name in ("price", "abs_error",
                                                                  "std_error"))  # fmt: skip
    ours = {"std_error": None if std != std else std, "abs_error": error}
    theirs = {"std_error": found["std_error"], "abs_error": found["abs_error_estimate"]}
    difference = found["price"] - price
    z = z_score(difference, allowed(ours, theirs))
    # mc_naive states no bound on its bias, so what it differs by refuses nothing
    biased = "mc_naive" in (engine, part.engines[i])
    return {"price": price, "other_price": found["price"], "difference": difference, "z": z,
            "agrees": abs(z) <= SIGMAS or biased}  # fmt: skip


def _disagreeing(checked: dict[str, Any]) -> list[BadRow]:
    found: dict[int, BadRow] = {}
    for row in checked["checks"]:
        if row.get("agrees", True):
            continue
        message = (
            f"{row['other']} gives {row['other_price']:.10g}, {row['engine']} {row['price']:.10g}: "
            f"{abs(row['z']):.3g} standard errors apart, at most {SIGMAS} are allowed"
        )
        found.setdefault(row["line"], BadRow(row["line"], row["id"], "cross_check", message))
    return list(found.values())


def _ladder(config: LadderConfig, settings: BookSettings, items: Sequence[BookRows],
            parts: Sequence[BookPrices], run: Run) -> dict[str, Any]:  # fmt: skip
    ladder = run.share(Ladder(config.spots, config.vols, settings))
    priced = frozenset(line for part in parts for line in part.lines)
    rows = [item.only(priced) for item in items]
    found = [outcome.unwrap() for outcome in run.map(climb_ladder, rows, shared=ladder)]
    left_out = [line for one in found for line in one.left_out]
    total = np.sum([one.values for one in found], axis=0)
    return {
        "spots": list(config.spots),
        "vols": list(config.vols),
        "values": total.tolist(),
        "rows": len(priced) - len(left_out),
        "left_out": left_out[:MOST_SHOWN],
    }
