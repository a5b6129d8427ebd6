"""`heliostat.tune`: search the configuration of a method for the best of its results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from heliostat.cli.at_once import default_at_once
from heliostat.errors import ConfigError
from heliostat.python.arguments import Workers, given_values, target_of
from heliostat.python.checks import checked
from heliostat.python.handle import RunHandle
from heliostat.python.starting import run
from heliostat.python.threads import threads_as_before
from heliostat.store.folder import runs_root

TUNE = "tune"
"""The method that tunes others."""
DEFAULT_TRIALS = 20
DEFAULT_PARALLEL = 2


@checked()
@threads_as_before()
def tune(
    method: str,
    *,
    space: Mapping[str, Any],
    trials: int = DEFAULT_TRIALS,
    sampler: str = "tpe",
    objectives: Sequence[str] | str = (),
    cost: Sequence[str] | str = (),
    parallel: int = DEFAULT_PARALLEL,
    preset: str | None = None,
    seed: int | None = None,
    lookahead: int | None = None,
    workers: Workers = None,
    address: str | None = None,
    runs: str | Path | None = None,
    numerics: str | None = None,
    report: bool = False,
    name: str = "",
    note: str = "",
    tags: Mapping[str, str] | None = None,
    progress: bool = True,
    config: Mapping[str, Any] | str | Path | None = None,
    tuning: Mapping[str, Any] | None = None,
    **fields: Any,
) -> RunHandle:
    """Tune a method and return the run; its trials are searches of the method inside of it.

    `space` says what may vary, field by field: {"low": 0.1, "high": 10, "log": True} or
    {"choices": [...]}. `fields`, `config` and `preset` say the rest of the method's configuration,
    as `heliostat.run` takes them; `tuning` are further fields of the tuning itself, such as
    {"stop_after": "2h", "target": 0.95, "patience": 20, "pruner": "asha"}. `lookahead` is
    how many trials are under way, by default one more than `parallel` and few of all; like
    `parallel` it is part of the result. Raises as `heliostat.run`.
    """
    from heliostat.contract.config import plain
    from heliostat.driver import configuration
    from heliostat.plugins.registry import registry

    target = target_of(method, config, numerics, tell=progress)
    if target.method.name == TUNE:
        raise ConfigError("method", method, "another method than tune")
    base = configuration.resolve(
        target.method,
        registry(),
        preset=target.preset if preset is None else preset,
        values=given_values(target.method, target.values, config, fields, runs_root(runs)),
        source=target.source,
    )
    most = default_at_once(parallel, trials) if lookahead is None else lookahead
    return run(
        TUNE,
        seed=target.seed if seed is None else seed,
        workers=workers,
        address=address,
        runs=runs,
        lookahead=most,
        numerics=numerics,
        report=report,
        name=name,
        note=note,
        tags=tags,
        progress=progress,
        config={
            **(tuning or {}),
            "method": target.method.name,
            "base": plain(base),
            "space": dict(space),
            "trials": trials,
            "sampler": sampler,
            "objectives": _several(objectives),
            "cost": _several(cost),
            "at_once": most,
        },
    )


def _several(names: Sequence[str] | str) -> list[str]:
    return [names] if isinstance(names, str) else list(names)
