"""Which characters a designer draws, so that they can be paired: the few shots of StrokeGAN+.

Characters of one code are confusable, so `collision` gives every such class an anchor. The paper's
fraction could not be read; 0.2 is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.strokegan.strokes.code_classes import as_codes, code_classes

Strategy = Literal["collision", "random", "stroke_cover"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
FRACTION = 0.2
"""Of the training characters, where neither a fraction nor a number is given."""


@dataclass(frozen=True)
class PairSelector:
    """Chooses a number of characters by their codes.

    `strategy`: ``collision`` takes one character of every shared code, the largest classes first,
    then a second of each, and so on, and characters alone in their code at the end; ``random``;
    ``stroke_cover`` takes greedily what has most strokes not covered yet, then what has the stroke
    covered least. `fraction`: of the characters, 0..1, rounded half up; or `n_pairs`, their number.

    Raises ``ValueError`` for an unknown strategy, a fraction outside 0..1, a negative number, and
    for both together.
    """

    strategy: Strategy = "collision"
    fraction: float | None = None
    n_pairs: int | None = None

    def __post_init__(self) -> None:
        if self.strategy not in STRATEGIES:
            allowed = ", ".join(STRATEGIES)
            raise ValueError(f"strategy must be one of {allowed}, got {self.strategy!r}")
        if self.fraction is not None and self.n_pairs is not None:
            raise ValueError("give fraction or n_pairs, not both")
        if self.fraction is not None and not 0 <= self.fraction <= 1:
            raise ValueError(f"fraction must be from 0 to 1, got {self.fraction}")
        if self.n_pairs is not None and self.n_pairs < 0:
            raise ValueError(f"n_pairs must be 0 or more, got {self.n_pairs}")

    def select(self, codes: ArrayLike, random: np.random.Generator | int) -> NDArray[np.intp]:
        """Return rows (n,) of the training characters' codes (N, 32), in the order chosen.

        `random`: a generator or a seed; the same one gives the same rows, and a smaller number
        gives the first of them. Raises ``ValueError`` for more pairs than characters.
        """
        rows = as_codes(codes)
        number = self._number(len(rows))
        # All chance is in this order; what follows takes the first of equals.
        order = np.random.default_rng(random).permutation(len(rows))
        if self.strategy == "collision":
            ranks = _by_collision(rows[order])
        elif self.strategy == "stroke_cover":
            ranks = _by_cover(rows[order] > 0, number)
        else:
            ranks = np.arange(len(rows))
        return order[ranks[:number]].astype(np.intp)

    def _number(self, size: int) -> int:
        if self.n_pairs is None:
            fraction = FRACTION if self.fraction is None else self.fraction
            return int(fraction * size + 0.5)
        if self.n_pairs > size:
            raise ValueError(
                f"n_pairs must be at most the number of training characters, {size}, "
                f"got {self.n_pairs}"
            )
        return self.n_pairs


def _by_collision(rows: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Return rows in the order of collision: by round, in a round by size of class."""
    classes = code_classes(rows)
    size = classes.sizes[classes.of]
    by_class = np.argsort(classes.of, kind="stable")
    starts = np.cumsum(classes.sizes) - classes.sizes
    turn = np.empty(len(rows), np.intp)  # how many of its class come before each
    turn[by_class] = np.arange(len(rows)) - np.repeat(starts, classes.sizes)
    return np.lexsort((np.arange(len(rows)), -size, turn, size == 1))


def _by_cover(has: NDArray[np.bool_], number: int) -> NDArray[np.intp]:
    """Return the first rows of a greedy cover of strokes, later of the least covered ones."""
    left = np.ones(len(has), bool)
    covered = np.zeros(has.shape[1], np.int64)
    chosen = []
    for _ in range(number):
        new = (has & (covered == 0)).sum(axis=1)
        if not new[left].any():
            there = has[left].any(axis=0)
            rarest = np.argmin(np.where(there, covered, np.iinfo(np.int64).max))
            # among those with the rarest stroke, the one whose other strokes are rare as well
            new = has[:, rarest] * (has @ (1 / (1 + covered)))
        best = int(np.argmax(np.where(left, new, -1)))
        chosen.append(best)
        left[best] = False
        covered += has[best]
    return np.array(chosen, np.intp)
