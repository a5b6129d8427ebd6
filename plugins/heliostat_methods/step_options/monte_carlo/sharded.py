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
from heliostat_methods.step_options.contracts.validation import (
    Vector,
    number,
    whole_number,
)
from heliostat_methods.step_options.paths.unseen import FEW_HITS, Worth, least_error
from heliostat_search.montecarlo import Controls, Estimate, Moments, Rounds, fold, held

PILOT = 1 << 13
"""Paths that fit the control variates and are not used again."""
MOST_PATHS, MOST_CHUNK = 1 << 40, 1 << 30
LEAST_CARRIERS = 64
"""A control whose mean fewer paths carry is not used."""


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

    @property
    def worth(self) -> tuple[Worth, ...]:
        """What paths are worth in each target, for a sample that few or none reach."""
        ...

    @property
    def unseen(self) -> float:
        """The chance that a path differs from the controls at all, or 1 where nothing bounds it."""
        ...

    @property
    def positive(self) -> bool:
        """Whether no column has negative samples."""
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

    controls: one set for each target, fitted on a pilot; `centres`: means of what they leave there.
    With `target_se` it is finished after 4, 8, 16, ... shards once the first target's standard
    error is small enough. Behind the sampler's columns a shard has one more for each target: what
    controls leave, about its centre, squared, which says how many samples carry the variance.
    """

    sampler: Sampler
    controls: tuple[Controls, ...]
    centres: tuple[float, ...]
    offset: int
    chunk: int
    most: int
    target_se: float | None = None

    @classmethod
    def build(
        cls, sampler: Sampler, n_paths: int, chunk: int, target_se: float | None = None
    ) -> ShardedEstimator:
        """Return the estimator of at most about n_paths paths, its controls fitted."""
        n_paths = whole_number("n_paths", n_paths, least=1, most=MOST_PATHS)
        chunk = whole_number("chunk", chunk, least=1, most=MOST_CHUNK)
        if target_se is not None:
            number("target_se", target_se, above=0)
        group, k = sampler.group, len(sampler.targets)
        means = sampler.control_means
        pilot = max(PILOT // group, 64) * group if means else 0
        controls: tuple[Controls, ...] = (Controls.none(),) * k
        centres = (0.0,) * k
        if means:
            moments = Moments.of(sampler.sample(0, pilot))
            columns = range(k, k + len(means))
            chosen = [moments.select((i, *columns)) for i in range(k)]
            controls = tuple(Controls.fit(m, means) for m in chosen)
            centres = tuple(c.estimate(m).value for c, m in zip(controls, chosen, strict=True))
        # two samples at least, unless single ones are what is sharded
        chunk = max(math.ceil(min(chunk, n_paths) / group), min(chunk, 2)) * group
        most = max(1, math.ceil(n_paths / chunk))
        return cls(sampler, controls, centres, pilot, chunk, most, target_se)

    def shards(self) -> Iterator[Shard]:
        """Yield all shards, in the order in which they are merged."""
        return (Shard(self.offset + i * self.chunk, self.chunk) for i in range(self.most))

    def run_shard(self, shard: Shard) -> Moments:
        """Return the moments of a shard's samples, and of what carries their variance."""
        columns = self.sampler.sample(shard.first, shard.count)
        k = len(self.controls)
        tails = []
        for i, (controls, centre) in enumerate(zip(self.controls, self.centres, strict=True)):
            rows = columns if k == 1 else columns[[i, *range(k, len(columns))]]
            left = controls.residual(rows)
            left -= centre
            left *= left
            tails.append(left)
        return Moments.of(columns).beside(Moments.of(tails))

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
        return {name: self._estimate(i, total) for i, name in enumerate(self.sampler.targets)}

    def dropped(self, total: Moments, target: int = 0) -> dict[int, str]:
        """Return the numbers of controls that the samples do not bear out, and why."""
        moments, controls = self._of(target, total), self.controls[target]
        found = {
            i: f"its mean is {off:.3g} standard errors off the exact one"
            for i, off in controls.missed(moments).items()
        }
        for i, coefficient in enumerate(controls.coefficients):
            carriers = moments.carriers(i + 1)
            if self.sampler.positive and coefficient != 0 and carriers < LEAST_CARRIERS:
                found.setdefault(i, f"{carriers:.3g} paths carry its mean")
        return found

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
        return self._estimate(0, total)

    def _of(self, target: int, total: Moments) -> Moments:
        k = len(self.controls)
        return total.select((target, *range(k, len(total.mean) - k)))

    def _estimate(self, target: int, total: Moments) -> Estimate:
        """Return the estimate of a target with an error that holds for few and for no hits."""
        moments, controls = self._of(target, total), self.controls[target]
        gone = self.dropped(total, target)
        found = controls.without(gone).estimate(moments)
        paths, worth = total.n * self.sampler.group, self.sampler.worth[target]
        carriers = total.carriers(len(total.mean) - len(self.controls) + target)
        hits = moments.carriers(0) if self.sampler.positive else carriers
        # a sample without its controls is carried by its hits
        error = held(found.error, max(carriers, hits) if gone else carriers)
        few = min(carriers, hits) if self.sampler.positive else FEW_HITS * carriers
        least = least_error(worth, self.sampler.unseen, paths, few)
        return Estimate(found.value, math.hypot(error, least), found.n)
