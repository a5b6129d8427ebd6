"""The search: each trial is a whole search of the tuned method, under its own keys and streams."""

from __future__ import annotations

from typing import Any

from heliostat import Run, registry
from heliostat.contract import plain, validate, without_none
from heliostat_methods.tune.config import TuneConfig
from heliostat_methods.tune.fields import value_at, with_values
from heliostat_search.strategies.bayesian import Trial, minimize_search, read_values


def search(config: TuneConfig, run: Run) -> dict[str, Any]:
    """Try configurations and return all trials, the best one and the front."""
    space, spec = config.dimensions, config.spec

    def trial(params: dict[str, Any], sub: Run) -> tuple[float, ...]:
        values = with_values(config.base, params)
        chosen = validate(spec.config, values)
        registry().check_parts(chosen)
        return read_values(spec.search(chosen, sub), config.objectives)

    run.phase(f"tuning {config.method}")
    as_is = {path: value_at(config.base, path) for path in space}
    inside = all(dimension.holds(as_is[path]) for path, dimension in space.items())
    first = [as_is] if config.base_first and inside else []
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
    )
    best = found.best
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
        "failed": sum(one.values is None for one in found.trials),
        "no_number": found.undefined,
        "at_once": config.at_once or run.lookahead,
        "trials": [_plain(one) for one in found.trials],
    }


def _plain(trial: Trial) -> dict[str, Any]:
    return {
        "number": trial.number,
        "params": trial.params,
        "values": None if trial.values is None else list(trial.values),
        "failure": trial.failure,
    }


def _file(config: TuneConfig, trial: Trial) -> bytes:
    """Return a file that `heliostat run` takes: the configuration of a trial."""
    import tomli_w

    chosen = validate(config.spec.config, with_values(config.base, trial.params))
    values = without_none(plain(chosen))
    return tomli_w.dumps({"method": config.method, "config": values}).encode()
