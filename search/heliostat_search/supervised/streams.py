"""Random streams by name, of a run or without one."""

from __future__ import annotations

import zlib
from typing import Protocol

import numpy as np


class Streams(Protocol):
    """Gives the random stream of a name, always the same one for the same name."""

    def __call__(self, *name: int | str) -> np.random.Generator:
        """Return the stream called ``name``, at its beginning."""
        ...


def streams_from(seed: int) -> Streams:
    """Return streams that begin at ``seed``: equal names give equal numbers, in any order."""

    def stream(*name: int | str) -> np.random.Generator:
        key = tuple(zlib.crc32(part.encode()) if isinstance(part, str) else part for part in name)
        return np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=key)))

    return stream


def under(streams: Streams, *prefix: int | str) -> Streams:
    """Return the streams whose names begin with ``prefix``."""

    def streams_below(*name: int | str) -> np.random.Generator:
        return streams(*prefix, *name)

    return streams_below
