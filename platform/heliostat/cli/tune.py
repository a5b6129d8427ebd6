"""`heliostat tune`: search the configuration of a method for the best of its results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from heliostat.cli.options import (
    cluster_options,
    execution_options,
    is_file,
    json_option,
    runs_option,
)
from heliostat.errors import ConfigError
from heliostat.numerics import prepare_environment

DEFAULT_TRIALS = 20
DEFAULT_PARALLEL = 2


def default_lookahead(parallel: int, trials: int) -> int:
    """Return how many trials may be under way: one more than run side by side, few of all.

    More would keep no more workers busy, and a sampler learns less the more it asks ahead.
    """
    return max(1, min(parallel + 1, trials // 10))


@click.command()
@click.argument("target", metavar="METHOD|CONFIG.toml")
@click.option(
    "--space",
    type=click.Path(path_type=Path),
    required=True,
    help="TOML file: field = {low = ..., high = ...} or {choices = [...]}.",
)
@click.option("--trials", type=int, default=DEFAULT_TRIALS, show_default=True, help="Budget.")
@click.option(
    "--sampler",
    default="tpe",
    show_default=True,
    help="tpe, gp, cmaes, nsga2, nsga3, qmc or random.",
)
@click.option(
    "--objective",
    "objectives",
    multiple=True,
    metavar="NAME",
    help="A result to optimise [default: all that the method declares].",
)
@click.option("--preset", help="Start from this preset of the method.")
@click.option(
    "-o",
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set a field of the method.",
)
@click.option(
    "--cost",
    "cost",
    multiple=True,
    metavar="FIELD",
    help="A number field that a trial's duration grows with.",
)
@click.option(
    "--parallel",
    type=int,
    default=DEFAULT_PARALLEL,
    show_default=True,
    help="Trials to plan for side by side; part of the result.",
)
@click.option(
    "--lookahead",
    type=int,
    help="Trials under way [default: parallel + 1, at most a tenth of all].",
)
@click.option("--seed", type=int, help="Root of all random streams [default: 0].")
@click.option("--report/--no-report", default=True, help="Write report.html at the end.")
@execution_options
@cluster_options
@runs_option
@json_option
def tune(
    target: str,
    space: Path,
    trials: int,
    sampler: str,
    objectives: tuple[str, ...],
    preset: str | None,
    overrides: tuple[str, ...],
    cost: tuple[str, ...],
    parallel: int,
    lookahead: int | None,
    seed: int | None,
    report: bool,
    runs: Path | None,
    as_json: bool,
    **execution: Any,
) -> None:
    """Search the configuration of METHOD for the best of its results.

    Every trial is a search of the method under its own keys and random streams, inside one run that
    `heliostat resume`, `show`, `report`, `verify` and `export` treat as any other.
    """
    prepare_environment()
    from heliostat import config as configuration
    from heliostat.cli.run import execution_of, start_and_show
    from heliostat.plugins import registry

    if parallel < 1:
        raise ConfigError("--parallel", parallel, "a positive integer")
    values: dict[str, Any] = {}
    name, source = target, ""
    if target.endswith(".toml") or is_file(target):
        file = configuration.read_run_file(Path(target))
        name, source, values = file.method, target, dict(file.config)
        preset = preset if preset is not None else file.preset
        seed = seed if seed is not None else file.seed
    if name == "tune":
        raise ConfigError("METHOD", name, "another method than tune")
    method = registry().method(name)
    base = configuration.resolve(
        method, registry(), preset=preset, values=values, overrides=overrides, source=source
    )
    start_and_show(
        registry().method("tune"),
        execution_of(runs=runs, **execution),
        runs=runs,
        report=report,
        as_json=as_json,
        values={
            "method": name,
            "base": configuration.plain(base),
            "space": configuration.read_toml(space),
            "trials": trials,
            "sampler": sampler,
            "objectives": list(objectives),
            "cost": list(cost),
        },
        seed=seed or 0,
        lookahead=default_lookahead(parallel, trials) if lookahead is None else lookahead,
        source=str(space),
    )
