"""Search by Gaussian processes: ask for what should move the front, or for the predicted front.

Rounds: fit, look over all of a small space or draws and moves in a huge one, ask for a batch. By
`improvement` the batch grows greedily by expected hypervolume improvement, what is chosen taken for
true at its mean; by `front` it is what would be nondominated if every mean were true.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import ConfigError
from heliostat_methods.pnag.searchers.acquisition import expected_improvement, layers, staircase
from heliostat_methods.pnag.searchers.asking import Asking
from heliostat_methods.pnag.searchers.candidates import drawn, listed, parents
from heliostat_methods.pnag.searchers.memory import Memory
from heliostat_methods.pnag.searchers.searcher import Cost, Searcher, Streams
from heliostat_methods.pnag.searchers.surrogate import Prediction, Surrogate
from heliostat_methods.pnag.spaces.moves import row_keys
from heliostat_methods.pnag.spaces.space import Archs, SearchSpace

Acquisition = Literal["improvement", "front"]
SHORTLIST = 2000
"""Candidates among which a batch is chosen, the most promising ones."""
MARGIN = 0.1
"""By how much the reference lies beyond the front's ends, as a part of its range."""


@dataclass(frozen=True)
class SurrogateFront:
    """Settings: `first` random ones, `batch` a round, `drawn` candidates in a huge space."""

    first: int = 40
    batch: int = 10
    drawn: int = 4000
    acquisition: Acquisition = "improvement"

    def __post_init__(self) -> None:
        for name in ("first", "batch", "drawn"):
            if getattr(self, name) < 2:
                raise ConfigError(name, getattr(self, name), "an integer of at least 2")
        if self.acquisition not in ("improvement", "front"):
            raise ConfigError("acquisition", self.acquisition, "improvement or front")

    def start(
        self, space: SearchSpace, evaluations: int, streams: Streams, cost: Cost | None = None
    ) -> Searcher:
        """Return a searcher; of few evaluations at most a third are the first, random ones."""
        first = max(2, min(self.first, evaluations // 3))
        return Asking(space, _Rounds(self, space, first, streams, cost), streams("fill"))


class _Rounds:
    def __init__(
        self,
        recipe: SurrogateFront,
        space: SearchSpace,
        first: int,
        streams: Streams,
        cost: Cost | None,
    ) -> None:
        self._recipe, self._space, self._first = recipe, space, first
        self._sample, self._move = streams("sample"), streams("move")
        self._proposals = FrontProposals(space, recipe.acquisition, recipe.drawn, cost)

    def propose(self, count: int, memory: Memory) -> Archs:
        if len(memory) < self._first:
            return memory.unseen(min(count, self._first - len(memory)), self._sample)
        return self._proposals(memory, min(count, self._recipe.batch), self._move)


class FrontProposals:
    """A surrogate that is kept over rounds, and the batches that it proposes."""

    def __init__(
        self, space: SearchSpace, acquisition: Acquisition, drawn: int, cost: Cost | None
    ) -> None:
        self._surrogate = Surrogate(space, cost)
        self._all = listed(space)
        self._there = None if self._all is None else StillThere(self._all)
        self._acquisition = acquisition
        self._drawn = drawn

    def __call__(self, memory: Memory, count: int, rng: np.random.Generator) -> Archs:
        """Return up to `count` architectures that were not asked for."""
        if self._all is None or self._there is None:
            on_front = memory.known.archs[parents(memory.points)]
            candidates = drawn(memory, on_front, self._drawn, rng)
            there = np.arange(len(candidates))
        else:
            candidates, there = self._all, self._there(memory)
        if len(there) == 0:
            return candidates[:0]
        cost, error, points = self._surrogate.predict(memory, candidates)
        choose = chosen if self._acquisition == "improvement" else predicted_front
        return candidates[choose(cost, error, points, there, count)]


class StillThere:
    """Which of a list of architectures were not asked for."""

    def __init__(self, archs: Archs) -> None:
        self._places = {key: place for place, key in enumerate(row_keys(archs))}
        self._there = np.ones(len(archs), np.bool_)
        self._asked = 0

    def __call__(self, memory: Memory) -> NDArray[np.int64]:
        """Return their places, in order."""
        new = row_keys(memory.asked[self._asked :])
        self._asked += len(new)
        self._there[[self._places[key] for key in new if key in self._places]] = False
        return np.flatnonzero(self._there)


def chosen(
    cost: Prediction,
    error: Prediction,
    points: NDArray[np.float64],
    places: NDArray[np.int64],
    count: int,
) -> NDArray[np.int64]:
    """Return up to `count` of `places`, greedily by expected hypervolume improvement.

    After each choice the front holds its mean, and what is like it is less uncertain (a "believer":
    Ginsbourger, Le Riche, Carraro 2010).
    """
    reference = _reference(cost, error, points, places)
    normals = [(one.mean[places], one.deviation[places]) for one in (cost, error)]
    score = expected_improvement(normals[0], normals[1], staircase(points), reference)
    short = places[np.argsort(-score, kind="stable")[:SHORTLIST]]
    axes = [_Narrowing(cost, short), _Narrowing(error, short)]
    picked: list[int] = []
    for _ in range(min(count, len(short))):
        front = staircase(points)
        score = expected_improvement(axes[0].normal, axes[1].normal, front, reference)
        score[picked] = -np.inf
        best = int(np.argmax(score))
        picked.append(best)
        points = np.concatenate([points, [[axis.mean[best] for axis in axes]]])
        for axis in axes:
            axis.observe(best)
    return short[picked]


def _reference(
    cost: Prediction, error: Prediction, points: NDArray[np.float64], places: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the reference, beyond the ends of the front of what is known and what is predicted.

    The known front alone would hide what is cheaper than all of it and errs a little more.
    """
    means = np.stack([cost.mean[places], error.mean[places]], axis=1)
    front = staircase(np.concatenate([points, means]))
    low, high = front.min(axis=0), front.max(axis=0)
    beyond: NDArray[np.float64] = high + np.maximum(MARGIN * (high - low), MARGIN**2)
    return beyond


class _Narrowing:
    """Mean and deviation at a shortlist, as candidates of it are taken for observed."""

    def __init__(self, prediction: Prediction, short: NDArray[np.int64]) -> None:
        self._covariance = prediction.among(short)
        self._noise = prediction.noise
        self.mean = prediction.mean[short]
        self._variance = prediction.deviation[short] ** 2
        self._seen: list[tuple[NDArray[np.float64], float]] = []

    @property
    def normal(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return self.mean, np.sqrt(self._variance)

    def observe(self, place: int) -> None:
        if self._covariance is None:
            return
        shared = self._covariance(place)
        for other, total in self._seen:
            shared = shared - other * (other[place] / total)
        total = max(float(self._variance[place]), 1e-9) + self._noise
        self._seen.append((shared, total))
        self._variance = np.maximum(self._variance - shared * shared / total, 1e-9)


def predicted_front(
    cost: Prediction,
    error: Prediction,
    points: NDArray[np.float64],
    places: NDArray[np.int64],
    count: int,
) -> NDArray[np.int64]:
    """Return `count` of `places`, evenly from the predicted fronts, the outer ones first."""
    means = np.stack([cost.mean[places], error.mean[places]], axis=1)
    picked = np.empty(0, np.int64)
    for layer in layers(means):
        wanted = min(count - len(picked), len(layer))
        evenly = np.unique(np.linspace(0, len(layer) - 1, wanted).round().astype(np.int64))
        picked = np.concatenate([picked, layer[evenly]])
        if len(picked) >= count:
            break
    return places[picked]
