"""Files named by the SHA-256 of their content: large values, shared data, products."""

from __future__ import annotations

import hashlib
from pathlib import Path

from heliostat.errors import CorruptStore, StoreError
from heliostat.store.entries import read_regular, write_fresh


class ArtifactStore:
    """A folder of content-addressed files, written once and renamed into place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: str) -> Path:
        """Return where the content of that hash lies."""
        if len(sha256) != 64 or not all(c in "0123456789abcdef" for c in sha256):
            raise StoreError(f"not a SHA-256 hash: {sha256!r}")
        return self.folder / sha256[:2] / sha256

    def put(self, content: bytes) -> str:
        """Store content and return its hash; equal content is stored once."""
        sha256 = hashlib.sha256(content).hexdigest()
        path = self.path(sha256)
        if path.is_file() and path.read_bytes() == content:  # else damaged: written again
            return sha256
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_fresh(path, content)
        except OSError as error:
            raise StoreError(
                f"cannot write {path}: {error.strerror}; nothing committed so far is lost, "
                "free the disk or the folder and resume"
            ) from error
        return sha256

    def get(self, sha256: str) -> bytes:
        """Return the content of that hash; raises CorruptStore when the bytes are not it."""
        path = self.path(sha256)
        try:
            content = read_regular(path)
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror}") from error
        found = hashlib.sha256(content).hexdigest()
        if found != sha256:
            raise CorruptStore(str(path), sha256, found)
        return content
