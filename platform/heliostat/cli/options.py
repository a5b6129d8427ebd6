"""Options that several verbs share, and how their values become execution settings."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, redirect_stdout
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from heliostat.cli.output import unbroken
from heliostat.contract.commands import json_option, runs_option
from heliostat.contract.instructions import NATIVE
from heliostat.errors import ConfigError
from heliostat.store.entries import check_entries
from heliostat.terminal import printable
from heliostat.worker.instructions import hold

if TYPE_CHECKING:
    from heliostat.executors.choice import Execution
    from heliostat.store.folder import RunFolder
    from heliostat.store.marks import Marks


class Workers(click.ParamType):  # type: ignore[type-arg]  # generic in newer click alone
    """A number of Ray workers, or 0 for this process, which is written `serial`."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number of workers; raises ConfigError for any other text."""
        text = str(value)
        if text == "serial":
            return 0
        if text.isascii() and text.isdecimal() and len(text) < 10 and int(text) > 0:
            return int(text)
        raise ConfigError("--workers", text, "a positive number or serial")


@dataclass(frozen=True)
class RunOptions:
    """How a run executes and how its end is shown, as the command line says it.

    `workers`: 0 is this process, None all cores. `runs` is where new runs go, None for the default.
    """

    report: bool
    workers: int | None
    address: str | None
    checkpoint_seconds: float
    min_nodes: int
    wait: float
    runs: Path | None
    as_json: bool
    numerics: str | None = None
    name: str | None = None
    note: str | None = None
    tags: tuple[str, ...] = ()

    def marks(self) -> Marks:
        """Return what the options call a new run and write about it; raises ConfigError."""
        from heliostat.store.marks import Marks, checked, tags_in

        return checked(Marks(self.name or "", self.note or "", tags_in(self.tags)))

    def mark(self, run: RunFolder) -> None:
        """Change the marks of a run that is there, as far as the options say any."""
        from heliostat.store.marks import tags_in
        from heliostat.store.naming import mark

        if self.name is not None or self.note is not None or self.tags:
            mark(run, name=self.name, note=self.note, tags=tags_in(self.tags))

    def hold_level(self, target: str) -> None:
        """Hold this process to the instruction level of the option, or else of a target's file.

        Before any numerical library is loaded. Raises ConfigError.
        """
        _hold(self.numerics, Path(target) if is_file(target) else None)

    def execution(self, root: Path) -> Execution:
        """Return the settings of a run in the folder `root`; raises ConfigError."""
        from heliostat.executors.choice import Execution

        if not 0 <= self.checkpoint_seconds < float("inf"):
            expected = "zero or more seconds"
            raise ConfigError("--checkpoint-seconds", self.checkpoint_seconds, expected)
        if self.workers == 0 and self.address is not None:
            expected = "no address together with --workers serial"
            raise ConfigError("--address", self.address, expected)
        if self.min_nodes < 1:
            raise ConfigError("--min-nodes", self.min_nodes, "one node or more")
        if not 0 <= self.wait < float("inf"):
            raise ConfigError("--wait", self.wait, "zero or more seconds")
        if self.min_nodes > 1 and self.address is None:
            expected = "an --address, for example --address auto"
            raise ConfigError("--min-nodes", self.min_nodes, expected)
        return Execution(
            workers=self.workers,
            address=self.address,
            runs=root,
            checkpoint_seconds=self.checkpoint_seconds,
            min_nodes=self.min_nodes,
            wait_seconds=self.wait,
        )


_OPTIONS = (
    click.option("--report/--no-report", default=True, help="Write report.html at the end."),
    click.option(
        "--workers",
        type=Workers(),
        help="Number of Ray workers, or serial for this process [default: all cores].",
    ),
    click.option("--address", help="Address of a Ray cluster, for example auto."),
    click.option(
        "--checkpoint-seconds",
        type=float,
        default=2.0,
        show_default=True,
        help="Least time between two stored checkpoints of a long task.",
    ),
    click.option(
        "--min-nodes",
        type=int,
        default=1,
        show_default=True,
        help="Begin when this many nodes joined the cluster at --address.",
    ),
    click.option(
        "--wait",
        type=float,
        default=0.0,
        show_default=True,
        help="Seconds to wait for --min-nodes.",
    ),
    click.option(
        "--numerics",
        metavar="LEVEL",
        help="portable (AVX2 with FMA: equal bits on any x86-64 CPU that has them) or native "
        "(all that this CPU has) [default: portable].",
    ),
    click.option("--name", help="Call the run so; a name leads to it as its ID does."),
    click.option("--note", metavar="TEXT", help="Write this about the run."),
    click.option("--tag", "tags", multiple=True, metavar="KEY[=VALUE]", help="Tag the run."),
    runs_option,
    json_option,
)


def run_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every verb that runs a search; the verb gets them as `options`."""

    @functools.wraps(function)
    def verb(**given: Any) -> Any:
        options = RunOptions(**{f.name: given.pop(f.name) for f in fields(RunOptions)})
        return function(options=options, **given)

    for option in reversed(_OPTIONS):
        verb = option(verb)
    return verb


input_option = click.option(
    "--input",
    "moved",
    multiple=True,
    metavar="OLD=NEW",
    help="A file or folder that the run began with lies at NEW now.",
)
"""Says where a run's files went that are not found by themselves."""


def data_only(as_json: bool) -> AbstractContextManager[Any]:
    """Keep standard output for the JSON: what tasks print meanwhile goes to standard error.

    Nothing that is printed there and cannot be written ends what runs inside.
    """
    return redirect_stdout(sys.stderr) if as_json else unbroken()


def hold_level_of_run(folder: RunFolder, option: str | None = None) -> None:
    """Hold this process to the level of an option, or else to the one that a run's folder says.

    A run that says none was begun before there was a choice, natively.
    """
    check_entries(folder.path)
    _hold(option, folder.config, NATIVE)


def _hold(option: str | None, file: Path | None, otherwise: str | None = None) -> None:
    said = None if file is None else _numerics_in(file)
    if option is None and said is not None:
        hold(said, f"{printable(file)}: numerics")
    else:
        hold(option, otherwise=otherwise)


def _numerics_in(file: Path) -> str | None:
    """Return what a file says; it is read again, and judged, when libraries may load."""
    import tomllib

    try:
        said = tomllib.loads(file.read_text(encoding="utf-8")).get("numerics")
    except (OSError, ValueError, RecursionError):
        return None
    return said if isinstance(said, str) else None


def is_file(text: str) -> bool:
    """Return whether the text names a file; what cannot be a path names none."""
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long for a path, or a NUL in it
        return False
