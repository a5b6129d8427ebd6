"""A run that is driven from Python: its display, and its name in what is raised."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heliostat.errors import Interrupted, Paused
from heliostat.python.arguments import said_as_arguments
from heliostat.python.handle import RunHandle
from heliostat.python.progress import Display, display_for
from heliostat.store.folder import RunFolder, runs_root

if TYPE_CHECKING:
    from heliostat.contract.method import MethodSpec


@dataclass
class _Begun:
    """The folder of the run that began, once there is one."""

    display: Display
    folder: RunFolder | None = None

    def __call__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.display.begin(folder.id)


def driven(
    spec: MethodSpec,
    progress: bool,
    drive: Callable[[Display, Callable[[RunFolder], None]], Mapping[str, Any]],
    *,
    folder: RunFolder | None = None,
    report: bool = False,
) -> RunHandle:
    """Let a run be driven under a display, and return its handle; errors get the run's name."""
    display = display_for(spec, progress)
    begun = _Begun(display)
    if folder is not None:
        begun(folder)
    try:
        with said_as_arguments():
            account = drive(display, begun)
    except BaseException as error:
        display.end("")
        place = begun.folder
        if place is None or not place.database.exists():
            raise
        if isinstance(error, Interrupted):
            raise _with_name(error, place) from error.__cause__
        error.add_note(f"what was done is kept in run {place.id}, {place.path}")
        raise
    display.end(f"{account['state']} in {account['seconds']:.1f} s")
    handle = RunHandle(Path(account["folder"]))
    if report:
        handle.report()
    return handle


def _with_name(error: Interrupted, folder: RunFolder) -> Interrupted:
    """Return the interruption with the name of the run, and how to go on with it."""
    usual = folder.path.absolute().parent == runs_root().absolute()
    on = f"heliostat.resume({folder.id if usual else str(folder.path)!r})"
    if isinstance(error, Paused):
        named: Interrupted = Paused(f"run {folder.id}: {error.reason}. Go on with: {on}")
    else:
        named = Interrupted(f"run {folder.id} was stopped; what was done is kept. Go on with: {on}")
    named.run = folder.id
    return named
