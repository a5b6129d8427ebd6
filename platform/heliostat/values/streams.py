"""Named random streams: randomness is addressed by name, never by position in a shared stream.

A name's parts are integers as they are, or strings as the first four bytes of their SHA-256
(big-endian); the stream is ``Generator(Philox(SeedSequence(root, spawn_key=parts)))``. Equal names
give equal numbers wherever and in whatever order they are drawn, so neither workers nor cache hits
nor a resume can shift anybody's randomness, and no checkpoint has to hold a generator's state.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

Name = str | int
LARGEST_PART = 2**32
"""numpy splits larger integers into words, so that a name of one would equal a name of two."""


@lru_cache(maxsize=4096)
def _string_part(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")


def spawn_key(name: tuple[Name, ...]) -> tuple[int, ...]:
    """Return the integers that stand for a stream's name; refuses negative or other parts."""
    parts = []
    for part in name:
        if isinstance(part, str):
            parts.append(_string_part(part))
        elif (
            isinstance(part, int | np.integer)
            and not isinstance(part, bool)
            and 0 <= part < LARGEST_PART
        ):
            parts.append(int(part))
        else:
            raise TypeError(
                "a stream's name is made of strings and of integers from 0 below 2**32, got "
                f"{part!r}"
            )
    return tuple(parts)


def stream(root: int, *name: Name) -> np.random.Generator:
    """Return the generator of that name under the run's root seed."""
    return np.random.Generator(np.random.Philox(sequence(root, *name)))


def sequence(root: int, *name: Name) -> np.random.SeedSequence:
    """Return the seed sequence of that name under the run's root seed."""
    return np.random.SeedSequence(root, spawn_key=spawn_key(name))


def seed64(root: int, *name: Name) -> int:
    """Return the 64-bit seed of that name, for libraries that take an integer."""
    return int(sequence(root, *name).generate_state(1, np.uint64)[0])


def torch_generator(root: int, *name: Name) -> torch.Generator:
    """Return a CPU torch generator seeded by name (the seed is masked to 63 bits)."""
    import torch

    generator = torch.Generator()
    generator.manual_seed(seed64(root, *name) & (2**63 - 1))
    return generator


@contextmanager
def python_random(root: int, *name: Name) -> Iterator[random.Random]:
    """Put a named stream in place of the process-global `random` state, and restore it after.

    For third-party operators (DEAP's, for one) that can draw from nothing else.
    """
    before = random.getstate()
    random.seed(seed64(root, *name))
    try:
        yield random._inst
    finally:
        random.setstate(before)


def scoped(scope: tuple[int, ...], name: tuple[Name, ...]) -> tuple[Name, ...]:
    """Return a stream's name inside a sub-search; the main search uses names as they are."""
    return ("scope", len(scope), *scope, *name) if scope else name
