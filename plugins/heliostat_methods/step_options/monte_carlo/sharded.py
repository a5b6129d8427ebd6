"""An estimate cut into shards that can be drawn anywhere and give the same bits everywhere.

`shards`, `run_shard`, `merge` and `finished` are all that a loop over them needs, in one process or
in many:

    total = None
    for shard in estimator.shards():
        moments = estimator.run_shard(shard)
        total = moments if total is None else estimator.merge(total, moments)
        if estimator.finished(total):
            break
    price = estimator.estimates(total)["price"]

Shards are merged in their order, and `finished` says yes only after numbers of shards that are
fixed beforehand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from heliostat import stored
from heliostat_methods.step_options.contracts.validation import InvalidInput, Vector, number
from heliostat_search.montecarlo import Controls, Estimate, Moments, Rounds, fold

PILOT = 1 << 13
"""Paths that fit the control variates and are not used again."""


class Sampler(Protocol):
    """What is sharded: columns of samples that depend on their numbers alone."""

    @property
    def group(self) -> int:
        """Consecutive numbers that make one sample."""
        ...

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the leading columns."""
        ...

    @property
    def control_means(self) -> tuple[float, ...]:
        """Exact means of the columns after them."""
        ...

    def sample(self, first: int, count: int) -> Vector:
        """Return (columns, count / group)."""
        ...


class Estimator(Protocol):
    """What an engine cuts into shards; `run_shard` may be called in any process."""

    def run_shard(self, shard: Any) -> Any:
        """Return the statistic of a shard."""
        ...


Workers = Callable[[Estimator, Iterable[Any]], Iterator[Any]]
"""Evaluates shards of an estimator and yields their statistics in the order of the shards."""
Progress = Callable[[int, int, int, float, float], None]
"""Shards done, shards expected, paths, value and standard error so far."""


def in_process(estimator: Estimator, shards: Iterable[Any]) -> Iterator[Any]:
    """Evaluate shards here, one after the other."""
    return map(estimator.run_shard, shards)


def silent(done: int, expected: int, paths: int, value: float, error: float) -> None:
    """Show no progress."""


@stored("step_options.shard")
@dataclass(frozen=True)
class Shard:
    """Paths first .. first + count - 1."""

    first: int
    count: int


@stored("step_options.sharded_estimator")
@dataclass(frozen=True)
class ShardedEstimator:
    """Samples in shards of `chunk` numbers from `offset` on, at most `most` of them.

    controls: one set for each target, fitted on a pilot. With `target_se` it is finished after 4,
    8, 16, ... shards once the first target's standard error is small enough.
    """

    sampler: Sampler
    controls: tuple[Controls, ...]
    offset: int
    chunk: int
    most: int
    target_se: float | None = None

    @classmethod
    def build(
        cls, sampler: Sampler, n_paths: int, chunk: int, target_se: float | None = None
    ) -> ShardedEstimator:
        """Return the estimator of at most about n_paths paths, its controls fitted."""
        if not isinstance(n_paths, int) or isinstance(n_paths, bool) or n_paths <= 0:
            raise InvalidInput("n_paths", n_paths, "an integer > 0")
        if target_se is not None:
            number("target_se", target_se, above=0)
        group, k = sampler.group, len(sampler.targets)
        means = sampler.control_means
        pilot = max(PILOT // group, 64) * group if means else 0
        controls: tuple[Controls, ...] = (Controls.none(),) * k
        if means:
            moments = Moments.of(sampler.sample(0, pilot))
            columns = range(k, k + len(means))
            controls = tuple(Controls.fit(moments.select((i, *columns)), means) for i in range(k))
        # two samples at least, unless single ones are what is sharded
        chunk = max(math.ceil(min(chunk, n_paths) / group), min(chunk, 2)) * group
        return cls(sampler, controls, pilot, chunk, max(1, math.ceil(n_paths / chunk)), target_se)

    def shards(self) -> Iterator[Shard]:
        """Yield all shards, in the order in which they are merged."""
        return (Shard(self.offset + i * self.chunk, self.chunk) for i in range(self.most))

    def run_shard(self, shard: Shard) -> Moments:
        """Return the moments of a shard's samples."""
        return Moments.of(self.sampler.sample(shard.first, shard.count))

    def merge(self, total: Moments, moments: Moments) -> Moments:
        """Return the moments of both; the order matters in the last bits."""
        return total.merge(moments)

    def done(self, total: Moments) -> int:
        """Return how many shards were merged."""
        return total.n * self.sampler.group // self.chunk

    def finished(self, total: Moments) -> bool:
        """Whether no further shard is wanted."""
        done = self.done(total)
        return done >= self.most or (
            self.target_se is not None and Rounds(most=self.most).ends(done)
            and self._first(total).error <= self.target_se
        )  # fmt: skip

    def estimates(self, total: Moments) -> dict[str, Estimate]:
        """Return the controlled estimate of every target."""
        k = len(self.sampler.targets)
        columns = range(k, len(total.mean))
        return {
            name: controls.estimate(total.select((i, *columns)))
            for i, (name, controls) in enumerate(
                zip(self.sampler.targets, self.controls, strict=True)
            )
        }

    def run(self, workers: Workers = in_process, progress: Progress = silent) -> Moments:
        """Return the merged moments of all shards that are wanted."""

        def each(total: Moments) -> None:
            done, estimate = self.done(total), self._first(total)
            expected = self.most
            if self.target_se is not None:  # the error falls as 1 / sqrt
                needed = math.ceil(done * (estimate.error / self.target_se) ** 2)
                expected = min(self.most, max(done, needed))
            progress(done, expected, done * self.chunk, estimate.value, estimate.error)

        return fold(workers(self, self.shards()), self.finished, each)

    def _first(self, total: Moments) -> Estimate:
        k = len(self.sampler.targets)
        return self.controls[0].estimate(total.select((0, *range(k, len(total.mean)))))
