"""`heliostat plugins new`: a plugin to begin with, as a complete distribution."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from heliostat.contract.commands import json_option, print_json
from heliostat.terminal import say

if TYPE_CHECKING:
    from heliostat_kit.scaffold.names import Names


@click.command()
@click.argument("name", metavar="NAME")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("."),
    help="Where to write it [default: here].",
)
@click.option("--minimal", is_flag=True, help="One file, NAME.py, that needs no installing.")
@json_option
def new(name: str, folder: Path, minimal: bool, as_json: bool) -> None:
    """Write a plugin that offers a method NAME, with tests that pass.

    The folder heliostat-plugin-NAME is a distribution of its own: configuration, tasks, search,
    report, a data set, tests with the conformance kit. With --minimal it is NAME.py and its test.
    Nothing that exists is overwritten.
    """
    from heliostat_kit.scaffold.names import checked
    from heliostat_kit.scaffold.write import write

    names = checked(name, _taken())
    if minimal:
        _one_file(names, folder, as_json)
        return
    files = write(names, folder)
    home = folder / names.distribution
    if as_json:
        account = {"folder": str(home), "distribution": names.distribution}
        print_json({**account, "package": names.package, "files": [str(path) for path in files]})
        return
    say(f"wrote {len(files)} files to {home}", "")
    say(f"  cd {home}")
    say("  pip install -e .")
    say(f"  heliostat run {name} --preset smoke --workers serial")
    say("  python -m pytest")
    say("  heliostat plugins check .")


def _one_file(names: Names, folder: Path, as_json: bool) -> None:
    from heliostat_kit.scaffold.one_file import write_one

    method, test = write_one(names, folder)
    if as_json:
        print_json({"folder": str(folder), "files": [str(method), str(test)]})
        return
    # a path that begins with ./ is a file's wherever it is written
    file = shlex.quote(str(method) if method.is_absolute() else f"./{method}")
    say(f"wrote {method} and {test}", "")
    say(f"  HELIOSTAT_LOAD={file} heliostat run {names.name} --preset smoke --workers serial")
    say(f"  python -m pytest {shlex.quote(str(test))}")
    say(f"  heliostat plugins check {file}")


def _taken() -> list[str]:
    """Return the names of methods and plugins that exist; no plugin is imported for it."""
    from heliostat.plugins.allowed import built_in, loadable

    return [
        *built_in().PLUGINS,
        *(other.row.name for other in loadable(built_in().PLUGINS)),
    ]
