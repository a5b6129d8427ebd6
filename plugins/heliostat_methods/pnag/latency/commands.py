"""`heliostat latency`: a table of block latencies measured here, and what past runs measured."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from typing import Any

import click

from heliostat.contract import json_option, print_json, runs_option, say
from heliostat.verbs import RunOptions, run_options, start_run


@click.group()
def latency() -> None:
    """Measure the latency of a space's blocks on this machine, and show a table."""


@latency.command()
@click.option("--space", help="Whose blocks are timed [default: elastic_conv].")
@click.option("--dataset", help="Whose images the networks are for [default: digits].")
@click.option("--batch", type=int, help="Images at a time [default: 1].")
@click.option("--threads", type=int, help="Threads of one network [default: 1].")
@click.option("--preset", help="A named configuration of the method latency: smoke, demo.")
@click.option("--seed", type=int, default=0, show_default=True, help="Root of random streams.")
@click.option("-o", "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Set a field.")
@run_options
def build(
    space: str | None,
    dataset: str | None,
    batch: int | None,
    threads: int | None,
    preset: str | None,
    seed: int,
    overrides: tuple[str, ...],
    options: RunOptions,
) -> None:
    """Measure a table as a run of its own, which other methods name: latency = "run:RUN".

    Leave the machine alone meanwhile: what else runs is told in the table, and cannot be taken out.
    """
    said = {"space": space, "dataset": dataset, "batch": batch, "threads": threads}
    values = {name: value for name, value in said.items() if value is not None}
    start_run("latency", options, preset=preset, values=values, overrides=overrides, seed=seed)


@latency.command()
@click.argument("run_name", metavar="RUN")
@runs_option
@json_option
def show(run_name: str, runs: Path | None, as_json: bool) -> None:
    """Show the latency table of a finished run, and how well its sums say what networks take."""
    value = _table_of(run_name, runs)
    if as_json:
        print_json(value)
        return
    from heliostat_methods.pnag.cost.latency_table import read_table
    from heliostat_methods.pnag.latency.describing import (
        WIDTH,
        agreement_text,
        rounds_text,
        setting_text,
        table_lines,
    )

    say(f"Measured with {setting_text(read_table(value['table']))}.", "")
    told = (agreement_text(value), rounds_text(value))
    say(*table_lines(value), "", *(line for text in told for line in wrap(text, WIDTH)))


def _table_of(run_name: str, runs: Path | None) -> Any:
    from heliostat.contract import RunView, find, runs_root
    from heliostat.errors import ConfigError

    view = RunView(find(run_name, runs_root(runs)))
    tables = [one for one in view.products() if one["kind"] == "latency_table"]
    if not tables:
        at = view.so_far()
        told = f"it is {view.state}" + (at and f" ({at})")
        raise ConfigError("RUN", view.id, "a finished run that left a latency table", told)
    return view.product(tables[0]["name"])
