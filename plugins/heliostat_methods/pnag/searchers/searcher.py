"""What every searcher is: it proposes architectures and is told what they are worth.

Accuracy is maximised, cost minimised. A searcher sees the space and the numbers that it was told,
and draws from the generator it was started with; who evaluates, and where, it does not know.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.pnag.spaces.space import Archs, SearchSpace

Streams = Callable[..., np.random.Generator]
"""Random streams by name, as `run.rng`: `streams("sample", 3)`."""


Cost = Callable[[Archs], NDArray[np.float64]]
"""Costs (n,) of canonical architectures, known without evaluating them: MAdds, or a table's sum."""


@dataclass(frozen=True)
class Known:
    """What has been evaluated, in the order of asking: accuracy in [0, 1] and cost above 0."""

    archs: Archs
    accuracy: NDArray[np.float64]
    cost: NDArray[np.float64]


class Searcher(Protocol):
    """A search under way: `ask` and `tell` alternate. Equal streams, equal proposals."""

    def ask(self, count: int) -> Archs:
        """Return up to `count` canonical architectures, all different and none asked for before.

        None at all means that the searcher has nothing left to propose.
        """
        ...

    def tell(self, known: Known) -> None:
        """Take in what the architectures asked for last are worth."""
        ...


class Recipe(Protocol):
    """The settings of a searcher, as a frozen dataclass whose fields are its hyper-parameters."""

    def start(
        self, space: SearchSpace, evaluations: int, streams: Streams, cost: Cost | None = None
    ) -> Searcher:
        """Return a searcher that has seen nothing, which may plan with so many evaluations.

        With `cost` it need not learn what it can ask for: who evaluates must tell the same costs.
        """
        ...
