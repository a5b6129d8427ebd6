"""`heliostat.open` and `heliostat.runs`: runs that were made, by name, or all that fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from heliostat.errors import ConfigError, StoreError, did_you_mean
from heliostat.python.checks import LIMIT, TEXT_IF_ANY, any_tags, checked
from heliostat.python.handle import RunHandle
from heliostat.store.folder import find, folders, runs_root
from heliostat.store.view import RunView

STATES = ("running", "finished", "failed", "interrupted", "paused", "stopped", "damaged")


@checked()
def open(run: str | Path, *, runs: str | Path | None = None) -> RunHandle:
    """Return a run by its name, a unique part of it, the name it was given, its folder, or `last`.

    `runs` is the folder of runs; by default that of the command line. Raises RunNotFound.
    """
    return RunHandle(find(str(run), runs_root(runs)).path)


def found(run: str | Path | RunHandle, runs: str | Path | None) -> RunHandle:
    """Return a run that is given as a handle, or as `open` takes it."""
    return run if isinstance(run, RunHandle) else open(run, runs=runs)


class RunList(list[RunHandle]):
    """Runs, newest first, shown as a table; `rows` are what `heliostat ls --json` says of them."""

    def __init__(self, handles: Iterable[RunHandle], rows: Iterable[Mapping[str, Any]]) -> None:
        super().__init__(handles)
        self.rows = list(rows)

    def __repr__(self) -> str:
        """Return a line for each run."""
        from heliostat.python.shown import text_table

        return text_table(self.rows)

    def _repr_html_(self) -> str:
        """Return the table that a notebook shows."""
        from heliostat.python.shown import html_table

        return html_table(self.rows)


@checked(tags=any_tags, method=TEXT_IF_ANY, state=TEXT_IF_ANY, on=TEXT_IF_ANY, limit=LIMIT)
def runs(
    *,
    method: str | None = None,
    state: str | None = None,
    on: str | None = None,
    seed: int | None = None,
    tags: Mapping[str, str | None] | None = None,
    limit: int | None = None,
    runs: str | Path | None = None,
) -> RunList:
    """Return the runs of a folder, newest first, as they are now.

    `on` is a part of what a run works on; `tags` those that it has, None for any value. A run that
    cannot be read is listed as damaged where nothing else is asked for.
    """
    if state is not None and state not in STATES:
        raise ConfigError("state", state, "a state of a run", did_you_mean(state, STATES))

    def fits(row: Mapping[str, Any]) -> bool:
        wanted = {"method": method, "state": state, "seed": seed}
        return (
            all(value is None or row.get(name) == value for name, value in wanted.items())
            and (on is None or on in row["on"])
            and all(key in row["tags"] and value in (None, row["tags"][key])
                    for key, value in (tags or {}).items())
        )  # fmt: skip

    pairs = []
    for folder in folders(runs_root(runs)):
        try:
            view = RunView(folder, whole=False)
            try:
                row = view.row()
            finally:
                view.close()
        except StoreError as error:  # one run that cannot be read hides no other
            row = {"run": folder.id, "state": "damaged", "on": "", "tags": {}, "best": {},
                   "created": 0.0, "error": str(error)}  # fmt: skip
        if fits(row):
            pairs.append((RunHandle(folder.path), row))
    pairs.sort(key=lambda pair: (pair[1]["created"], pair[1]["run"]), reverse=True)
    kept = pairs[:limit]
    return RunList([handle for handle, _ in kept], [row for _, row in kept])
