"""Giving a run a name, a note and tags: one name leads to one run of a folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from heliostat.errors import ConfigError
from heliostat.store.entries import check_entries
from heliostat.store.folder import RunFolder, folders
from heliostat.store.marks import Marks, checked, read_marks, write_marks


def check_free(name: str, root: Path, but: str = "") -> None:
    """Raise ConfigError naming the run, `but` apart, that a name leads to already."""
    if not name:
        return
    for run in folders(root):
        if run.id != but and name in (run.id, read_marks(run.path).name):
            hint = f"take it from that run with: heliostat note {run.id} --name ''"
            raise ConfigError("--name", name, f"a name that no run has; {run.id} has it", hint)


def mark(
    run: RunFolder,
    *,
    name: str | None = None,
    note: str | None = None,
    tags: Mapping[str, str | None] | None = None,
) -> Marks:
    """Change what is given of a run's marks and return them; "" and None take away.

    Raises ConfigError for what may not be written, or a name that another run has.
    """
    path = run.path.absolute()
    check_entries(path)
    before = read_marks(path)
    now = checked(before.changed(name, note, tags))
    if name is not None:
        check_free(name, path.parent, path.name)
    if now != before:
        write_marks(path, now)
    return now
