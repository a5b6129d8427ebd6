"""NSGA-II and NSGA-III of pymoo, with uniform crossover and uniform resetting mutation.

pymoo is the optional extra `nas`. It evaluates what it evaluated before; here known ones are
answered from memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

from heliostat.errors import ConfigError
from heliostat_methods.pnag.searchers.asking import Asking
from heliostat_methods.pnag.searchers.generational import Generations
from heliostat_methods.pnag.searchers.searcher import Cost, Searcher, Streams
from heliostat_methods.pnag.spaces.space import SearchSpace


@dataclass(frozen=True)
class Pymoo:
    """Settings; `rate`: probability that a decision is reset, by default 1 / decisions.

    `crossing`: probability that a child has two parents.
    """

    algorithm: Literal["nsga2", "nsga3"] = "nsga2"
    population: int = 40
    crossing: float = 0.9
    rate: float | None = None

    def __post_init__(self) -> None:
        if self.algorithm not in ("nsga2", "nsga3"):
            raise ConfigError("algorithm", self.algorithm, "nsga2 or nsga3")
        if self.population < 4:
            raise ConfigError("population", self.population, "at least 4")
        for name in ("crossing", "rate"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ConfigError(name, value, "a probability, from 0 to 1")

    def start(
        self, space: SearchSpace, evaluations: int, streams: Streams, cost: Cost | None = None
    ) -> Searcher:
        """Return the search. Raises ConfigError where pymoo is not installed."""
        check_pymoo(self.algorithm)
        from pymoo.algorithms.moo.nsga2 import NSGA2
        from pymoo.algorithms.moo.nsga3 import NSGA3
        from pymoo.util.ref_dirs import get_reference_directions

        from heliostat_methods.pnag.searchers.canonical_mating import (
            CanonicalMating,
            PymooBreeder,
        )

        if self.algorithm == "nsga2":
            made = NSGA2(pop_size=self.population, eliminate_duplicates=False)
        else:
            directions = get_reference_directions("uniform", 2, n_partitions=self.population - 1)
            made = NSGA3(directions, pop_size=self.population, eliminate_duplicates=False)
        rate = 1 / len(space.decisions) if self.rate is None else self.rate
        made.mating = CanonicalMating(space, made.mating.selection, self.crossing, rate)
        breeder = PymooBreeder(space, made, streams("pymoo"))
        return Asking(space, Generations(breeder), streams("fill"))


def check_pymoo(name: str) -> None:
    """Raise ConfigError where pymoo is not installed."""
    if find_spec("pymoo") is None:
        raise ConfigError(
            "searcher", f"pymoo {name}", "a searcher that is installed here",
            "it needs the extra nas: pip install 'heliostat[nas]'; nsga2 needs nothing",
        )  # fmt: skip
