"""`heliostat export`: a run's outcomes for other tools."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import click

from heliostat.contract.commands import runs_option
from heliostat.errors import StoreError
from heliostat.terminal import printable, say

MOST_NAMED = 10
"""Products that a message names."""


@click.command()
@click.argument("run_name", metavar="RUN")
@click.option(
    "--jsonl",
    "form",
    flag_value="jsonl",
    default=True,
    help="One object an outcome [default].",
)
@click.option("--csv", "form", flag_value="csv", help="The metrics of each step as CSV.")
@click.option(
    "--optuna",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the trials into a SQLite file for optuna-dashboard.",
)
@click.option(
    "--parquet",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the outcomes into a Parquet table (needs pyarrow).",
)
@click.option(
    "--tensorboard",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Write the metrics of each step into a folder of this one for TensorBoard.",
)
@click.option("--product", help="Write this product instead, as show names it.")
@click.option("--output", type=click.Path(path_type=Path), help="File [default: standard output].")
@runs_option
def export(
    run_name: str,
    form: str,
    optuna: Path | None,
    parquet: Path | None,
    tensorboard: Path | None,
    product: str | None,
    output: Path | None,
    runs: Path | None,
) -> None:
    """Write the outcomes that the search saw, in key order.

    The digest of a run is SHA-256 over a line for each object with observed = false: the JSON list
    [key, function, item, shared, value, failure's kind], written without blanks, and a newline.
    """
    from heliostat.store.folder import find, runs_root
    from heliostat.store.view import RunView

    view = RunView(find(run_name, runs_root(runs)))
    if optuna is not None:
        from heliostat.export.optuna import write_studies

        for name in write_studies(view, optuna):
            see = f"optuna-dashboard sqlite:///{optuna}"
            say(f"wrote study {name!r}; see it with: {see}", err=True)
        return
    if parquet is not None:
        from heliostat.export.parquet import write_outcomes

        count = write_outcomes(view, parquet)
        say(f"wrote {count} outcomes into {parquet}", err=True)
        return
    if tensorboard is not None:
        from heliostat.export.tensorboard import write_events

        path = write_events(view, tensorboard)
        see = f"tensorboard --logdir {tensorboard}"
        say(f"wrote {path}; see it with: {see}", err=True)
        return
    if product is not None:
        _write_bytes(_product_bytes(view, product), output)
        return
    try:
        with _opened(output) as file:
            if form == "csv":
                _write_metrics(view, file)
            else:
                for line in _lines(view):
                    file.write(line + "\n")
    except BrokenPipeError:
        raise  # the reader has enough: `export | head`
    except OSError as error:
        raise StoreError(f"cannot write {output}: {error.strerror}") from error


def _opened(output: Path | None) -> Any:
    from contextlib import nullcontext

    if output is None:
        return nullcontext(sys.stdout)
    return open(output, "w", encoding="utf-8", newline="")


def _lines(view: Any) -> Iterator[str]:
    for row in view.outcomes():
        yield json.dumps(
            {
                "key": list(row.key),
                "function": row.function,
                "item": row.item,
                "shared": list(row.shared),
                "value": row.value,
                "failure": None if row.failure is None else row.failure.__dict__,
                "observed": row.observed,
                "seconds": row.seconds,
                "worker": row.worker,
                "attempts": row.attempts,
            }
        )


def _write_metrics(view: Any, file: IO[str]) -> None:
    writer = csv.writer(file)
    writer.writerow(["scope", "step", "name", "value"])
    shown = printable if file.isatty() else str
    for scope in view.scopes():
        for name, points in view.metrics(scope).items():
            for step, value in points:
                writer.writerow([".".join(map(str, scope)), step, shown(name), repr(value)])


def _product_bytes(view: Any, name: str) -> bytes:
    from heliostat.errors import did_you_mean

    products = view.products()
    names = [str(product["unique_name"]) for product in products]
    for product in products:
        if product["unique_name"] == name:
            content: bytes = view.folder.artifacts.get(product["sha256"])
            return content
    same = [str(p["unique_name"]) for p in products if p["name"] == name]
    if same:
        shown = ", ".join(same[:MOST_NAMED]) + (", ..." if len(same) > MOST_NAMED else "")
        raise StoreError(f"run {view.id}: {len(same)} products are called {name!r}: {shown}")
    raise StoreError(f"run {view.id} has no product {name!r}; {did_you_mean(name, names)}")


def _write_bytes(content: bytes, output: Path | None) -> None:
    if output is None:
        sys.stdout.buffer.write(content)
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise StoreError(f"cannot write {output}: {error.strerror}") from error
