"""Where a run's files may lie: as recorded, where somebody says, beside the run, here."""

from __future__ import annotations

import atexit
import functools
import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from heliostat.errors import ConfigError, did_you_mean
from heliostat.store.folder import RunFolder
from heliostat.store.record import RunRecord

FILE = "file "
"""What the label of a file among a run's inputs begins with."""
OPTION = "--input"
USUAL = "runs"
"""The folder of runs in the directory of one that did not record where its own folder was."""


@dataclass(frozen=True)
class Whereabouts:
    """What is known of where a run's files may lie.

    `directory` is where the run began, `began` its own folder then and `folder` now, `here` the
    present folder. `given` are (old path, new path) as somebody said them, `found` what another
    process found; both are absolute.
    """

    directory: Path
    began: str = ""
    folder: str = ""
    here: str = ""
    given: tuple[tuple[str, str], ...] = ()
    found: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, about: RunRecord, run: RunFolder, given: Sequence[str] = ()) -> Whereabouts:
        """Return what a run's record and the options OLD=NEW say; raises ConfigError."""
        directory = Path(os.path.abspath(about.directory))
        folder = run.path.absolute()
        began = about.folder or str(directory / USUAL / folder.name)
        said = tuple(_said(text, directory, about.inputs) for text in given)
        return cls(directory, began, str(folder), os.getcwd(), said)

    def places(self, path: Path) -> list[Path]:
        """Return where a file or folder that was at a path may be, the likeliest first.

        Where somebody said where it went, it is looked for nowhere else.
        """
        old = os.path.normpath(path)
        said = [place for one in self.given for place in _moved(old, *one)]
        if said:
            return said
        places = [Path(new) for was, new in self.found if was == str(path)]
        places.append(path)
        from_start = os.path.relpath(old, self.directory)
        if self.folder:
            # first where it is if all around the run moved as it was
            places.append(Path(self.folder, os.path.relpath(old, self.began)))
            places += [Path(self.folder).parent / from_start, Path(self.folder) / from_start]
        if self.here:
            places.append(Path(self.here, from_start))
        around = [Path(self.folder).parent] if self.folder else []
        around += [Path(self.here)] if self.here else []
        places += [one / path.name for one in around]
        seen: dict[str, Path] = {}
        for place in places:
            seen.setdefault(os.path.normpath(place), place)
        return [place if place == path else Path(text) for text, place in seen.items()]


def _moved(path: str, old: str, new: str) -> list[Path]:
    """Return where a path is now if `old`, it or a folder around it, went to `new`."""
    if path == old:
        return [Path(new), Path(new) / Path(old).name]
    if not Path(path).is_relative_to(old):
        return []
    return [Path(new) / Path(path).relative_to(old)]


def _said(text: str, directory: Path, inputs: Mapping[str, str]) -> tuple[str, str]:
    old, equals, new = text.partition("=")
    if not (old and equals and new):
        raise ConfigError(OPTION, text, "OLD=NEW, a path that the run began with and where it is")
    files = [label.removeprefix(FILE) for label in inputs if label.startswith(FILE)]
    was = os.path.normpath(directory / old)
    if not any(_moved(os.path.normpath(file), was, new) for file in files):
        names = [*files, *(os.path.relpath(file, directory) for file in files)]
        expected = "a file that the run began with, or a folder around one"
        raise ConfigError(OPTION, old, expected, did_you_mean(old, names))
    now = os.path.abspath(Path(new).expanduser())
    if not os.path.exists(now):
        raise ConfigError(OPTION, new, "a file or folder that is there")
    return was, now


def under_its_name(place: str, name: str) -> str:
    """Return a path to the same file that ends in a name: data sets are called by their file's."""
    if not name or Path(place).name == name:
        return place
    told_apart = hashlib.sha256(os.fsencode(place)).hexdigest()[:16]
    link = Path(_links()) / told_apart / name
    if not link.is_symlink():
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(place)
    return str(link)


@functools.cache
def _links() -> str:
    folder = tempfile.mkdtemp(prefix="heliostat-inputs-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
