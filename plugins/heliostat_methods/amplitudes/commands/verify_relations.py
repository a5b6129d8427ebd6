"""`heliostat verify-relations`: named relations proved exactly, as a run of its own."""

from __future__ import annotations

from typing import Any

import click

from heliostat.contract import say
from heliostat.errors import ConfigError, did_you_mean
from heliostat.verbs import RunOptions, run_options, start_run
from heliostat_methods.amplitudes.names import RELATIONS


@click.command(name="verify-relations")
@click.option("--all", "every", is_flag=True, help="Prove every relation.")
@click.option("--list", "listed", is_flag=True, help="Say what the relations are, and stop.")
@click.option("--relation", "names", multiple=True, help="A relation; once for each.")
@click.option("--n", type=click.IntRange(3, 10), multiple=True, help="Legs; once for each number.")
@click.option(
    "--field", "fields", multiple=True,
    help="Where points are from: rational, flint, gf, gf:PRIME, float64, complex128, mpmath:DIGITS "
    "[default: rational and gf].",
)  # fmt: skip
@click.option("--points", type=click.IntRange(1, 10_000), help="Points a field [default: 2].")
@click.option("--primes", type=click.IntRange(1, 100), help="Primes for gf [default: 2].")
@click.option("--seed", type=int, default=0, show_default=True, help="Root of random streams.")
@run_options
def verify_relations(
    every: bool,
    listed: bool,
    names: tuple[str, ...],
    n: tuple[int, ...],
    fields: tuple[str, ...],
    points: int | None,
    primes: int | None,
    seed: int,
    options: RunOptions,
) -> None:
    """Prove relations between amplitudes at random points, exactly.

    Both sides are computed over the rationals and modulo primes; the run keeps a certificate.
    heliostat verify-relations --relation trace --n 6
    """
    if listed:
        width = max(map(len, RELATIONS))
        say(*(f"{name:<{width}}  {text}" for name, text in RELATIONS.items()))
        return
    if every and names:
        raise ConfigError("--relation", list(names), "no name beside --all")
    if not every and not names:
        raise ConfigError("--relation", None, "names of relations, or --all",
                          "--list says which there are")  # fmt: skip
    for name in names:
        if name not in RELATIONS:
            expected = "a relation; --list says which there are"
            raise ConfigError("--relation", name, expected, did_you_mean(name, RELATIONS))
    said: dict[str, Any] = {
        "relation": list(names), "n": list(n), "field": list(fields), "points": points,
        "primes": primes,
    }  # fmt: skip
    values = {key: value for key, value in said.items() if value}
    start_run("amplitudes", options, values=values, seed=seed)
