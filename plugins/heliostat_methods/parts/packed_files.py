"""Published files by name, in a folder or in an archive of that folder; nothing is unpickled."""

from __future__ import annotations

import lzma
import tarfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from heliostat.errors import DataError, nearest


@dataclass(frozen=True)
class Release:
    """How a data set is published: its name and home page, what to get, the folder inside.

    `files` have to be there, `extra` may be. `pickled` are files of another edition that hold
    pickles, which are refused.
    """

    name: str
    home: str
    get: str
    folder: str
    files: tuple[str, ...]
    extra: tuple[str, ...] = ()
    pickled: tuple[str, ...] = ()

    @property
    def expected(self) -> str:
        """What a path has to lead to, and where it comes from."""
        names = self.files if len(self.files) <= 3 else (self.files[0], "...", self.files[-1])
        return f"{self.get} from {self.home}, or the folder that holds {', '.join(names)}"


def find_files(path: Path, release: Release) -> list[Path]:
    """Return what a run reads: the archive, or the release's files of a folder.

    `path` is an archive, the folder, or the folder above it. Raises DataError naming the first
    file that is missing.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataError(_missing(path, release))
    inner = path / release.folder
    folder = inner if inner.is_dir() else path
    there = sorted(entry.name for entry in folder.iterdir())
    _refuse_pickles(folder, there, release)
    for name in release.files:
        if not (folder / name).is_file():
            raise DataError(f"{release.name}: no file {name} in {folder}; get {release.expected}")
    return [folder / name for name in (*release.files, *release.extra) if name in there]


def read_files(path: Path, release: Release) -> dict[str, bytes]:
    """Return the contents of the release's files by name; raises DataError if they are unusable."""
    found = find_files(path, release)
    if found == [path]:
        return _unpacked(path, release)
    return {file.name: file.read_bytes() for file in found}


def _unpacked(path: Path, release: Release) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    names: list[str] = []
    try:
        with tarfile.open(path, "r:*") as archive:
            for member in archive:
                name = member.name.rpartition("/")[2]
                names.append(name)
                wanted = name in release.files or name in release.extra
                file = archive.extractfile(member) if wanted and member.isfile() else None
                if file is not None:
                    contents[name] = file.read()
    except (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise DataError(
            f"{release.name}: {path.name} is no complete archive ({error}); get {release.expected}"
        ) from None
    _refuse_pickles(path, names, release)
    for name in release.files:
        if name not in contents:
            raise DataError(f"{release.name}: no file {name} in {path}; get {release.expected}")
    return contents


def _refuse_pickles(where: Path, names: Sequence[str], release: Release) -> None:
    found = [name for name in names if name in release.pickled]
    if found and not any(name in release.files for name in names):
        raise DataError(
            f"{release.name}: {where} holds pickled Python objects ({found[0]}), which can run "
            f"code and are never read; get {release.expected}"
        )


def _missing(path: Path, release: Release) -> str:
    hint = ""
    if path.parent.is_dir():
        close = nearest(path.name, sorted(other.name for other in path.parent.iterdir()))
        hint = f"; did you mean {str(path.with_name(close))!r}?" if close else ""
    return f"{release.name}: no file or folder {path}{hint}; get {release.expected}"
