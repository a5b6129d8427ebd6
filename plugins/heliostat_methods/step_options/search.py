"""The search: a contract by one engine and by others that must agree, a sweep, or a book."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from heliostat import ConfigError, Run
from heliostat.errors import ExecutionError
from heliostat_methods.step_options.book.agreement import allowed, z_score
from heliostat_methods.step_options.book.ladder import Ladder
from heliostat_methods.step_options.book_search import price_book
from heliostat_methods.step_options.config import StepOptionsConfig
from heliostat_methods.step_options.contracts.validation import InvalidInput
from heliostat_methods.step_options.engines.pricing import STOCHASTIC, price
from heliostat_methods.step_options.figures.convergence import convergence
from heliostat_methods.step_options.figures.kernel_and_states import kernel_figure
from heliostat_methods.step_options.figures.price_functions import price_functions
from heliostat_methods.step_options.monte_carlo.greeks import GreekSampler
from heliostat_methods.step_options.monte_carlo.sharded import Estimator
from heliostat_methods.step_options.tasks import (
    EngineCall,
    climb_with_one,
    evaluate,
    measure,
    plain,
    run_shard,
)


def search(config: StepOptionsConfig, run: Run) -> dict[str, Any]:
    """Price what the configuration asks for."""
    if config.book is not None:
        return price_book(config, run)
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
    if config.effort:
        result |= _effort(config, run)
    if config.sweep is not None:
        result["sweep"] = _sweep(config, run)
    if config.ladder is not None:
        result["ladder"] = _ladder(config, run)
    if config.figures:
        run.phase("figures")
        result["figures"] = {
            "sweeps": price_functions(run),
            "kernel": kernel_figure(),
            "convergence": convergence(run),
        }
    return result


def _price(config: StepOptionsConfig, name: str, run: Run) -> dict[str, Any]:
    main = name == config.method
    run.phase(f"pricing by {name}")
    if name in STOCHASTIC:
        found = _estimate(config, name, run)
    else:
        call = EngineCall(config.option(), config.market(), name, config.greeks and main, {})
        found = run.call(evaluate, call).unwrap()
    return {
        "engine": name,
        "price": found["price"],
        "abs_error": found["abs_error_estimate"],
        "std_error": found["std_error"],
        "n_evals": found["n_evals"],
        "delta": found["delta"],
        "gamma": found["gamma"],
        "sensitivities": {
            key: list(map(float, value)) if hasattr(value, "__len__") else float(value)
            for key, value in found["sensitivities"].items()
        },
        "details": found["details"],
    }


def _estimate(config: StepOptionsConfig, name: str, run: Run) -> dict[str, Any]:
    """Price by an engine that samples: the library's call, its shards on the run's workers."""
    main = name == config.method
    settings = _settings(config, name) | {"seed": run.seed64("paths", name) >> 1}

    def workers(estimator: Estimator, shards: Iterable[Any]) -> Iterator[Any]:
        handle = run.share(estimator)
        for outcome in run.stream(run_shard, shards, shared=handle):
            yield outcome.unwrap()

    def progress(done: int, expected: int, paths: int, value: float, error: float) -> None:
        # a curve of the main engine's price alone; one shard of one sample has no error yet
        shown = {"price": value, "error": error} if main and math.isfinite(error) else {}
        run.report(done, of=expected, count=paths, **shown)

    try:
        result = price(config.option(), config.market(), name, _greeks(config, name),
                       workers=workers, progress=progress, **settings)  # fmt: skip
    except InvalidInput as error:
        raise ConfigError(error.field, error.got, error.expected, error.hint) from None
    found = plain(result)
    found["details"] = {**found["details"], "seed": settings["seed"]}
    return found


def _settings(config: StepOptionsConfig, name: str) -> dict[str, Any]:
    """Return what the configuration says to an engine that samples."""
    if name == "rqmc":
        return {"n_steps": config.steps}
    if name == "mlmc":
        return {"first_steps": config.steps}
    if name == "metropolis":
        return {}
    main = name == config.method
    biased = name == "mc_naive" and not main
    return {
        "n_steps": max(config.steps, 252) if biased else config.steps,
        # an engine beside the main one needs no more paths than show that it agrees
        "n_paths": config.most_paths if main else min(config.most_paths, 1 << 18),
        "target_se": config.target_se if main else None,
        "antithetic": config.antithetic,
        "controls": config.controls,
        "strata": config.strata,
        "tilt": config.tilt,
        "chunk": config.chunk,
    }


def _greeks(config: StepOptionsConfig, name: str) -> bool:
    """Whether an engine that samples is asked for Greeks: where it has them."""
    if not config.greeks or name != config.method or name != "mc_bridge":
        return False
    try:
        GreekSampler(config.option(knock="out"), config.market(), config.steps, 0)
    except InvalidInput:
        return False
    return True


def _agree(engines: list[dict[str, Any]]) -> None:
    """Compare every engine with the first; raise ExecutionError beyond the stated errors.

    mc_naive states no bound on its bias, so its row says what it differs by and raises nothing.
    """
    first = engines[0]
    for row in engines[1:]:
        most = allowed(first, row)
        row["difference"] = row["price"] - first["price"]
        row["allowed"] = most
        row["z"] = z_score(row["difference"], most)
        row["agrees"] = abs(row["difference"]) <= most
        biased = "mc_naive" in (first["engine"], row["engine"])
        if not row["agrees"] and not biased:
            raise ExecutionError(
                f"{row['engine']} and {first['engine']} disagree: {row['price']:.12g} against "
                f"{first['price']:.12g}, difference {row['difference']:.3g}, stated errors allow "
                f"{most:.3g}; price the contract with a third engine before using either"
            )


def _plain(config: StepOptionsConfig) -> dict[str, Any]:
    values: dict[str, Any] = config.model_dump(mode="json")
    shown = ("kind", "strike", "maturity", "barriers", "rates", "gamma", "anchor", "knock",
             "amortisation", "window", "spot", "rate", "dividend", "vol", "heston", "basket",
             "piecewise", "local_vol")  # fmt: skip
    return {name: values[name] for name in shown}


def _effort(config: StepOptionsConfig, run: Run) -> dict[str, Any]:
    """Measure the main engine alone on a worker: seconds are no part of the digest."""
    name = config.method
    run.phase(f"measuring {name}")
    settings: dict[str, Any] = {}
    if name in STOCHASTIC:
        settings = _settings(config, name) | {"seed": run.seed64("effort", name) >> 1}
    call = EngineCall(config.option(), config.market(), name, False, settings)
    found = run.observe(measure, call).unwrap()
    return {"effort": found["error"] ** 2 * found["seconds"], "measured": found}


def _ladder(config: StepOptionsConfig, run: Run) -> dict[str, Any]:
    assert config.ladder is not None
    run.phase("ladder of spots and vols")
    rungs = Ladder(config.ladder.spots, config.ladder.vols)
    method = config.table_engine()
    call = EngineCall(config.option(), config.market(), method, False, {})
    found = run.call(climb_with_one, call, shared=run.share(rungs)).unwrap()
    return {
        "spots": [config.spot * factor for factor in rungs.spots],
        "vols": [config.vol + up for up in rungs.vols],
        "engine": method,
        "values": found.values.tolist(),
    }


def _sweep(config: StepOptionsConfig, run: Run) -> dict[str, Any]:
    calls = []
    method = config.table_engine()
    for value in config.sweep_values:
        change = {str(config.sweep): value}
        market_field = config.sweep in ("spot", "rate", "dividend", "vol")
        option = config.option(**({} if market_field else change))
        market = config.market(**(change if market_field else {}))
        calls.append(EngineCall(option, market, method, False, {}))
    run.phase(f"sweep of {config.sweep}")
    rows = [o.unwrap() for o in run.map(evaluate, calls)]
    return {
        "variable": config.sweep,
        "engine": method,
        "values": list(config.sweep_values),
        "price": [row["price"] for row in rows],
        "abs_error": [row["abs_error_estimate"] for row in rows],
        "delta": [row["delta"] for row in rows],
        "gamma": [row["gamma"] for row in rows],
    }
