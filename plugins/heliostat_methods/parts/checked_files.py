"""Published files whose hashes are known: a file of another hash is no data of that name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from heliostat.errors import DataError


def check_hashes(
    name: str, files: Mapping[str, bytes], hashes: Mapping[str, str], algorithm: str, get: str
) -> None:
    """Raise DataError for the first of a data set's files that is not the published one.

    `algorithm`: md5 or sha256, as publishers give them. `get`: what to do to have the file.
    """
    for file, expected in hashes.items():
        found = hashlib.new(algorithm, files[file], usedforsecurity=False).hexdigest()
        if found != expected:
            raise DataError(
                f"{name}: {file} is not the published file: {algorithm} {found}, expected "
                f"{expected}; get {get}"
            )
