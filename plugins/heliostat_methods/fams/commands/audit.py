"""`heliostat audit`: whether anybody's scores are equally right for all subgroups."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import click

from heliostat.contract import json_option, print_json, say
from heliostat.errors import ConfigError, StoreError

# Numerical libraries load inside the command: it is made for every help text.


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--score", required=True, help="Column of scores, from 0 to 1.")
@click.option("--label", required=True, help="Column of what came out, 0 or 1.")
@click.option(
    "--groups",
    required=True,
    multiple=True,
    help="Columns whose values make subgroups: race,sex; a name with a comma in double quotes.",
)
@click.option(
    "--bands",
    multiple=True,
    metavar="COLUMN=EDGES",
    help="Edges at which numbers are cut: age=25,35,45; once for each column.",
)
@click.option("--positive", metavar="VALUE", help="The label that counts as 1, all others as 0.")
@click.option(
    "--bins", type=click.IntRange(1, 10_000), default=10, show_default=True, help="Score bins."
)
@click.option(
    "--strategy",
    type=click.Choice(["uniform", "quantile"]),
    default="uniform",
    show_default=True,
    help="Bins of equal width, or of equally many rows.",
)
@click.option(
    "--weights",
    type=click.Choice(["population", "uniform"]),
    default="population",
    show_default=True,
    help="Every row counts the same, or every subgroup.",
)
@click.option(
    "--permutations",
    type=click.IntRange(1, 1_000_000),
    default=1000,
    show_default=True,
    help="Draws for the p-value.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of what is drawn."
)
@click.option(
    "--report", type=click.Path(path_type=Path), metavar="FILE.html", help="Write a page of curves."
)
@json_option
def audit(
    file: Path,
    score: str,
    label: str,
    groups: Sequence[str],
    bands: Sequence[str],
    positive: str | None,
    bins: int,
    strategy: str,
    weights: str,
    permutations: int,
    seed: int,
    report: Path | None,
    as_json: bool,
) -> None:
    """Say whether scores in a CSV or Parquet file are equally right for all subgroups.

    Among rows of one score, do outcomes depend on the subgroup? heliostat audit scores.csv --score
    s --label y --groups race,sex
    """
    from heliostat_methods.fams.commands.findings import AuditSettings, find
    from heliostat_methods.fams.commands.scored_rows import parsed_bands, read_scored_rows
    from heliostat_methods.fams.commands.sentences import terminal_lines

    if report is not None and report.suffix.lower() != ".html":
        raise ConfigError("--report", str(report), "a name that ends in .html")
    # as in the file's own first line, a name with a comma stands in quotes
    lines = csv.reader(groups, skipinitialspace=True)
    names = [name.strip() for line in lines for name in line]
    rows = read_scored_rows(file, score, label, names, parsed_bands(bands), positive)
    found = find(rows, AuditSettings(bins, strategy, weights, permutations, seed))
    if report is not None:
        from heliostat_methods.fams.commands.page import audit_page

        _write(report, audit_page(found))
    if as_json:
        print_json(found.plain())
        return
    say(*terminal_lines(found))
    if report is not None:
        say("", f"report: {report}")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from error
