"""The search: each trial is a whole search of the tuned method, under its own keys and streams."""

from __future__ import annotations

from typing import Any

from heliostat import Run, registry
from heliostat.contract import plain, validate, without_none
from heliostat_methods.tune.config import TuneConfig
from heliostat_methods.tune.fields import value_at, with_values
from heliostat_search.strategies.bayesian import Trial, minimize_search, read_values
from heliostat_search.strategies.conditions import in_order, is_active


def search(config: TuneConfig, run: Run) -> dict[str, Any]:
    """Try configurations and return all trials, the best one and the front."""
    space, spec = config.dimensions, config.spec

    def trial(params: dict[str, Any], sub: Run) -> tuple[float, ...]:
        values = with_values(config.base, params)
        chosen = validate(spec.config, values)
        registry().check_parts(chosen)
        return read_values(spec.search(chosen, sub), config.objectives)

    run.phase(f"tuning {config.method}")
    as_is = _as_it_is(config)
    first = [as_is] if config.base_first and as_is is not None else []
    found = minimize_search(
        run,
        trial,
        space,
        config.trials,
        objectives=config.directions,
        sampler=config.sampler,
        initial=first,
        cost=config.duration,
        at_once=config.at_once,
        when=config.conditions,
        stop=config.stop,
        pruning=config.pruning,
    )
    best, stopped = found.best, found.stopped
    if best is not None:
        run.save("best.toml", _file(config, best), kind="config")
    if len(config.objectives) > 1:
        for member in found.front:
            run.save(f"trial-{member.number}.toml", _file(config, member), kind="config")
    return {
        "method": config.method,
        # pairs, since a stored mapping comes back in the order of the alphabet
        "objectives": [[name, direction] for name, direction in config.directions.items()],
        "best": None if best is None else _plain(best),
        "base": _plain(found.trials[0]) if first else None,
        "front": [member.number for member in found.front],
        "failed": sum(one.failed for one in found.trials),
        "pruned": sum(one.pruned is not None for one in found.trials),
        "stopped": None
        if stopped is None
        else {
            # the field of the configuration that said it
            "rule": "stop_after" if stopped.rule == "seconds" else stopped.rule,
            "told": stopped.told,
            "trial": stopped.trial,
        },
        "no_number": found.undefined,
        "at_once": config.at_once or run.lookahead,
        "trials": [_plain(one) for one in found.trials],
    }


def _as_it_is(config: TuneConfig) -> dict[str, Any] | None:
    """Return the base's parameters, or None if it lies outside the space."""
    found: dict[str, Any] = {}
    for path in in_order(config.dimensions, config.conditions):
        value = value_at(config.base, path)
        if not is_active(config.conditions.get(path, {}), found):
            continue
        if not config.dimensions[path].holds(value):
            return None
        found[path] = value
    # by path, as the space is
    return {path: found[path] for path in config.dimensions if path in found}


def _plain(trial: Trial) -> dict[str, Any]:
    return {
        "number": trial.number,
        "params": trial.params,
        "values": None if trial.values is None else list(trial.values),
        "failure": trial.failure,
        "pruned": trial.pruned and trial.pruned[0],
    }


def _file(config: TuneConfig, trial: Trial) -> bytes:
    """Return a file that `heliostat run` takes: the configuration of a trial."""
    import tomli_w

    chosen = validate(config.spec.config, with_values(config.base, trial.params))
    values = without_none(plain(chosen))
    return tomli_w.dumps({"method": config.method, "config": values}).encode()
