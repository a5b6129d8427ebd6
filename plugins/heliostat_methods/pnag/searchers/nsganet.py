"""NSGANetV2-like: NSGA-II on a model of what is known (Lu et al. 2020, arXiv 2007.10396).

First random architectures; then rounds: of Gaussian process, radial basis functions, a perceptron
and a regression tree the one that ranks held-out accuracies best is taken, NSGA-II runs on it from
the front, and a few of what survives are evaluated, spread over the costs. A reconstruction: the
numbers are the specification's.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator
from scipy.stats import kendalltau

from heliostat.errors import ConfigError
from heliostat_methods.pnag.generator.budget_embedding import one_of
from heliostat_methods.pnag.searchers.acquisition import layers
from heliostat_methods.pnag.searchers.asking import Asking
from heliostat_methods.pnag.searchers.candidates import parents
from heliostat_methods.pnag.searchers.memory import Memory
from heliostat_methods.pnag.searchers.nsga2 import NSGA2, NSGA2Breeder
from heliostat_methods.pnag.searchers.searcher import Cost, Known, Searcher, Streams
from heliostat_methods.pnag.spaces.space import Archs, SearchSpace

Matrix = NDArray[np.float64]
Model = Callable[[Matrix], Matrix]
Fit = Callable[[Matrix, Matrix, int], Model]
MODELS = ("gp", "rbf", "mlp", "cart")
HELD_OUT = 0.2


@dataclass(frozen=True)
class NSGANet:
    """Settings: first random ones, evaluations a round, and NSGA-II on the surrogate."""

    first: int = 100
    batch: int = 8
    population: int = 40
    generations: int = 20
    models: tuple[str, ...] = MODELS

    def __post_init__(self) -> None:
        for name, least in (("first", 10), ("batch", 1), ("population", 4), ("generations", 1)):
            if getattr(self, name) < least:
                raise ConfigError(name, getattr(self, name), f"an integer, at least {least}")
        if not self.models:
            raise ConfigError("models", (), "one of gp, rbf, mlp, cart at least")
        for model in self.models:
            one_of("models", model, MODELS)

    def start(
        self, space: SearchSpace, evaluations: int, streams: Streams, cost: Cost | None = None
    ) -> Searcher:
        """Return the search; at most half of the evaluations are the first, random ones."""
        first = max(2, min(self.first, evaluations // 2))
        return Asking(space, _Rounds(self, space, first, streams, cost), streams("fill"))


class _Rounds:
    def __init__(
        self, recipe: NSGANet, space: SearchSpace, first: int, streams: Streams, cost: Cost | None
    ) -> None:
        self._recipe, self._space, self._first, self._cost = recipe, space, first, cost
        self._sample, self._streams = streams("sample"), streams
        self._rounds = 0

    def propose(self, count: int, memory: Memory) -> Archs:
        if len(memory) < self._first:
            return memory.unseen(min(count, self._first - len(memory)), self._sample)
        rng = self._streams("round", self._rounds)
        self._rounds += 1
        worth = self._surrogate(memory, rng)
        found = memory.fresh(self._evolved(memory, worth, rng))
        known = worth(found)
        points = np.stack([np.log10(known.cost), 1 - known.accuracy], axis=1)
        return found[spread(points, min(count, self._recipe.batch))]

    def _evolved(
        self, memory: Memory, worth: Callable[[Archs], Known], rng: np.random.Generator
    ) -> Archs:
        recipe = NSGA2(self._recipe.population)
        initial = memory.known.archs[parents(memory.points)][: recipe.population]
        breeder = NSGA2Breeder(recipe, self._space, rng, initial)
        generation = breeder.first()
        met = [generation]
        for _ in range(self._recipe.generations):
            generation = breeder.breed(worth(generation))
            met.append(generation)
        return np.concatenate(met)

    def _surrogate(self, memory: Memory, rng: np.random.Generator) -> Callable[[Archs], Known]:
        inputs = self._space.encode(memory.known.archs).astype(np.float64)
        seed = int(rng.integers(0, 2**32))
        accuracy = ranked_best(inputs, memory.known.accuracy, self._recipe.models, seed)
        log_cost = ranked_best(inputs, np.log10(memory.known.cost), self._recipe.models, seed)

        def worth(archs: Archs) -> Known:
            seen = self._space.encode(archs).astype(np.float64)
            cost = 10 ** log_cost(seen) if self._cost is None else self._cost(archs)
            return Known(archs, accuracy(seen), cost)

        return worth


def ranked_best(inputs: Matrix, values: Matrix, models: tuple[str, ...], seed: int) -> Model:
    """Return the model that ranks a held-out fifth best, fitted to all; the first of equal ones."""
    order = np.random.default_rng(seed).permutation(len(values))
    held = max(1, round(HELD_OUT * len(values)))
    out, kept = order[:held], order[held:]
    ranks = [_rank(FITS[name](inputs[kept], values[kept], seed)(inputs[out]), values[out])
             for name in models]  # fmt: skip
    return FITS[models[int(np.argmax(ranks))]](inputs, values, seed)


def _rank(predicted: Matrix, values: Matrix) -> float:
    tau = float(kendalltau(predicted, values).statistic)
    return tau if np.isfinite(tau) else -1.0  # no pair, or all alike


def spread(points: Matrix, count: int) -> NDArray[np.int64]:
    """Return the places of up to `count` points (n, 2), front by front, even along each."""
    picked = np.empty(0, np.int64)
    for layer in layers(points):
        wanted = min(count - len(picked), len(layer))
        evenly = np.unique(np.linspace(0, len(layer) - 1, wanted).round().astype(np.int64))
        picked = np.concatenate([picked, layer[evenly]])
        if len(picked) >= count:
            break
    return picked


def _gaussian_process(inputs: Matrix, values: Matrix, seed: int) -> Model:
    """Return kriging with a squared exponential kernel of one width, the median distance."""
    squares = ((inputs[:, None] - inputs[None]) ** 2).sum(axis=2)
    width = max(float(np.median(squares)), 1e-12)
    middle = float(values.mean())
    kernel = np.exp(-squares / width) + 1e-2 * np.eye(len(inputs))
    weights = np.linalg.solve(kernel, values - middle)

    def model(seen: Matrix) -> Matrix:
        lengths = (seen**2).sum(axis=1)[:, None] + (inputs**2).sum(axis=1)[None]
        apart = np.maximum(lengths - 2 * seen @ inputs.T, 0)
        found: Matrix = middle + np.exp(-apart / width) @ weights
        return found

    return model


def _radial(inputs: Matrix, values: Matrix, seed: int) -> Model:
    # smoothed, since a polynomial of one-hot columns alone has no unique answer
    made = RBFInterpolator(inputs, values, kernel="linear", degree=0, smoothing=1e-3)
    return lambda seen: np.asarray(made(seen), np.float64)


def _perceptron(inputs: Matrix, values: Matrix, seed: int) -> Model:
    from sklearn.neural_network import MLPRegressor

    middle, scale = float(values.mean()), float(values.std()) or 1.0
    made = MLPRegressor(
        hidden_layer_sizes=(64,), solver="lbfgs", alpha=0.1, max_iter=100, random_state=seed
    )
    with warnings.catch_warnings():
        # so few steps are what stops it from learning by heart
        warnings.simplefilter("ignore")
        made.fit(inputs, (values - middle) / scale)
    return lambda seen: np.asarray(made.predict(seen), np.float64) * scale + middle


def _tree(inputs: Matrix, values: Matrix, seed: int) -> Model:
    from sklearn.tree import DecisionTreeRegressor

    made = DecisionTreeRegressor(min_samples_leaf=3, random_state=seed)
    made.fit(inputs, values)
    return lambda seen: np.asarray(made.predict(seen), np.float64)


FITS: dict[str, Fit] = {
    "gp": _gaussian_process, "rbf": _radial, "mlp": _perceptron, "cart": _tree,
}  # fmt: skip
