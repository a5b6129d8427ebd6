"""What a searcher has asked for and was told: no architecture twice, nothing that is no number.

Every searcher has one. Proposals go through it, so duplicates and rows that are no architecture
never reach who evaluates, and what is known already is answered from here, uncounted.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.searchers.searcher import Known
from heliostat_methods.pnag.spaces.measures import accuracies, costs
from heliostat_methods.pnag.spaces.moves import distinct, row_keys, sample_distinct
from heliostat_methods.pnag.spaces.space import Archs, SearchSpace


class Memory:
    """Architectures asked for and their worth, in the order of asking.

    Between an `ask` and its `tell` the architectures asked for are pending.
    """

    def __init__(self, space: SearchSpace) -> None:
        self.space = space
        self._places: dict[bytes, int] = {}
        self._archs = np.empty((0, len(space.decisions)), np.int16)
        self._accuracy = np.empty(0)
        self._cost = np.empty(0)

    def __len__(self) -> int:
        return len(self._accuracy)

    @property
    def known(self) -> Known:
        """All that has been told."""
        return Known(self._archs[: len(self)], self._accuracy, self._cost)

    @property
    def asked(self) -> Archs:
        """All that was asked for, the pending ones last."""
        return self._archs

    @property
    def pending(self) -> int:
        """How many were asked for and not told."""
        return len(self._archs) - len(self)

    @property
    def points(self) -> NDArray[np.float64]:
        """What is minimised of each known one: log10 of the cost, and the error; (n, 2)."""
        return np.stack([np.log10(self._cost), 1 - self._accuracy], axis=1)

    def fresh(self, choices: NDArray[Any]) -> Archs:
        """Return the different architectures among rows, canonical, that were not asked for.

        In the order of their first occurrence; rows that are no architecture are left out.
        """
        archs = self.space.canonical(np.asarray(choices, np.int16))
        archs = archs[self.space.valid(archs)]
        return distinct(archs[[key not in self._places for key in row_keys(archs)]])

    def unseen(self, count: int, rng: np.random.Generator) -> Archs:
        """Return up to `count` random ones that were not asked for, down to a space's last."""
        return sample_distinct(self.space, count, rng, exclude=self._places)

    def places(self, choices: NDArray[Any]) -> NDArray[np.int64]:
        """Return where rows stand in `known`, -1 for one of which nothing is known; (n,)."""
        found = [self._places.get(key, -1) for key in row_keys(self.space.canonical(choices))]
        places = np.array(found, np.int64)
        return np.where(places < len(self), places, -1)

    def ask(self, archs: Archs) -> Archs:
        """Take note that these, which are `fresh`, are asked for, and return them."""
        if self.pending:
            raise ConfigError(
                "ask", "again", f"what the {self.pending} architectures asked for last are worth"
            )
        start = len(self._archs)
        self._places |= {key: start + place for place, key in enumerate(row_keys(archs))}
        self._archs = np.concatenate([self._archs, archs])
        return archs

    def tell(self, known: Known) -> None:
        """Take in what those asked for last are worth.

        Raises DataError for an answer to something else, and numbers that cannot be.
        """
        check_answer(known, self._archs[len(self) :])
        self._accuracy = np.concatenate([self._accuracy, np.asarray(known.accuracy, np.float64)])
        self._cost = np.concatenate([self._cost, np.asarray(known.cost, np.float64)])


def check_answer(known: Known, asked: Archs) -> None:
    """Raise DataError unless `known` tells accuracy and cost of the architectures asked for."""
    for name, values in (("accuracy", known.accuracy), ("cost", known.cost)):
        if np.shape(values) != (len(asked),):
            raise DataError(
                f"{name}: one value for each of the {len(asked)} architectures asked for last "
                f"needed, got shape {np.shape(values)}"
            )
    if not np.array_equal(known.archs, asked):
        raise DataError("archs: told of other architectures than those asked for last")
    accuracies(known.accuracy)
    costs(known.cost)
