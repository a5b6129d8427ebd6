"""One shared library in the cache: found whole, or built under a lock and renamed into place.

A build's folder is named by the SHA-256 of all that decides its bytes: source, flags, compiler,
C library, machine, the CPU features used and the instruction level. In it lie the library and a
manifest with its SHA-256, by which a damaged file is noticed before it is loaded: loading one could
end the process. The cache is trusted like numba's: who can write to it decides what runs.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from heliostat.contract.instructions import own_level
from heliostat.contract.toolchain import LIBRARY, MANIFEST, Compiler, Language, native_folder
from heliostat_search.compiled.compiler import COMPILE_SECONDS, NotBuilt, all_flags, compile_in

LAYOUT = 1
"""Goes up when a build's folder holds something else than before."""
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Recipe:
    """All that decides the bytes of a library, and the name and sentence that it is listed by."""

    name: str
    sentence: str
    source: bytes
    language: Language
    flags: tuple[str, ...]
    needs: tuple[str, ...]
    compiler: Compiler

    @property
    def key(self) -> str:
        """The SHA-256 that names the build."""
        parts = {
            "layout": LAYOUT,
            "source": hashlib.sha256(self.source).hexdigest(),
            "language": self.language,
            "flags": self.all_flags,
            "compiler": [*self.compiler.command, self.compiler.identity],
            "system": [platform.system(), platform.machine(), *_c_library()],
            "features": sorted(self.needs),
            "numerics": own_level(),
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    @property
    def all_flags(self) -> tuple[str, ...]:
        """The fixed flags, those of the features and the variant's own."""
        return all_flags(self.language, self.flags, self.needs)

    @property
    def word(self) -> str:
        """The name as a file may be called."""
        return re.sub(r"[^a-z0-9]+", "_", self.name.lower()).strip("_")[:40] or "native"

    def folder(self, cache_dir: Path) -> Path:
        """Return where the build lies in a cache."""
        return native_folder(cache_dir) / f"{self.word}-{self.key[:32]}"


def library(recipe: Recipe, cache_dir: Path, *, anew: bool = False) -> Path:
    """Return the path of the library, built now where it is missing or damaged, or else `anew`.

    Raises NotBuilt, with the reason.
    """
    folder = recipe.folder(cache_dir)
    try:
        if not anew and _whole(folder):
            return folder / LIBRARY
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder / "lock"):
            if anew or not _whole(folder):  # another process may have built it meanwhile
                _build(recipe, folder)
    except OSError as error:
        raise NotBuilt(f"{folder} cannot be used ({error.strerror or error})") from None
    return folder / LIBRARY


def _whole(folder: Path) -> bool:
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        found = hashlib.sha256((folder / LIBRARY).read_bytes()).hexdigest()
        return bool(manifest["sha256"] == found)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return False


def _build(recipe: Recipe, folder: Path) -> None:
    with tempfile.TemporaryDirectory(
        dir=folder, prefix="building-", ignore_cleanup_errors=True
    ) as name:
        work = Path(name)
        compile_in(
            work, recipe.word, recipe.source, recipe.language, recipe.all_flags, recipe.compiler,
            LIBRARY,
        )  # fmt: skip
        manifest = {
            "name": recipe.name,
            "sentence": recipe.sentence,
            "sha256": hashlib.sha256((work / LIBRARY).read_bytes()).hexdigest(),
            "flags": recipe.all_flags,
            "compiler": recipe.compiler.identity,
        }
        (work / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        # Between the two a reader finds the file damaged, and waits for the lock.
        os.replace(work / LIBRARY, folder / LIBRARY)
        os.replace(work / MANIFEST, folder / MANIFEST)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a file's lock, or go on without: renaming keeps two builds apart, only slower."""
    with path.open("ab") as file:
        until = time.monotonic() + COMPILE_SECONDS
        while time.monotonic() < until:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(POLL_SECONDS)
            except OSError:
                break  # a network disk without locks
        yield


def _c_library() -> list[str]:
    try:
        return [os.confstr("CS_GNU_LIBC_VERSION") or ""]
    except (AttributeError, ValueError, OSError):
        return []
