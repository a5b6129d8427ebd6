"""Batches of one group that depend on (seed, round, group) alone, however groups are shared out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.fams.gaussian.compilation import compiled
from heliostat_methods.fams.gaussian.philox import LAYERS, MOST, high, low, philox
from heliostat_methods.fams.groups.arguments import ArgumentError, ArrayError, column, labels

_PLACE = LAYERS - 1  # no network has as many layers


@dataclass(frozen=True, eq=False)
class Batch:
    """B rows of each of G groups in one round.

    `groups` (G,) their numbers, `rows` (G, B) the rows drawn, `inputs` (G, features + 1, B) float32
    with a last row of ones, `targets` (G, B) float32, 0 or 1, `weights` (G, B) float32 or None.
    """

    groups: NDArray[np.int64]
    rows: NDArray[np.int64]
    inputs: NDArray[np.float32]
    targets: NDArray[np.float32]
    weights: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        """Return the number of groups."""
        return len(self.groups)

    def at(self, part: slice) -> Batch:
        """Return a part of the groups."""
        weights = None if self.weights is None else self.weights[part]
        return Batch(
            self.groups[part], self.rows[part], self.inputs[part], self.targets[part], weights
        )


@compiled
def _draw(starts: Any, sizes: Any, groups: Any, seed: Any, round: Any, out: Any) -> None:
    """Fill out (G, B) with positions in `order`, group after group."""
    k0, k1 = low(seed), high(seed)
    batch = out.shape[1]
    for at in range(groups.shape[0]):
        group = groups[at]
        start, size = starts[group], sizes[group]
        for j in range(batch):
            word, _, _, _ = philox(low(j), low(_PLACE), low(group), low(round), k0, k1)
            if size < batch:
                out[at, j] = start + np.int64((word * np.uint64(size)) >> np.uint64(32))
                continue
            # Floyd's sample without replacement: what was drawn before stands for the newest
            top = size - batch + j
            pick = start + np.int64((word * np.uint64(top + 1)) >> np.uint64(32))
            for before in range(j):
                if out[at, before] == pick:
                    pick = start + top
                    break
            out[at, j] = pick


@compiled
def _gather(inputs: Any, rows: Any, out: Any) -> None:
    for at in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            source = inputs[rows[at, j]]
            for feature in range(source.shape[0]):
                out[at, feature, j] = source[feature]
            out[at, source.shape[0], j] = 1.0


class SubgroupBatcher:
    """Draws B rows of a group: with replacement if the group has fewer, else without.

    `X` (rows, features), `y` (rows,) of 0 and 1, `codes` (rows,) group numbers from 0,
    `weights` (rows,) or None. Raises ArgumentError and ArrayError naming what cannot be used.
    """

    def __init__(
        self,
        X: ArrayLike,
        y: ArrayLike,
        codes: ArrayLike,
        batch: int = 50,
        seed: int = 0,
        weights: ArrayLike | None = None,
    ) -> None:
        if not 1 <= batch < MOST:
            raise ArgumentError("batch", batch, f"a whole number from 1 to {MOST - 1:,}")
        if not 0 <= seed < 1 << 64:
            raise ArgumentError("seed", seed, "a whole number of at most 64 bits")
        self.inputs = np.ascontiguousarray(X, np.float32)
        if self.inputs.ndim != 2:
            raise ArrayError(f"X has shape {self.inputs.shape}, expected (rows, features)")
        bad = np.flatnonzero(~np.isfinite(self.inputs).all(1))
        if len(bad):
            raise ArrayError(f"X, row {bad[0]} holds a number that is not finite as float32")
        rows = len(self.inputs)
        self.targets = labels("y", y, rows).astype(np.float32)
        self.batch, self.seed = batch, seed
        numbers = column("codes", codes, rows).astype(np.int64)
        wrong = np.flatnonzero((numbers < 0) | (numbers >= MOST))
        if len(wrong):
            raise ArrayError(f"codes, row {wrong[0]} is {numbers[wrong[0]]}, expected 0 or more")
        self.weights = None if weights is None else column("weights", weights, rows)
        self.sizes = np.bincount(numbers)
        self._order = np.argsort(numbers, kind="stable")
        self._starts = np.concatenate(([0], np.cumsum(self.sizes)[:-1]))

    @property
    def present(self) -> NDArray[np.int64]:
        """Numbers of the groups that have rows, in increasing order."""
        return np.flatnonzero(self.sizes)

    def drawn(self, round: int, groups: ArrayLike) -> NDArray[np.int64]:
        """Return the rows (G, batch) of some groups in a round."""
        wanted = np.asarray(groups, np.int64).reshape(-1)
        known = (wanted >= 0) & (wanted < len(self.sizes))
        known[known] = self.sizes[wanted[known]] > 0
        if not known.all():
            raise ArgumentError("groups", int(wanted[~known][0]), "the number of a group with rows")
        out = np.empty((len(wanted), self.batch), np.int64)
        _draw(self._starts, self.sizes, wanted, np.uint64(self.seed), round, out)
        return self._order[out]

    def __call__(self, round: int, groups: ArrayLike) -> Batch:
        """Return the batch of some groups in a round."""
        rows = self.drawn(round, groups)
        features = self.inputs.shape[1]
        inputs = np.empty((len(rows), features + 1, self.batch), np.float32)
        _gather(self.inputs, rows, inputs)
        weights = None if self.weights is None else self.weights[rows].astype(np.float32)
        numbers = np.asarray(groups, np.int64).reshape(-1)
        return Batch(numbers, rows, inputs, self.targets[rows], weights)
