"""What a search space is: decisions in order, some of which exist only after certain others.

An architecture is a row of integers, one for each decision: the place of what was chosen among its
choices, and -1 where the decision does not exist. Many are an array (n, decisions) of int16. All
that searchers, generators and surrogates know of a space is said here; what an architecture costs
and how well it does is known to who evaluates it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import ConfigError

Archs = NDArray[np.int16]
"""Architectures: (n, decisions), -1 where a decision does not exist."""
ABSENT = -1


@dataclass(frozen=True)
class Decision:
    """One choice of an architecture.

    `kind`: decisions of one kind have the same choices, and generators share what they learn of
    them (depth, expand, kernel). `parent`: place of an earlier decision, without which it exists
    always; it exists where that one exists and chose place `least` or a later one.
    """

    name: str
    kind: str
    choices: tuple[int | str, ...]
    parent: int | None = None
    least: int = 0

    def __post_init__(self) -> None:
        if len(self.choices) < 1 or len(set(self.choices)) < len(self.choices):
            raise ConfigError(self.name, list(self.choices), "different choices, at least one")


@runtime_checkable
class SearchSpace(Protocol):
    """Kind "space": what may be chosen, and when two choices are the same network.

    A space of a plugin that follows this can be searched by every searcher. One that also follows
    `TrainableSpace` (`heliostat_methods.pnag.spaces.layout`) can be trained as a supernet; one that
    follows `KnownSpace` is looked up instead.
    """

    @property
    def name(self) -> str:
        """The name that reports show."""
        ...

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """The decisions, parents before what depends on them."""
        ...

    @property
    def size(self) -> int:
        """How many different architectures there are, exactly."""
        ...

    def canonical(self, choices: NDArray[Any]) -> Archs:
        """Return rows (n, decisions) so that equal networks have equal rows.

        What stands at decisions that do not exist is ignored. Rows that are no architecture come
        back as they are; `valid` tells them.
        """
        ...

    def valid(self, choices: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which rows are architectures, (n,)."""
        ...

    def write(self, arch: NDArray[Any]) -> str:
        """Return the canonical text of an architecture (decisions,)."""
        ...

    def read(self, text: str) -> Archs:
        """Return the architecture (decisions,) of a text; ConfigError says what is wrong."""
        ...

    def encode(self, archs: Archs) -> NDArray[np.float32]:
        """Return what predictors see, (n, features); all zero where a decision does not exist."""
        ...


@runtime_checkable
class KnownSpace(Protocol):
    """A space of which accuracy and cost of every architecture are known (a benchmark's table)."""

    @property
    def quantity(self) -> str:
        """What the cost is: "latency" (seconds), "madds" or "params"."""
        ...

    def look_up(self, archs: Archs) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return accuracy in [0, 1] and cost, (n,) each, of canonical architectures."""
        ...

    def everything(self) -> Archs | None:
        """Return all architectures, or None where there are too many to list."""
        ...
