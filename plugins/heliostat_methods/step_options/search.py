"""The search: a contract by one engine and by others that must agree, a sweep, or a book."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from heliostat import Run
from heliostat.errors import ExecutionError
from heliostat_methods.step_options.black_scholes import vanilla
from heliostat_methods.step_options.book import BookRows, read_book
from heliostat_methods.step_options.config import StepOptionsConfig
from heliostat_methods.step_options.figures import figures
from heliostat_methods.step_options.market import BasketMarket
from heliostat_methods.step_options.monte_carlo import first_path, pilot
from heliostat_methods.step_options.paths import Simulation, column_names
from heliostat_methods.step_options.tasks import (
    Chunk,
    EngineCall,
    evaluate,
    price_block,
    simulate_chunk,
)
from heliostat_search.montecarlo import Moments, Rounds, fold

SIGMAS = 4.5
"""Standard errors that two right engines may differ by: exceeded once in 150,000 comparisons."""


def search(config: StepOptionsConfig, run: Run) -> dict[str, Any]:
    """Price what the configuration asks for."""
    if config.book is not None:
        return _book(config, run)
    main = _price(config, config.method, run)
    others = [_price(config, name, run) for name in config.cross_check if name != config.method]
    engines = [main, *others]
    _agree(engines)
    result: dict[str, Any] = {
        "contract": _plain(config),
        "price": main["price"],
        "abs_error": main["abs_error"],
        "std_error": main["std_error"],
        "delta": main["delta"],
        "gamma": main["gamma"],
        "sensitivities": main["sensitivities"],
        "engines": engines,
    }
    if config.sweep is not None:
        result["sweep"] = _sweep(config, run)
    if config.figures:
        result["figures"] = figures(config, run)
    return result


def _price(config: StepOptionsConfig, name: str, run: Run) -> dict[str, Any]:
    if name in ("mc_bridge", "mc_naive"):
        return _stream_price(config, name, run)
    settings: dict[str, Any] = {}
    if name in ("rqmc", "mlmc", "metropolis"):
        settings["seed"] = run.seed64(name) >> 1
    greeks = config.greeks and name == config.method
    call = EngineCall(config.option(), config.market(), name, greeks, settings)
    found = run.call(evaluate, call).unwrap()
    return _row(name, found["price"], found["abs_error_estimate"], found["std_error"],
                found["n_evals"], found["delta"], found["gamma"], found["sensitivities"],
                found["details"])  # fmt: skip


def _stream_price(config: StepOptionsConfig, name: str, run: Run) -> dict[str, Any]:
    """Chunks of paths, folded in key order; stopped at the target after a fixed round."""
    option, market = config.option(knock="out"), config.market()
    settings = config.path_settings(name)
    if name == "mc_naive" and config.method != "mc_naive":
        settings = dataclasses.replace(settings, steps=max(settings.steps, 252))
    simulation = Simulation(option, market, settings, run.seed64("paths", name))
    controls = pilot(simulation)
    handle = run.share(simulation)
    target = config.target_se if name == config.method else None
    # an engine beside the main one needs no more paths than show that it agrees
    paths = config.most_paths if name == config.method else min(config.most_paths, 1 << 18)
    chunk = min(config.chunk, math.ceil(paths / settings.strata) * settings.strata)
    most = max(1, math.ceil(paths / chunk))
    offset = first_path(simulation)
    items = (Chunk(handle, offset + i * chunk, chunk) for i in range(most))

    def moments() -> Iterator[Moments]:
        for outcome in run.stream(simulate_chunk, items, shared=handle):
            yield outcome.unwrap()

    def enough(count: int, total: Moments) -> bool:
        return target is not None and controls.estimate(total).error <= target

    def progress(count: int, total: Moments) -> None:
        estimate = controls.estimate(total)
        expected = most
        if target is not None:  # the error falls as 1 / sqrt: what is left follows from it
            expected = min(most, max(count, math.ceil(count * (estimate.error / target) ** 2)))
        run.report(count, of=expected, count=count * chunk, price=estimate.value,
                   error=estimate.error)  # fmt: skip

    count, total = fold(moments(), Rounds(most=most), enough, progress)
    estimate = controls.estimate(total)
    value = estimate.value
    if config.knock == "in" and not isinstance(market, BasketMarket):
        value = float(vanilla(option, market)) - value
    details = {
        "steps": settings.steps,
        "controls": list(column_names(simulation)[1:]),
        "coefficients": list(controls.coefficients),
        "reached": target is None or estimate.error <= target,
    }
    return _row(name, value, 2 * estimate.error, estimate.error, count * chunk, None, None, {},
                details)  # fmt: skip


def _row(name: str, price: float, error: float, std_error: float | None, evaluations: int,
         delta: Any, gamma: Any, sensitivities: Any, details: Any) -> dict[str, Any]:  # fmt: skip
    return {
        "engine": name,
        "price": price,
        "abs_error": error,
        "std_error": std_error,
        "n_evals": evaluations,
        "delta": delta,
        "gamma": gamma,
        "sensitivities": {
            key: list(map(float, value)) if hasattr(value, "__len__") else float(value)
            for key, value in sensitivities.items()
        },
        "details": details,
    }


def _agree(engines: list[dict[str, Any]]) -> None:
    """Compare every engine with the first; raise ExecutionError beyond the stated errors.

    mc_naive states no bound on its bias, so its row says what it differs by and raises nothing.
    """
    first = engines[0]
    for row in engines[1:]:
        allowed = 0.0
        for side in (first, row):
            error = side["std_error"]
            allowed += SIGMAS * error if error is not None else side["abs_error"]
        row["difference"] = row["price"] - first["price"]
        row["allowed"] = allowed
        row["agrees"] = abs(row["difference"]) <= allowed
        biased = "mc_naive" in (first["engine"], row["engine"])
        if not row["agrees"] and not biased:
            raise ExecutionError(
                f"{row['engine']} and {first['engine']} disagree: {row['price']:.12g} against "
                f"{first['price']:.12g}, difference {row['difference']:.3g}, stated errors allow "
                f"{allowed:.3g}; price the contract with a third engine before using either"
            )


def _plain(config: StepOptionsConfig) -> dict[str, Any]:
    values: dict[str, Any] = config.model_dump(mode="json")
    keep = ("kind", "strike", "maturity", "barriers", "rates", "gamma", "anchor", "knock",
            "amortisation", "window", "spot", "rate", "dividend", "vol", "heston",
            "basket")  # fmt: skip
    return {name: values[name] for name in keep}


def _sweep(config: StepOptionsConfig, run: Run) -> dict[str, Any]:
    calls = []
    for value in config.sweep_values:
        change = {str(config.sweep): value}
        market_field = config.sweep in ("spot", "rate", "dividend", "vol")
        option = config.option(**({} if market_field else change))
        market = config.market(**(change if market_field else {}))
        method = config.method if config.method not in ("mc_bridge", "mc_naive") else "laplace"
        calls.append(EngineCall(option, market, method, False, {}))
    rows = [o.unwrap() for o in run.map(evaluate, calls)]
    return {
        "variable": config.sweep,
        "values": list(config.sweep_values),
        "price": [row["price"] for row in rows],
        "delta": [row["delta"] for row in rows],
        "gamma": [row["gamma"] for row in rows],
    }


def _book(config: StepOptionsConfig, run: Run) -> dict[str, Any]:
    book = read_book(Path(str(config.book)))
    n, block = len(book.lines), config.book_block
    items = [
        BookRows(book.columns, book.lines[i : i + block], book.cells[i : i + block])
        for i in range(0, n, block)
    ]
    rows: list[list[Any]] = []
    bad: list[dict[str, Any]] = []
    for done, outcome in enumerate(run.stream(price_block, items), 1):
        found = outcome.unwrap()
        columns = (found.price, found.delta, found.gamma, found.abs_error)
        # a contract at maturity has a price and no slope
        numbers = zip(*([None if math.isnan(x) else float(x) for x in c] for c in columns),
                      strict=True)  # fmt: skip
        rows += [
            [line, name, *values]
            for line, name, values in zip(found.lines, found.ids, numbers, strict=True)
        ]
        bad += [dataclasses.asdict(problem) for problem in found.problems]
        run.report(done, of=len(items), count=len(rows) + len(bad), bad=float(len(bad)))
    names = ["line", "id", "price", "delta", "gamma", "abs_error"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([names, *rows])
    run.save("prices.csv", text.getvalue().encode(), kind="value")
    return {
        "columns": names,
        "rows": rows,
        "bad_rows": bad,
        "price": sum(row[2] for row in rows),
        "abs_error": sum(row[5] for row in rows),
    }
