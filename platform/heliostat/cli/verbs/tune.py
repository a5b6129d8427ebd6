"""`heliostat tune`: search the configuration of a method for the best of its results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from heliostat.cli.at_once import default_at_once
from heliostat.cli.options import RunOptions, run_options
from heliostat.errors import ConfigError
from heliostat.terminal import say
from heliostat.worker.numerics import prepare_environment

if TYPE_CHECKING:
    from heliostat.contract.method import MethodSpec

DEFAULT_TRIALS = 20
DEFAULT_PARALLEL = 2
SAID_BY = {
    "method": "METHOD",
    "trials": "--trials",
    "sampler": "--sampler",
    "objectives": "--objective",
    "cost": "--cost",
    "at_once": "--lookahead",
    "stop_after": "--stop-after",
    "target": "--target",
    "patience": "--patience",
    "pruner": "--pruner",
    "prune_by": "--prune-by",
    "prune_from": "--prune-from",
    "prune_startup": "--prune-startup",
    "prune_factor": "--prune-factor",
}
"""The options that say fields of a tuning."""

LEARN_CONDITIONAL = ("tpe", "random")
"""Samplers that treat a field with a condition as any other; the rest learn of those always there.
"""


@click.command()
@click.argument("target", metavar="METHOD|CONFIG.toml")
@click.option(
    "--space",
    type=click.Path(path_type=Path),
    required=True,
    help="TOML file: field = {low = ..., high = ...} or {choices = [...]}, with when = {...}.",
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
    help="A result to optimise [default: all that are goals].",
)
@click.option(
    "--stop-after",
    metavar="DURATION",
    help="Begin no trial after this time (90s, 30min, 2h), all starts together.",
)
@click.option(
    "--target",
    "target_value",
    type=float,
    metavar="VALUE",
    help="Begin no trial once the first objective is this good.",
)
@click.option(
    "--patience",
    type=int,
    metavar="N",
    help="Begin no trial after N in a row without a better one.",
)
@click.option(
    "--pruner",
    default="none",
    show_default=True,
    help="Give up bad trials by what they report: median, asha, hyperband.",
)
@click.option(
    "--prune-by",
    metavar="NAME",
    help="The reported number that is compared [default: the objective's name].",
)
@click.option(
    "--prune-from",
    type=int,
    default=1,
    show_default=True,
    metavar="STEP",
    help="First step at which a trial may be given up.",
)
@click.option(
    "--prune-startup",
    type=int,
    default=5,
    show_default=True,
    metavar="N",
    help="Complete trials before median gives any up.",
)
@click.option(
    "--prune-factor",
    type=int,
    default=3,
    show_default=True,
    metavar="N",
    help="asha, hyperband: one trial of N goes on at a rung.",
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
@run_options
def tune(
    target: str,
    space: Path,
    trials: int,
    sampler: str,
    objectives: tuple[str, ...],
    stop_after: str | None,
    target_value: float | None,
    patience: int | None,
    pruner: str,
    prune_by: str | None,
    prune_from: int,
    prune_startup: int,
    prune_factor: int,
    preset: str | None,
    overrides: tuple[str, ...],
    cost: tuple[str, ...],
    parallel: int,
    lookahead: int | None,
    seed: int | None,
    options: RunOptions,
) -> None:
    """Search the configuration of METHOD for the best of its results.

    Every trial is a search of the method under its own keys and random streams, inside one run that
    `heliostat resume`, `show`, `report`, `verify` and `export` treat as any other.
    """
    options.hold_level(target)
    prepare_environment()
    from heliostat.cli.target import read_target
    from heliostat.cli.verbs.run import start_and_show
    from heliostat.contract.config import plain
    from heliostat.driver import configuration
    from heliostat.plugins.registry import registry
    from heliostat.store.folder import runs_root

    if parallel < 1:
        raise ConfigError("--parallel", parallel, "a positive integer")
    found = read_target(target)
    method = found.method
    if method.name == "tune":
        raise ConfigError("METHOD", method.name, "another method than tune")
    seed = found.seed if seed is None else seed
    base = configuration.resolve(
        method,
        registry(),
        preset=found.preset if preset is None else preset,
        values=found.values,
        overrides=overrides,
        source=found.source,
    )
    if not objectives and method.goals:
        say(_goals(method), err=True)
    tuning = registry().method("tune")
    most = default_at_once(parallel, trials) if lookahead is None else lookahead
    values = {
        "method": method.name,
        "base": plain(base),
        "space": configuration.read_toml(space),
        "trials": trials,
        "sampler": sampler,
        "objectives": list(objectives),
        "cost": list(cost),
        "at_once": most,
        "stop_after": stop_after,
        "target": target_value,
        "patience": patience,
        "pruner": pruner,
        "prune_by": prune_by or "",
        "prune_from": prune_from,
        "prune_startup": prune_startup,
        "prune_factor": prune_factor,
    }
    try:
        tuned = configuration.resolve(tuning, registry(), values=values)
    except ConfigError as error:
        raise _where_it_was_said(error, space) from None
    conditional = [path for path, table in plain(tuned)["space"].items() if "when" in table]
    if conditional and sampler not in LEARN_CONDITIONAL:
        say(
            f"{sampler} draws fields with a condition at random: {', '.join(conditional)}", err=True
        )
    say(f"trials at once: {most} (another number: --lookahead)", err=True)
    start_and_show(
        tuning,
        options.execution(runs_root(options.runs)),
        options,
        values=values,
        seed=seed or 0,
        lookahead=most,
    )


def _where_it_was_said(error: ConfigError, space: Path) -> ConfigError:
    """Return the error with the option that said the value, or the file if it was the space."""
    name, dot, rest = error.field.partition(".")
    if name == "space":
        return error.in_file(str(space))
    field = f"{SAID_BY.get(name, name)}{dot}{rest}"
    return ConfigError(field, error.got, error.expected, error.hint)


def _goals(method: MethodSpec) -> str:
    """Return what is optimised when no --objective is given."""
    goals = [f"{name} ({direction})" for name, direction in method.default_goals.items()]
    named = [name for name in method.goals if name not in method.default_goals]
    others = [name for name in method.outputs if name not in method.goals]
    line = f"objective{'s' if len(goals) > 1 else ''}: {', '.join(goals)}"
    line += f"; by name: {', '.join(named)}" if named else ""
    return line + (f"; no goal: {', '.join(others)}" if others else "")
