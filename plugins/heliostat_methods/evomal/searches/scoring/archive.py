"""What a search knows of all structures that it scored: the archive, and what selection sees."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from heliostat import stored
from heliostat_methods.evomal.tasks import Tree

KINDS = ("accepted", "rejected", "rejected_early", "untrainable", "label_free", "equal_gradient",
         "raced", "diverged", "failed")  # fmt: skip
"""What can become of a structure."""


@stored("evomal.candidate")
@dataclass(frozen=True)
class Candidate:
    """One scored structure of the archive; `like` is the key of the one whose score it shares.

    `rung` is the training step at which racing stopped it, where `fitness` was measured.
    """

    nodes: Tree
    weights: tuple[float, ...]
    fitness: float
    status: str
    generation: int
    like: str = ""
    rung: int | None = None


@dataclass
class State:
    """Everything a generation hands to the next: the islands and the archive of all scores.

    The islands hold trees with what selection minimises (`standings`).
    `steps`: candidate steps spent so far in local search, rejection and training.
    """

    islands: list[list[tuple[Tree, float]]] = field(default_factory=list)
    archive: dict[str, Candidate] = field(default_factory=dict)
    evaluated: int = 0
    reused: int = 0
    steps: list[int] = field(default_factory=lambda: [0, 0, 0])
    gradients: dict[str, str] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Return the state as encodable values."""
        return {
            "islands": self.islands,
            "archive": self.archive,
            "evaluated": self.evaluated,
            "reused": self.reused,
            "steps": self.steps,
            "gradients": self.gradients,
        }

    @classmethod
    def load(cls, plain: dict[str, Any]) -> State:
        """Return the state that `plain` wrote."""
        islands = [list(island) for island in plain["islands"]]
        return cls(islands, dict(plain["archive"]), plain["evaluated"], plain["reused"],
                   list(plain["steps"]), dict(plain["gradients"]))  # fmt: skip

    @property
    def population(self) -> list[tuple[Tree, float]]:
        """Return all islands' trees with what selection minimises."""
        return [pair for island in self.islands for pair in island]


def ranked(state: State) -> list[Candidate]:
    """Return the accepted candidates, fittest first; ties go to the smaller, then the alphabet."""
    accepted = [c for c in state.archive.values() if c.status == "accepted"]
    return sorted(accepted, key=lambda c: (c.fitness, len(c.nodes), c.nodes))


def standings(archive: Mapping[str, Candidate]) -> dict[str, float]:
    """Return what selection minimises, by key: the fitness, and with racing the place in line.

    Whoever got further stands ahead of whoever was stopped earlier: where training over-fits, a
    metric after few steps would otherwise look best, and the search would breed from the losers.
    """
    if all(one.rung is None for one in archive.values()):
        return {key: one.fitness for key, one in archive.items()}
    merit = {
        key: (-math.inf if one.rung is None else -one.rung, one.fitness)
        for key, one in archive.items()
    }
    place = {value: float(i) for i, value in enumerate(sorted(set(merit.values())))}
    return {
        key: place[merit[key]] if math.isfinite(one.fitness) else math.inf
        for key, one in archive.items()
    }
