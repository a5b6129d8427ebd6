"""`heliostat plugins new`: a plugin to begin with, as a complete distribution."""

from __future__ import annotations

from pathlib import Path

import click

from heliostat.contract.commands import json_option, print_json
from heliostat.terminal import say


@click.command()
@click.argument("name", metavar="NAME")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("."),
    help="Where to write it [default: here].",
)
@json_option
def new(name: str, folder: Path, as_json: bool) -> None:
    """Write a plugin that offers a method NAME, with tests that pass.

    The folder heliostat-plugin-NAME is a distribution of its own: configuration, tasks, search,
    report, a data set, tests with the conformance kit. Nothing that exists is overwritten.
    """
    from heliostat_kit.scaffold.names import checked
    from heliostat_kit.scaffold.write import write

    names = checked(name, _taken())
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


def _taken() -> list[str]:
    """Return the names of methods and plugins that exist; no plugin is imported for it."""
    from heliostat.plugins.allowed import built_in, loadable

    return [
        *built_in().PLUGINS,
        *(other.row.name for other in loadable(built_in().PLUGINS)),
    ]
