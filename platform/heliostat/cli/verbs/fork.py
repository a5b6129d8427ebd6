"""`heliostat fork`: a new run that shares the journal of another one up to a key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from heliostat.cli.options import RunOptions, hold_level_of_run, input_option, run_options
from heliostat.errors import ConfigError
from heliostat.terminal import say
from heliostat.worker.numerics import prepare_environment

if TYPE_CHECKING:
    from heliostat.errors import Key

_KEY = r"[0-9]{1,18}(\.[0-9]{1,18}){0,63}"


@click.command()
@click.argument("run_name", metavar="RUN")
@click.option("--from", "before", metavar="KEY", required=True, help="Share what is before KEY.")
@click.option("-o", "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Set a field.")
@click.option("--allow-code-change", is_flag=True, help="Go on under other code (recorded).")
@input_option
@run_options
def fork(
    run_name: str,
    before: str,
    overrides: tuple[str, ...],
    allow_code_change: bool,
    moved: tuple[str, ...],
    options: RunOptions,
) -> None:
    """Begin a run that shares the outcomes of RUN under all keys before KEY, such as 3.1.

    With -o it goes on under another configuration, and ends as a run that had it from its
    beginning. RUN stays as it is. A change that acts before KEY is refused, naming where.
    """
    from heliostat.store.folder import find, runs_root

    key = _key(before)
    folder = find(run_name, runs_root(options.runs))
    hold_level_of_run(folder, options.numerics)
    prepare_environment()
    from heliostat.cli.verbs.run import start_and_show
    from heliostat.driver.configuration import read_run_file
    from heliostat.driver.fork import FORKED
    from heliostat.driver.fork import fork as fork_run
    from heliostat.plugins.registry import registry
    from heliostat.store.view import RunView

    view = RunView(folder, whole=False)
    registry().block_again(read_run_file(folder.config).block, str(folder.config))
    method = registry().method(view.method)
    view.close()

    def start(method: Any, **settings: Any) -> dict[str, Any]:
        begun = settings.pop("on_folder")

        def on_folder(new: Any) -> None:
            begun(new)
            say(f"{FORKED} {_told(new)}", err=True)

        return fork_run(folder, key, on_folder=on_folder, **settings)

    start_and_show(
        method,
        options.execution(runs_root(options.runs)),
        options,
        start,
        overrides=overrides,
        allow_code_change=allow_code_change,
        moved=moved,
    )


def _told(new: Any) -> str:
    from heliostat.driver.fork import FORKED
    from heliostat.store.view import RunView

    view = RunView(new, whole=False)
    told = next(text for _, kind, text in view.events() if kind == FORKED)
    view.close()
    return told


def _key(text: str) -> Key:
    if re.fullmatch(_KEY, text, re.ASCII) is None:
        raise ConfigError("--from", text, "numbers with dots between them, such as 3.1")
    return tuple(map(int, text.split(".")))
